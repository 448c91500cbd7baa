/** GET /admin/audit: the filter shows local time, the URL has UTC. */

import { element } from "./page.js";
import { text } from "./text.js";
import { showTimes } from "./time.js";

showTimes();
showLocally("from");
showLocally("until");
element("filters", HTMLFormElement).addEventListener("formdata", ({ formData }) => {
  sendAsUtc(formData, "from");
  sendAsUtc(formData, "until");
  tidy(formData);
});

/** @param {string} id ID of a field whose value from the server is in UTC */
function showLocally(id) {
  const field = element(id, HTMLInputElement);
  const label = document.querySelector(`label[for="${id}"]`);
  if (label) label.textContent = text(`admin_audit.script.${id}`);
  if (!field.value) return;
  const moment = new Date(`${field.value}Z`);
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  field.value = local.toISOString().slice(0, 16);
}

/**
 * @param {FormData} form that is submitted
 * @param {string} id ID of a field with a local time
 */
function sendAsUtc(form, id) {
  const value = String(form.get(id) ?? "");
  if (value) form.set(id, new Date(value).toISOString());
}

/**
 * Removes empty filters from the URL.
 * @param {FormData} form that is submitted
 */
function tidy(form) {
  ["user", "action", "outcome", "from", "until"].filter((name) => !form.get(name)).forEach((name) => form.delete(name));
}
