/** The register as /api/v1/register gives it. */
export interface Row {
  id: string;
  name: string;
  kind: string;
  version: string;
  status: string;
  category: string;
  themes: string[];
  summary: string;
  owner: string;
  share: number;
  runs: number;
  last_run: string;
  refusals: number;
  complaints: number;
}

export interface Listing {
  status: "ready" | "computing";
  organisation: string;
  total: number;
  share: number | null;
  items: Row[];
  next: string | null;
  facets: Record<string, Record<string, number>>;
}

export interface Happened {
  at: string;
  actor: string;
  text: string;
  seq: number;
}

export interface Entry extends Row {
  language: string;
  contact: string;
  responsible: string;
  objection: string;
  filled: number;
  applicable: number;
  needed: string[];
  groups: { group: string; fields: { name: string; lines: string[]; needed: boolean }[] }[];
  evidence: {
    runs: number;
    first_run: string;
    last_run: string;
    actors: Record<string, number>;
    versions: Record<string, number>;
    purposes: Record<string, number>;
    refusals: Happened[];
    overrides: Happened[];
    complaints: Happened[];
    last_test: { at: string; version: string; passed: boolean; text: string } | null;
    counts: { refusals: number; overrides: number; complaints: number };
  };
  kept: { version: string; at: string; standing: string; changes: { field: string; pieces: [string, string][] }[] }[];
  exports: { standard: string; title: string; url: string }[];
}
