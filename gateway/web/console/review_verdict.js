// SPDX-License-Identifier: Apache-2.0
// What a review comes to: claim, give back, approve, send back with a reason, open again.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "#lib/i18n.js";
import { Field, html } from "#lib/ui.js";
import { activeMark, approve, busy, claim, isMine, isReviewer, pageAt, problem, queue, reject, rejecting, rejections, release, reopen } from "#console/review_store.js";
import { Area, Choice, Key } from "#console/review_parts.js";
import { session } from "#lib/api.js";

const CODES = ["unreadable", "page_missing", "wrong_customer", "amount_mismatch", "other"];

/** On the page that is shown, with the mark that is meant. */
function begun(doc) {
  const mark = doc.marks?.find((one) => one.id === activeMark.value);
  const page = mark ? doc.pages.find((one) => one.media === mark.media) : doc.pages[pageAt.value];
  return { code: "", note: "", ...rejections.get(doc.id), page: page?.id ?? "", mark: mark?.id ?? "" };
}

function useRejection(doc) {
  const latest = useRef(null); // keys come faster than what is drawn
  latest.current ??= begun(doc);
  const [, draw] = useState(0);
  const [fault, tell] = useState(null);
  const change = (some) => {
    latest.current = { ...latest.current, ...some };
    rejections.set(doc.id, { code: latest.current.code, note: latest.current.note });
    draw((n) => n + 1);
  };
  const send = async () => {
    const form = latest.current;
    const missing = !form.code ? "review.faulty_code" : form.code === "other" && !form.note.trim() ? "review.faulty_note" : form.code === "unreadable" && !form.page ? "review.faulty_page" : null;
    tell(missing && t(missing));
    const given = Object.entries({ ...form, note: form.note.trim() }).filter(([, value]) => value);
    if (!missing && (await reject(Object.fromEntries(given)))) {
      rejections.delete(doc.id);
    }
  };
  return { form: latest.current, fault, change, send };
}

function Rejection({ doc }) {
  const { form, fault, change, send } = useRejection(doc);
  const at = useRef();
  useLayoutEffect(() => at.current.querySelector("input").focus(), []);
  const close = () => {
    rejecting.value = false;
  };
  const onKey = (event) => {
    const inText = event.target.tagName === "TEXTAREA";
    const code = CODES[Number(event.key) - 1];
    if (event.isComposing || event.altKey) {
      return;
    }
    if (event.key === "Escape") {
      close();
    } else if (code && !inText) {
      change({ code });
      at.current.querySelector("textarea").focus();
    } else if (event.key === "Enter" && !event.repeat && (event.ctrlKey || (!event.shiftKey && event.target.tagName !== "BUTTON"))) {
      send();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const marks = (doc.marks ?? []).filter((mark) => !form.page || mark.media === doc.pages.find((page) => page.id === form.page)?.media);
  return html`<form ref=${at} class="stack reject" aria-label=${t("review.reject")} novalidate onKeyDown=${onKey} onSubmit=${(event) => event.preventDefault()}>
    <fieldset><legend>${t("review.code")}</legend>
      ${CODES.map((code, i) => html`<label key=${code} class="box"><input type="radio" name="code" value=${code} checked=${form.code === code} onChange=${() => change({ code })} />
        <span>${t(`review.code.${code}`)}</span><${Key} of=${i + 1} /></label>`)}
    </fieldset>
    <${Area} label=${t("review.note")} name="note" rows="2" maxlength="500" value=${form.note} onInput=${(event) => change({ note: event.currentTarget.value })} hint=${t("review.note_hint")}
      fault=${problem.value?.fields?.["/note"]} />
    <div class="pair">
      <${Choice} label=${t("review.on_page")} name="page" value=${form.page} onChange=${(event) => change({ page: event.currentTarget.value, mark: "" })}>
        <option value="">${t("review.no_page")}</option>
        ${doc.pages.map((page, i) => html`<option key=${page.id} value=${page.id}>${t("review.page", { n: i + 1 })}</option>`)}
      <//>
      <${Choice} label=${t("review.on_mark")} name="mark" value=${form.mark} onChange=${(event) => change({ mark: event.currentTarget.value })}>
        <option value="">${t("review.no_mark")}</option>
        ${marks.map((mark) => html`<option key=${mark.id} value=${mark.id}>${mark.note || t("review.mark_plain", { n: doc.marks.indexOf(mark) + 1 })}</option>`)}
      <//>
    </div>
    <p class="fault" role="alert" hidden=${!fault}>${fault}</p>
    <div class="row">
      <button type="button" class="danger solid" aria-disabled=${busy.value !== null} onClick=${send}>${t("review.reject_send")}<${Key} of="↵" /></button>
      <button type="button" class="plain" onClick=${close}>${t("cancel")}<${Key} of="Esc" /></button>
    </div>
  </form>`;
}

function Reopening() {
  const [reason, show] = useState("");
  const send = (event) => {
    event.preventDefault();
    if (reason.trim()) {
      reopen(reason.trim());
    }
  };
  return html`<form class="stack" onSubmit=${send}>
    <${Field} label=${t("review.reopen_reason")} name="reopen" maxlength="200" required value=${reason} onInput=${(event) => show(event.currentTarget.value)} fault=${problem.value?.fields?.["/reason"]} />
    <div class="row"><button aria-disabled=${busy.value !== null}>${t("review.reopen")}</button></div>
  </form>`;
}

const mayReopen = () => ["reviewer", "manager"].includes(session.value?.user.role);

export function Verdict({ doc }) {
  const mine = isMine(doc);
  const waiting = busy.value !== null;
  if (doc.state === "approved" && mayReopen()) {
    return html`<${Reopening} key=${doc.id} />`;
  }
  if (!isReviewer() || !["uploaded", "in_review"].includes(doc.state)) {
    return null;
  }
  if (mine && rejecting.value) {
    return html`<${Rejection} key=${doc.id} doc=${doc} />`;
  }
  const listed = queue.value?.items.find((item) => item.contract.id === doc.id);
  const why = doc.state === "in_review" ? null : listed && !listed.claimable ? "review.not_yours" : null;
  return html`<div class="verdict">
    ${mine
      ? html`<button type="button" class="plain" aria-disabled=${waiting} onClick=${release}>${t("review.release")}<${Key} of="u" /></button>
          <button type="button" class="danger" aria-disabled=${waiting} onClick=${() => (rejecting.value = true)}>${t("review.reject")}<${Key} of="r" /></button>
          <button type="button" class="primary" aria-disabled=${waiting} onClick=${approve}>${t("review.approve")}<${Key} of="Ctrl+↵" /></button>`
      : doc.state === "uploaded" && !why
        ? html`<button type="button" class="primary" aria-disabled=${waiting} onClick=${claim}>${t("review.claim")}<${Key} of="c" /></button>`
        : why && html`<p class="muted">${t(why)}</p>`}
  </div>`;
}
