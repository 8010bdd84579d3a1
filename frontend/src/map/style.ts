/** The base map as a MapLibre style, made from the city's own tiles; labels are drawn from the reader's own fonts. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { City } from "$lib/types";
import type { Palette } from "./palette";

export const BASE = "city";
/** Overlays lie on the ground: under what stands on it. */
export const GROUND_END = "ground-end";
/** Sketches lie over buildings, under labels. */
export const LABELS_BEGIN = "labels-begin";

const at = (...stops: [number, number][]): ExpressionSpecification =>
  ["interpolate", ["exponential", 1.5], ["zoom"], ...stops.flat()] as unknown as ExpressionSpecification;

const MAJOR = ["motorway", "trunk", "primary", "motorway_link", "trunk_link", "primary_link"];
const MIDDLE = ["secondary", "tertiary", "secondary_link", "tertiary_link"];
const SMALL = ["footway", "path", "cycleway", "steps", "pedestrian", "track", "service", "corridor"];

const byKind = (major: number, middle: number, small: number, other: number): ExpressionSpecification =>
  ["match", ["get", "kind"], MAJOR, major, MIDDLE, middle, SMALL, small, other] as unknown as ExpressionSpecification;

const width = (factor: number, extra: number): ExpressionSpecification =>
  [
    "interpolate",
    ["exponential", 1.6],
    ["zoom"],
    11,
    byKind(1.2 * factor, 0.8 * factor, 0.1, 0.4 * factor),
    15,
    ["+", byKind(7 * factor, 5 * factor, 1.2 * factor, 3 * factor), extra],
    18,
    ["+", byKind(24 * factor, 18 * factor, 4 * factor, 12 * factor), 2 * extra],
  ] as unknown as ExpressionSpecification;

const marker = (id: string): LayerSpecification => ({ id, type: "background", layout: { visibility: "none" } });

function ground(city: City, colours: Palette): LayerSpecification[] {
  const shade: LayerSpecification[] = city.hillshade
    ? [{ id: "hillshade", type: "raster", source: "hillshade", paint: { "raster-opacity": 0.28, "raster-fade-duration": 0 } }]
    : [];
  return [
    { id: "land", type: "background", paint: { "background-color": colours.land } },
    {
      id: "green",
      type: "fill",
      source: BASE,
      "source-layer": "green",
      paint: {
        "fill-color": ["match", ["get", "kind"], ["wood", "forest", "trees", "scrub"], colours.wood, colours.green],
        "fill-antialias": false,
      },
    },
    ...shade,
    {
      id: "water",
      type: "fill",
      source: BASE,
      "source-layer": "water",
      filter: ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]],
      paint: { "fill-color": colours.water, "fill-outline-color": colours.shore },
    },
    {
      id: "street-casing",
      type: "line",
      source: BASE,
      "source-layer": "street",
      minzoom: 13,
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colours.casing, "line-width": width(1, 1.5) },
    },
    {
      id: "street",
      type: "line",
      source: BASE,
      "source-layer": "street",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": ["match", ["get", "kind"], SMALL, colours.path, colours.street],
        "line-width": width(1, 0),
      },
    },
  ];
}

function standing(colours: Palette): LayerSpecification[] {
  return [
    {
      id: "transit",
      type: "line",
      source: BASE,
      "source-layer": "transit",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": [
          "match",
          ["get", "mode"],
          "tram",
          "#1f8a70",
          ["subway", "metro"],
          "#d0632a",
          ["rail", "train"],
          "#7a5c99",
          ["ferry"],
          "#3f84b5",
          "#8a8f94",
        ],
        "line-width": at([11, 0.8], [15, 1.8], [18, 4]),
        "line-opacity": ["match", ["get", "mode"], "bus", 0.25, 0.75],
      },
    },
    {
      id: "stop",
      type: "circle",
      source: BASE,
      "source-layer": "stop",
      minzoom: 15,
      paint: {
        "circle-radius": at([15, 2.2], [18, 6]),
        "circle-color": colours.land,
        "circle-stroke-color": colours.transit,
        "circle-stroke-width": 1.5,
      },
    },
    marker(GROUND_END),
    {
      id: "building",
      type: "fill-extrusion",
      source: BASE,
      "source-layer": "building",
      paint: {
        "fill-extrusion-color": [
          "interpolate",
          ["linear"],
          ["coalesce", ["get", "height"], 6],
          4,
          colours.building,
          45,
          colours.tall,
        ],
        "fill-extrusion-height": ["coalesce", ["get", "height"], 6],
        "fill-extrusion-base": ["coalesce", ["get", "base"], 0],
        "fill-extrusion-opacity": 0.94,
        "fill-extrusion-vertical-gradient": true,
      },
    },
    marker(LABELS_BEGIN),
  ];
}

function labels(colours: Palette): LayerSpecification[] {
  const halo = { "text-halo-color": colours.halo, "text-halo-width": 1.4 };
  return [
    {
      id: "street-name",
      type: "symbol",
      source: BASE,
      "source-layer": "street",
      minzoom: 14.5,
      filter: ["!=", ["coalesce", ["get", "name"], ""], ""],
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 350,
        "text-field": ["get", "name"],
        "text-size": at([14, 10.5], [18, 13]),
        "text-max-angle": 30,
        "text-padding": 6,
      },
      paint: { "text-color": colours.faint, ...halo },
    },
    {
      id: "stop-name",
      type: "symbol",
      source: BASE,
      "source-layer": "stop",
      minzoom: 16.5,
      layout: { "text-field": ["get", "name"], "text-size": 11, "text-offset": [0, 1], "text-anchor": "top" },
      paint: { "text-color": colours.transit, ...halo },
    },
    {
      id: "place-name",
      type: "symbol",
      source: BASE,
      "source-layer": "place",
      layout: {
        "text-field": ["get", "name"],
        "text-size": [
          "match",
          ["get", "kind"],
          ["city", "town"],
          18,
          ["suburb", "borough", "district", "quarter"],
          14.5,
          12,
        ],
        "text-letter-spacing": 0.02,
        "text-max-width": 8,
        "text-padding": 8,
        "symbol-sort-key": ["match", ["get", "kind"], ["city", "town"], 0, ["suburb", "borough", "district"], 1, ["quarter"], 2, 3],
      },
      paint: { "text-color": colours.text, ...halo, "text-halo-width": 1.8 },
    },
  ];
}

export function baseStyle(city: City, colours: Palette): StyleSpecification {
  const absolute = (url: string) => (url.startsWith("/") ? location.origin + url : url);
  return {
    version: 8,
    light: { anchor: "map", color: "#ffffff", intensity: 0.3, position: [1.3, 215, 38] },
    sky: { "sky-color": colours.water, "horizon-color": colours.land, "fog-color": colours.land, "sky-horizon-blend": 0.7 },
    sources: {
      [BASE]: {
        type: "vector",
        tiles: [absolute(city.tiles.url)],
        minzoom: city.tiles.minzoom,
        maxzoom: city.tiles.maxzoom,
        bounds: city.bounds,
        promoteId: { building: "id", street: "id", zone: "id", stop: "id" },
      },
      ...(city.hillshade
        ? { hillshade: { type: "image" as const, url: absolute(city.hillshade.url), coordinates: city.hillshade.corners } }
        : {}),
    },
    layers: [...ground(city, colours), ...standing(colours), ...labels(colours)],
  };
}
