/** The page's sentences, from the data blocks that the frame renders. */

/** @type {Record<string, string>} */
const sentences = { ...readBlock("shared-text"), ...readBlock("text") };

/**
 * Reads one data block of the page.
 * @param {string} id the id of a `<script type="application/json">`
 * @returns {Record<string, string>} key → sentence; empty when the page has no such block
 */
function readBlock(id) {
  return JSON.parse(document.getElementById(id)?.textContent || "{}");
}

/**
 * The sentence of a key, with its `{name}` placeholders filled in.
 * @param {string} key such as "shared.waiting"
 * @param {Record<string, string>} [values] placeholder → value
 * @returns {string} the sentence; the key itself when the page doesn't carry it
 */
export function text(key, values = {}) {
  return (sentences[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
