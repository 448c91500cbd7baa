/** Telling the passkey provider what changed here, so that it offers only what works. Best effort: most browsers don't listen yet. */

/**
 * @typedef {object} Listener what a browser offers that listens
 * @property {(options: {rpId: string, credentialId: string}) => Promise<void>} [signalUnknownCredential]
 * @property {(options: {rpId: string, userId: string, allAcceptedCredentialIds: string[]}) => Promise<void>} [signalAllAcceptedCredentials]
 * @property {(options: {rpId: string, userId: string, name: string, displayName: string}) => Promise<void>} [signalCurrentUserDetails]
 */

/**
 * A passkey that is not registered here.
 * @param {string} rpId the relying party
 * @param {string} credentialId base64url
 */
export async function signalUnknown(rpId, credentialId) {
  await quietly((browser) => browser.signalUnknownCredential?.({ rpId, credentialId }));
}

/**
 * Every passkey that still opens an account: the provider hides the others.
 * @param {{rp_id: string, user_id: string, all_accepted_credential_ids: string[]}} accepted as the API answers it, ids in base64url
 */
export async function signalAllAccepted(accepted) {
  await quietly((browser) => browser.signalAllAcceptedCredentials?.({
    rpId: accepted.rp_id,
    userId: accepted.user_id,
    allAcceptedCredentialIds: accepted.all_accepted_credential_ids,
  }));
}

/**
 * The names under which the provider lists an account.
 * @param {{rpId: string, userId: string, name: string, displayName: string}} details userId is the handle in base64url
 */
export async function signalDetails(details) {
  await quietly((browser) => browser.signalCurrentUserDetails?.(details));
}

/**
 * A signal is a courtesy: its failure must not become the page's. It may also take its time, and the page won't wait.
 * @param {(browser: Listener) => Promise<void> | undefined} signal the call
 */
async function quietly(signal) {
  try {
    await Promise.race([signal(/** @type {Listener} */ (PublicKeyCredential)), new Promise((resolve) => setTimeout(resolve, 1000))]);
  } catch {
    // The provider keeps its list as it was.
  }
}
