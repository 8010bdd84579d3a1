/** Numbers, intervals and dates as the reader's language writes them. */
import { language } from "./i18n.svelte";

export const NARROW = " ";
const MINUS = "−";

/** A number with fixed decimals; negative `digits` round to tens, hundreds (as answers do). */
export function number(value: number, digits = 0): string {
  const factor = 10 ** Math.max(0, -digits);
  const rounded = Math.round(value / factor) * factor;
  const text = new Intl.NumberFormat(language(), {
    minimumFractionDigits: Math.max(0, digits),
    maximumFractionDigits: Math.max(0, digits),
  }).format(digits < 0 ? rounded : value);
  return text.replace("-", MINUS);
}

/** As `number`, with its sign always shown: a change. */
export function signed(value: number, digits = 0): string {
  const text = number(value, digits);
  return value > 0 ? `+${text}` : text;
}

export const withUnit = (text: string, unit: string): string => (unit && unit !== "1" ? `${text} ${unit}` : text);

/** "12 to 18", in any language: an en dash between numbers, spaces where a minus sign stands. */
export function interval(low: number, high: number, digits = 0): string {
  const [first, second] = [number(low, digits), number(high, digits)];
  return first.startsWith(MINUS) || second.startsWith(MINUS) ? `${first} … ${second}` : `${first}–${second}`;
}

/** English dates as Europe writes them. */
const dated = () => (language() === "en" ? "en-GB" : language());

export function date(iso: string): string {
  return new Intl.DateTimeFormat(dated(), { dateStyle: "medium" }).format(new Date(iso));
}

export function dateTime(iso: string): string {
  return new Intl.DateTimeFormat(dated(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** "3 minutes ago". */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return words.format(Math.round(seconds / length), unit);
  }
  return words.format(0, "minute");
}

/** A distance in metres as people say it. */
export function distance(metres: number): string {
  return metres >= 950 ? `${number(metres / 1000, 1)} km` : `${number(Math.round(metres / 10) * 10)} m`;
}
