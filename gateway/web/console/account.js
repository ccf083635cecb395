// SPDX-License-Identifier: Apache-2.0
// Where one is signed in, and what one likes (ACC-08, WCAG 2.1.4).
import { useEffect, useState } from "preact/hooks";
import { get, remove } from "#lib/api.js";
import { formatTime, t } from "#lib/i18n.js";
import { setSingleKeys, singleKeys } from "#lib/keys.js";
import { announce, Fault, html } from "#lib/ui.js";

function useSessions() {
  const [items, show] = useState(null);
  const [problem, fail] = useState(null);
  const load = async () => {
    try {
      const { data } = await get("/v1/sessions");
      show(data.items.sort((a, b) => b.current - a.current || b.used_at.localeCompare(a.used_at)));
    } catch (cause) {
      fail(cause);
    }
  };
  const end = async (id) => {
    fail(null);
    try {
      await remove(`/v1/sessions/${id}`);
      announce(t("account.ended"));
      await load();
    } catch (cause) {
      fail(cause);
    }
  };
  useEffect(() => void load(), []);
  return { items, problem, end };
}

const Session = ({ item, end }) => html`<li>
  <div class="grow">
    <strong>${item.device_name || t(`platform.${item.platform ?? "none"}`)}</strong> ${item.current && html`<span class="tag">${t("account.here")}</span>`}
    <p class="muted num">${t("account.used", { time: formatTime(item.used_at) })}</p>
    <p class="muted num">${t("account.since", { time: formatTime(item.created_at) })}</p>
  </div>
  ${!item.current &&
  html`<button class="danger" onClick=${() => end(item.id)}>${t("account.end")}<span class="seen-not"> ${item.device_name}</span></button>`}
</li>`;

export default function Account() {
  const { items, problem, end } = useSessions();
  return html`<h1 tabindex="-1">${t("account.title")}</h1>
    <section class="card stack">
      <h2>${t("account.sessions")}</h2>
      <p class="muted">${t("account.sessions.hint")}</p>
      <${Fault} problem=${problem} />
      <ul class="rows">${(items ?? []).map((item) => html`<${Session} key=${item.id} item=${item} end=${end} />`)}</ul>
    </section>
    <section class="card stack">
      <h2>${t("account.keys")}</h2>
      <label class="box"><input type="checkbox" checked=${singleKeys.value} onChange=${(event) => setSingleKeys(event.currentTarget.checked)} />
        <span>${t("account.keys.hint")}</span></label>
    </section>`;
}
