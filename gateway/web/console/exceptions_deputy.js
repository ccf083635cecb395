// SPDX-License-Identifier: Apache-2.0
// Who is told instead while one is away (docs/DIGESTS.md): what is in force, and the form for it.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { patch } from "#lib/api.js";
import { Failed, useAnswer } from "#lib/answer.js";
import { formatDate, t, today } from "#lib/i18n.js";
import { Icon } from "#lib/icons.js";
import { announce, Fault, Field, html } from "#lib/ui.js";

/** {me, people, save}: one's own record, whom one may name; `save` changes it and throws what is refused. */
export function useDeputy(leads) {
  const me = useAnswer(leads ? "/v1/me" : null);
  const people = useAnswer(leads ? "/v1/deputies" : null);
  const save = async (body) => {
    try {
      me.show(await patch("/v1/me", body, me.etag));
    } catch (problem) {
      if (problem.status === 412) {
        await me.load(); // it was changed elsewhere: that is shown
      }
      throw problem;
    }
  };
  return { me, people, save };
}

/** The period that is not over yet; null: none. */
const periodOf = (me) => (me?.deputy && me.away_until >= today() ? me : null);
const deputyOf = ({ me, people }) => people.data?.items.find((one) => one.id === me.data.deputy);

/** The deputy, when one is away on that day and there is one who may. */
export function deputyOn(of, date) {
  const period = periodOf(of.me.data);
  return period && period.away_from <= date && date <= period.away_until ? deputyOf(of) : undefined;
}

/** What is in force, for the top of the page. */
export function Away({ of }) {
  const period = periodOf(of.me.data);
  if (!period || !of.people.data) {
    return null;
  }
  const values = { from: formatDate(period.away_from), until: formatDate(period.away_until), who: deputyOf(of)?.name };
  const key = !values.who ? "deputy.void" : period.away_from <= today() ? "deputy.now" : "deputy.planned";
  return html`<p class="notice warn away" role="status">${t(key, values)}</p>`;
}

function Select({ label, fault, children, ...select }) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label>
    <select id=${id} aria-invalid=${fault ? "true" : undefined} aria-describedby=${fault ? `${id}-fault` : undefined} ...${select}>${children}</select>
    ${fault && html`<p class="fault" id="${id}-fault">${fault}</p>`}</div>`;
}

const FIELDS = ["deputy", "away_from", "away_until"];
const NOBODY = Object.fromEntries(FIELDS.map((name) => [name, null]));
const valuesOf = (me) => Object.fromEntries(FIELDS.map((name) => [name, periodOf(me)?.[name] ?? ""]));

/** What the form does: {values, type, fault, said, send}. After each answer it shows what the server has. */
function useForm(of) {
  const me = of.me.data;
  const [values, set] = useState(valuesOf(me));
  const [problem, fail] = useState(null);
  const [said, say] = useState("");
  useEffect(() => set(valuesOf(me)), [of.me.etag]);
  const send = async (body) => {
    fail(null);
    say("");
    try {
      await of.save(body);
      say(t(body.deputy ? "deputy.saved" : "deputy.cleared"));
      announce(t(body.deputy ? "deputy.saved" : "deputy.cleared"));
    } catch (cause) {
      fail(cause);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (periodOf(me) || FIELDS.some((name) => values[name])) {
      send(Object.fromEntries(FIELDS.map((name) => [name, values[name] || null])));
    } else {
      fail({ fields: Object.fromEntries(FIELDS.map((name) => [`/${name}`, t("deputy.required")])) });
    }
  };
  const field = (name) => ({ name, value: values[name], fault: problem?.fields?.[`/${name}`], onInput: (event) => set({ ...values, [name]: event.currentTarget.value }) });
  return { field, said, send, submit, problem: problem && !FIELDS.some((name) => problem.fields?.[`/${name}`]) ? problem : null };
}

function Form({ of, people }) {
  const form = useForm(of);
  const at = useRef();
  const clear = () => {
    at.current.elements.deputy.focus(); // the button goes
    form.send(NOBODY);
  };
  return html`<form ref=${at} class="stack" onSubmit=${form.submit} novalidate>
    <${Select} label=${t("deputy.who")} ...${form.field("deputy")}>
      <option value="">${t("deputy.choose")}</option>
      ${people.map((one) => html`<option key=${one.id} value=${one.id}>${one.name} · ${t(`role.${one.role}`)}</option>`)}
    <//>
    <div class="pair">
      <${Field} label=${t("deputy.from")} type="date" ...${form.field("away_from")} />
      <${Field} label=${t("deputy.until")} type="date" ...${form.field("away_until")} />
    </div>
    <${Fault} problem=${form.problem} />
    <div class="actions">
      ${form.said && html`<p class="said" aria-hidden="true"><${Icon} name="check" />${form.said}</p>`}
      ${periodOf(of.me.data) && html`<button type="button" class="danger" onClick=${clear}>${t("deputy.clear")}</button>`}
      <button class="primary">${t("deputy.save")}</button>
    </div>
  </form>`;
}

export function DeputyForm({ of }) {
  const people = of.people.data?.items;
  return html`<section class="card stack deputy" aria-labelledby="deputy-title">
    <h2 id="deputy-title">${t("deputy.title")}</h2>
    <p class="muted">${t("deputy.hint")}</p>
    <${Failed} of=${of.me} /><${Failed} of=${of.people} />
    ${people?.length === 0 && html`<p>${t("deputy.nobody")}</p>`}
    ${people?.length > 0 && of.me.data && html`<${Form} of=${of} people=${people} />`}
  </section>`;
}
