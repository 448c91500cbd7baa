/** GET /login: passkey autofill in the username field, and a button. */

import { Attempts } from "./attempts.js";
import { canOfferInField, canUsePasskeys, prove } from "./ceremony.js";
import { complain, element, say, showBusy, showUnsupported, whenShownAgain } from "./page.js";
import { isNothingHappened, sentenceFor } from "./problem.js";
import { text } from "./text.js";

/** A ceremony is valid for five minutes; the pending autofill ceremony is renewed before. */
const RENEW_AFTER_MS = 4 * 60_000;

const attempts = new Attempts();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;

if (canUsePasskeys()) start();
else showUnsupported();

/** Wires the page and starts autofill. */
function start() {
  element("sign-in", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    signIn();
  });
  whenShownAgain(() => location.reload());
  offerInField();
}

/** The button: shows the passkey dialog. Pressing it again starts over. */
function signIn() {
  clearTimeout(renewal);
  attempts.begin(async (signal) => {
    const done = showBusy(element("sign-in-button", HTMLButtonElement), text("shared.waiting"));
    say("");
    try {
      goOn(await prove({ purpose: "login", fields: { continue: continueId() }, signal }));
    } catch (thrown) {
      done();
      if (signal.aborted) return;
      showFailure(thrown);
      // Restart autofill, but not after a refusal: an authenticator that responds by itself would loop.
      if (isNothingHappened(thrown)) offerInField();
    }
  });
}

/** Starts passkey autofill in the username field, if the browser supports it. */
function offerInField() {
  clearTimeout(renewal);
  renewal = setTimeout(renew, RENEW_AFTER_MS);
  attempts.begin(async (signal) => {
    let isChosen = false;
    const answered = () => {
      isChosen = true;
      clearTimeout(renewal);
      say(text("login.script.signing_in"));
    };
    if (!(await canOfferInField(signal)) || signal.aborted) return;
    try {
      goOn(await prove({ purpose: "login", fields: { conditional: true, continue: continueId() }, signal, answered }));
    } catch (thrown) {
      // The user has not chosen a passkey yet, so no error is shown; the button will show it.
      if (isChosen) showFailure(thrown);
    }
  });
}

/** Renews the autofill ceremony: now if the page is visible, else when it becomes visible. */
function renew() {
  if (document.visibilityState === "visible") offerInField();
  else document.addEventListener("visibilitychange", renew, { once: true });
}

/** @returns {string | undefined} opaque ID of the page to continue to */
function continueId() {
  return document.querySelector("input[name=continue]")?.getAttribute("value") ?? undefined;
}

/** @param {{continue?: string}} answer response of the finish request; the cookie is set */
function goOn(answer) {
  attempts.close();
  say(text("login.script.signing_in"));
  location.assign(answer.continue ?? "/account");
}

/** @param {unknown} thrown what ended the ceremony */
function showFailure(thrown) {
  if (isNothingHappened(thrown)) say(sentenceFor(thrown));
  else complain(sentenceFor(thrown));
}
