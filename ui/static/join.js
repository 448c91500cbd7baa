/** GET /join/{token}: the passkey of somebody who was invited, or one more for an existing account. */

import { startEnrolment, valueOf } from "./enrol.js";
import { showTimes } from "./time.js";

showTimes();
// While somebody else is signed in the page asks first, and has no form.
if (document.getElementById("enrol")) {
  startEnrolment((token) => ({ invitation: token, username: valueOf("username"), display_name: valueOf("display_name") }));
}
