/** What screen readers are told, and short notes that everybody sees. */
export interface Note {
  id: number;
  text: string;
  tone: "plain" | "good" | "bad";
}

export const spoken: { polite: string; assertive: string } = $state({ polite: "", assertive: "" });
export const notes: { list: Note[] } = $state({ list: [] });

let count = 0;

/** Say something to those who hear the page. The same words twice are heard twice. */
export function announce(text: string, how: "polite" | "assertive" = "polite"): void {
  spoken[how] = spoken[how] === text ? `${text} ` : text;
}

/** Show a short note for some seconds (bad news stays until it is closed), and say it. */
export function note(text: string, tone: Note["tone"] = "plain"): void {
  const id = ++count;
  notes.list = [...notes.list.slice(-2), { id, text, tone }];
  announce(text, tone === "bad" ? "assertive" : "polite");
  if (tone !== "bad") setTimeout(() => dismiss(id), 6000);
}

export function dismiss(id: number): void {
  notes.list = notes.list.filter((one) => one.id !== id);
}

let lastId = 0;
export const newId = (prefix = "s"): string => `${prefix}${++lastId}`;

export const reducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
