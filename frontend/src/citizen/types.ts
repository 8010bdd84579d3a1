/** Plans as /api/v1/cities/{city}/plans gives them. */
import type { Geometry } from "geojson";
import type { Bounds, LonLat } from "$lib/types";

export type Verdict = "better" | "worse" | "changed" | "same" | "unclear";

export interface PlanEffect {
  topic: string;
  text: string;
  name: string;
  quantity: string;
  before: number | null;
  after: number | null;
  unit: string;
  digits: number;
  verdict: Verdict;
  illustrative: boolean;
}

export interface PlanItem {
  id: string;
  city: string;
  version: number;
  title: string;
  sentence: string;
  when: string;
  author: string;
  updated: string;
  example: boolean;
  distance_m: number | null;
  everywhere: boolean;
  centre: LonLat | null;
  bounds: Bounds | null;
  shape: Geometry | null;
  place_state: "ready" | "computing" | "failed";
  place_detail: string;
  answer: string | null;
  blocked: boolean;
  effects: PlanEffect[];
}

export interface PlanDetail extends PlanItem {
  summary: string;
  edits: { kind: string; says: string; geometry: Geometry | null }[];
  algorithms: { name: string; version: string; does: string; entry: string }[];
  data: { name: string; source: string; licence: string; origin: string }[];
  not_computable: Record<string, string>;
  attribution: string[];
}

export interface TopicHere {
  topic: "trip" | "rent" | "heat" | "flood";
  quantity: string;
  by: string;
  text: string;
  before: number | null;
  after: number | null;
  change: number | null;
  unit: string;
  digits: number;
  not_computable: string;
  note: string;
  illustrative: boolean;
}

export interface Here {
  status: "ready" | "computing";
  place: { name: string; lon: number; lat: number };
  to: { name: string; lon: number; lat: number } | null;
  topics: TopicHere[];
}

/** A place of the reader's: it stays in the page's address behind `#`, which no server sees. */
export interface Spot {
  lon: number;
  lat: number;
  name: string;
}
