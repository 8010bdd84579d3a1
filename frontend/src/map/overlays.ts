/** What is painted over the base map: pictures and coloured shapes (`Overlay`), edits (`Sketch`), what stands out. */
import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, GeoJSONSource, ImageSource, LayerSpecification, Map } from "maplibre-gl";
import type { Palette } from "./palette";
import { BASE, GROUND_END, LABELS_BEGIN } from "./style";
import type { Highlight, Overlay, ShapeOverlay, Sketch } from "./types";

export const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const PREFIX = "over:";
const CLEAR = "#00000000";
export type PaintName = Parameters<Map["setPaintProperty"]>[1];

const absolute = (url: string) => (url.startsWith("/") ? location.origin + url : url);

/** Colour by steps of a property; shapes without a number stay clear. */
export function stepColour(overlay: ShapeOverlay): ExpressionSpecification {
  const value = ["get", overlay.property];
  const [first = CLEAR, ...others] = overlay.colours.map((colour) => colour ?? CLEAR);
  const steps = others.flatMap((colour, place) => [overlay.breaks[place] ?? Infinity, colour]);
  const coloured = others.length ? ["step", value, first, ...steps] : first;
  return ["case", ["==", ["typeof", value], "number"], coloured, CLEAR] as unknown as ExpressionSpecification;
}

function layerOf(overlay: Overlay): LayerSpecification {
  const id = PREFIX + overlay.id;
  const opacity = overlay.opacity ?? 0.75;
  if (overlay.kind === "image") {
    return { id, type: "raster", source: id, paint: { "raster-opacity": opacity, "raster-fade-duration": 0, "raster-resampling": "nearest" } };
  }
  const colour = stepColour(overlay);
  const source = { id, source: id };
  switch (overlay.shape) {
    case "line":
      return {
        ...source,
        type: "line",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-color": colour,
          "line-opacity": opacity,
          "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 11, (overlay.width ?? 3) / 2, 15, overlay.width ?? 3, 18, 3 * (overlay.width ?? 3)],
        },
      };
    case "circle":
      return {
        ...source,
        type: "circle",
        paint: { "circle-color": colour, "circle-opacity": opacity, "circle-radius": overlay.width ?? 6, "circle-stroke-color": "#fff", "circle-stroke-width": 1 },
      };
    case "extrusion":
      return {
        ...source,
        type: "fill-extrusion",
        paint: {
          "fill-extrusion-color": colour,
          "fill-extrusion-opacity": opacity,
          "fill-extrusion-height": ["coalesce", ["get", "height"], 6],
          "fill-extrusion-base": ["coalesce", ["get", "base"], 0],
        },
      };
    case "fill":
      return { ...source, type: "fill", paint: { "fill-color": colour, "fill-opacity": opacity } };
  }
}

function remove(map: Map, id: string): void {
  if (map.getLayer(PREFIX + id)) map.removeLayer(PREFIX + id);
  if (map.getSource(PREFIX + id)) map.removeSource(PREFIX + id);
}

function add(map: Map, overlay: Overlay): void {
  const id = PREFIX + overlay.id;
  if (overlay.kind === "image") {
    map.addSource(id, { type: "image", url: absolute(overlay.url), coordinates: overlay.corners });
  } else {
    map.addSource(id, { type: "geojson", data: typeof overlay.data === "string" ? absolute(overlay.data) : overlay.data });
  }
  map.addLayer(layerOf(overlay), overlay.kind === "shapes" && overlay.shape === "extrusion" ? LABELS_BEGIN : GROUND_END);
}

/** Change a shown overlay without taking it away, where only its picture, numbers or opacity differ. */
function renew(map: Map, before: Overlay, after: Overlay): boolean {
  const id = PREFIX + after.id;
  if (before.kind === "image" && after.kind === "image") {
    if (before.url !== after.url || before.corners !== after.corners) {
      (map.getSource(id) as ImageSource).updateImage({ url: absolute(after.url), coordinates: after.corners });
    }
  } else if (before.kind === "shapes" && after.kind === "shapes" && before.shape === after.shape) {
    if (before.data !== after.data) {
      (map.getSource(id) as GeoJSONSource).setData(typeof after.data === "string" ? absolute(after.data) : after.data);
    }
  } else return false;
  const layer = layerOf(after);
  for (const [name, value] of Object.entries(layer.paint ?? {})) map.setPaintProperty(id, name as PaintName, value);
  return true;
}

/** Show exactly these overlays, in this order; `shown` is what the map shows now. */
export function showOverlays(map: Map, shown: Overlay[], wanted: Overlay[]): void {
  const ids = new Set(wanted.map((overlay) => overlay.id));
  for (const overlay of shown) if (!ids.has(overlay.id)) remove(map, overlay.id);
  for (const overlay of wanted) {
    const before = shown.find((one) => one.id === overlay.id);
    if (before && renew(map, before, overlay)) continue;
    remove(map, overlay.id);
    add(map, overlay);
  }
  const hidden = new Set(wanted.flatMap((overlay) => overlay.hides ?? []));
  const before = new Set(shown.flatMap((overlay) => overlay.hides ?? []));
  for (const layer of before) if (!hidden.has(layer) && map.getLayer(layer)) map.setLayoutProperty(layer, "visibility", "visible");
  for (const layer of hidden) if (map.getLayer(layer)) map.setLayoutProperty(layer, "visibility", "none");
}

