/** Words of the pages in the reader's language: `t("desk.run")`, plurals by Intl.PluralRules, loaded one language at a time. */
export const LANGUAGES = { en: "English", fi: "Suomi", sv: "Svenska" } as const;
export type Language = keyof typeof LANGUAGES;

type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;
type Messages = Record<string, Message>;

const LOADERS: Record<Language, () => Promise<{ default: Messages }>> = {
  en: () => import("../messages/en"),
  fi: () => import("../messages/fi"),
  sv: () => import("../messages/sv"),
};
const REMEMBERED = "synapolis.language";

let current: { language: Language; messages: Messages } = $state.raw({ language: "en", messages: {} });

const known = (tag: string | null | undefined): Language | null => {
  const short = (tag ?? "").slice(0, 2).toLowerCase();
  return short in LANGUAGES ? (short as Language) : null;
};

function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

/** The language of the page: as chosen before, else the browser's first that we have, else English. */
export function preferred(): Language {
  return known(remembered()) ?? navigator.languages.map(known).find((language) => language !== null) ?? "en";
}

export async function loadLanguage(language: Language = preferred()): Promise<void> {
  const messages = (await LOADERS[language]()).default;
  current = { language, messages };
  document.documentElement.lang = language;
}

/** Change the language, and remember it. */
export async function chooseLanguage(language: Language): Promise<void> {
  await loadLanguage(language);
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // A browser that keeps nothing still shows the chosen language until it is closed.
  }
}

export const language = (): Language => current.language;

/** The message of a key; `{name}` is filled from `values`, `n` chooses the plural form. Numbers read as the language writes them. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const { language, messages } = current;
  const message = messages[key];
  if (message === undefined) return key;
  const text =
    typeof message === "string"
      ? message
      : (message[new Intl.PluralRules(language).select(Number(values.n ?? 0))] ?? message.other ?? key);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
  });
}

/** Whether a message exists: for words of the server that some languages explain. */
export const has = (key: string): boolean => key in current.messages;
