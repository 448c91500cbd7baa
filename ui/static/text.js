/** Texts of the page, from the data blocks in its HTML. */

/** @type {Record<string, string>} */
const sentences = { ...readBlock("shared-text"), ...readBlock("text") };

/**
 * Reads one data block of the page.
 * @param {string} id ID of a `<script type="application/json">`
 * @returns {Record<string, string>} key → text; empty if the page has no such block
 */
function readBlock(id) {
  return JSON.parse(document.getElementById(id)?.textContent || "{}");
}

/**
 * Returns the text of a key, with its `{name}` placeholders filled in.
 * @param {string} key such as "shared.waiting"
 * @param {Record<string, string>} [values] placeholder → value
 * @returns {string} the text; the key itself if the page does not contain it
 */
export function text(key, values = {}) {
  return (sentences[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
