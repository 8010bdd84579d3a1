/** Titles and sentences of plans: as their authors wrote them, but the example plans in the reader's language. */
import { t } from "$lib/i18n.svelte";
import type { PlanItem } from "./types";

const EXAMPLES: Record<string, string> = {
  "Example: tram 7 every 5 minutes": "tram",
  "Example: 500 new homes in Kamppi": "homes",
  "Example: more trees along Mannerheimintie": "trees",
};

const key = (plan: PlanItem): string | undefined => (plan.example ? EXAMPLES[plan.title] : undefined);

export const titleOf = (plan: PlanItem): string => (key(plan) ? t(`citizen.example_${key(plan)}`) : plan.title);
export const sentenceOf = (plan: PlanItem): string => (key(plan) ? t(`citizen.example_${key(plan)}_text`) : plan.sentence);
export const whenOf = (plan: PlanItem): string => (key(plan) && plan.when ? t(`citizen.example_${key(plan)}_when`) : plan.when);
