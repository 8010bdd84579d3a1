/** Passkeys: what the server asks is handed to the browser, and its answer handed back. */
import { post } from "$lib/api";
import type { Me } from "$lib/types";
import type { Asked, Passkey } from "./types";

/** Whether this browser can make and use passkeys at all. */
export const canPasskey = (): boolean => typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);

/** Whether the person closed the browser's window, or let it pass: nothing is wrong then. */
export const wasCancelled = (error: unknown): boolean =>
  error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");

/** Whether the authenticator has a passkey of this account already. */
export const isKnown = (error: unknown): boolean => error instanceof DOMException && error.name === "InvalidStateError";

export async function makePasskey(name: string): Promise<Passkey> {
  const asked = await post<Asked<PublicKeyCredentialCreationOptionsJSON>>("/passkeys/register/options");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.public_key);
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  return post<Passkey>("/passkeys/register/verify", { id: asked.id, credential: made.toJSON(), name });
}

export async function signInByPasskey(): Promise<Me> {
  const asked = await post<Asked<PublicKeyCredentialRequestOptionsJSON>>("/passkeys/authenticate/options");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.public_key);
  const used = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  return post<Me>("/passkeys/authenticate/verify", { id: asked.id, credential: used.toJSON() });
}
