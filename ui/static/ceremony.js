/** WebAuthn ceremonies: authenticate with a passkey (login, step-up) and create a passkey (register). */

import { creationOptions, credentialJson, requestOptions } from "./credential.js";
import { isProblem, post } from "./problem.js";
import { signalUnknown } from "./signal.js";

/** How long an aborted call may take to settle. */
const SETTLED_WITHIN_MS = 1_000;

/** @returns {boolean} whether this browser supports passkeys */
export function canUsePasskeys() {
  return typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);
}

/**
 * @param {AbortSignal} signal aborts the check
 * @returns {Promise<boolean>} whether this browser can offer passkeys inside the username field
 */
export async function canOfferInField(signal) {
  try {
    return (await settled(PublicKeyCredential.isConditionalMediationAvailable?.(), signal)) ?? false;
  } catch {
    return false;
  }
}

/**
 * @typedef {object} Proof options of an authentication
 * @property {"login" | "step-up"} purpose the ceremony
 * @property {object} fields fields of the start request
 * @property {AbortSignal} [signal] aborts the ceremony until the passkey has responded
 * @property {() => void} [answered] called when the passkey has responded
 */

/**
 * Authenticates with a passkey. An expired ceremony (the page was open for long) is restarted once.
 * @param {Proof} proof options
 * @returns {Promise<any>} response of the finish request
 */
export async function prove(proof) {
  try {
    return await proveOnce(proof);
  } catch (thrown) {
    if (!isProblem(thrown, "ceremony-gone")) throw thrown;
    // The user has just chosen a passkey, so the second call shows the dialog instead of waiting in the field.
    return proveOnce({ ...proof, fields: { ...proof.fields, conditional: undefined } });
  }
}

/**
 * @param {Proof} proof options
 * @returns {Promise<any>} response of the finish request
 */
async function proveOnce({ purpose, fields, signal, answered }) {
  const { ceremony, publicKey, mediation } = await post(`/webauthn/${purpose}/start`, fields, signal);
  const credential = await ask(navigator.credentials.get({ publicKey: requestOptions(publicKey), mediation, signal }), signal);
  answered?.();
  try {
    // Not abortable any more: the server may already have committed.
    return await post(`/webauthn/${purpose}/finish`, { ceremony, credential: credentialJson(credential) });
  } catch (thrown) {
    if (isProblem(thrown, "passkey-unknown")) await signalUnknown(publicKey.rpId, credential.id);
    throw thrown;
  }
}

/**
 * Creates a passkey. An expired ceremony is restarted once.
 * @param {object} fields fields of the start request: the link's token, or none for the signed-in user
 * @param {AbortSignal} [signal] aborts the ceremony until the passkey is created
 * @param {() => void} [answered] called when the passkey is created and must be saved
 * @returns {Promise<any>} response of the finish request
 */
export async function register(fields, signal, answered) {
  try {
    return await registerOnce(fields, signal, answered);
  } catch (thrown) {
    if (!isProblem(thrown, "ceremony-gone")) throw thrown;
    return registerOnce(fields, signal, answered);
  }
}

/**
 * @param {object} fields fields of the start request
 * @param {AbortSignal} [signal] aborts it
 * @param {() => void} [answered] called when the passkey is created
 * @returns {Promise<any>} response of the finish request
 */
async function registerOnce(fields, signal, answered) {
  const { ceremony, publicKey } = await post("/webauthn/register/start", fields, signal);
  const credential = await ask(navigator.credentials.create({ publicKey: creationOptions(publicKey), signal }), signal);
  answered?.();
  try {
    return await post("/webauthn/register/finish", { ceremony, credential: credentialJson(credential) });
  } catch (thrown) {
    // The server refused the passkey, so the device should forget it. After a lost response it may have been saved.
    const isLost = isProblem(thrown, "unreachable") || isProblem(thrown, "unavailable") || isProblem(thrown, "interrupted");
    if (!isLost) await signalUnknown(publicKey.rp?.id ?? location.hostname, credential.id);
    throw thrown;
  }
}

/**
 * Waits for the authenticator.
 * @param {Promise<Credential | null>} pending promise of `navigator.credentials`
 * @param {AbortSignal} [signal] aborts it
 * @returns {Promise<PublicKeyCredential>} the credential; a password manager may return another object than a PublicKeyCredential
 */
async function ask(pending, signal) {
  const credential = await settled(pending, signal);
  if (credential?.type === "public-key") return /** @type {PublicKeyCredential} */ (credential);
  throw new DOMException("no passkey", "NotAllowedError");
}

/**
 * Waits for a promise, at most a moment longer than its signal: browsers settle aborted calls immediately, some password
 * managers never do. A later result is ignored.
 * @template Value
 * @param {Promise<Value> | undefined} pending promise to wait for
 * @param {AbortSignal} [signal] that aborts it
 * @returns {Promise<Value | undefined>}
 */
function settled(pending, signal) {
  if (!signal) return Promise.resolve(pending);
  /** @type {Promise<never>} */
  const abandoned = new Promise((_, reject) => {
    const giveUp = () => setTimeout(() => reject(new DOMException("given up", "AbortError")), SETTLED_WITHIN_MS);
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
  return Promise.race([pending, abandoned]);
}

/**
 * Runs an action that may need a recent sign-in: if the API says so, steps up and runs it again.
 * @template Answer
 * @param {() => Promise<Answer>} act request or ceremony
 * @param {{signal?: AbortSignal, asking?: () => void}} [options] `asking` is called before the step-up
 * @returns {Promise<Answer>} response of the action
 */
export async function withStepUp(act, options = {}) {
  try {
    return await act();
  } catch (thrown) {
    if (!isProblem(thrown, "step-up-needed")) throw thrown;
    options.asking?.();
    await prove({ purpose: "step-up", fields: {}, signal: options.signal });
    return act();
  }
}
