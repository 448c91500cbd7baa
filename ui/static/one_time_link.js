/** Copy buttons for a link or secret that is shown once, and for the settings of an app. */

import { element, say } from "./page.js";
import { text } from "./text.js";
import { showTimes } from "./time.js";

showTimes();
offer("copy", copyLink);
offer("copy-settings", copySettings);

/**
 * Shows a button, if the page has it.
 * @param {string} id
 * @param {(button: HTMLButtonElement) => Promise<void>} act
 */
function offer(id, act) {
  const button = document.getElementById(id);
  if (button instanceof HTMLButtonElement) {
    button.hidden = false;
    button.addEventListener("click", () => act(button));
  }
}

/**
 * Copies the link; if the browser forbids it, selects the link for the user to copy.
 * @param {HTMLButtonElement} button
 */
async function copyLink(button) {
  const field = element("one-time-link", HTMLInputElement);
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = text("one_time_link.script.copied");
    say(text("one_time_link.script.copied"));
  } catch {
    field.select();
    say(text("one_time_link.script.select"));
  }
}

/**
 * Copies the settings; if the browser forbids it, selects them for the user to copy.
 * @param {HTMLButtonElement} button
 */
async function copySettings(button) {
  const settings = element("settings", HTMLPreElement);
  const status = element("settings-status", HTMLElement);
  try {
    await navigator.clipboard.writeText(settings.textContent ?? "");
    button.textContent = text("one_time_link.script.copied");
    status.textContent = text("one_time_link.script.copied");
  } catch {
    getSelection()?.selectAllChildren(settings);
    status.textContent = text("one_time_link.script.select");
  }
}
