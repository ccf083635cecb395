// SPDX-License-Identifier: Apache-2.0
// What hangs on a record: a customer's contacts and last visits; a visit's pictures, voice notes and supplements.
import { Failed, useAnswer } from "#lib/answer.js";
import { formatTime, t } from "#lib/i18n.js";
import { html } from "#lib/ui.js";
import { hrefOf, labelOf, wordOf } from "#console/record_parts.js";

const LAST = 10;

/** A section with a list; nothing of it where there is nothing in it. */
const Section = ({ title, of, items, children }) => html`<${Failed} of=${of ?? {}} />
  ${items?.length > 0 && html`<section class="card stack"><h2>${title}</h2>${children}</section>`}`;

export function Contacts({ doc }) {
  const answer = useAnswer(`/v1/contacts?customer=${doc.id}`);
  const items = answer.data?.items;
  return html`<${Section} title=${t("record.contacts")} of=${answer} items=${items}><ul class="rows">${items?.map((one) => html`<li key=${one.id}>
    <span class="grow"><strong>${one.name}</strong> <span class="muted">${one.position}</span> ${one.primary && html`<span class="tag">${labelOf("contact.primary")}</span>`}</span>
    ${one.phone && html`<a href="tel:${one.phone}">${one.phone}</a>`} ${one.email && html`<a href="mailto:${one.email}">${one.email}</a>`}</li>`)}</ul><//>`;
}

export function Visits({ doc }) {
  const answer = useAnswer(`/v1/visits?customer=${doc.id}&limit=${LAST}`);
  const items = answer.data?.items;
  return html`<${Section} title=${t("record.visits")} of=${answer} items=${items}><div class="records"><ul>${items?.map((one) => html`<li key=${one.id}>
    <a href=${hrefOf("visit", one.id)}><strong class="num">${formatTime(one.happened_at)}</strong> <span class="muted">${wordOf("visit.mode", one.mode)}</span>
      <span class="muted text">${one.content}</span></a></li>`)}</ul></div><//>`;
}

const urlOf = (doc, media, variant) => `/v1/visits/${doc.id}/media/${media.id}/${variant}`;
const has = (media, variant) => media.variants?.some((one) => one.name === variant);

export function Pictures({ doc }) {
  const items = doc.media_states.filter((one) => has(one, "small"));
  const late = doc.media_states.filter((one) => one.state === "awaited").length;
  return html`<${Section} title=${t("record.pictures")} items=${items}><ul class="pictures">${items.map((one, i) => html`<li key=${one.id}>
    <a href=${urlOf(doc, one, "large")} target="_blank" rel="noopener"><img src=${urlOf(doc, one, "small")} alt=${t("record.picture", { n: i + 1 })} loading="lazy" /></a></li>`)}</ul><//>
    ${late > 0 && html`<p class="muted">${t("record.awaited", { n: late })}</p>`}`;
}

export function Heard({ doc }) {
  const items = doc.media_states.filter((one) => has(one, "voice"));
  const said = (id) => doc.transcripts.find((one) => one.media === id);
  return html`<${Section} title=${t("record.voice")} items=${items}><ul class="rows">${items.map((one) => {
    const transcript = said(one.id);
    return html`<li key=${one.id}><audio controls preload="none" src=${urlOf(doc, one, "voice")} aria-label=${t("record.voice")} />
      <p class="grow text-whole">${transcript?.confirmed_text ?? transcript?.text}</p></li>`;
  })}</ul><//>`;
}

export function Supplements({ doc }) {
  const answer = useAnswer(`/v1/supplements?visit=${doc.id}`);
  const items = answer.data?.items;
  return html`<${Section} title=${t("record.supplements")} of=${answer} items=${items}><ul class="rows">${items?.map((one) => html`<li key=${one.id}>
    <p class="grow text-whole">${one.content}</p><span class="muted num">${formatTime(one.received_at)}</span></li>`)}</ul><//>`;
}
