// SPDX-License-Identifier: Apache-2.0
// What is around each page: where one can go, who one is, the way out; the sheet of keys.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { online, session, signOut } from "#lib/api.js";
import { lang, t } from "#lib/i18n.js";
import { bindKeys, bound, singleKeys } from "#lib/keys.js";
import { announce, Fault, html, Mark, wordsOf } from "#lib/ui.js";
import { Languages } from "#console/languages.js";
import { navigation, routeOf } from "#console/routes.js";

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

const sheet = signal(false);

/** A page is fetched when it is opened; the one before stays until it is there. */
function usePage(route) {
  const [page, show] = useState({ route: null });
  const open = () => {
    let wanted = true;
    route.load().then(
      (module) => wanted && show({ route, Component: module.default }),
      () => wanted && show({ route, problem: new Error() }),
    );
    return () => {
      wanted = false;
    };
  };
  useEffect(open, [route]);
  return [page, open];
}

function Keys() {
  const dialog = useRef();
  useLayoutEffect(() => {
    if (sheet.value) {
      dialog.current.showModal();
    } else {
      dialog.current.close();
    }
  }, [sheet.value]);
  const rows = bound.value.filter((binding) => binding.label && (singleKeys.value || binding.key.length > 1));
  return html`<dialog ref=${dialog} aria-labelledby="keys-title" onClose=${() => (sheet.value = false)}>
    <h2 id="keys-title">${t("keys.title")}</h2>
    <dl>${rows.map((row) => html`<dt key=${row.key}><kbd>${row.key}</kbd></dt><dd>${typeof row.label === "function" ? row.label() : t(row.label)}</dd>`)}</dl>
    <button onClick=${() => (sheet.value = false)}>${t("keys.close")}</button>
  </dialog>`;
}

function useFrameKeys(pages) {
  useEffect(
    () =>
      bindKeys([
        ...pages.slice(0, 9).map((page, i) => ({ key: String(i + 1), label: () => t(page.label), run: () => (location.hash = page.path) })),
        { key: "?", label: "key.help", run: () => (sheet.value = true) },
        { key: "Alt+a", label: "key.account", run: () => (location.hash = "/account") },
      ]),
    [pages.length],
  );
}

async function leave() {
  try {
    await signOut();
  } catch (problem) {
    announce(wordsOf(problem));
  }
}

const Bar = ({ pages, route, user }) => html`<header class="bar">
  <a class="brand" href="#/"><${Mark} />${t("app.name")}</a>
  ${pages.length > 0 &&
  html`<nav aria-label=${t("nav.label")}>
    ${pages.map((page) => html`<a key=${page.path} href="#${page.path}" aria-current=${page === route ? "page" : undefined}>${t(page.label)}</a>`)}
  </nav>`}
  <div class="right">
    <a class="who" href="#/account" aria-current=${route.path === "/account" ? "page" : undefined}>
      ${user.name} <span class="tag role">${t(`role.${user.role}`)}</span></a>
    <${Languages} />
    <button type="button" class="plain" onClick=${leave}>${t("sign_out")}</button>
  </div>
</header>`;

export function Frame() {
  const { user } = session.value;
  const pages = navigation(user.role);
  const route = routeOf(hash.value, user.role);
  const [page, reopen] = usePage(route);
  const main = useRef();
  useFrameKeys(pages);
  useEffect(() => {
    document.title = `${t(route.label)} · ${t("app.title")}`;
  }, [route, lang.value]);
  useLayoutEffect(() => {
    if (page.route) {
      main.current.querySelector("h1")?.focus(); // whoever hears the page hears where it begins
    }
  }, [page.route]);
  return html`<div class="frame">
    <a class="button skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>${t("nav.skip")}</a>
    <${Bar} pages=${pages} route=${route} user=${user} />
    <div class="strip" role="status" hidden=${online.value}>${t("offline")}</div>
    <main ref=${main} id="main" tabindex="-1" class=${page.route?.wide ? "wide" : ""}>
      ${page.problem
        ? html`<${Fault} problem=${{ status: 0, message: t("error.page") }} /><button onClick=${reopen}>${t("retry")}</button>`
        : page.Component && html`<${page.Component} path=${hash.value} />`}
    </main>
    <${Keys} />
  </div>`;
}
