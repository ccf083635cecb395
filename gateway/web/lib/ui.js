// SPDX-License-Identifier: Apache-2.0
// What every page is drawn with: html`...` for elements, and the few parts that all pages share.
import { h } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import htm from "htm";
import { t } from "#lib/i18n.js";

export const html = htm.bind(h);

/** What a failed request says to a person. */
export function wordsOf(problem) {
  if (problem.code === "offline") {
    return t("error.offline");
  }
  if (problem.status === 429 && problem.retryAfter > 0) {
    return t("sign_in.wait", { n: problem.retryAfter });
  }
  if (problem.status === undefined) {
    return t("error.title");
  }
  const words = problem.message.charAt(0).toUpperCase() + problem.message.slice(1);
  return problem.status >= 500 && problem.trace ? `${words} (${t("error.trace", { id: problem.trace })})` : words;
}

const announced = signal("");

/** Says a result to those who do not see it, and shows it to the others for a while. */
export function announce(words) {
  announced.value = "";
  queueMicrotask(() => {
    announced.value = words;
  });
}

/** Once in a page. */
export const Announcer = () => html`<div class="seen-not" role="status">${announced.value}</div>`;

export const Fault = ({ problem }) => html`<div class="notice bad" role="alert" hidden=${!problem}>${problem && wordsOf(problem)}</div>`;

/** An input with its label, a hint and what is wrong with it. `secret`: a password, which can be shown; `first`: has the focus to begin with. */
export function Field({ label, hint, fault, secret, first, ...input }) {
  const id = useId();
  const at = useRef();
  useLayoutEffect(() => void (first && at.current.focus()), []); // before anybody can type elsewhere
  const [shown, show] = useState(false);
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ") || undefined;
  const type = secret && !shown ? "password" : "text";
  const box = html`<input ref=${at} id=${id} type=${type} aria-invalid=${fault ? "true" : undefined} aria-describedby=${described} ...${input} />`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${secret
      ? html`<div class="secret">${box}<button type="button" class="plain" aria-pressed=${shown} aria-controls=${id} onClick=${() => show(!shown)}>
          ${t(shown ? "secret.hide" : "secret.show")}<span class="seen-not"> ${label}</span></button></div>`
      : box}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${fault && html`<p class="fault" id="${id}-fault">${fault}</p>`}
  </div>`;
}

/** The mark of the product, beside its name. */
export const Mark = () => html`<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b57c2" />
  <path d="M16 5.5a8 8 0 0 0-8 8c0 5.6 8 13 8 13s8-7.4 8-13a8 8 0 0 0-8-8Z" fill="#fff" />
  <path d="m12.4 13.8 2.6 2.6 4.7-5" fill="none" stroke="#0b57c2" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" /></svg>`;
