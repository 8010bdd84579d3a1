/** Shapes of the API (src/synapolis/web/api), as the pages use them. */
import type { Feature, FeatureCollection, Geometry } from "geojson";

export type LonLat = [number, number];
export type Bounds = [number, number, number, number];

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type Word = "look" | "comment" | "run" | "edit" | "publish" | "operate" | "administer";

export interface Me {
  account: { id: string; name: string } | null;
  roles: string[];
  may: Word[];
  mode: "single" | "accounts";
  csrf: string;
  sign_in: { password: boolean; passkey: boolean; oidc: { id: string; title: string }[] };
}

export interface CityBrief {
  name: string;
  title: string;
  bounds: Bounds;
  centre: LonLat;
}

export interface CityLayer {
  name: string;
  source: string;
  licence: string;
  origin: string;
  owner: string;
  terms: string;
  rows: number | null;
}

export interface City extends CityBrief {
  hash: string;
  zoom: number;
  attribution: string[];
  timezone: string;
  currency: string;
  reference_year: number;
  layers: CityLayer[];
  tiles: { url: string; minzoom: number; maxzoom: number; layers: string[] };
  hillshade: { url: string; corners: [LonLat, LonLat, LonLat, LonLat] } | null;
  examples: string[];
  edit_kinds: { kind: string; schema: unknown }[];
}

export interface FoundPlace {
  name: string;
  kind: string;
  lon: number;
  lat: number;
  bounds: Bounds | null;
}

export interface TransitLine {
  route: string;
  mode: string;
  name: string;
  headway_minutes: number | null;
  geometry: Geometry | null;
}

export interface Gate {
  name: string;
  outcome: "pass" | "block" | "not_computable" | string;
  says: string;
}

export interface Indicator {
  id: string;
  text: string;
  short: string;
  unit: string;
  value: number | null;
  low: number | null;
  high: number | null;
  digits: number;
  better: "more" | "less" | "";
  origin: string;
  note: string;
  gate: Gate | null;
}

export interface Today {
  status: "ready" | "computing";
  /** How much of the work is done, of how much. */
  done?: number;
  of?: number;
  job: string | null;
  hash: string | null;
  indicators: Indicator[];
  not_computable: Record<string, string>;
}

export interface Area {
  place?: string;
  street?: string;
  geojson?: Geometry | Feature | FeatureCollection;
  ids?: string[];
  radius?: number;
  width?: number;
}

/** One change of the city: `kind` and what that kind needs (scenarios/edits.py). `off`: kept in the list, not run. */
export interface Edit {
  kind: string;
  id?: string;
  when?: number | null;
  off?: boolean;
  area?: Area;
  to?: Area;
  street?: string | null;
  ids?: string[] | null;
  [field: string]: unknown;
}

export interface ScenarioBody {
  title: string;
  edits: Edit[];
  want?: string[];
}

export interface Scenario extends ScenarioBody {
  id: string;
  city: string;
  version: number;
  status: "draft" | "published" | string;
  sentence: string;
  author: string;
  created: string;
  updated: string;
  answer: string | null;
  summary: string;
  blocked: boolean;
}

export interface Reading {
  status: "understood" | "clarify" | "refused";
  text: string;
  options: string[];
  reading: unknown;
  scenario: ScenarioBody | null;
  want: string[];
  siting: boolean;
}

export interface CheckedEdit {
  id: string;
  fits: boolean;
  says: string;
  problem: string | null;
  geometry: Geometry | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { where: string; message: string }[];
  [more: string]: unknown;
}

export type JobStatus = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Job {
  id: string;
  kind: string;
  city: string;
  title: string;
  status: JobStatus;
  position: number | null;
  progress: { text: string; done: number; of: number; share: number } | null;
  created: string;
  started: string | null;
  ended: string | null;
  by: string;
  answer: string | null;
  answer_status: string | null;
  summary: string;
  scenario: { id: string; version: number } | null;
  error: Problem | null;
  attempts: number;
}

export interface Legend {
  kind: string;
  breaks: number[];
  colours: string[];
  labels: string[];
  unit: string;
}

export type Stage = "before" | "after" | "change";

export interface AnswerMap {
  n: number;
  title: string;
  quantity: string;
  unit: string;
  kind: "cells" | "zones" | "links" | "buildings" | "sites";
  note: string;
  illustrative: boolean;
  sentence: string;
  corners: [LonLat, LonLat, LonLat, LonLat] | null;
  legends: { value: Legend; change: Legend | null };
  urls: Partial<Record<Stage, string>>;
  stills: Partial<Record<Stage, string>>;
  table: string;
  times: { moments: number[]; labels: string[]; urls: { before: string[]; after: string[] } } | null;
}

export interface Claim {
  id: string;
  text: string;
  short: string;
  unit: string;
  better: "more" | "less" | "";
  [field: string]: unknown;
}

/** The answer file (docs/answers.md) with `maps` and `links`; the parts the pages read are named. */
export interface Answer {
  status: "answered" | "clarify" | "refused" | string;
  question: string;
  hash: string;
  text: string;
  claims: Claim[];
  maps: AnswerMap[];
  links: Record<string, string>;
  [field: string]: unknown;
}

export interface Plan {
  id: string;
  title: string;
  sentence: string;
  status: string;
  when: string | null;
  distance_m: number | null;
  centre: LonLat;
  bounds: Bounds;
  answer: string | null;
  blocked: boolean;
  effects: { topic: string; text: string }[];
}
