// SPDX-License-Identifier: Apache-2.0
// The pages of the open contract in the middle: the picture, what is done to look at it, its versions and marks.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "#lib/i18n.js";
import { uuid7 } from "#lib/ids.js";
import { bindKeys } from "#lib/keys.js";
import "#lib/page.js";
import { html, wordsOf } from "#lib/ui.js";
import { pictures, usePicture, wantPicture } from "#console/review_pictures.js";
import { act, activeMark, holds, isMine, look, pageAt, pictureOf, say, showPage, turnPage, version } from "#console/review_store.js";
import { Key } from "#console/review_parts.js";

const versionsOf = (doc, page) => doc.media_states.filter((one) => one.page === page.id).sort((a, b) => a.version - b.version);

/** The one before the version that is shown; from the first on to the present one. */
function nextVersion(doc) {
  const page = doc.pages[pageAt.value];
  const all = versionsOf(doc, page);
  const at = all.findIndex((one) => one.version === (version.value ?? page.version));
  const to = all.at(at - 1);
  version.value = to?.version === page.version ? null : to?.version ?? null;
}

async function keepMark(doc, media, drawn) {
  const id = uuid7();
  if (await act("mark", { id, media, ...drawn })) {
    activeMark.value = id;
    say(t("review.marked_said"));
  }
}

const TOOLS = [
  { key: "-", label: "review.key.zoom_out", sign: "−", run: (viewer) => viewer.zoomOut(), repeat: true },
  { key: "+", label: "review.key.zoom_in", sign: "+", run: (viewer) => viewer.zoomIn(), repeat: true },
  { key: "0", label: "review.key.fit_page", words: "review.fit_page", run: (viewer) => viewer.fit("page") },
  { key: "w", label: "review.key.fit_width", words: "review.fit_width", run: (viewer) => viewer.fit("width") },
  { key: ",", label: "review.key.turn_left", sign: "⟲", run: (viewer) => viewer.turn(-1) },
  { key: ".", label: "review.key.turn_right", sign: "⟳", run: (viewer) => viewer.turn(1) },
];

function useKeys(viewer, doc, tools) {
  const latest = useRef();
  latest.current = doc;
  useEffect(
    () =>
      bindKeys([
        ...tools.map(({ key, label, run, repeat }) => ({ key, label, repeat, run: () => viewer.current && run(viewer.current) })),
        { key: "=", label: null, run: () => viewer.current?.zoomIn(), repeat: true },
        { key: "]", label: "review.key.page_next", run: () => turnPage(1), repeat: true },
        { key: "[", label: "review.key.page_previous", run: () => turnPage(-1), repeat: true },
        { key: "v", label: "review.key.version", run: () => nextVersion(latest.current) },
      ]),
    [],
  );
}

function usePictureOf(doc, path) {
  useEffect(() => {
    wantPicture(path);
    usePicture(path);
  }, [path]);
  useEffect(() => {
    const after = doc.pages[pageAt.value + 1];
    if (after) {
      wantPicture(pictureOf(doc, after.media));
    }
  }, [doc.id, pageAt.value]);
  return pictures.value.get(path) ?? {};
}

const Versions = ({ doc, page, shown }) => {
  const all = versionsOf(doc, page);
  return all.length > 1 && html`<div class="switch" role="group" aria-label=${t("review.versions")}>
    ${all.map((one) => html`<button key=${one.version} type="button" aria-pressed=${one.version === shown}
      onClick=${() => (version.value = one.version === page.version ? null : one.version)}>${t(one.version === page.version ? "review.version_now" : "review.version", { n: one.version })}</button>`)}
  </div>`;
};

const Numbers = ({ doc }) => html`<div class="pages" role="group" aria-label=${t("review.pages_label")}>
  ${doc.pages.map((page, i) => html`<button key=${page.id} type="button" aria-current=${i === pageAt.value ? "page" : undefined} aria-label=${t("review.page", { n: i + 1 })}
    onClick=${() => showPage(i)}>${i + 1}${page.version > 1 && html`<small>·${t("review.version", { n: page.version })}</small>`}</button>`)}
</div>`;

const Failed = ({ problem, again }) => html`<div class="failed" role="alert"><p>${t("review.picture_failed")}</p><p class="muted">${wordsOf(problem)}</p>
  <button type="button" onClick=${again}>${t("retry")}</button></div>`;

export function Pages({ doc }) {
  const viewer = useRef();
  const [zoom, showZoom] = useState(1);
  const [drawing, draw] = useState(false);
  const [marks, showMarks] = useState(true);
  const page = doc.pages[Math.min(pageAt.value, doc.pages.length - 1)];
  const shown = version.value ?? page.version;
  const media = versionsOf(doc, page).find((one) => one.version === shown)?.id ?? page.media;
  const path = pictureOf(doc, media);
  const picture = usePictureOf(doc, path);
  const current = media === page.media;
  const mark = { key: "m", label: "review.key.mark", words: "review.mark", run: (at) => version.value === null && holds() && at.mark() };
  const tools = isMine(doc) ? [...TOOLS, mark] : TOOLS;
  useKeys(viewer, doc, [...TOOLS, mark, { key: "b", label: "review.key.marks", run: () => showMarks((on) => !on) }]);
  const words = t("review.picture", { n: pageAt.value + 1, all: doc.pages.length });
  return html`<section class="paper" aria-label=${t("review.paper")}>
    <div class="tools" role="toolbar" aria-label=${t("review.tools")}>
      <${Numbers} doc=${doc} />
      <span class="num zoom">${Math.round(zoom * 100)} %</span>
      ${tools.map((tool) => html`<button key=${tool.key} type="button" title="${t(tool.label)} (${tool.key})" aria-label=${tool.sign && t(tool.label)} disabled=${!picture.url || (tool === mark && !current)}
        aria-pressed=${tool === mark ? drawing : undefined} onClick=${() => tool.run(viewer.current)}>${tool.sign ?? t(tool.words)}${tool === mark && html`<${Key} of="m" />`}</button>`)}
      <${Versions} doc=${doc} page=${page} shown=${shown} />
    </div>
    <div class="stage">
      <bf-page ref=${viewer} tabindex="0" role="region" aria-label=${words} group=${page.id} src=${picture.url ?? null} marks=${marks && current ? (doc.marks ?? []).filter((one) => one.media === media) : []}
        active=${activeMark.value} look=${look.value} onview=${(event) => showZoom(event.detail.zoom)} ondrawing=${(event) => draw(event.detail.on)}
        ondrawn=${(event) => keepMark(doc, media, event.detail)} />
      ${picture.problem && html`<${Failed} problem=${picture.problem} again=${() => wantPicture(path, { again: true })} />`}
      ${!current && html`<p class="notice warn over">${t("review.version_old", { n: shown })}</p>`}
      ${drawing && html`<p class="notice warn over" role="status">${t("review.drawing")}</p>`}
    </div>
  </section>`;
}
