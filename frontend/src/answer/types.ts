/** The answer as the server gives it (docs/answers.md with maps), and the pedigree of one claim. */
import type { Geometry } from "geojson";
import type { AnswerMap, Legend, Stage } from "$lib/types";

export type Mode = "side" | "swipe" | "change" | "after" | "before";
export type Better = "more" | "less" | "";

export interface AnswerClaim {
  id: string;
  text: string;
  short?: string;
  field?: string;
  better?: Better;
  quantity: string;
  unit: string;
  before: number | null;
  after: number | null;
  change: number | null;
  low: number | null;
  high: number | null;
  detectable: boolean | null;
  digits: number;
  origin: string;
  run_path: string;
  illustrative: boolean;
  note: string;
}

export interface Effect {
  by: "place" | "group";
  quantity: string;
  unit: string;
  name: string;
  before: number;
  after: number;
  people: number | null;
  text?: string;
  better?: Better;
}

export interface GateVerdict {
  name: string;
  rule: string;
  outcome: "pass" | "block" | "not computable";
  action: "block" | "warn";
  share: number | null;
  reason: string;
}

export interface Assumption {
  name: string;
  meaning: string;
  value: number;
  low: number;
  high: number;
  unit: string;
  standing: "cited" | "assumed";
  source: string;
  influence: number | null;
  most_for: string;
}

export interface LayerUse {
  name: string;
  source: string;
  licence: string;
  origin: string;
  owner: string;
  terms: string;
  agreement: string;
  digest: string;
}

export interface Step {
  id: string;
  kind?: string;
  name: string;
  version: string;
  stage?: string;
  does: string;
  method: string;
  source: string;
  limits: string;
  owner: string;
  origin?: string;
  makes: string[];
  parents: string[];
  register?: string | null;
}

export interface Site {
  name: string;
  rank: number;
  homes: number;
  on_front: boolean;
  stability: number;
  scores: Record<string, number>;
  reason: string;
  blocked?: boolean;
  geometry: Geometry | null;
}

export interface AnswerFile {
  status: "answered" | "clarify" | "refused";
  question: string;
  city: string;
  city_hash: string;
  actor: string;
  purpose: string;
  summary: string;
  findings: string[];
  options: string[];
  scenario: Record<string, unknown>;
  want: string[];
  claims: AnswerClaim[];
  effects: Effect[];
  gates: GateVerdict[];
  assumptions: Assumption[];
  layers: LayerUse[];
  steps: Step[];
  sites: Site[];
  not_computable: Record<string, string>;
  attribution: string[];
  statistics: Record<string, number>;
  hash: string;
  maps?: PaintedMap[];
  /** GeoJSON of what the scenario edits. */
  places?: string | null;
  links?: Record<string, string>;
}

export interface Pedigree {
  claim: AnswerClaim;
  sentence: string;
  steps: Step[];
  layers: LayerUse[];
  assumptions: Assumption[];
  question: string;
  hash: string;
  actor: string;
  when: string | null;
}

export interface MapTable {
  columns: { key: string; title: string; unit: string; digits: number }[];
  rows: Record<string, string | number | null>[];
  /** How many there are in all. */
  of: number;
  sentence: string;
}

/** A legend whose classes are painted: colours[i] from breaks[i - 1] up to breaks[i]; null is not painted. */
export interface ClassLegend extends Omit<Legend, "colours"> {
  colours: (string | null)[];
  /** Classes that occur: only these rows are shown. */
  used?: number[];
}

export interface PaintedMap extends Omit<AnswerMap, "legends"> {
  legends: { value: ClassLegend; change: ClassLegend | null };
  stages?: Stage[];
  digits?: number;
}

/** Whether a gate forbids the scenario, so that it is never recommended. */
export const blocks = (gate: GateVerdict): boolean => gate.outcome === "block" && gate.action === "block";
