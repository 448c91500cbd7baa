/** Step-up before an action: asks for the passkey, then submits the original form again. */

import { Attempts } from "./attempts.js";
import { canUsePasskeys, prove } from "./ceremony.js";
import { complain, element, say, showBusy, showUnsupported, whenShownAgain } from "./page.js";
import { isNothingHappened, isProblem, sentenceFor } from "./problem.js";
import { text } from "./text.js";

const attempts = new Attempts();

if (canUsePasskeys()) start();
else showUnsupported();

/** Wires the page. */
function start() {
  element("step-up", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    confirmWithPasskey();
  });
  whenShownAgain(() => location.reload());
}

/** Asks for the passkey. Pressing the button again starts over. */
function confirmWithPasskey() {
  attempts.begin(async (signal) => {
    const button = element("step-up-button", HTMLButtonElement);
    const done = showBusy(button, text("shared.waiting"));
    say("");
    try {
      await prove({ purpose: "step-up", fields: {}, signal });
      attempts.close();
      showBusy(button, text("step_up.script.going_on"));
      sendOriginal();
    } catch (thrown) {
      done();
      if (signal.aborted) return;
      // The server keeps the form, and its response says what happened.
      if (isProblem(thrown, "signed-out") || isProblem(thrown, "other-user")) sendOriginal();
      else if (isNothingHappened(thrown)) say(sentenceFor(thrown));
      else complain(sentenceFor(thrown));
    }
  });
}

/** Submits the original form. Not form.submit(): a hidden field may be called "submit". */
function sendOriginal() {
  HTMLFormElement.prototype.submit.call(element("original", HTMLFormElement));
}