export const overlayLayer = (id: string): string => PREFIX + id;
export const overlayOf = (layer: string): string | null => (layer.startsWith(PREFIX) ? layer.slice(PREFIX.length) : null);

const SKETCH_COLOUR: ExpressionSpecification = [
  "match",
  ["get", "kind"],
  "add_homes",
  "#c0562a",
  ["change_cover", "plant_trees", "build_storage"],
  "#2f7d43",
  ["change_lanes", "close_street", "bus_lane"],
  "#8b3fa0",
  ["add_line", "change_headway", "extend_service", "close_stop", "move_stop"],
  "#1565a8",
  "#0b5f6e",
] as unknown as ExpressionSpecification;

const isOne = (shape: "Point" | "Polygon"): ExpressionSpecification => ["in", ["geometry-type"], ["literal", [shape, `Multi${shape}`]]];

/** Layers for edits, for what is being drawn and for what stands out; added once. */
export function addSketches(map: Map, colours: Palette): void {
  const source = (id: string) => map.addSource(id, { type: "geojson", data: EMPTY });
  source("sketch");
  source("drawing");
  const faint: ExpressionSpecification = ["case", ["get", "off"], 0.25, 1];
  const width: ExpressionSpecification = ["case", ["get", "selected"], 5, 3];
  map.addLayer(
    {
      id: "sketch-fill",
      type: "fill",
      source: "sketch",
      filter: isOne("Polygon"),
      paint: { "fill-color": SKETCH_COLOUR, "fill-opacity": ["case", ["get", "off"], 0.05, ["get", "selected"], 0.35, 0.22] },
    },
    GROUND_END,
  );
  map.addLayer(
    {
      id: "sketch-line",
      type: "line",
      source: "sketch",
      filter: ["!", isOne("Point")],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": SKETCH_COLOUR, "line-width": width, "line-opacity": faint },
    },
    LABELS_BEGIN,
  );
  map.addLayer(
    {
      id: "sketch-point",
      type: "circle",
      source: "sketch",
      filter: isOne("Point"),
      paint: {
        "circle-radius": ["case", ["get", "selected"], 7, 5],
        "circle-color": SKETCH_COLOUR,
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 1.5,
        "circle-opacity": faint,
        "circle-stroke-opacity": faint,
      },
    },
    LABELS_BEGIN,
  );
  map.addLayer(
    { id: "drawing-fill", type: "fill", source: "drawing", filter: isOne("Polygon"), paint: { "fill-color": colours.accent, "fill-opacity": 0.2 } },
    LABELS_BEGIN,
  );
  map.addLayer(
    {
      id: "drawing-line",
      type: "line",
      source: "drawing",
      filter: ["!", isOne("Point")],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colours.accent, "line-width": 3, "line-dasharray": [1, 1.5] },
    },
    LABELS_BEGIN,
  );
  map.addLayer(
    {
      id: "drawing-point",
      type: "circle",
      source: "drawing",
      filter: isOne("Point"),
      paint: {
        "circle-radius": ["case", ["get", "stop"], 7, 5],
        "circle-color": ["case", ["get", "stop"], "#ffffff", colours.accent],
        "circle-stroke-color": ["case", ["get", "stop"], colours.accent, "#ffffff"],
        "circle-stroke-width": ["case", ["get", "stop"], 3, 1.5],
      },
    },
    LABELS_BEGIN,
  );
}

export function showSketches(map: Map, sketches: Sketch[]): void {
  (map.getSource("sketch") as GeoJSONSource | undefined)?.setData({
    type: "FeatureCollection",
    features: sketches.map(({ geometry, ...properties }) => ({ type: "Feature", geometry, properties })),
  });
}

/** Make some features of the base map stand out, or none; `id` keeps several such marks apart. */
export function showHighlight(map: Map, id: string, highlight: Highlight | null, colour: string): void {
  const layer = `stands-out-${id}`;
  if (map.getLayer(layer)) map.removeLayer(layer);
  if (!highlight || !highlight.values.length) return;
  const filter = ["in", ["to-string", ["get", highlight.key]], ["literal", highlight.values]] as unknown as ExpressionSpecification;
  const common = { id: layer, source: BASE, "source-layer": highlight.layer, filter };
  if (highlight.layer === "stop") {
    map.addLayer({ ...common, type: "circle", paint: { "circle-radius": 8, "circle-color": colour } }, LABELS_BEGIN);
  } else if (highlight.layer === "zone") {
    map.addLayer({ ...common, type: "fill", paint: { "fill-color": colour, "fill-opacity": 0.25 } }, GROUND_END);
  } else if (highlight.layer === "building") {
    map.addLayer(
      {
        ...common,
        type: "fill-extrusion",
        paint: { "fill-extrusion-color": colour, "fill-extrusion-height": ["+", 0.3, ["coalesce", ["get", "height"], 6]], "fill-extrusion-base": ["coalesce", ["get", "base"], 0] },
      },
      LABELS_BEGIN,
    );
  } else {
    map.addLayer(
      {
        ...common,
        type: "line",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": colour, "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 11, 3, 15, 7, 18, 20], "line-opacity": 0.65 },
      },
      LABELS_BEGIN,
    );
  }
}
