// SPDX-License-Identifier: Apache-2.0
// The pages of the open contract in the middle: the picture, what is done to look at it, its versions and marks.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "#lib/i18n.js";
import { uuid7 } from "#lib/ids.js";
import { bindKeys } from "#lib/keys.js";
import "#lib/page.js";
import { html, wordsOf } from "#lib/ui.js";
import { pictures, usePicture, wantPicture } from "#console/review_pictures.js";
import { act, activeMark, holds, isMine, look, pageAt, pictureOf, say, showPage, turnPage } from "#console/review_store.js";
import { Key } from "#console/review_parts.js";
import { Caption, marksOf, nextView, shownOf, Versions } from "#console/review_versions.js";

const NONE = [];

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

function useKeys(viewer, tools, more) {
  const latest = useRef();
  latest.current = [...tools.map((tool) => ({ ...tool, run: () => viewer.current && tool.run(viewer.current) })), ...more];
  const run = (key) => latest.current.find((one) => one.key === key).run();
  useEffect(
    () =>
      bindKeys([
        ...latest.current.map(({ key, label, repeat }) => ({ key, label, repeat, run: () => run(key) })),
        { key: "=", label: null, run: () => run("+"), repeat: true },
        { key: "]", label: "review.key.page_next", run: () => turnPage(1), repeat: true },
        { key: "[", label: "review.key.page_previous", run: () => turnPage(-1), repeat: true },
      ]),
    [],
  );
}

/** The pictures that are shown, and the one of the page after. */
function usePictures(doc, paths) {
  useEffect(() => {
    for (const path of paths) {
      wantPicture(path);
      usePicture(path);
    }
  }, [paths.join()]);
  useEffect(() => {
    const after = doc.pages[pageAt.value + 1];
    if (after) {
      wantPicture(pictureOf(doc, after.media));
    }
  }, [doc.id, pageAt.value]);
}

const Numbers = ({ doc }) => html`<div class="pages" role="group" aria-label=${t("review.pages_label")}>
  ${doc.pages.map((page, i) => html`<button key=${page.id} type="button" aria-current=${i === pageAt.value ? "page" : undefined} aria-label=${page.version > 1 ? undefined : t("review.page", { n: i + 1 })}
    onClick=${() => showPage(i)}>${i + 1}${page.version > 1 && html`<small>·${t("review.version", { n: page.version })}</small>`}</button>`)}
</div>`;

const Failed = ({ problem, again }) => html`<div class="failed" role="alert"><p>${t("review.picture_failed")}</p><p class="muted">${wordsOf(problem)}</p>
  <button type="button" onClick=${again}>${t("retry")}</button></div>`;

/** One version of a page in its viewer; `caption` says which, where that is not plain. */
const Side = ({ doc, page, one, viewer, caption, label, marks, children, ...more }) => {
  const path = pictureOf(doc, one.id);
  const { url, problem } = pictures.value.get(path) ?? {};
  return html`<figure class="side">
    ${caption && html`<${Caption} doc=${doc} page=${page} one=${one} />`}
    <div class="view">
      <bf-page ref=${viewer} tabindex="0" role="region" aria-label=${label} group=${page.id} src=${url ?? null} marks=${marks ? marksOf(doc, page, one) : NONE} active=${activeMark.value}
        look=${look.value} ...${more} />
      ${problem && html`<${Failed} problem=${problem} again=${() => wantPicture(path, { again: true })} />`}
      ${children}
    </div>
  </figure>`;
};

/** An earlier version beside the present one is moved as that is. */
function useTwins(viewer, other) {
  useLayoutEffect(() => {
    viewer.current.twin = other.current;
    if (other.current) {
      other.current.twin = viewer.current;
    }
  });
}

export function Pages({ doc }) {
  const viewer = useRef(), other = useRef();
  const [zoom, showZoom] = useState(1);
  const [drawing, draw] = useState(false);
  const [marks, showMarks] = useState(true);
  const page = doc.pages[Math.min(pageAt.value, doc.pages.length - 1)];
  const { now, old, beside } = shownOf(doc, page);
  const main = beside ? now : old ?? now; // what is zoomed and marked
  const path = pictureOf(doc, main.id);
  usePictures(doc, beside ? [pictureOf(doc, old.id), path] : [path]);
  useTwins(viewer, other);
  const mark = { key: "m", label: "review.key.mark", words: "review.mark", run: (at) => main === now && holds() && at.mark() };
  const tools = isMine(doc) ? [...TOOLS, mark] : TOOLS;
  const turnOver = () => {
    if (document.activeElement === other.current) {
      viewer.current.focus(); // it stays
    }
    nextView(doc, page);
  };
  useKeys(viewer, [...TOOLS, mark], [{ key: "b", label: "review.key.marks", run: () => showMarks((on) => !on) }, { key: "v", label: "review.key.version", run: turnOver }]);
  const label = t("review.picture", { n: pageAt.value + 1, all: doc.pages.length });
  return html`<section class="paper" aria-label=${t("review.paper")}>
    <div class="tools" role="toolbar" aria-label=${t("review.tools")}>
      <${Numbers} doc=${doc} />
      <span class="num zoom">${Math.round(zoom * 100)} %</span>
      ${tools.map((tool) => html`<button key=${tool.key} type="button" title="${t(tool.label)} (${tool.key})" aria-label=${tool.sign && t(tool.label)} disabled=${!pictures.value.get(path)?.url || (tool === mark && main !== now)}
        aria-pressed=${tool === mark ? drawing : undefined} onClick=${() => tool.run(viewer.current)}>${tool.sign ?? t(tool.words)}${tool === mark && html`<${Key} of="m" />`}</button>`)}
      <${Versions} doc=${doc} page=${page} />
    </div>
    <div class="stage">
      ${beside && html`<${Side} key="old" doc=${doc} page=${page} one=${old} viewer=${other} caption=${true} label="${label} · ${t("review.version", { n: old.version })}" marks=${marks} />`}
      <${Side} key="main" doc=${doc} page=${page} one=${main} viewer=${viewer} caption=${old} label=${label} marks=${marks}
        onview=${(event) => showZoom(event.detail.zoom)} ondrawing=${(event) => draw(event.detail.on)} ondrawn=${(event) => keepMark(doc, main.id, event.detail)}>
        ${drawing && html`<p class="notice warn over" role="status">${t("review.drawing")}</p>`}
      <//>
    </div>
  </section>`;
}
