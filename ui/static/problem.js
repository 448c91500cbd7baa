/** Calls the API: JSON in, JSON out, problem documents (RFC 9457) as exceptions, and a sentence for each failure. */

import { text } from "./text.js";

const PREFIX = "urn:doorward:problem:";

/** Timeout of a call: longer than the server's own timeouts. */
const LONGEST_WAIT_MS = 20_000;

/** A problem that the API returned, or (`type` "unreachable") a missing response. */
export class Problem extends Error {
  /**
   * @param {string} type the last part of the problem's URN, such as "ceremony-gone"
   * @param {{detail?: string, field?: string, retryAfter?: string}} [more] what the API said besides
   */
  constructor(type, more = {}) {
    super(type);
    this.type = type;
    this.detail = more.detail;
    this.field = more.field;
    this.retryAfter = more.retryAfter;
  }
}

/**
 * Whether a caught exception is a problem of one type.
 * @param {unknown} thrown what was caught
 * @param {string} type such as "step-up-needed"
 * @returns {thrown is Problem}
 */
export function isProblem(thrown, type) {
  return thrown instanceof Problem && thrown.type === type;
}

/**
 * POSTs JSON.
 * @param {string} path such as "/webauthn/login/start"
 * @param {object} body the request's fields
 * @param {AbortSignal} [signal] aborts the call
 * @returns {Promise<any>} the response's JSON
 * @throws {Problem} if refused or unreachable; an AbortError if aborted
 */
export function post(path, body, signal) {
  return call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }, signal);
}

/**
 * DELETEs a resource.
 * @param {string} path such as "/v1/me/passkeys/{id}"
 * @returns {Promise<any>} the response's JSON
 * @throws {Problem} when refused or unreachable
 */
export function remove(path) {
  return call(path, { method: "DELETE" });
}

/**
 * Sends one request, with a timeout.
 * @param {string} path on this origin
 * @param {RequestInit} request method, headers and body
 * @param {AbortSignal} [signal] aborts the call
 * @returns {Promise<any>} the response's JSON; undefined if it has no body
 */
async function call(path, request, signal) {
  signal?.throwIfAborted();
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  const timer = setTimeout(giveUp, LONGEST_WAIT_MS);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const headers = { ...request.headers, ...userOfPage() };
    const response = await fetch(path, { ...request, headers, credentials: "same-origin", redirect: "error", signal: abort.signal });
    const body = await readJson(response);
    if (!response.ok) throw problemOf(response, body);
    return body;
  } catch (thrown) {
    signal?.throwIfAborted();
    // fetch throws a TypeError when offline, an AbortError after our own timeout.
    throw thrown instanceof Problem ? thrown : new Problem("unreachable");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** @returns {Record<string, string>} the header that names the user for whom this page was rendered: nothing is done for anyone else */
function userOfPage() {
  const user = document.body.dataset.user;
  return user ? { "doorward-user": user } : {};
}

/**
 * Reads the JSON of a response; undefined if a proxy responded with a page of its own.
 * @param {Response} response any response
 * @returns {Promise<any>} the JSON, if there is any
 */
async function readJson(response) {
  const words = await response.text();
  try {
    return words ? JSON.parse(words) : undefined;
  } catch (thrown) {
    if (response.ok) throw thrown;
    return undefined;
  }
}

/**
 * Converts an error response to a problem.
 * @param {Response} response an error response
 * @param {any} body its JSON, if any
 * @returns {Problem}
 */
function problemOf(response, body) {
  const named = String(body?.type ?? "").startsWith(PREFIX) ? String(body.type).slice(PREFIX.length) : "";
  const type = named || (response.status >= 500 ? "unavailable" : response.status === 429 ? "rate-limited" : "refused");
  return new Problem(type, { detail: body?.detail, field: body?.field, retryAfter: response.headers.get("retry-after") ?? undefined });
}

/** Text keys of problem types; other problems have their sentence in `detail`. */
const SENTENCES = new Map([
  ["passkey-unknown", "shared.passkey_unknown"],
  ["account-suspended", "shared.account_suspended"],
  ["unreachable", "shared.unreachable"],
  ["unavailable", "shared.unreachable"],
  ["ceremony-gone", "shared.took_too_long"],
  ["signed-out", "shared.signed_out"],
]);

/** Text keys of the browser's exceptions; all others mean that the user dismissed the dialog or it timed out. */
const EXCEPTIONS = new Map([
  ["SecurityError", "shared.wrong_address"],
  ["InvalidStateError", "shared.already_here"],
  ["ConstraintError", "shared.unfit"],
  ["NotSupportedError", "shared.unfit"],
]);

/**
 * Returns the sentence for an exception; never the exception's name.
 * @param {unknown} thrown what was caught
 * @returns {string}
 */
export function sentenceFor(thrown) {
  if (thrown instanceof Problem) {
    const seconds = thrown.retryAfter;
    if (thrown.type === "rate-limited" && seconds && /^\d+$/.test(seconds)) return text("shared.rate_limited", { seconds });
    const key = SENTENCES.get(thrown.type);
    return key ? text(key) : thrown.detail || text("shared.went_wrong");
  }
  if (thrown instanceof DOMException) return text(EXCEPTIONS.get(thrown.name) ?? "shared.nothing_happened");
  return text("shared.went_wrong");
}

/**
 * Whether the user dismissed the dialog: not an error, the focus may stay on the button.
 * @param {unknown} thrown what was caught
 * @returns {boolean}
 */
export function isNothingHappened(thrown) {
  return thrown instanceof DOMException && !EXCEPTIONS.has(thrown.name);
}
