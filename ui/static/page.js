/** Small things that every page does with its elements. */

/**
 * An element that the template promises.
 * @template {HTMLElement} Kind
 * @param {string} id its id
 * @param {new () => Kind} kind its class, such as HTMLInputElement
 * @returns {Kind} the element
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`this page has no ${kind.name} #${id}`);
  return found;
}

/**
 * Says something in the page's status line, which a screen reader reads out; the focus stays where it is.
 * @param {string} sentence what to say; empty clears the line
 */
export function say(sentence) {
  const status = element("status", HTMLElement);
  status.classList.remove("bad");
  status.textContent = sentence;
}

/**
 * Says that something went wrong, and moves the focus there.
 * @param {string} sentence what to say
 */
export function complain(sentence) {
  const status = element("status", HTMLElement);
  status.classList.add("bad");
  status.textContent = sentence;
  status.focus();
}

/**
 * Marks one field as wrong, says why below it and moves the focus into it.
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

/** Takes back every complaint about a field. */
export function clearFieldComplaints() {
  document.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  document.querySelectorAll(".wrong").forEach((place) => place.toggleAttribute("hidden", true));
}

/**
 * Shows on a button that something is under way. It stays pressable: pressing again starts over.
 * @param {HTMLButtonElement} button whose label is in its `<span>`
 * @param {string} words what it says meanwhile
 * @returns {() => void} gives the button its own words back
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

/** Replaces the page's form by the words for a browser that cannot use passkeys. */
export function showUnsupported() {
  element("unsupported", HTMLElement).hidden = false;
  document.querySelectorAll(".needs-script").forEach((part) => part.toggleAttribute("hidden", true));
}

/**
 * Calls back when the browser shows this page again out of its memory, with the state in which it was left.
 * @param {() => void} callback puts the page back to its beginning
 */
export function whenShownAgain(callback) {
  addEventListener("pageshow", (event) => {
    if (event.persisted) callback();
  });
}
