/** Tells the passkey provider about changes (WebAuthn signal API), so that it offers only valid passkeys. Best effort: not all browsers support it. */

/**
 * @typedef {object} Listener signal methods of the browser
 * @property {(options: {rpId: string, credentialId: string}) => Promise<void>} [signalUnknownCredential]
 * @property {(options: {rpId: string, userId: string, allAcceptedCredentialIds: string[]}) => Promise<void>} [signalAllAcceptedCredentials]
 * @property {(options: {rpId: string, userId: string, name: string, displayName: string}) => Promise<void>} [signalCurrentUserDetails]
 */

/**
 * Signals a passkey that is not registered.
 * @param {string} rpId ID of the relying party
 * @param {string} credentialId base64url
 */
export async function signalUnknown(rpId, credentialId) {
  await quietly((browser) => browser.signalUnknownCredential?.({ rpId, credentialId }));
}

/**
 * Signals all valid passkeys of an account: the provider hides the others.
 * @param {{rp_id: string, user_id: string, all_accepted_credential_ids: string[]}} accepted as returned by the API, IDs in base64url
 */
export async function signalAllAccepted(accepted) {
  await quietly((browser) => browser.signalAllAcceptedCredentials?.({
    rpId: accepted.rp_id,
    userId: accepted.user_id,
    allAcceptedCredentialIds: accepted.all_accepted_credential_ids,
  }));
}

/**
 * Signals the names of an account.
 * @param {{rpId: string, userId: string, name: string, displayName: string}} details userId is the handle in base64url
 */
export async function signalDetails(details) {
  await quietly((browser) => browser.signalCurrentUserDetails?.(details));
}

/**
 * Sends a signal without waiting for it. Failures are ignored.
 * @param {(browser: Listener) => Promise<void> | undefined} signal the call
 */
async function quietly(signal) {
  try {
    await Promise.race([signal(/** @type {Listener} */ (PublicKeyCredential)), new Promise((resolve) => setTimeout(resolve, 1000))]);
  } catch {
    // The provider's list stays as it was.
  }
}
