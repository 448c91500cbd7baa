/** WebAuthn's objects as JSON: by the browser where it can (Level 3), by hand where it cannot yet. */

import { bytesOf, wordsOf } from "./base64url.js";

/**
 * Options for `navigator.credentials.create`.
 * @param {any} json PublicKeyCredentialCreationOptionsJSON
 * @returns {PublicKeyCredentialCreationOptions}
 */
export function creationOptions(json) {
  if (typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function") return PublicKeyCredential.parseCreationOptionsFromJSON(json);
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
  if (typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function") return PublicKeyCredential.parseRequestOptionsFromJSON(json);
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
 * The answer of an authenticator as RegistrationResponseJSON or AuthenticationResponseJSON.
 * @param {PublicKeyCredential} credential what the browser returned
 * @returns {object}
 */
export function credentialJson(credential) {
  if (typeof credential.toJSON === "function") return credential.toJSON();
  return {
    id: credential.id,
    rawId: wordsOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: responseJson(credential.response),
  };
}

/**
 * @param {AuthenticatorResponse} response an attestation or an assertion
 * @returns {object} its JSON
 */
function responseJson(response) {
  const clientDataJSON = wordsOf(response.clientDataJSON);
  if (response instanceof AuthenticatorAttestationResponse) {
    return { clientDataJSON, attestationObject: wordsOf(response.attestationObject), transports: response.getTransports?.() ?? [] };
  }
  const assertion = /** @type {AuthenticatorAssertionResponse} */ (response);
  return {
    clientDataJSON,
    authenticatorData: wordsOf(assertion.authenticatorData),
    signature: wordsOf(assertion.signature),
    userHandle: assertion.userHandle ? wordsOf(assertion.userHandle) : undefined,
  };
}
