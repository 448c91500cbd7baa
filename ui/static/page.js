/** Helpers for the elements of a page. */

/**
 * Returns an element that the template contains.
 * @template {HTMLElement} Kind
 * @param {string} id ID of the element
 * @param {new () => Kind} kind class, such as HTMLInputElement
 * @returns {Kind} the element
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`this page has no ${kind.name} #${id}`);
  return found;
}

/**
 * Shows a message in the page's status line, which screen readers announce; the focus does not move.
 * @param {string} sentence message; empty clears the line
 */
export function say(sentence) {
  const status = element("status", HTMLElement);
  status.classList.remove("bad");
  status.textContent = sentence;
}

/**
 * Shows an error and moves the focus to it.
 * @param {string} sentence message
 */
export function complain(sentence) {
  const status = element("status", HTMLElement);
  status.classList.add("bad");
  status.textContent = sentence;
  status.focus();
}

/**
 * Marks a field as invalid, shows the reason below it and moves the focus into it.
 * @param {string} id the field's id; the sentence goes to the element `{id}-wrong`
 * @param {string} sentence what is wrong
 * @returns {boolean} whether this page has such a field
 */
export function complainAboutField(id, sentence) {
  const field = document.getElementById(id);
  const place = document.getElementById(`${id}-wrong`);
  if (!(field instanceof HTMLInputElement) || !place) return false;
  field.setAttribute("aria-invalid", "true");
  place.textContent = sentence;
  place.hidden = false;
  field.focus();
  return true;
}

/** Removes all field errors. */
export function clearFieldComplaints() {
  document.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  document.querySelectorAll(".wrong").forEach((place) => place.toggleAttribute("hidden", true));
}

/**
 * Shows on a button that an action is in progress. The button stays enabled: pressing it again starts over.
 * @param {HTMLButtonElement} button whose label is in its `<span>`
 * @param {string} words label in the meantime
 * @returns {() => void} restores the button's label
 */
export function showBusy(button, words) {
  const label = button.querySelector("span") ?? button;
  const own = button.dataset.label ?? label.textContent ?? "";
  button.dataset.label = own;
  label.textContent = words;
  button.setAttribute("aria-busy", "true");
  return () => {
    label.textContent = own;
    button.removeAttribute("aria-busy");
  };
}

/** Replaces the form with a message for browsers without passkey support. */
export function showUnsupported() {
  element("unsupported", HTMLElement).hidden = false;
  document.querySelectorAll(".needs-script").forEach((part) => part.toggleAttribute("hidden", true));
}

/**
 * Calls back when the browser restores this page from its back/forward cache.
 * @param {() => void} callback resets the page
 */
export function whenShownAgain(callback) {
  addEventListener("pageshow", (event) => {
    if (event.persisted) callback();
  });
}
