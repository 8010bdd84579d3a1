/** How an answer's maps are laid over the city's map. */
import type { FeatureCollection } from "geojson";
import { number, withUnit } from "$lib/format";
import type { Bounds, City, Stage } from "$lib/types";
import type { Camera, Overlay, ShapeOverlay } from "$map/types";
import type { PaintedMap } from "./types";

const CLEAR = "#00000000";
const SHAPES: Record<string, ShapeOverlay["shape"]> = { zones: "fill", links: "line", buildings: "fill", sites: "fill" };
/** Water lies between the buildings; other cells also have values on roofs. */
const KEEPS_BUILDINGS = new Set(["flood_depth", "utci", "sewer_spill_depth"]);

/** What to lay over the map for one stage of one map; `frame` is a picture of a moment. */
export function overlaysOf(map: PaintedMap, stage: Stage, opacity: number, frame?: string): Overlay[] {
  const url = frame ?? map.urls[stage];
  if (!url) return [];
  const id = `answer-${map.n}-${stage}`;
  if (map.kind === "cells") {
    if (!map.corners) return [];
    return [{ kind: "image", id, url, corners: map.corners, opacity, hides: KEEPS_BUILDINGS.has(map.quantity) ? [] : ["building"] }];
  }
  const legend = (stage === "change" ? map.legends.change : null) ?? map.legends.value;
  return [
    {
      kind: "shapes",
      id,
      data: url,
      shape: SHAPES[map.kind] ?? "fill",
      property: stage,
      breaks: legend.breaks,
      colours: legend.colours.map((colour) => colour ?? CLEAR),
      opacity,
      width: map.kind === "links" ? 4 : undefined,
      hides: map.kind === "buildings" || map.kind === "sites" ? ["building"] : [],
      describe: (properties) => describe(map, stage, properties),
    },
  ];
}

const EDITED = "#a3195b";

/** An outline of where the scenario changes the city, so that a small change is found. */
export function outlineOf(places: FeatureCollection | null): Overlay[] {
  if (!places) return [];
  const data = { ...places, features: places.features.map((one) => ({ ...one, properties: { ...one.properties, edited: 1 } })) };
  return [{ kind: "shapes", id: "answer-places", data, shape: "line", property: "edited", breaks: [], colours: [EDITED], opacity: 1, width: 2 }];
}

function describe(map: PaintedMap, stage: Stage, properties: Record<string, unknown>): string {
  const value = properties[stage];
  if (typeof value !== "number") return String(properties.name ?? "");
  const said = withUnit(number(value, map.digits ?? 0), map.unit === "class" ? "" : map.unit);
  return properties.name ? `${String(properties.name)}\n${said}` : said;
}

/** Box around all points of some features; null where there are none. */
export function boundsOf(features: FeatureCollection): Bounds | null {
  const box: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number" && typeof part[1] === "number") {
      box[0] = Math.min(box[0], part[0]);
      box[1] = Math.min(box[1], part[1]);
      box[2] = Math.max(box[2], part[0]);
      box[3] = Math.max(box[3], part[1]);
    } else part.forEach(walk);
  };
  for (const feature of features.features) if (feature.geometry && "coordinates" in feature.geometry) walk(feature.geometry.coordinates);
  return Number.isFinite(box[0]) ? box : null;
}

/** A camera straight above a box, for a map so many pixels wide and high. */
export function above(box: Bounds, width = 520, height = 420): Camera {
  const [west, south, east, north] = box;
  const lat = (south + north) / 2;
  const wide = Math.max(east - west, 0.002);
  const high = Math.max(north - south, 0.001);
  const zoom = Math.min(
    Math.log2((360 * width) / (512 * wide * 1.35)),
    Math.log2((360 * Math.cos((lat * Math.PI) / 180) * height) / (512 * high * 1.35)),
  );
  return { centre: [(west + east) / 2, lat], zoom: Math.min(Math.max(zoom, 11), 16), bearing: 0, pitch: 0 };
}

export const overCity = (city: City): Camera => above(city.bounds);
