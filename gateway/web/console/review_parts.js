// SPDX-License-Identifier: Apache-2.0
// Small parts of the review page.
import { useId } from "preact/hooks";
import { t } from "#lib/i18n.js";
import { html, wordsOf } from "#lib/ui.js";
import { problem } from "#console/review_store.js";

/** What was refused; faults of fields stand at the fields. */
export const Problem = () => {
  const words = problem.value && wordsOf(problem.value);
  return html`<div class="notice bad" role="alert" hidden=${!words}>${words}</div>`;
};

/** A key beside what it does. */
export const Key = ({ of }) => html`<kbd aria-hidden="true">${of}</kbd>`;

/** A text of several lines, as Field is one of one line. */
export function Area({ label, hint, fault, ...input }) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ") || undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <textarea id=${id} aria-invalid=${fault ? "true" : undefined} aria-describedby=${described} ...${input} />
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${fault && html`<p class="fault" id="${id}-fault">${fault}</p>`}
  </div>`;
}

export function Choice({ label, children, ...select }) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label><select id=${id} ...${select}>${children}</select></div>`;
}

/** "3 minutes", for how long something has waited. */
export function waited(since, now) {
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  return minutes < 60 ? t("review.minutes", { n: minutes }) : minutes < 48 * 60 ? t("review.hours", { n: Math.floor(minutes / 60) }) : t("review.days", { n: Math.floor(minutes / 1440) });
}
