/**
 * Converts WebAuthn objects to JSON and back: with the browser's functions (Level 3) if available, else by hand, also if a
 * password manager has replaced the browser's objects.
 */

import { bytesOf, wordsOf } from "./base64url.js";

/**
 * Options for `navigator.credentials.create`.
 * @param {any} json PublicKeyCredentialCreationOptionsJSON
 * @returns {PublicKeyCredentialCreationOptions}
 */
export function creationOptions(json) {
  const parsed = attempt(() => PublicKeyCredential.parseCreationOptionsFromJSON(json));
  if (parsed) return parsed;
  return {
    ...json,
    challenge: bytesOf(json.challenge),
    user: { ...json.user, id: bytesOf(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}

/**
 * Options for `navigator.credentials.get`.
 * @param {any} json PublicKeyCredentialRequestOptionsJSON
 * @returns {PublicKeyCredentialRequestOptions}
 */
export function requestOptions(json) {
  const parsed = attempt(() => PublicKeyCredential.parseRequestOptionsFromJSON(json));
  if (parsed) return parsed;
  return { ...json, challenge: bytesOf(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}

/**
 * @param {{id: string, type: "public-key"}[] | undefined} list descriptors with base64url ids
 * @returns {PublicKeyCredentialDescriptor[]}
 */
function descriptors(list) {
  return (list ?? []).map((descriptor) => ({ ...descriptor, id: bytesOf(descriptor.id) }));
}

/**
 * The response of an authenticator as RegistrationResponseJSON or AuthenticationResponseJSON.
 * @param {PublicKeyCredential} credential what the browser returned
 * @returns {object}
 */
export function credentialJson(credential) {
  const json = attempt(() => credential.toJSON());
  // Anything else would be rejected by the server.
  if (typeof json?.id === "string" && typeof json.response?.clientDataJSON === "string") return json;
  return {
    id: credential.id,
    rawId: wordsOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: attempt(() => credential.authenticatorAttachment) ?? undefined,
    clientExtensionResults: attempt(() => credential.getClientExtensionResults()) ?? {},
    response: responseJson(credential.response),
  };
}

/**
 * @param {AuthenticatorResponse} response an attestation or an assertion
 * @returns {object} its JSON
 */
function responseJson(response) {
  const clientDataJSON = wordsOf(response.clientDataJSON);
  if ("attestationObject" in response) {
    const attestation = /** @type {AuthenticatorAttestationResponse} */ (response);
    const transports = attempt(() => attestation.getTransports()) ?? [];
    return { clientDataJSON, attestationObject: wordsOf(attestation.attestationObject), transports };
  }
  const assertion = /** @type {AuthenticatorAssertionResponse} */ (response);
  return {
    clientDataJSON,
    authenticatorData: wordsOf(assertion.authenticatorData),
    signature: wordsOf(assertion.signature),
    userHandle: assertion.userHandle ? wordsOf(assertion.userHandle) : undefined,
  };
}

/**
 * Calls a function that a browser or password manager may lack or break.
 * @template Value
 * @param {() => Value} call the call
 * @returns {Value | undefined} its value; undefined if it throws
 */
function attempt(call) {
  try {
    return call();
  } catch {
    return undefined;
  }
}
