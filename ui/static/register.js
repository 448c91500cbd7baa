/** The form that creates a passkey from a link: shared by setup and join. */

import { Attempts } from "./attempts.js";
import { canUsePasskeys, register } from "./ceremony.js";
import { clearFieldComplaints, complain, complainAboutField, element, say, showBusy, showUnsupported, whenShownAgain } from "./page.js";
import { isNothingHappened, isProblem, Problem, sentenceFor } from "./problem.js";
import { text } from "./text.js";

const attempts = new Attempts();

/**
 * Wires the form.
 * @param {(token: string) => object} fieldsOf fields of the start request, from the link's token
 */
export function startRegistration(fieldsOf) {
  if (!canUsePasskeys()) return showUnsupported();
  const form = element("register", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isFilledIn(form)) createPasskey(fieldsOf(form.dataset.token ?? ""));
  });
  whenShownAgain(() => location.reload());
}

/**
 * @param {string} id of a field that this page may have
 * @returns {string | undefined} the entered text
 */
export function valueOf(id) {
  const field = document.getElementById(id);
  return field instanceof HTMLInputElement ? field.value.trim() : undefined;
}

/**
 * @param {HTMLFormElement} form whose required fields are checked
 * @returns {boolean} whether all are filled in; the first empty one is marked
 */
function isFilledIn(form) {
  clearFieldComplaints();
  const empty = Array.from(form.querySelectorAll("input")).find((field) => field.required && !field.value.trim());
  return !empty || !complainAboutField(empty.id, text("shared.field_empty"));
}

/** @param {object} fields fields of the start request */
function createPasskey(fields) {
  attempts.begin(async (signal) => {
    const button = element("register-button", HTMLButtonElement);
    const done = showBusy(button, text("shared.waiting"));
    let isMade = false;
    const answered = () => {
      isMade = true;
      showBusy(button, text("register.script.saving"));
    };
    say("");
    try {
      await register(fields, signal, answered);
      attempts.close();
      location.assign(welcomePath());
    } catch (thrown) {
      done();
      if (!signal.aborted) showFailure(thrown, isMade);
    }
  });
}

/** @returns {string} URL of the next page, which leads users who come from an app back to it */
function welcomePath() {
  const id = element("register", HTMLFormElement).dataset.continue;
  return id ? `/welcome?continue=${id}` : "/welcome";
}

/**
 * @param {unknown} thrown what ended the ceremony
 * @param {boolean} isMade whether the device had already created the passkey
 */
function showFailure(thrown, isMade) {
  if (isNothingHappened(thrown)) return say(sentenceFor(thrown));
  const isLost = isProblem(thrown, "unreachable") || isProblem(thrown, "unavailable") || isProblem(thrown, "interrupted");
  if (isMade && isLost) return complain(text("register.script.unsure"));
  if (isProblem(thrown, "link-gone")) return location.reload();
  const field = isProblem(thrown, "username-taken") ? "username" : thrown instanceof Problem ? thrown.field : undefined;
  if (!field || !complainAboutField(field, sentenceFor(thrown))) complain(sentenceFor(thrown));
}
