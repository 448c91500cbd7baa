/** The console's pages work without script; this only puts their times into the reader's zone. */

import { showTimes } from "./time.js";

showTimes();
if (location.search.startsWith("?notice=")) history.replaceState(null, "", location.pathname);
