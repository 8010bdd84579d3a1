/** The baseline as /api/v1/cities/{city}/baseline gives it. */
export interface Known {
  id: string;
  name: string;
  theme: string;
  counts: string;
  value: number | null;
  shown: string;
  unit: string;
  span: string;
  better: "more" | "less" | "";
  standing: "severe" | "problem" | "good" | "not judged";
  rule: string;
  basis: string;
  origin: string;
  source: string;
  period: string;
  algorithm: string;
  note: string;
  uneven: string;
  beside: string;
  targets: string[];
  codes: string[];
}

export interface Missing {
  id: string;
  name: string;
  theme: string;
  unit: string;
  needs: string;
  could_come_from: string;
  kind: string;
}

export interface BaselineAnswer {
  status: "ready" | "computing";
  city: string;
  title: string;
  year: number;
  date: string | null;
  hash: string | null;
  summary: string;
  counts: { all: number; known: number; figures: number; missing: number } | null;
  known: Known[];
  missing: Missing[];
  sources: { name: string; count: number }[];
  layers: { name: string; source: string; licence: string; origin: string }[];
  attribution: string[];
}
