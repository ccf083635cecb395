// SPDX-License-Identifier: Apache-2.0
// Words and numbers in the person's language. All words stand in zh-CN.json and en.json: there is none in code.
import { signal } from "@preact/signals";

export const LANGUAGES = ["zh-CN", "en"];

/** The language that is shown: of which the messages are here. */
export const lang = signal("");
const messages = signal({});

/** Shows the page in `wanted`. Fetches the messages of a language once. */
export async function useLanguage(wanted) {
  const chosen = LANGUAGES.includes(wanted) ? wanted : LANGUAGES[0];
  const loaded = await import(`#messages/${chosen}.js`);
  messages.value = loaded.default;
  lang.value = chosen;
  document.documentElement.lang = chosen;
}

/** The words for `key`, with what stands in braces filled in from `values`. */
export function t(key, values = {}) {
  const text = messages.value[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A time as people write it here: "2026-11-27 16:05" or "27 Nov 2026, 16:05". */
export function formatTime(rfc3339) {
  return new Intl.DateTimeFormat(lang.value, { dateStyle: "medium", timeStyle: "short" }).format(new Date(rfc3339));
}
