/** What went wrong with a change, told as a note. */
import { note } from "$lib/a11y.svelte";
import { ApiError } from "$lib/api";
import { t } from "$lib/i18n.svelte";

export function failed(error: unknown): void {
  const offline = error instanceof ApiError && error.offline;
  const text = offline ? t("ui.offline") : error instanceof Error ? error.message : String(error);
  note(`${t("ui.failed")}: ${text}`, "bad");
}
