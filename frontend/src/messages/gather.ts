type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>;

/** Files of one language as one table: `./en/desk.json` {"run": …} becomes {"desk.run": …}. */
export function gather(files: Record<string, unknown>): Record<string, Message> {
  const all: Record<string, Message> = {};
  for (const [path, messages] of Object.entries(files)) {
    const area = path.slice(path.lastIndexOf("/") + 1, -".json".length);
    for (const [key, message] of Object.entries(messages as Record<string, Message>)) all[`${area}.${key}`] = message;
  }
  return all;
}
