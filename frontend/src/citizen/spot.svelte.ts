/** The reader's place and where their trip goes: kept behind `#` in the page's address, which no server is sent. */
import { place, setHash } from "$lib/router.svelte";
import type { Spot } from "./types";

export type Which = "at" | "to";

function read(text: string | null): Spot | null {
  const [lon, lat, ...name] = (text ?? "").split(",");
  const spot = { lon: Number(lon), lat: Number(lat), name: name.join(",") };
  const real = Boolean(lon && lat) && Math.abs(spot.lon) <= 180 && Math.abs(spot.lat) <= 90;
  return real ? spot : null;
}

/** What stands behind `#`, without what is not ours (the skip link leaves its target there). */
function parameters(): URLSearchParams {
  const all = new URLSearchParams(place().hash);
  for (const name of [...all.keys()]) if (name !== "at" && name !== "to") all.delete(name);
  return all;
}

export const spot = (which: Which): Spot | null => read(parameters().get(which));

export function choose(which: Which, chosen: Spot | null): void {
  const now = parameters();
  if (chosen) now.set(which, `${chosen.lon.toFixed(5)},${chosen.lat.toFixed(5)},${chosen.name}`);
  else now.delete(which);
  setHash(now.toString());
}

/** An address of these pages that keeps the reader's place. */
export const keeping = (path: string): string => (parameters().size ? `${path}#${parameters()}` : path);
