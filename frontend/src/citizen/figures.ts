/** Figures of a plan in the reader's language: what they are called, how they changed, and whether that is good. */
import { number } from "$lib/format";
import { has, t } from "$lib/i18n.svelte";
import type { IconName } from "$ui/icons";
import type { TopicHere, Verdict } from "./types";

export const ICONS: Record<string, IconName> = {
  trip: "tram",
  rent: "home",
  homes: "home",
  heat: "heat",
  flood: "water",
  air: "lane",
  green: "tree",
  cost: "info",
  other: "info",
};

export const iconOf = (topic: string): IconName => ICONS[topic] ?? "info";

/** Whether a change at a place is good for who lives there: all that is told at a place is better the less it is. */
export function verdictHere(topic: TopicHere): Verdict {
  if (topic.change === null || topic.change === 0) return "same";
  return topic.change < 0 ? "better" : "worse";
}

export const withUnit = (value: number, digits: number, unit: string): string => {
  const shown = has(`citizen.unit_${unit.replace(/\W+/g, "_")}`) ? t(`citizen.unit_${unit.replace(/\W+/g, "_")}`) : unit;
  return shown ? `${number(value, digits)} ${shown}` : number(value, digits);
};

/** "2.2 min shorter", in the reader's language. */
export function changeHere(topic: TopicHere): string {
  if (topic.change === null) return "";
  if (topic.change === 0) return t("citizen.no_change");
  const amount = withUnit(Math.abs(topic.change), topic.digits, topic.unit);
  return t(`citizen.${topic.topic}_${topic.change < 0 ? "less" : "more"}`, { amount });
}
