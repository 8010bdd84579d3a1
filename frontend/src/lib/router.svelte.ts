/** Page routes by the history API: a link anywhere in the page opens without a load, and each page works as a deep link. */
import { tick } from "svelte";

export interface Place {
  path: string;
  query: URLSearchParams;
  hash: string;
}

const read = (): Place => ({
  path: decodeURI(location.pathname),
  query: new URLSearchParams(location.search),
  hash: location.hash.slice(1),
});

let here: Place = $state.raw(read());

/** Where the reader is; reading it in a component makes the component follow. */
export const place = (): Place => here;

export function go(href: string, { replace = false, focus = true }: { replace?: boolean; focus?: boolean } = {}): void {
  const samePage = new URL(href, location.href).pathname === location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  here = read();
  if (!samePage && focus) {
    scrollTo(0, 0);
    void tick().then(() => document.getElementById("main")?.focus());
  }
}

/** Put view state behind `#` without a step in the history. */
export function setHash(hash: string): void {
  if (hash === location.hash.slice(1)) return;
  history.replaceState(null, "", location.pathname + location.search + (hash ? `#${hash}` : ""));
  here = read();
}

/** Parameters of a pattern such as "/scenario/:id", or null where the path is another. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const came = path.split("/").filter(Boolean);
  if (wanted.length !== came.length) return null;
  const found: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const piece = came[at] as string;
    if (part.startsWith(":")) found[part.slice(1)] = piece;
    else if (part !== piece) return null;
  }
  return found;
}

const SERVED = /^\/(api|ogc|assets)(\/|$)/;

function clicked(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (SERVED.test(link.pathname) || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}

/** Begin to follow links and the browser's own back and forward; returns what stops it. */
export function startRouter(): () => void {
  const moved = () => {
    here = read();
  };
  addEventListener("popstate", moved);
  addEventListener("hashchange", moved);
  document.addEventListener("click", clicked);
  return () => {
    removeEventListener("popstate", moved);
    removeEventListener("hashchange", moved);
    document.removeEventListener("click", clicked);
  };
}
