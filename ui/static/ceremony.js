/** The ceremonies: prove that a passkey is here (login, step-up) and make a new one (register). */

import { creationOptions, credentialJson, requestOptions } from "./credential.js";
import { isProblem, post } from "./problem.js";
import { signalUnknown } from "./signal.js";

/** How long a call that was aborted may take to settle. */
const SETTLED_WITHIN_MS = 1_000;

/** @returns {boolean} whether this browser knows passkeys at all */
export function canUsePasskeys() {
  return typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);
}

/**
 * @param {AbortSignal} signal gives it up
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
 * @typedef {object} Proof what to prove, and how
 * @property {"login" | "step-up"} purpose which ceremony
 * @property {object} fields the fields of its start call
 * @property {AbortSignal} [signal] gives it up, until the passkey has answered
 * @property {() => void} [answered] called when the passkey has answered
 */

/**
 * Proves with a passkey. A ceremony that is gone (the page was open for long) is begun again, once.
 * @param {Proof} proof what to prove
 * @returns {Promise<any>} the answer of the finish call
 */
export async function prove(proof) {
  try {
    return await proveOnce(proof);
  } catch (thrown) {
    if (!isProblem(thrown, "ceremony-gone")) throw thrown;
    // The person has just chosen, so the second time asks outright instead of waiting in the field.
    return proveOnce({ ...proof, fields: { ...proof.fields, conditional: undefined } });
  }
}

/**
 * @param {Proof} proof what to prove
 * @returns {Promise<any>} the answer of the finish call
 */
async function proveOnce({ purpose, fields, signal, answered }) {
  const { ceremony, publicKey, mediation } = await post(`/webauthn/${purpose}/start`, fields, signal);
  const credential = await ask(navigator.credentials.get({ publicKey: requestOptions(publicKey), mediation, signal }), signal);
  answered?.();
  try {
    // Not given up any more: the server may be past the point of no return.
    return await post(`/webauthn/${purpose}/finish`, { ceremony, credential: credentialJson(credential) });
  } catch (thrown) {
    if (isProblem(thrown, "passkey-unknown")) await signalUnknown(publicKey.rpId, credential.id);
    throw thrown;
  }
}

/**
 * Makes a passkey. A ceremony that is gone is begun again, once.
 * @param {object} fields the fields of the start call: the link's token, or nothing for one's own account
 * @param {AbortSignal} [signal] gives it up, until the passkey is made
 * @param {() => void} [answered] called when the passkey is made and only has to be saved
 * @returns {Promise<any>} the answer of the finish call
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
 * @param {object} fields the fields of the start call
 * @param {AbortSignal} [signal] gives it up
 * @param {() => void} [answered] called when the passkey is made
 * @returns {Promise<any>} the answer of the finish call
 */
async function registerOnce(fields, signal, answered) {
  const { ceremony, publicKey } = await post("/webauthn/register/start", fields, signal);
  const credential = await ask(navigator.credentials.create({ publicKey: creationOptions(publicKey), signal }), signal);
  answered?.();
  try {
    return await post("/webauthn/register/finish", { ceremony, credential: credentialJson(credential) });
  } catch (thrown) {
    // Refused for certain: the passkey that the device has just made would only mislead. After a lost answer it may well be good.
    const isLost = isProblem(thrown, "unreachable") || isProblem(thrown, "unavailable") || isProblem(thrown, "interrupted");
    if (!isLost) await signalUnknown(publicKey.rp?.id ?? location.hostname, credential.id);
    throw thrown;
  }
}

/**
 * Waits for the authenticator.
 * @param {Promise<Credential | null>} pending what `navigator.credentials` promised
 * @param {AbortSignal} [signal] gives it up
 * @returns {Promise<PublicKeyCredential>} its answer; a password manager's may be no real PublicKeyCredential
 */
async function ask(pending, signal) {
  const credential = await settled(pending, signal);
  if (credential?.type === "public-key") return /** @type {PublicKeyCredential} */ (credential);
  throw new DOMException("no passkey", "NotAllowedError");
}

/**
 * Waits for a promise, which may take a moment longer than its signal: browsers settle aborted calls at once, some password
 * managers never do. What such a call answers later is ignored.
 * @template Value
 * @param {Promise<Value> | undefined} pending what to wait for
 * @param {AbortSignal} [signal] what gave it up
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
 * Does something that may need a fresh sign-in: when the API says so, asks for the passkey and does it again.
 * @template Answer
 * @param {() => Promise<Answer>} act the call, or the whole ceremony
 * @param {{signal?: AbortSignal, asking?: () => void}} [options] `asking` is called before the passkey is asked for
 * @returns {Promise<Answer>} what the call answered
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
