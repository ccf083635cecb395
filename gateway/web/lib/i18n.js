// SPDX-License-Identifier: Apache-2.0
// Words and times in the person's language and zone. All words stand in zh-CN.json and en.json, those of some pages in files of their own, the labels of
// records in the server's schema: there is none in code.
import { signal } from "@preact/signals";

export const LANGUAGES = ["zh-CN", "en"];

/** The language that is shown: of which the messages are here. */
export const lang = signal("");
/** The zone in which times are shown, the person's or the company's; undefined: the browser's. */
export const zone = signal(undefined);
const messages = signal({});

let sets = [""]; // the frame's, then "exceptions." for exceptions.zh-CN.json
let last = Promise.resolve();

/** One after the other, so that the last one asked for is shown. */
function show(change) {
  last = last.catch(() => {}).then(async () => {
    const wanted = { sets, lang: lang.value, ...change };
    if (wanted.lang === lang.value && wanted.sets.length === sets.length) {
      return;
    }
    const loaded = await Promise.all(wanted.sets.map((set) => import(`#messages/${set}${wanted.lang}.js`)));
    messages.value = Object.assign({}, ...loaded.map((module) => module.default));
    sets = wanted.sets;
    lang.value = wanted.lang;
    document.documentElement.lang = wanted.lang;
  });
  return last;
}

/** Shows the page in `wanted`. Fetches the messages of a language once. */
export const useLanguage = (wanted) => show({ lang: LANGUAGES.includes(wanted) ? wanted : LANGUAGES[0] });

/** The words that a page brings along. */
export const useWords = (...names) => show({ sets: [...new Set([...sets, ...names.map((name) => `${name}.`)])] });

/** Are there words for `key`? */
export const isSaid = (key) => key in messages.value;

/** The words for `key`, with what stands in braces filled in from `values`. */
export function t(key, values = {}) {
  const text = messages.value[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const format = (time, options) => new Intl.DateTimeFormat(lang.value, { dateStyle: "medium", timeZone: zone.value, ...options }).format(new Date(time));

/** A time as people write it here: "2026-11-27 16:05" or "27 Nov 2026, 16:05". */
export const formatTime = (rfc3339) => format(rfc3339, { timeStyle: "short" });
/** Only its day; of this year without the year. */
export function formatDay(rfc3339) {
  const day = format(rfc3339, { dateStyle: undefined, month: "short", day: "numeric" });
  return dayOf(rfc3339).slice(0, 4) === today().slice(0, 4) ? day : format(rfc3339);
}
/** The day "2026-11-27", whatever the zone. */
export const formatDate = (date) => format(`${date}T00:00:00Z`, { timeZone: "UTC" });
const dayOf = (time) => new Intl.DateTimeFormat("sv", { timeZone: zone.value }).format(new Date(time));
/** The present day in the person's zone, as "2026-11-27". */
export const today = () => dayOf(Date.now());
