// SPDX-License-Identifier: Apache-2.0
// What the next digest will say as things stand, in its own words (G-12): when it comes, and to whom while one is away.
import { session } from "#lib/api.js";
import { Failed, useAnswer } from "#lib/answer.js";
import { formatDate, lang, t } from "#lib/i18n.js";
import { html } from "#lib/ui.js";
import { deputyOn } from "#console/exceptions_deputy.js";

/** In the zone whose days the digest is of. */
const inZone = ({ at, tz }, options) => new Intl.DateTimeFormat(lang.value, { ...options, timeZone: tz }).format(new Date(at));
const weekday = (data) => inZone(data, { weekday: "short" });
const hour = (data) => inZone(data, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A name and its number stay on one line. */
const together = (line) => line.replace(/ (?=[+-]?\d)/g, "\u00a0");

const Says = ({ digest }) => html`<div class="digest"><h3>${digest.title}</h3><ul>${digest.body.split("\n").map((line) => html`<li>${together(line)}</li>`)}</ul></div>`;

export function Preview({ of }) {
  const answer = useAnswer("/v1/digest/preview", session.value?.user.lang);
  const { data } = answer;
  const told = data && deputyOn(of, data.date);
  return html`<section class="card stack preview" aria-labelledby="preview-title">
    <h2 id="preview-title">${t("preview.title")}</h2>
    <${Failed} of=${answer} />
    ${data &&
    html`<p class="muted num">${t("preview.at", { day: formatDate(data.date), weekday: weekday(data), hour: hour(data) })}</p>
      ${told && html`<p>${t("preview.deputy", { who: told.name })}</p>`}
      ${data.digest ? html`<${Says} digest=${data.digest} /><p class="hint muted">${t("preview.as_is")}</p>` : html`<p class="digest">${t("preview.nothing")}</p>`}
      ${data.missing_year && html`<p class="notice warn">${t("preview.missing_year", { year: data.missing_year })}</p>`}`}
  </section>`;
}
