// SPDX-License-Identifier: Apache-2.0
// A record as it is: its fields under the schema's labels, and what hangs on it. #/customers/ID, #/visits/ID, #/tasks/ID, #/contracts/ID
import { Failed, useAnswer } from "#lib/answer.js";
import { formatDate, formatTime, isSaid, t } from "#lib/i18n.js";
import { formatMoney } from "#lib/money.js";
import { html } from "#lib/ui.js";
import { backTo, hrefOf, labelOf, wordOf } from "#console/record_parts.js";
import { Contacts, Heard, Pictures, Supplements, Visits } from "#console/record_children.js";

/** Of each place: the fields in the order in which they are shown, what is its title, what comes below. */
const KINDS = {
  customers: {
    type: "customer", title: (doc) => doc.name, below: [Contacts, Visits],
    fields: ["number", "type", "grade", "industry", "owner", "phone", "email", "address", "contact_refused", "source", "tags", "topics", "background", "remark", "created_by", "created_at", "updated_at"],
  },
  visits: {
    type: "visit", title: (doc) => doc.names[doc.customer], below: [Pictures, Heard, Supplements],
    fields: ["customer", "rep", "mode", "contacts", "happened_at", "received_at", "content", "result", "quote"],
    parts: [["next_step", (doc) => doc.next_step, ["text", "due", "tz"]], ["verdict", (doc) => doc.verdicts.at(-1), ["validity", "reasons", "timely"]]],
  },
  tasks: {
    type: "task", title: (doc) => doc.title,
    fields: ["assignee", "assigned_by", "customer", "due_at", "note", "result", "done_at", "late", "created_at", "updated_at", "reason"],
  },
  contracts: {
    type: "contract", title: (doc) => doc.number,
    fields: ["customer", "uploader", "amount", "signed_on", "parties", "complete_at", "due_at", "reviewer", "rejections", "approved_at", "created_at"],
    parts: [["rejection", (doc) => doc.rejection, ["code", "note", "by", "at"]]],
  },
};

const LONG = new Set(["background", "content", "note", "quote", "remark", "result", "reason", "text"]);

/** A value as people read it; what it is shows in how the API writes it. */
function shown(field, value, names) {
  if (Array.isArray(value)) {
    return value.map((one) => shown(field, one, names)).join(t("exceptions.comma"));
  }
  if (typeof value === "boolean") {
    return t(value ? "record.yes" : "record.no");
  }
  if (value.currency) {
    return formatMoney(value);
  }
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    return formatTime(value);
  }
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(value)) {
    return `${formatDate(value.slice(0, 10))} ${value.slice(11)}`;
  }
  if (/^\d{4}-\d\d-\d\d$/.test(value)) {
    return formatDate(value);
  }
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value) ? names[value] ?? t("record.unknown") : wordOf(field, value);
}

const isThere = (value) => value !== undefined && value !== null && value !== "" && value.length !== 0;

function Facts({ type, doc, fields, names }) {
  const rows = fields.filter((name) => isThere(doc[name]));
  return html`<dl class="facts-list">${rows.map((name) => {
    const words = shown(`${type}.${name}`, doc[name], names);
    return html`<div key=${name} class=${LONG.has(name) ? "whole" : undefined}><dt>${labelOf(`${type}.${name}`)}</dt>
      <dd class="num">${name === "customer" && names[doc.customer] ? html`<a href=${hrefOf("customer", doc.customer)}>${words}</a>` : words}</dd></div>`;
  })}</dl>`;
}

/** The names that the record brings, and of a visit those of the contacts met. */
function useNames(doc) {
  const met = doc?.contacts?.length > 0 ? `/v1/contacts?customer=${doc.customer}&limit=200` : null;
  const { data } = useAnswer(met);
  return { ...doc?.names, ...Object.fromEntries((data?.items ?? []).map((one) => [one.id, one.name])) };
}

function Whole({ kind, doc }) {
  const names = useNames(doc);
  const parts = (kind.parts ?? []).map(([type, read, fields]) => ({ type, fields, doc: read(doc) })).filter((part) => part.doc);
  return html`<section class="card"><${Facts} type=${kind.type} doc=${doc} fields=${kind.fields} names=${names} /></section>
    ${parts.map((part) => html`<section key=${part.type} class="card stack"><h2>${t(`record.${part.type}`)}</h2><${Facts} ...${part} names=${names} /></section>`)}
    ${(kind.below ?? []).map((Below) => html`<${Below} key=${Below.name} doc=${doc} />`)}`;
}

export default function Record({ path }) {
  const [, place, id = "-"] = path.split("/");
  const kind = KINDS[place];
  const answer = useAnswer(kind ? `/v1/${place}/${id}` : null);
  const doc = answer.data?.id === id ? answer.data : null;
  return kind && html`<div class="record stack">
    <a class="back-link" href=${backTo()}>${t("record.back")}</a>
    <div class="title"><h1 tabindex="-1">${(doc && kind.title(doc)) ?? t(`record.${kind.type}`)}</h1>
      ${doc && html`<span class="tag">${t(`record.${kind.type}`)}</span>`}
      ${doc && isSaid(`label.${kind.type}.state.${doc.state}`) && html`<span class="tag plain">${t(`label.${kind.type}.state.${doc.state}`)}</span>`}</div>
    <${Failed} of=${answer} />
    ${doc && html`<${Whole} key=${id} kind=${kind} doc=${doc} />`}
  </div>`;
}
