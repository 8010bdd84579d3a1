/** How a claim's figures are written: the same rules as the reports (src/synapolis/report/numbers.py). */
import { number, signed } from "$lib/format";
import { language, t } from "$lib/i18n.svelte";
import type { AnswerClaim } from "./types";

const SHARE_WORDS = new Set(["share", "fraction", "burden"]);
const UNITS: Record<string, string> = { "1": "", "1/h": "per hour", "h/h": "vehicle-hours per hour", "km/h": "vehicle-km per hour" };
const MILLION = 1_000_000;
const DASH = "–";

export interface Scale {
  factor: number;
  unit: string;
  changeUnit: string;
  digits: number;
}

/** Shares are shown in per cent, much money in millions, all else in its unit. */
export function scaleOf(quantity: string, unit: string, digits: number, largest = 0): Scale {
  const points = t("answer.points");
  if (unit === "1" && SHARE_WORDS.has(quantity.split("_").at(-1) ?? "")) {
    return { factor: 100, unit: "%", changeUnit: points, digits: Math.max(digits - 2, 0) };
  }
  const label = UNITS[unit] ?? unit;
  if (label === "%") return { factor: 1, unit: "%", changeUnit: points, digits };
  if ((unit === "money" || /^[A-Z]{3}$/.test(unit)) && Math.abs(largest) >= MILLION) {
    const millions = t("answer.million", { unit: label });
    return { factor: 1 / MILLION, unit: millions, changeUnit: millions, digits: Math.min(digits + 6, 1) };
  }
  return { factor: 1, unit: label, changeUnit: label, digits };
}

export const plain = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined || !Number.isFinite(value) ? DASH : value === 0 ? "0" : number(value, digits);

export const change = (value: number | null | undefined, digits = 0): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const rounded = round(value, digits);
  return rounded === 0 ? "0" : signed(rounded, digits);
};

export const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** A number with a few significant figures, and no more decimals than it needs. */
export function significant(value: number, places = 3): string {
  if (!Number.isFinite(value)) return DASH;
  if (value === 0) return "0";
  const digits = Math.min(Math.max(places - 1 - Math.floor(Math.log10(Math.abs(value))), 0), 8);
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value).replace("-", "−");
}

export const percent = (share: number | null | undefined): string => {
  if (share === null || share === undefined || !Number.isFinite(share)) return DASH;
  return share > 0 && share < 0.01 ? t("answer.under_one_percent") : `${number(100 * share)} %`;
};

export const words = (name: string): string => name.replaceAll("_", " ");

export const sentence = (text: string): string =>
  text && text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".");

export interface ClaimText {
  scale: Scale;
  before: string;
  after: string;
  change: string;
  interval: string;
  relative: string;
  unit: string;
  changeUnit: string;
  /** The change stands out and is not nothing. */
  seen: boolean;
  still: boolean;
  tone: "gain" | "loss" | "neutral";
}

/** A claim in words; an interval that does not tell the change from nothing says so. */
export function claimText(claim: AnswerClaim): ClaimText {
  const all = [claim.before, claim.after, claim.change].filter((v): v is number => v !== null);
  const scale = scaleOf(claim.quantity, claim.unit, claim.digits, Math.max(0, ...all.map(Math.abs)));
  const times = (value: number | null) => (value === null ? null : value * scale.factor);
  const [before, delta, low, high] = [times(claim.before), times(claim.change), times(claim.low), times(claim.high)];
  const detectable = claim.detectable !== false;
  const still = delta !== null && [delta, low ?? 0, high ?? 0].every((value) => round(value, scale.digits) === 0);
  const seen = detectable && !still && delta !== null;
  const interval =
    still || low === null || high === null ? "" : t("answer.span", { low: change(low, scale.digits), high: change(high, scale.digits) });
  return {
    scale,
    before: plain(before, scale.digits),
    after: plain(times(claim.after), scale.digits),
    change: still ? t("answer.unchanged") : detectable ? change(delta, scale.digits) : t("answer.no_difference"),
    interval,
    relative: seen && !["%", "°C", "dB"].includes(scale.unit) ? relative(before, delta) : "",
    unit: scale.unit,
    changeUnit: scale.changeUnit,
    seen,
    still,
    tone: !seen ? "neutral" : toneOf(round(delta ?? 0, scale.digits), claim.better ?? ""),
  };
}

export function toneOf(delta: number, better: "more" | "less" | ""): "gain" | "loss" | "neutral" {
  if (!better || delta === 0) return "neutral";
  return delta > 0 === (better === "more") ? "gain" : "loss";
}

function relative(before: number | null, delta: number | null): string {
  if (!before || delta === null) return "";
  const share = (100 * delta) / Math.abs(before);
  if (Math.abs(share) >= 1000 || round(share, 1) === 0) return "";
  return `${signed(round(share, Math.abs(share) < 10 ? 1 : 0), Math.abs(share) < 10 ? 1 : 0)} %`;
}

/** Round tick values that cover [left, right]. */
export function ticks(left: number, right: number, most = 4): number[] {
  if (!(right > left)) return [left];
  const rough = (right - left) / most;
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * base >= rough * 0.999) ?? 10) * base;
  const found: number[] = [];
  for (let k = Math.ceil(left / step - 1e-9); k * step <= right + step * 1e-9; k++) found.push(k * step);
  return found;
}

/** A mark of an axis: nothing is plain 0. */
export const mark = (value: number, digits: number): string => (round(value, digits) === 0 ? "0" : number(value, digits));

export const tickDigits = (left: number, right: number): number =>
  Math.min(Math.max(-Math.floor(Math.log10((right - left) / 4 || 1)), 0), 6);
