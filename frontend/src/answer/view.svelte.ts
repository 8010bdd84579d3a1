/** What the reader looks at in an answer: kept behind `#` of the address, so that a link reopens the very state. */
import { place, setHash } from "$lib/router.svelte";
import type { Camera } from "$map/types";
import type { Mode } from "./types";

export const MODES: readonly Mode[] = ["side", "swipe", "change", "before", "after"];

export interface View {
  /** Number of the map. */
  layer: number | null;
  mode: Mode;
  /** Step of the time bar; null where the deepest of all is shown. */
  time: number | null;
  /** Where the swipe stands, 0 to 100. */
  split: number;
  /** 0 to 100. */
  opacity: number;
  camera: Camera | null;
}

const NAMES = ["map", "mode", "time", "split", "opacity", "camera"] as const;

const whole = (text: string | null): number | null => (text !== null && /^\d+$/.test(text) ? Number(text) : null);

const bounded = (text: string | null, fallback: number): number => {
  const value = whole(text);
  return value === null ? fallback : Math.min(value, 100);
};

/** Read a view; what is missing or not understood is as in a fresh one. */
export function readView(hash: string): View {
  const given = new URLSearchParams(hash);
  const mode = given.get("mode") as Mode;
  const [lon, lat, zoom, bearing, pitch] = (given.get("camera") ?? "").split(",").map(Number);
  const seen = [lon, lat, zoom].every((value) => value !== undefined && Number.isFinite(value)) && Math.abs(lat ?? 99) <= 85;
  return {
    layer: whole(given.get("map")),
    mode: MODES.includes(mode) ? mode : "side",
    time: whole(given.get("time")),
    split: bounded(given.get("split"), 50),
    opacity: bounded(given.get("opacity"), 85),
    camera: seen ? { centre: [lon as number, lat as number], zoom: zoom as number, bearing: bearing || 0, pitch: pitch || 0 } : null,
  };
}

/** Write a view into a hash, beside what others keep there. */
export function writeView(view: View, hash = ""): string {
  const kept = new URLSearchParams(hash);
  for (const name of NAMES) kept.delete(name);
  if (view.layer !== null) kept.set("map", String(view.layer));
  if (view.mode !== "side") kept.set("mode", view.mode);
  if (view.time !== null) kept.set("time", String(view.time));
  if (view.mode === "swipe" && view.split !== 50) kept.set("split", String(Math.round(view.split)));
  if (view.opacity !== 85) kept.set("opacity", String(Math.round(view.opacity)));
  if (view.camera) {
    const { centre, zoom, bearing, pitch } = view.camera;
    kept.set("camera", [centre[0].toFixed(5), centre[1].toFixed(5), zoom.toFixed(2), bearing.toFixed(0), pitch.toFixed(0)].join(","));
  }
  return kept.toString().replaceAll("%2C", ",");
}

/** Keep a view in the address. */
export const keepView = (view: View): void => setHash(writeView(view, place().hash));
