/** GET /login: passkeys offered in the username field, and one button. */

import { Attempts } from "./attempts.js";
import { canOfferInField, canUsePasskeys, prove } from "./ceremony.js";
import { complain, element, say, showBusy, showUnsupported, whenShownAgain } from "./page.js";
import { isNothingHappened, sentenceFor } from "./problem.js";
import { text } from "./text.js";

/** A ceremony lives for five minutes; the one that waits in the field is renewed before. */
const RENEW_AFTER_MS = 4 * 60_000;

const attempts = new Attempts();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;

if (canUsePasskeys()) start();
else showUnsupported();

/** Wires the page and offers passkeys in the field. */
function start() {
  element("sign-in", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    signIn();
  });
  whenShownAgain(() => location.reload());
  offerInField();
}

/** The button: asks for the passkey outright. Pressed again, it starts over. */
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
      // The field may offer passkeys again. Not after a refusal: an authenticator that answers by itself would be refused for ever.
      if (isNothingHappened(thrown)) offerInField();
    }
  });
}

/** Lets the browser offer passkeys inside the username field, where it can. */
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
      // Before a passkey was chosen the person has asked for nothing, so nothing is said; the button will say it.
      if (isChosen) showFailure(thrown);
    }
  });
}

/** Renews the ceremony that waits in the field: now when the page is looked at, else when it is looked at again. */
function renew() {
  if (document.visibilityState === "visible") offerInField();
  else document.addEventListener("visibilitychange", renew, { once: true });
}

/** @returns {string | undefined} the opaque id of where to go afterwards */
function continueId() {
  return document.querySelector("input[name=continue]")?.getAttribute("value") ?? undefined;
}

/** @param {{continue?: string}} answer of the finish call: the cookie is set, the page may leave */
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
