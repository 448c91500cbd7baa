/** GET /join/{token}: creates the passkey of an invited user, or another one for an existing account. */

import { startRegistration, valueOf } from "./register.js";
import { showTimes } from "./time.js";

showTimes();
// If another user is signed in, the page asks to sign out first and has no form.
if (document.getElementById("register")) {
  startRegistration((token) => ({ invitation: token, username: valueOf("username"), display_name: valueOf("display_name") }));
}
