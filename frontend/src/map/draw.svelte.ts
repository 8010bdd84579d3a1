/** Drawing on the map, point by point: an area, or a line with stops. The state; MapView draws it and takes the clicks. */
import type { FeatureCollection } from "geojson";
import type { LonLat } from "$lib/types";
import type { Drawing, Drawn } from "./types";

const EARTH = 6_371_008.8;
const rad = (degrees: number) => (degrees * Math.PI) / 180;

/** Metres between two places, on a sphere: good to half a percent, for what is told while drawing. */
export function metres([west, south]: LonLat, [east, north]: LonLat): number {
  const across = rad(east - west) * Math.cos(rad((south + north) / 2));
  return EARTH * Math.hypot(across, rad(north - south));
}

/** Area of a ring [m²], on the plane that touches its first point. */
export function squareMetres(ring: LonLat[]): number {
  const [origin = [0, 0] as LonLat] = ring;
  const scale = Math.cos(rad(origin[1]));
  const flat = ring.map(([lon, lat]) => [EARTH * rad(lon - origin[0]) * scale, EARTH * rad(lat - origin[1])] as const);
  let doubled = 0;
  for (const [at, [x, y]] of flat.entries()) {
    const [nextX, nextY] = flat[(at + 1) % flat.length] as readonly [number, number];
    doubled += x * nextY - nextX * y;
  }
  return Math.abs(doubled) / 2;
}

export class Pen {
  drawing: Drawing | null = $state.raw(null);
  points: { at: LonLat; stop: boolean }[] = $state.raw([]);
  /** Where the pointer is: the next point, if it is set there. */
  pointer: LonLat | null = $state.raw(null);
  /** Whether the next point of a line is a stop. */
  stops = $state(true);

  get least(): number {
    return this.drawing?.shape === "polygon" ? 3 : 2;
  }

  get ready(): boolean {
    return this.points.length >= this.least;
  }

  get length(): number {
    return this.points.slice(1).reduce((sum, { at }, before) => sum + metres(this.points[before]?.at ?? at, at), 0);
  }

  get area(): number {
    return squareMetres(this.points.map(({ at }) => at));
  }

  begin(drawing: Drawing): void {
    this.drawing = drawing;
    this.points = [];
    this.pointer = null;
    this.stops = true;
  }

  /** Set a point; one upon the last is none. */
  add(at: LonLat): void {
    const last = this.points.at(-1);
    if (last && metres(last.at, at) < 0.5) return;
    this.points = [...this.points, { at, stop: Boolean(this.drawing?.stops && this.stops) }];
  }

  back(): void {
    this.points = this.points.slice(0, -1);
  }

  end(): void {
    this.drawing = null;
    this.points = [];
    this.pointer = null;
  }

  /** What was drawn; the ends of a line with stops are stops. */
  get drawn(): Drawn | null {
    if (!this.drawing || !this.ready) return null;
    const line = this.points.map(({ at }) => at);
    if (this.drawing.shape === "polygon") {
      return { geometry: { type: "Polygon", coordinates: [[...line, line[0] as LonLat]] }, stops: [] };
    }
    const stops = this.points.filter(({ stop }, place) => stop || place === 0 || place === line.length - 1);
    return { geometry: { type: "LineString", coordinates: line }, stops: this.drawing.stops ? stops.map(({ at }) => at) : [] };
  }

  get picture(): FeatureCollection {
    const line = [...this.points.map(({ at }) => at), ...(this.pointer ? [this.pointer] : [])];
    const features: FeatureCollection["features"] = this.points.map(({ at, stop }) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: at },
      properties: { stop },
    }));
    if (line.length > 1) {
      const polygon = this.drawing?.shape === "polygon" && line.length > 2;
      const ring = [...line, line[0] as LonLat];
      if (polygon) features.unshift({ type: "Feature", geometry: { type: "Polygon", coordinates: [ring] }, properties: {} });
      features.unshift({ type: "Feature", geometry: { type: "LineString", coordinates: polygon ? ring : line }, properties: {} });
    }
    return { type: "FeatureCollection", features };
  }
}
