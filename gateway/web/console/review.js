// SPDX-License-Identifier: Apache-2.0
// The review of contracts (CON-03, G-05): the queue, the pages of the one that is open, what was typed of it; the verdict. docs/CONSOLE.md is its manual.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { t } from "#lib/i18n.js";
import { bindKeys } from "#lib/keys.js";
import { html } from "#lib/ui.js";
import { Queue } from "#console/review_list.js";
import { active, anyUnsaved, approve, arrival, begin, claim, contract, holds, isReviewer, nameOf, nextOf, open, problem, queue, rejecting, release, said, selected, step } from "#console/review_store.js";
import { Problem } from "#console/review_parts.js";

const PATH = "/review";
const isNarrow = () => matchMedia("(max-width: 900px)").matches; // as in review.css

const edit = () => document.querySelector("#facts input")?.focus();
const bindings = [
  { key: "j", label: "review.key.next", run: () => step(1), repeat: true },
  { key: "ArrowDown", label: null, run: () => step(1), repeat: true },
  { key: "k", label: "review.key.previous", run: () => step(-1), repeat: true },
  { key: "ArrowUp", label: null, run: () => step(-1), repeat: true },
];
const reviewerBindings = [
  { key: "c", label: "review.claim", run: claim },
  { key: "u", label: "review.release", run: release },
  { key: "e", label: "review.key.edit", run: edit },
  { key: "Enter", label: null, run: edit },
  { key: "Ctrl+Enter", label: "review.approve", run: approve },
  { key: "r", label: "review.reject", run: () => (rejecting.value = holds()) },
];

/** The open contract stands in the location, so that it can be linked to; on a phone one goes back from it to the list. */
function useLocation() {
  useEffect(() => {
    const goThere = () => {
      const asked = /^#\/review\/([0-9a-f-]{36})$/.exec(location.hash)?.[1] ?? null;
      if (asked ? asked !== selected.value : isNarrow()) {
        open(asked);
      }
    };
    goThere();
    addEventListener("hashchange", goThere);
    return () => removeEventListener("hashchange", goThere);
  }, []);
  useEffect(() => {
    const hash = selected.value ? `#${PATH}/${selected.value}` : `#${PATH}`;
    if (location.hash !== hash && location.hash.startsWith(`#${PATH}`)) {
      history[isNarrow() && selected.value ? "pushState" : "replaceState"](null, "", hash);
    }
  }, [selected.value]);
}

function useWork() {
  useEffect(() => bindKeys(isReviewer() ? [...bindings, ...reviewerBindings] : bindings), []);
  useEffect(begin, []);
  useEffect(() => {
    const stay = (event) => anyUnsaved() && event.preventDefault();
    const kinds = ["keydown", "pointerdown", "wheel"];
    kinds.forEach((kind) => addEventListener(kind, active, { passive: true }));
    addEventListener("beforeunload", stay);
    return () => {
      kinds.forEach((kind) => removeEventListener(kind, active));
      removeEventListener("beforeunload", stay);
    };
  }, []);
  useEffect(() => {
    if (queue.value && !selected.value && !isNarrow()) {
      open(nextOf(null) ?? queue.value.items[0]?.contract.id ?? null); // there is always something open to look at
    }
  }, [queue.value, selected.value]);
}

/** For what should get the focus when it is there. */
function useArrival() {
  const at = useRef();
  useLayoutEffect(() => {
    if (arrival.value) {
      arrival.value = false;
      at.current.focus();
    }
  }, [arrival.value]);
  return at;
}

/** What stands beside the list, {Pages, Facts, Verdict}: fetched apart, since over a slow line the list is there before it. */
const desk = signal({});

/** Tried again with the next contract that is opened. */
function useDesk() {
  useEffect(() => {
    if (!desk.value.Pages) {
      Promise.all([import("#console/review_pages.js"), import("#console/review_facts.js"), import("#console/review_verdict.js")]).then(
        (modules) => (desk.value = Object.assign({}, ...modules)),
        () => (problem.value = { status: 0, message: t("error.page") }),
      );
    }
  }, [selected.value]);
}

function Head({ doc }) {
  const title = useArrival();
  return html`<div class="head">
    <a class="back" href="#/review">${t("review.back")}</a>
    <h2 ref=${title} tabindex="-1">${nameOf(doc.customer)} <span class="muted num">${doc.number}</span></h2>
  </div>`;
}

const Nothing = () => html`<section class="empty" aria-label=${t("review.paper")}><p ref=${useArrival()} tabindex="-1">${t(queue.value?.items.length ? "review.nothing_open" : "review.nothing")}</p></section>`;

export default function Review() {
  useLocation();
  useWork();
  useDesk();
  const doc = contract.value, { Pages, Facts, Verdict } = desk.value;
  return html`<div class=${selected.value ? "review opened" : "review"}>
    <${Queue} />
    ${doc && Pages
      ? html`<${Pages} doc=${doc} />
          <aside class="facts" id="facts" aria-label=${t("review.facts")}>
            <${Head} doc=${doc} />
            <${Problem} />
            <${Facts} doc=${doc} />
            <${Verdict} doc=${doc} />
          </aside>`
      : problem.value
        ? html`<section class="empty"><a class="back" href="#/review">${t("review.back")}</a><${Problem} /></section>`
        : !selected.value && html`<${Nothing} />`}
    <div class="toast" aria-hidden="true" hidden=${!said.value}>${said.value}</div>
  </div>`;
}
