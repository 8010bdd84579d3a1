/** Shapes of the API of accounts (src/synapolis/web/api/own.py and accounts.py). */
export const ROLES = ["citizen", "analyst", "officer", "operator", "admin"] as const;

/** Roles that a role includes: what a program may get from whoever has it (never the management of accounts). */
const GIVES: Record<string, string[]> = {
  citizen: ["citizen"],
  analyst: ["citizen", "analyst"],
  officer: ["citizen", "analyst", "officer"],
  operator: ["citizen", "operator"],
  admin: ["citizen", "operator"],
};
export const forPrograms = (roles: string[]): string[] => ROLES.filter((role) => roles.some((has) => GIVES[has]?.includes(role)));

export interface Passkey {
  id: string;
  name: string;
  created: string;
  used: string | null;
}

export interface SignedIn {
  id: string;
  way: string;
  device: string;
  created: string;
  seen: string;
  this: boolean;
}

export interface Token {
  id: string;
  name: string;
  roles: string[];
  created: string;
  expires: string;
  secret: string | null;
}

export interface Person {
  id: string;
  name: string;
  roles: string[];
  disabled: boolean;
  created: string;
}

/** A question to an authenticator, and the name to answer it by. */
export interface Asked<Options> {
  id: string;
  public_key: Options;
}
