/** A link that works once: copy it. */

import { element, say } from "./page.js";
import { text } from "./text.js";
import { showTimes } from "./time.js";

showTimes();
const button = element("copy", HTMLButtonElement);
button.hidden = false;
button.addEventListener("click", copy);

/** Copies the link; where the browser forbids it, selects it for the person to copy. */
async function copy() {
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
