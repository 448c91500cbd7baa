/** GET /account/passkeys/{id}/remove: removes the passkey, then tells the passkey provider which ones are left. */

import { Attempts } from "./attempts.js";
import { withStepUp } from "./ceremony.js";
import { complain, element, say, showBusy, whenShownAgain } from "./page.js";
import { isNothingHappened, isProblem, remove, sentenceFor } from "./problem.js";
import { signalAllAccepted } from "./signal.js";
import { text } from "./text.js";

const attempts = new Attempts();

// The page of the only passkey has no form.
if (document.getElementById("remove")) {
  element("remove", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    removePasskey(element("remove", HTMLFormElement).dataset.passkey ?? "");
  });
  whenShownAgain(() => location.reload());
}

/** @param {string} id of the passkey */
function removePasskey(id) {
  attempts.begin(async (signal) => {
    const button = element("remove-button", HTMLButtonElement);
    const done = showBusy(button, text("remove_passkey.script.removing"));
    const asking = () => showBusy(button, text("shared.waiting"));
    say("");
    try {
      const answer = await withStepUp(() => remove(`/v1/me/passkeys/${encodeURIComponent(id)}`), { signal, asking });
      if (answer?.signal) await signalAllAccepted(answer.signal);
      attempts.close();
      location.assign("/account?notice=passkey_removed");
    } catch (thrown) {
      done();
      if (signal.aborted) return;
      if (isProblem(thrown, "signed-out")) location.reload();
      else if (isNothingHappened(thrown)) say(sentenceFor(thrown));
      else complain(sentenceFor(thrown));
    }
  });
}
