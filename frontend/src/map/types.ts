/** What a map is told, and what it tells. */
import type { FeatureCollection, Geometry } from "geojson";
import type { LonLat } from "$lib/types";

export interface Camera {
  centre: LonLat;
  zoom: number;
  bearing: number;
  pitch: number;
}

/** A picture laid on the ground: corners from top left, clockwise. */
export interface ImageOverlay {
  kind: "image";
  id: string;
  url: string;
  corners: [LonLat, LonLat, LonLat, LonLat];
  opacity?: number;
  /** Layers of the base map that it takes the place of, such as "building". */
  hides?: string[];
}

/** Shapes coloured by steps of a property: `colours` has one more than `breaks`; null is not painted. */
export interface ShapeOverlay {
  kind: "shapes";
  id: string;
  data: FeatureCollection | string;
  shape: "fill" | "line" | "circle" | "extrusion";
  property: string;
  breaks: number[];
  colours: (string | null)[];
  opacity?: number;
  /** Line width or radius of circles [px]. */
  width?: number;
  hides?: string[];
  /** What stands beside the pointer over a shape; nothing where it gives nothing. */
  describe?: (properties: Record<string, unknown>) => string;
}

export type Overlay = ImageOverlay | ShapeOverlay;

/** What can be pointed at in the base map; also ids of overlays. */
export type Pickable = "building" | "street" | "transit" | "stop" | "zone" | "green" | "place";

export interface Picked {
  layer: string;
  id: string | null;
  name: string;
  properties: Record<string, unknown>;
  at: LonLat;
}

/** One edit as it shows on the map. */
export interface Sketch {
  id: string;
  kind: string;
  number: number;
  off: boolean;
  selected: boolean;
  geometry: Geometry;
}

/** Features of a base layer that stand out: those whose `key` is one of `values`. */
export interface Highlight {
  layer: "street" | "transit" | "building" | "stop" | "zone";
  key: string;
  values: string[];
}

export interface Drawing {
  shape: "polygon" | "line";
  /** Whether points of a line can be stops. */
  stops?: boolean;
}

export interface Drawn {
  geometry: Geometry;
  stops: LonLat[];
}
