/** Shows times in the reader's time zone and locale. Without this module the server's UTC text stays. */

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const FORMS = {
  date: { dateStyle: "long" },
  until: { dateStyle: "long", timeStyle: "short" },
  full: { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit" },
};

/** Seconds of each unit, largest first. @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** Older times are shown as dates. */
const RELATIVE_UP_TO_SECONDS = 7 * 86_400;

/** Formats every `<time datetime>` of the page. */
export function showTimes() {
  document.querySelectorAll("time[datetime]").forEach((place) => {
    const moment = new Date(place.getAttribute("datetime") ?? "");
    if (Number.isNaN(moment.getTime())) return;
    place.setAttribute("title", format(moment, "full", true));
    place.textContent = words(moment, place.getAttribute("data-form") ?? "until");
  });
}

/**
 * @param {Date} moment time to format
 * @param {string} form "relative", "date", "until" or "full"
 * @returns {string} text
 */
function words(moment, form) {
  if (form !== "relative") return format(moment, form, false);
  const seconds = (moment.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) > RELATIVE_UP_TO_SECONDS) return format(moment, "date", false);
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(unit === "second" ? 0 : Math.trunc(seconds / size), unit);
}

/**
 * @param {Date} moment time to format
 * @param {string} form a key of FORMS
 * @param {boolean} withZone whether to include the time zone
 * @returns {string}
 */
function format(moment, form, withZone) {
  const options = FORMS[form] ?? FORMS.until ?? {};
  return new Intl.DateTimeFormat([...navigator.languages], withZone ? { ...options, timeZoneName: "short" } : options).format(moment);
}
