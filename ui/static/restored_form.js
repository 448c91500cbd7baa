/** Restores a form that was submitted after the session had ended. Nothing is sent until its button is pressed. */

import { element } from "./page.js";

/** @typedef {{action: string, fields: [string, string][], notice: string}} Restored */

/** @type {Restored} */
const restored = JSON.parse(element("restored-form", HTMLScriptElement).textContent ?? "");
const form = Array.from(document.forms).find((one) => one.method === "post" && one.getAttribute("action") === restored.action);
if (form) restore(form);

/** @param {HTMLFormElement} form with the same action */
function restore(form) {
  clearChecks(form);
  for (const [name, value] of restored.fields) fill(form, name, value);
  for (let part = form.parentElement; part; part = part.parentElement) unfold(part);
  form.querySelectorAll("details").forEach(unfold);
  showNotice(form);
}

/** @param {HTMLFormElement} form whose checkboxes are cleared before those that were sent are checked */
function clearChecks(form) {
  form.querySelectorAll("input[type=checkbox]").forEach((box) => {
    if (box instanceof HTMLInputElement) box.checked = false;
  });
}

/**
 * @param {HTMLFormElement} form to fill in
 * @param {string} name of the field
 * @param {string} value that was sent
 */
function fill(form, name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = true;
  else if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) field.value = value;
}

/** @param {Element} part that may be a closed <details> */
function unfold(part) {
  if (part instanceof HTMLDetailsElement) part.open = true;
}

/** @param {HTMLFormElement} form that the notice is shown in */
function showNotice(form) {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.tabIndex = -1;
  notice.setAttribute("role", "status");
  notice.textContent = restored.notice;
  form.prepend(notice);
  notice.focus();
}
