/** base64url without padding, for browsers that cannot convert WebAuthn's JSON themselves. */

/**
 * @param {string} words base64url, with or without padding
 * @returns {ArrayBuffer} the bytes
 */
export function bytesOf(words) {
  const binary = atob(words.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, ""));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0)).buffer;
}

/**
 * @param {ArrayBuffer | Uint8Array} bytes any bytes
 * @returns {string} base64url without padding
 */
export function wordsOf(bytes) {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
