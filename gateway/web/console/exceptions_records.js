// SPDX-License-Identifier: Apache-2.0
// The records behind one person's line: each a link to its page.
import { Failed, useAnswer } from "#lib/answer.js";
import { formatTime, t } from "#lib/i18n.js";
import { formatMoney } from "#lib/money.js";
import { html } from "#lib/ui.js";
import { hrefOf, wordOf } from "#console/record_parts.js";

/** What a record is called, what else tells it from others, and the first words of a long one. */
const HEADS = {
  customer: (doc) => ({ name: doc.name, about: [doc.grade && wordOf("customer.grade", doc.grade)] }),
  task: (doc, names) => ({ name: doc.title, about: [names[doc.customer]] }),
  contract: (doc, names) => ({ name: doc.number, about: [names[doc.customer], doc.amount && formatMoney(doc.amount), doc.rejection && wordOf("rejection.code", doc.rejection.code)] }),
  visit: (doc, names) => ({ name: names[doc.customer] ?? "", about: [wordOf("visit.mode", doc.mode)], text: doc.content }),
};

function Row({ kind, item, names }) {
  const { name, about, text } = HEADS[item.type](item.doc, names);
  return html`<li><a href=${hrefOf(item.type, item.doc.id)}>
    <strong>${name}</strong> <span class="muted">${about.filter(Boolean).join(" · ")}</span>
    <span class="muted num since">${t(`exceptions.at.${kind}`, { time: formatTime(item.since) })}</span>
    ${text && html`<span class="muted text">${text}</span>`}</a></li>`;
}

export function Records({ kind, person }) {
  const answer = useAnswer(`/v1/exceptions/${kind}/${person}`);
  const { data } = answer;
  return html`<div class="records">
    <${Failed} of=${answer} />
    ${data && kind === "idle_rep" && data.items.length > 0 && html`<p class="muted note">${t("exceptions.entered_last")}</p>`}
    ${data?.items.length > 0 && html`<ul>${data.items.map((item) => html`<${Row} key=${item.doc.id} kind=${kind} item=${item} names=${data.names} />`)}</ul>`}
    ${data?.items.length === 0 && html`<p class="muted note">${t(kind === "idle_rep" ? "exceptions.nothing_entered" : "exceptions.nothing_left")}</p>`}
    ${data?.more && html`<p class="muted note">${t("exceptions.more_records", { n: data.items.length })}</p>`}
  </div>`;
}
