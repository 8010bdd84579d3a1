/** Positions of charts in per cent of their width: drawn as SVG, read aloud as text. */
import { claimText, round } from "./numbers";
import type { AnswerClaim } from "./types";

export interface Band {
  zero: number | null;
  low: number | null;
  high: number | null;
  at: number | null;
}

const clamp = (value: number): number => Math.min(Math.max(value, 0), 100);

/** One claim on an axis of its own: its interval, its middle and where "no change" lies. */
export function bandOf(claim: AnswerClaim): Band | null {
  const ends = [claim.change, claim.low, claim.high].filter((value): value is number => value !== null && Number.isFinite(value));
  if (!ends.length) return null;
  const left = Math.min(0, ...ends);
  const right = Math.max(0, ...ends);
  if (right === left) return null;
  const at = (value: number | null) => (value === null ? null : 4 + (92 * (value - left)) / (right - left));
  return { zero: at(0), low: at(claim.low), high: at(claim.high), at: at(claim.change) };
}

export interface Share {
  claim: AnswerClaim;
  text: ReturnType<typeof claimText>;
  change: number;
  low: number | null;
  high: number | null;
}

/** Changes in per cent of today, of the claims that have a today and that moved. */
export function sharesOf(claims: AnswerClaim[]): Share[] {
  return claims.flatMap((claim) => {
    const text = claimText(claim);
    if (!claim.before || claim.change === null || ["°C", "dB"].includes(claim.unit)) return [];
    const of = (value: number | null) => (value === null ? null : (100 * value) / Math.abs(claim.before as number));
    return [{ claim, text, change: of(claim.change) as number, low: of(claim.low), high: of(claim.high) }];
  });
}

/** Limits of the common axis: all of it, unless one claim would squeeze all the others flat. */
export function reachOf(shares: Share[]): [number, number] {
  const ends = shares.map((one) => Math.max(...[one.change, one.low ?? 0, one.high ?? 0].map(Math.abs))).sort((a, b) => a - b);
  const top = ends.at(-1) ?? 1;
  const middle = ends[Math.floor(ends.length / 2)] ?? top;
  const limit = ends.length > 2 && top > 12 * middle ? 4 * Math.max(middle, ends.at(-2) ?? 0) : top;
  const values = shares.flatMap((one) => [one.change, one.low ?? 0, one.high ?? 0]).map((v) => Math.min(Math.max(v, -limit), limit));
  const [left, right] = [Math.min(0, ...values), Math.max(0, ...values)];
  const margin = 0.05 * (right - left || 1);
  return [left - margin, right + margin];
}

export const along = (value: number, [left, right]: [number, number]): number => clamp((100 * (value - left)) / (right - left));

/** Decimals that give the largest of some changes two figures. */
export function digitsFor(values: number[]): number {
  const top = Math.max(0, ...values.map(Math.abs));
  return top === 0 ? 0 : Math.min(Math.max(1 - Math.floor(Math.log10(top)), -6), 6);
}

export const isStill = (value: number, digits: number): boolean => round(value, digits) === 0;
