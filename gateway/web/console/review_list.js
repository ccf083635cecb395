// SPDX-License-Identifier: Apache-2.0
// The queue: the oldest first, who holds what, what is late (G-05).
import { useEffect, useRef, useState } from "preact/hooks";
import { get, session } from "#lib/api.js";
import { formatTime, t } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { formatMoney } from "#lib/money.js";
import { html, wordsOf } from "#lib/ui.js";
import { filterBy, isMine, isOverdue, loadMore, loadQueue, now, open, queue, queueProblem, selected, team } from "#console/review_store.js";
import { waited } from "#console/review_parts.js";

const LIMIT = 50;

function Tags({ item, names }) {
  const doc = item.contract;
  const late = isOverdue(item);
  const held = doc.state === "in_review";
  const reserved = !held && doc.reserved_for && Date.parse(doc.reserved_until) > now.value;
  return html`${late && html`<span class="tag bad"><${Icon} name="late" />${t("review.overdue")}</span>`}
    ${isMine(doc)
      ? html`<span class="tag"><${Icon} name="check" />${t("review.mine")}</span>`
      : held && html`<span class="tag plain"><${Icon} name="lock" />${t("review.held_by", { who: names[doc.reviewer] ?? "" })}</span>`}
    ${reserved && html`<span class="tag plain"><${Icon} name="lock" />${t("review.reserved_for", { who: names[doc.reserved_for] ?? session.value?.user.name ?? "" })}</span>`}
    ${doc.rejections > 0 && html`<span class="tag plain"><${Icon} name="again" />${t("review.again", { n: doc.rejections + 1 })}</span>`}`;
}

function Row({ item, names }) {
  const doc = item.contract;
  const chosen = doc.id === selected.value;
  const at = useRef();
  useEffect(() => {
    if (chosen) {
      at.current.scrollIntoView({ block: "nearest" });
    }
  }, [chosen]);
  return html`<li ref=${at}>
    <button type="button" class="item" aria-current=${chosen ? "true" : undefined} onClick=${() => open(doc.id, { focus: true })}>
      <span class="first"><strong>${names[doc.customer] ?? ""}</strong><span class="num">${formatMoney(doc.amount)}</span></span>
      <span class="second muted"><span>${names[doc.uploader] ?? ""} · ${t("review.pages", { n: doc.pages.length })}</span>
        <span class="num">${waited(doc.complete_at, now.value)}</span></span>
      <span class="tags"><${Tags} item=${item} names=${names} /></span>
    </button>
  </li>`;
}

const Filter = () => {
  const own = session.value?.user.team;
  return own && html`<div class="switch" role="group" aria-label=${t("review.team")}>
    ${["", own].map((id) => html`<button key=${id} type="button" aria-pressed=${team.value === id} onClick=${() => filterBy(id)}>${t(id ? "review.team_own" : "review.team_all")}</button>`)}
  </div>`;
};

/** What was approved last: there one finds what has to be opened again. */
function Approved() {
  const [items, show] = useState(null);
  const [problem, fail] = useState(null);
  const read = () => get(`/v1/contracts?state=approved&limit=${LIMIT}`).then(({ data }) => (show(data.items), fail(null)), fail);
  useEffect(() => void read(), []);
  return html`${problem && html`<div class="notice bad" role="alert">${wordsOf(problem)} <button onClick=${read}>${t("retry")}</button></div>`}
    <ul class="items">${items?.map((doc) => html`<li key=${doc.id}><a class="gone" href="#/review/${doc.id}" aria-current=${doc.id === selected.value ? "true" : undefined}>
      <span class="first"><strong>${doc.number}</strong><span class="num">${formatMoney(doc.amount)}</span></span>
      <span class="muted num">${formatTime(doc.approved_at)}</span></a></li>`)}</ul>
    ${items?.length === 0 && html`<p class="muted none">${t("review.none_approved")}</p>`}`;
}

const Waiting = ({ read }) => html`
  <ul class="items">${read?.items.map((item) => html`<${Row} key=${item.contract.id} item=${item} names=${read.names} />`)}</ul>
  ${read?.items.length === 0 && html`<p class="muted none">${t("review.nothing")}</p>`}
  ${read?.next && html`<button type="button" class="more" onClick=${loadMore}>${t("review.more")}</button>`}`;

export function Queue() {
  const read = queue.value;
  const [approved, turn] = useState(false);
  return html`<section class="queue" aria-label=${t("review.queue")}>
    <div class="top">
      <h1 tabindex="-1">${t("review.title")}</h1>
      <p class="muted num">${read && t("review.counts", { waiting: read.waiting >= 1000 ? "1000+" : read.waiting, today: read.reviewed_today })}</p>
      <div class="row">
        <div class="switch" role="group" aria-label=${t("review.which")}>
          ${[false, true].map((one) => html`<button key=${one} type="button" aria-pressed=${approved === one} onClick=${() => turn(one)}>${t(one ? "review.which_approved" : "review.which_waiting")}</button>`)}
        </div>
        ${!approved && html`<${Filter} />`}
      </div>
    </div>
    ${queueProblem.value && html`<div class="notice bad" role="alert">${wordsOf(queueProblem.value)} <button onClick=${loadQueue}>${t("retry")}</button></div>`}
    ${approved ? html`<${Approved} />` : html`<${Waiting} read=${read} />`}
  </section>`;
}
