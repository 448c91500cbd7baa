/** GET /setup/{token}: creates the first administrator's passkey. */

import { startEnrolment, valueOf } from "./enrol.js";
import { showTimes } from "./time.js";

showTimes();
startEnrolment((token) => ({
  setup: token,
  username: valueOf("username"),
  display_name: valueOf("display_name"),
  email: valueOf("email") || undefined,
}));
