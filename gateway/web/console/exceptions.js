// SPDX-License-Identifier: Apache-2.0
// What somebody has to look into, as the digest says it and in its order: each line opens the people, each of them the records (G-12). What is open stands in
// the location, #/exceptions/KIND/PERSON, so that one comes back to it.
import { useEffect, useRef } from "preact/hooks";
import { session } from "#lib/api.js";
import { Failed, useAnswer } from "#lib/answer.js";
import { formatDay, formatTime, lang, t } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { html } from "#lib/ui.js";
import { Away, DeputyForm, useDeputy } from "#console/exceptions_deputy.js";
import { Preview } from "#console/exceptions_preview.js";
import { Records } from "#console/exceptions_records.js";
import { comeFrom } from "#console/record_parts.js";

const PATH = "#/exceptions";
const KINDS = ["follow_up_overdue", "idle_rep", "tasks_overdue", "contracts_sent_back", "contracts_overdue", "visits_without_next_step"];

/** The lines of all together, each with those of its people. */
function linesOf(items) {
  const lines = [];
  for (const item of items) {
    if (item.person) {
      lines.at(-1).whose.push(item);
    } else {
      lines.push({ ...item, whose: [] });
    }
  }
  return lines;
}

/** What is open: [kind, person]. While another page is on its way here, what was open stays. */
function useOpened(path) {
  const kept = useRef(path);
  if (path.startsWith(PATH)) {
    kept.current = path;
  }
  comeFrom(kept.current);
  return kept.current.split("/").slice(2);
}

/** A row that opens what is behind it, here. */
function Row({ level, open, to, children }) {
  const at = useRef();
  useEffect(() => void (open && at.current.scrollIntoView({ block: "nearest" })), [open]);
  return html`<${level} class="row"><button ref=${at} type="button" class="plain" aria-expanded=${open} onClick=${() => (location.hash = to)}>${children}<${Icon} name="open" /></button><//>`;
}

function Person({ kind, line, open }) {
  const here = `${PATH}/${kind}`;
  return html`<li class=${open ? "opened" : ""}>
    <${Row} level="h3" open=${open} to=${open ? here : `${here}/${line.person}`}>
      <span class="grow">${line.name}</span>
      ${kind !== "idle_rep" && line.oldest && html`<span class="muted num since">${t("exceptions.since", { day: formatDay(line.oldest) })}</span>`}
      <span class="num many">${t(kind === "idle_rep" ? "exceptions.days" : "exceptions.count", { n: line.count })}</span>
    <//>
    ${open && html`<${Records} kind=${kind} person=${line.person} />`}
  </li>`;
}

function Line({ line, open, person }) {
  const here = `${PATH}/${line.kind}`;
  const names = line.whose.slice(0, 3).map((one) => one.name).join(t("exceptions.comma"));
  const left = line.people - line.whose.length;
  return html`<li class=${open ? "line opened" : "line"}>
    <${Row} level="h2" open=${open} to=${open ? PATH : here}>
      <${Icon} name="late" />
      <span class="grow"><span class="says">${line.words[lang.value]}</span>
        <span class="muted who-are">${line.people > 3 ? t("exceptions.and_more", { names, n: line.people }) : names}</span></span>
      ${line.oldest && html`<span class="muted num since">${t("exceptions.since", { day: formatDay(line.oldest) })}</span>`}
    <//>
    ${open &&
    html`<ul class="people">${line.whose.map((one) => html`<${Person} key=${one.person} kind=${line.kind} line=${one} open=${one.person === person} />`)}</ul>
      ${left > 0 && html`<p class="muted note">${t("exceptions.more_people", { n: left })}</p>`}`}
  </li>`;
}

function Lines({ of, opened }) {
  const lines = linesOf(of.data.items);
  const fine = KINDS.filter((kind) => !lines.some((line) => line.kind === kind)).map((kind) => t(`label.digest_line.kind.${kind}`));
  return html`${lines.length > 0 && html`<ul class="lines">${lines.map((line) => html`<${Line} key=${line.kind} line=${line} open=${line.kind === opened[0]} person=${opened[1]} />`)}</ul>`}
    ${lines.length === 0 ? html`<p class="card fine"><${Icon} name="check" />${t("exceptions.all_fine")}</p>` : fine.length > 0 && html`<p class="muted fine"><${Icon} name="check" />${t("exceptions.fine", { what: fine.join(t("exceptions.comma")) })}</p>`}`;
}

export default function Exceptions({ path }) {
  const leads = session.value?.user.role !== "auditor"; // who is told of it
  const opened = useOpened(path);
  const answer = useAnswer("/v1/exceptions");
  const deputy = useDeputy(leads);
  return html`<div class="oversee">
    <div class="title"><h1 tabindex="-1">${t("nav.exceptions")}</h1>
      ${answer.data && html`<span class="muted num">${t("exceptions.as_of", { time: formatTime(answer.data.now) })}</span>`}
      <button type="button" class="plain" onClick=${answer.load}><${Icon} name="again" />${t("exceptions.again")}</button></div>
    ${leads && html`<${Away} of=${deputy} />`}
    <section aria-label=${t("exceptions.lines")}><${Failed} of=${answer} />${answer.data && html`<${Lines} of=${answer} opened=${opened} />`}</section>
    ${leads && html`<aside><${Preview} of=${deputy} /><${DeputyForm} of=${deputy} /></aside>`}
  </div>`;
}
