// SPDX-License-Identifier: Apache-2.0
// The door: sign-in, and the password that has to be changed before anything else (G-24, G-10).
import { useState } from "preact/hooks";
import { lapsed, post, session, signIn, signOut } from "#lib/api.js";
import { t } from "#lib/i18n.js";
import { announce, Fault, Field, html, Mark } from "#lib/ui.js";
import { Languages } from "#console/languages.js";

const TENANT = "tenant"; // the company is the same each morning
const remembered = () => globalThis.localStorage?.getItem(TENANT) ?? "";

/** "Chromium 156, Linux": for the list of where one is signed in. */
function browserName() {
  const data = navigator.userAgentData;
  const brand = data?.brands.find((one) => !/not.a.brand|chromium/i.test(one.brand)) ?? data?.brands.find((one) => /chromium/i.test(one.brand));
  const known = /(Firefox|Edg|Version)\/(\d+)/.exec(navigator.userAgent);
  const name = brand ? `${brand.brand} ${brand.version}` : known ? `${known[1] === "Version" ? "Safari" : known[1]} ${known[2]}` : "";
  return [name, data?.platform ?? navigator.platform].filter(Boolean).join(", ").slice(0, 80) || undefined;
}

/** A form that sends once at a time: [problem, busy, submit]. */
function useSubmit(send) {
  const [problem, fail] = useState(null);
  const [busy, work] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) {
      return;
    }
    const form = event.currentTarget;
    work(true);
    fail(null);
    try {
      await send(new FormData(form), form);
    } catch (cause) {
      fail(cause);
      form.querySelector("[type=password], .secret input")?.select();
    }
    work(false);
  };
  return [problem, busy, submit];
}

const Door = ({ title, children, onSubmit }) => html`<main class="door">
  <${Languages} />
  <form class="card" method="post" novalidate onSubmit=${onSubmit}>
    <div class="head"><${Mark} /><h1>${title}</h1>${children[0]}</div>
    ${children.slice(1)}
  </form>
  <footer><a href=${document.querySelector("link[rel=license]").href}>${t("app.licences")}</a></footer>
</main>`;

export function SignIn() {
  const [problem, busy, submit] = useSubmit(async (data, form) => {
    const body = { ...Object.fromEntries(data), browser: browserName() };
    const empty = [...form.elements].find((input) => input.name && !input.value);
    if (empty) {
      empty.focus();
      return;
    }
    await signIn(body);
    globalThis.localStorage?.setItem(TENANT, body.tenant);
  });
  const tenant = remembered();
  return html`<${Door} title=${t("app.name")} onSubmit=${submit}>
    <p class="muted">${t("app.tagline")}</p>
    <div class="notice warn" role="status" hidden=${!lapsed.value}>${t("sign_in.again")}</div>
    <${Field} label=${t("sign_in.tenant")} name="tenant" autocomplete="organization" autocapitalize="none" spellcheck=${false} required maxlength="40"
      defaultValue=${tenant} first=${!tenant} />
    <${Field} label=${t("sign_in.login")} name="login" autocomplete="username" autocapitalize="none" spellcheck=${false} required maxlength="60"
      first=${!!tenant} />
    <${Field} label=${t("sign_in.password")} name="password" autocomplete="current-password" required maxlength="200" secret />
    <${Fault} problem=${problem} />
    <button class="primary" aria-disabled=${busy}>${t("sign_in.button")}</button>
  <//>`;
}

export function FirstPassword() {
  const [differ, tell] = useState(false);
  const [problem, busy, submit] = useSubmit(async (data) => {
    tell(data.get("new_password") !== data.get("again"));
    if (data.get("new_password") !== data.get("again")) {
      return;
    }
    await post("/v1/password", { old_password: data.get("old_password"), new_password: data.get("new_password") });
    announce(t("password.done"));
    session.value = { ...session.value, must_change_password: false };
  });
  const faults = problem?.fields ?? {};
  return html`<${Door} title=${t("password.title")} onSubmit=${submit}>
    <p class="muted">${t("password.first.hint")}</p>
    <input type="hidden" name="login" autocomplete="username" value=${session.value.user.login} />
    <${Field} label=${t("password.old")} name="old_password" autocomplete="current-password" required maxlength="200" secret first
      fault=${faults["/old_password"]} />
    <${Field} label=${t("password.new")} name="new_password" autocomplete="new-password" required maxlength="200" secret hint=${t("password.new.hint")}
      fault=${faults["/new_password"]} />
    <${Field} label=${t("password.again")} name="again" autocomplete="new-password" required maxlength="200" secret
      fault=${differ ? t("password.differ") : undefined} />
    <${Fault} problem=${Object.keys(faults).length ? null : problem} />
    <button class="primary" aria-disabled=${busy}>${t("password.change")}</button>
    <button type="button" class="plain" onClick=${signOut}>${t("sign_out")}</button>
  <//>`;
}
