// SPDX-License-Identifier: Apache-2.0
// What somebody has to do something about, and nothing else: a line for each kind with its count; what is in order takes no more than its name.
import { useEffect, useState } from "preact/hooks";
import { get, session } from "#lib/api.js";
import { formatTime, t } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { formatMoney } from "#lib/money.js";
import { html } from "#lib/ui.js";

const DAY_MS = 86_400_000;
const LIMIT = 200, MOST = 1000;

const ofContract = (contract, name, time) => ({ id: contract.id, words: [name, contract.number, formatMoney(contract.amount), formatTime(time)].filter(Boolean).join(" · "), href: `#/review/${contract.id}` });

async function lateReviews() {
  const { data } = await get(`/v1/review_queue?limit=${LIMIT}`);
  return data.items.filter((item) => item.overdue).map(({ contract }) => ofContract(contract, data.names[contract.customer], contract.due_at));
}

async function all(path) {
  const items = [];
  for (let next = ""; next !== null && items.length < MOST; ) {
    const { data } = await get(`${path}limit=${LIMIT}${next && `&after=${encodeURIComponent(next)}`}`);
    items.push(...data.items);
    next = data.next;
  }
  return items;
}

async function longRefused() {
  return (await all("/v1/contracts?state=rejected&")).filter((one) => Date.now() - Date.parse(one.rejection.at) > DAY_MS).map((one) => ofContract(one, "", one.rejection.at));
}

async function lateTasks() {
  return (await all("/v1/task_report?")).filter((one) => one.overdue > 0).map((one) => ({ id: one.user, words: t("exceptions.task", { who: one.name, n: one.overdue }) }));
}

/** What is looked at: who may (the rest is refused), and how. */
const LINES = [
  { label: "exceptions.late", roles: ["manager"], read: lateReviews },
  { label: "exceptions.refused", roles: ["manager", "supervisor", "auditor"], read: longRefused },
  { label: "exceptions.tasks", roles: ["manager", "supervisor", "auditor"], read: lateTasks },
];

function Line({ line }) {
  const [items, show] = useState(null);
  const [failed, fail] = useState(false);
  const read = () => line.read().then((found) => (show(found), fail(false)), () => fail(true));
  useEffect(() => void read(), []);
  const opens = session.value?.user.role === "manager"; // the review page is for whom it has a place
  if (failed) {
    return html`<p class="notice bad" role="alert">${t(line.label)}: ${t("exceptions.failed")} <button onClick=${read}>${t("retry")}</button></p>`;
  }
  if (!items?.length) {
    return items && html`<p class="muted">${t("exceptions.none", { what: t(line.label) })}</p>`;
  }
  return html`<details><summary><${Icon} name="late" />${t(line.label)}<b class="num">${items.length}${items.length >= LIMIT && "+"}</b></summary>
    <ul class="rows">${items.map((item) => html`<li key=${item.id}>${item.href && opens ? html`<a href=${item.href}>${item.words}</a>` : item.words}</li>`)}</ul></details>`;
}

export default function Exceptions() {
  const lines = LINES.filter((line) => line.roles.includes(session.value?.user.role));
  return html`<h1 tabindex="-1">${t("exceptions.title")}</h1><div class="lines">${lines.map((line) => html`<${Line} key=${line.label} line=${line} />`)}</div>`;
}
