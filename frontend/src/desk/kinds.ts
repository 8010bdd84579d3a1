/** Kinds of edits as the desk shows them, and the tools that make them. */
import type { Drawing, Drawn, Pickable } from "$map/types";
import type { Area, Edit, FoundPlace } from "$lib/types";
import type { IconName } from "$ui/icons";

export const ICONS: Record<string, IconName> = {
  add_homes: "home",
  change_cover: "tree",
  plant_trees: "tree",
  build_storage: "water",
  change_lanes: "lane",
  close_street: "blocked",
  bus_lane: "lane",
  change_headway: "clock",
  extend_service: "clock",
  change_fares: "tram",
  add_line: "tram",
  close_stop: "tram",
  move_stop: "tram",
};

export type ToolId = "homes" | "green" | "lanes" | "line" | "headway";

export interface Tool {
  id: ToolId;
  icon: IconName;
  drawing: Drawing | null;
  pick: Pickable[];
  /** Which features can be picked. */
  accept?: (layer: string, properties: Record<string, unknown>) => boolean;
  /** The edit for what was drawn. */
  drawn?: (drawn: Drawn) => Edit;
  /** The edit for a place, street or line that was chosen by name. */
  named?: (place: FoundPlace) => Edit;
}

const areaOf = (place: FoundPlace): Area => (place.kind === "street" ? { street: place.name } : { place: place.name });

export const TOOLS: Tool[] = [
  {
    id: "homes",
    icon: "home",
    drawing: { shape: "polygon" },
    pick: [],
    drawn: ({ geometry }) => ({ kind: "add_homes", area: { geojson: geometry }, homes: 500 }),
    named: (place) => ({ kind: "add_homes", area: areaOf(place), homes: 500 }),
  },
  {
    id: "green",
    icon: "tree",
    drawing: { shape: "polygon" },
    pick: [],
    drawn: ({ geometry }) => ({ kind: "change_cover", area: { geojson: geometry }, cover: "trees" }),
    named: (place) =>
      place.kind === "street"
        ? { kind: "plant_trees", area: areaOf(place), spacing: 10, height: 9 }
        : { kind: "change_cover", area: areaOf(place), cover: "trees" },
  },
  {
    id: "lanes",
    icon: "lane",
    drawing: null,
    pick: ["street"],
    accept: (_layer, { name, lanes }) => Boolean(name) && Number(lanes ?? 0) > 0, // a footway has no lane to take
    named: (place) => ({ kind: "change_lanes", street: place.name, lanes: -1 }),
  },
  {
    id: "line",
    icon: "tram",
    drawing: { shape: "line", stops: true },
    pick: [],
    drawn: ({ geometry, stops }) => ({ kind: "add_line", line: geometry, stops, mode: "tram", name: "T1", headway_minutes: 10 }),
    named: (place) => ({ kind: "add_line", street: place.name, mode: "tram", name: "T1", headway_minutes: 10 }),
  },
  { id: "headway", icon: "clock", drawing: null, pick: ["transit"] },
];

export const COVERS = ["trees", "grass", "permeable_paving", "paved", "bare"] as const;
