/** GET /account: adds passkeys, and tells the passkey provider about a changed display name. */

import { Attempts } from "./attempts.js";
import { canUsePasskeys, register, withStepUp } from "./ceremony.js";
import { complain, element, say, showBusy, whenShownAgain } from "./page.js";
import { isNothingHappened, isProblem, sentenceFor } from "./problem.js";
import { signalDetails } from "./signal.js";
import { text } from "./text.js";
import { showTimes } from "./time.js";

const attempts = new Attempts();

showTimes();
start();

/** Wires the page, and tells the passkey provider what the last form changed. */
function start() {
  const button = element("add-passkey", HTMLButtonElement);
  if (!canUsePasskeys()) button.hidden = true;
  button.addEventListener("click", addPasskey);
  whenShownAgain(() => location.reload());
  // Remove the notice from the URL, so that a reload does not show it again.
  if (location.search.startsWith("?notice=")) history.replaceState(null, "", location.pathname + location.hash);
  if (canUsePasskeys()) tellProvider(element("account", HTMLElement).dataset);
}

/** @param {DOMStringMap} page data attributes of the account */
function tellProvider({ notice, rpId, userHandle, username, displayName }) {
  if (notice !== "account.notice.profile_saved" || !rpId || !userHandle) return;
  signalDetails({ rpId, userId: userHandle, name: username ?? "", displayName: displayName ?? "" });
}

/** Adds a passkey, after a step-up if the last sign-in is too old. */
function addPasskey() {
  attempts.begin(async (signal) => {
    const button = element("add-passkey", HTMLButtonElement);
    const done = showBusy(button, text("shared.waiting"));
    const asking = () => say(text("account.script.confirm_first"));
    say("");
    try {
      await withStepUp(() => register({}, signal), { signal, asking });
      attempts.close();
      location.assign("/account?notice=passkey_added");
    } catch (thrown) {
      done();
      if (signal.aborted) return;
      if (isProblem(thrown, "signed-out")) location.reload();
      else if (isNothingHappened(thrown)) say(sentenceFor(thrown));
      else complain(sentenceFor(thrown));
    }
  });
}
