/** GET /setup/{token}: creates the first administrator's passkey. */

import { startRegistration, valueOf } from "./register.js";
import { showTimes } from "./time.js";

showTimes();
startRegistration((token) => ({
  setup: token,
  username: valueOf("username"),
  display_name: valueOf("display_name"),
  email: valueOf("email") || undefined,
}));
