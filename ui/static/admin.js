/** The admin pages work without script; this only shows times in the reader's time zone. */

import { showTimes } from "./time.js";

showTimes();
if (location.search.startsWith("?notice=")) history.replaceState(null, "", location.pathname);
