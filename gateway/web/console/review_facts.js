// SPDX-License-Identifier: Apache-2.0
// What was typed of the open contract, beside the paper: corrected here with a reason (a draft, until it is approved).
import { formatTime, t } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { formatMoney, minorOf } from "#lib/money.js";
import { Field, html } from "#lib/ui.js";
import { differs, typedBy } from "#console/review_draft.js";
import { act, activeMark, busy, dropForm, formOfOpen, isMine, nameOf, problem, saveDraft, say, showMark, type, unsaved } from "#console/review_store.js";
import { Area } from "#console/review_parts.js";

const FACTS = ["number", "amount", "currency", "signed_on", "parties"];

/** Enter goes on to the next field, from the last one to what is saved. */
function onEnter(event) {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing || event.target.tagName === "TEXTAREA") {
    return;
  }
  event.preventDefault();
  const fields = [...event.currentTarget.querySelectorAll("input, textarea")];
  const next = fields[fields.indexOf(event.target) + 1];
  if (next) {
    next.focus();
  } else if (unsaved.value) {
    keep();
  }
}

async function keep() {
  if (await saveDraft()) {
    say(t("review.draft_said"));
  }
}

function Form({ doc }) {
  const form = formOfOpen.value;
  const typed = typedBy(doc);
  const faults = problem.value?.fields ?? {};
  const mine = isMine(doc);
  const field = (name, fault) => ({
    name, value: form[name], readonly: !mine, autocomplete: "off", spellcheck: false, fault: faults[fault ?? `/${name}`],
    onInput: (event) => type(name, event.currentTarget.value),
    hint: form[name] !== typed[name] ? t("review.was", { value: typed[name] || "—" }) : undefined,
  });
  const minor = minorOf(form.amount, form.currency.trim().toUpperCase());
  const money = minor === null ? t("review.faulty_amount") : formatMoney({ minor, currency: form.currency.trim().toUpperCase() });
  const amount = field("amount");
  const was = amount.hint ? ` · ${t("review.was", { value: formatMoney(doc.amount) })}` : "";
  const party = Object.keys(faults).find((pointer) => pointer.startsWith("/parties"));
  const changed = differs(doc, form);
  return html`<form class="stack" novalidate onSubmit=${(event) => event.preventDefault()} onKeyDown=${onEnter}>
    <${Field} label=${t("review.field.number")} maxlength="60" ...${field("number")} />
    <div class="money">
      <${Field} label=${t("review.field.amount")} inputmode="decimal" ...${amount} hint=${money + was} />
      <${Field} label=${t("review.field.currency")} maxlength="3" autocapitalize="characters" ...${field("currency", "/amount/currency")} />
    </div>
    <${Field} label=${t("review.field.signed_on")} inputmode="numeric" maxlength="10" ...${field("signed_on")} />
    <${Area} label=${t("review.field.parties")} rows=${Math.max(2, form.parties.split("\n").length)} ...${field("parties", party)} />
    ${(changed || form.reason) && html`<${Field} label=${t("review.field.reason")} maxlength="200" required=${changed} ...${field("reason")} hint=${undefined} />`}
    ${mine && (unsaved.value || doc.draft) && html`<div class="row">
      ${unsaved.value
        ? html`<button type="button" aria-disabled=${busy.value !== null} onClick=${keep}>${t("review.draft_save")}</button>
            <button type="button" class="plain" onClick=${() => dropForm()}>${t("review.draft_drop")}</button>`
        : html`<span class="tag"><${Icon} name="check" />${t("review.draft_saved")}</span>`}
    </div>`}
  </form>`;
}

const About = ({ doc }) => html`<dl class="about">
  <dt>${t("review.field.uploader")}</dt><dd>${nameOf(doc.uploader)}</dd>
  <dt>${t("review.field.complete_at")}</dt><dd class="num">${doc.complete_at ? formatTime(doc.complete_at) : "—"}</dd>
  <dt>${t("review.field.due_at")}</dt><dd class="num">${doc.due_at ? formatTime(doc.due_at) : "—"}</dd>
  <dt>${t("review.field.state")}</dt><dd>${t(`review.state.${doc.state}`)}${doc.state === "in_review" && ` · ${isMine(doc) ? t("review.mine") : nameOf(doc.reviewer)} · ${t("review.until", { time: formatTime(doc.claimed_until) })}`}</dd>
  ${doc.approved_at && html`<dt>${t("review.field.approved_at")}</dt><dd class="num">${formatTime(doc.approved_at)} · ${nameOf(doc.reviewer)}</dd>`}
</dl>`;

const placeOf = (doc, media) => doc.pages.findIndex((page) => page.media === media) + 1;

async function removeMark(mark) {
  if (await act("unmark", { id: mark.id })) {
    say(t("review.unmarked_said"));
  }
}

/** The same mark with other words. */
const note = (mark, words) => words !== (mark.note ?? "") && act("mark", { id: mark.id, media: mark.media, x: mark.x, y: mark.y, w: mark.w, h: mark.h, note: words });

const Marks = ({ doc }) => doc.marks?.length > 0 && html`<section class="stack" aria-label=${t("review.marks")}>
  <h3>${t("review.marks")}</h3>
  <ul class="rows marks">${doc.marks.map((mark, i) => html`<li key=${mark.id}>
    <button type="button" class="plain" aria-current=${mark.id === activeMark.value ? "true" : undefined} onClick=${() => showMark(mark)}>
      <${Icon} name="mark" />${t("review.mark_name", { n: i + 1, page: placeOf(doc, mark.media) })}</button>
    ${isMine(doc)
      ? html`<input class="grow" aria-label=${t("review.mark_note", { n: i + 1 })} placeholder=${t("review.mark_note_hint")} maxlength="200" value=${mark.note ?? ""} onChange=${(event) => note(mark, event.currentTarget.value.trim())} />
          <button type="button" class="plain danger" aria-label=${t("review.unmark", { n: i + 1 })} onClick=${() => removeMark(mark)}>✕</button>`
      : html`<span class="grow">${mark.note}</span>`}
  </li>`)}</ul>
</section>`;

/** "before" of a correction, in words. */
const before = (facts) => FACTS.filter((name) => facts[name] !== undefined).map((name) =>
  `${t(`review.field.${name}`)} ${name === "amount" ? formatMoney(facts.amount) : name === "parties" ? facts.parties.join(", ") : facts[name]}`).join(" · ");

const Past = ({ doc }) => html`
  ${doc.corrections?.length > 0 && html`<section class="stack"><h3>${t("review.corrections")}</h3><ul class="rows">${doc.corrections.map((one, i) => html`<li key=${i}><div class="grow">
    <p>${t("review.was", { value: before(one.before) })}</p><p class="muted">${one.reason} · ${nameOf(one.by)} · ${formatTime(one.at)}</p></div></li>`)}</ul></section>`}
  ${doc.reviews?.length > 0 && html`<section class="stack"><h3>${t("review.past")}</h3><ul class="rows">${doc.reviews.map((one) => html`<li key=${one.id}><div class="grow">
    <p>${t(`review.outcome.${one.outcome}`)}${one.rejection && `: ${t(`review.code.${one.rejection.code}`)}`} ${one.rejection?.note ?? one.reason ?? ""}</p>
    <p class="muted">${nameOf(one.reviewer)} · <span class="num">${formatTime(one.at)}</span></p></div></li>`)}</ul></section>`}`;

export const Facts = ({ doc }) => html`<${Form} doc=${doc} /><${Marks} doc=${doc} /><${About} doc=${doc} /><${Past} doc=${doc} />`;
