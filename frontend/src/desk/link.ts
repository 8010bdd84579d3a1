/** The desk's state behind `#`: camera of the map, edits that are not saved, the open answer. A shared link reopens it. */
import type { Edit, LonLat, ScenarioBody } from "$lib/types";
import type { Camera } from "$map/types";

/** Longer drafts are saved instead of linked. */
export const LONGEST = 12_000;

const encode = (text: string): string => {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
};

const decode = (text: string): string => {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)));
};

/** Coordinates to a centimetre or so: enough for a link. */
const shorten = (_key: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toFixed(6)) : value;

export function writeDraft(body: ScenarioBody): string {
  return encode(JSON.stringify([body.title, body.edits, body.want ?? []], shorten));
}

/** A draft of a link; null where it is damaged, as links are. */
export function readDraft(text: string): ScenarioBody | null {
  try {
    const [title, edits, want] = JSON.parse(decode(text)) as [string, Edit[], string[]];
    if (typeof title !== "string" || !Array.isArray(edits)) return null;
    return { title, edits, want: want ?? [] };
  } catch {
    return null;
  }
}

export function writeCamera({ centre, zoom, bearing, pitch }: Camera): string {
  return [centre[0].toFixed(5), centre[1].toFixed(5), zoom.toFixed(2), bearing.toFixed(0), pitch.toFixed(0)].join(",");
}

export function readCamera(text: string | null): Camera | null {
  const [lon, lat, zoom, bearing, pitch] = (text ?? "").split(",").map(Number);
  if (![lon, lat, zoom].every((value) => value !== undefined && Number.isFinite(value))) return null;
  return { centre: [lon, lat] as LonLat, zoom: zoom as number, bearing: bearing || 0, pitch: pitch || 0 };
}
