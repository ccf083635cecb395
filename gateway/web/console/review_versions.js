// SPDX-License-Identifier: Apache-2.0
// A page that was taken again: its versions, why each earlier one was sent back, and which of them are shown. On a wide window the earlier one and the present
// one stand side by side.
import { signal } from "@preact/signals";
import { formatTime, t } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { html } from "#lib/ui.js";
import { beside, showMark, version } from "#console/review_store.js";
import { Key } from "#console/review_parts.js";

const minimum = matchMedia("(min-width: 1200px)"); // as in review.css
export const isWide = signal(minimum.matches);
minimum.addEventListener("change", () => {
  isWide.value = minimum.matches;
});

/** Media, the first version first. */
export const versionsOf = (doc, page) => doc.media_states.filter((one) => one.page === page.id).sort((a, b) => a.version - b.version);

/** What is shown of a page: {now: its present medium, old: the earlier one beside it or alone, beside}. */
export function shownOf(doc, page) {
  const all = versionsOf(doc, page);
  const now = all.find((one) => one.id === page.media) ?? { id: page.media, version: page.version };
  const old = all.find((one) => one.version === version.value && one !== now) ?? null;
  return { now, old, beside: old !== null && beside.value && isWide.value };
}

/** The present one, then from the last before it to the first: beside it, alone. */
export function nextView(doc, page) {
  const shown = shownOf(doc, page);
  if (shown.beside) {
    beside.value = false;
    return;
  }
  const all = versionsOf(doc, page);
  const before = all[all.findIndex((one) => one.version === (shown.old ?? shown.now).version) - 1];
  version.value = before?.version ?? null;
  beside.value = before !== undefined;
}

/** The review that asked for what came after this version. */
function rejectionOf(doc, page, one) {
  const next = versionsOf(doc, page).find((other) => other.version > one.version);
  const of = ({ rejection, at }) => rejection && (rejection.page ?? page.id) === page.id && at >= one.created_at && at < next?.created_at;
  return doc.reviews.filter(of).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
}

/** What is marked on it: on an earlier version, what its rejection names. */
export const marksOf = (doc, page, one) => [...(doc.marks ?? []), rejectionOf(doc, page, one)?.mark].filter((mark) => mark?.media === one.id);

/** Which version one looks at, of when, and why it was taken again. */
export function Caption({ doc, page, one }) {
  const isNow = one.id === page.media;
  const review = rejectionOf(doc, page, one);
  return html`<figcaption class=${isNow ? "" : "old"}>
    <b>${t(isNow ? "review.version_now" : "review.version_old", { n: one.version })}</b> <span class="muted num">${one.created_at && formatTime(one.created_at)}</span>
    ${review && html`<p>${t("review.outcome.rejected")}: ${t(`review.code.${review.rejection.code}`)} ${review.rejection.note ?? ""}
      ${marksOf(doc, page, one).map((mark) => html`<button key=${mark.id} type="button" class="plain" onClick=${() => showMark(mark)}><${Icon} name="mark" />${mark.note || t("review.mark")}</button>`)}</p>`}
  </figcaption>`;
}

/** The versions to choose from; those that are shown are pressed. */
export function Versions({ doc, page }) {
  const all = versionsOf(doc, page);
  const shown = shownOf(doc, page);
  const isShown = (one) => one.id === shown.old?.id || (one.id === page.media && (!shown.old || shown.beside));
  const choose = (one) => {
    beside.value = false;
    version.value = one.id === page.media ? null : one.version;
  };
  const pair = () => {
    version.value = shown.beside ? null : (shown.old ?? all.at(-2)).version;
    beside.value = !shown.beside;
  };
  return all.length > 1 && html`<div class="switch" role="group" aria-label=${t("review.versions")}>
    ${all.map((one) => html`<button key=${one.version} type="button" aria-pressed=${isShown(one)} onClick=${() => choose(one)}>
      ${t(one.id === page.media ? "review.version_now" : "review.version", { n: one.version })}</button>`)}
    ${isWide.value && html`<button type="button" aria-pressed=${shown.beside} onClick=${pair}>${t("review.beside")}<${Key} of="v" /></button>`}
  </div>`;
}
