// SPDX-License-Identifier: Apache-2.0
// The other language: on the page at once, and kept with the person where one is signed in.
import { get, patch, session } from "#lib/api.js";
import { lang, LANGUAGES, t, useLanguage } from "#lib/i18n.js";
import { announce, html, wordsOf } from "#lib/ui.js";

async function choose(wanted) {
  try {
    await useLanguage(wanted);
    if (session.value && !session.value.must_change_password) {
      const { etag } = await get("/v1/me");
      const { data } = await patch("/v1/me", { lang: wanted }, etag);
      session.value = session.value && { ...session.value, user: data };
    }
  } catch (problem) {
    announce(wordsOf(problem));
  }
}

export const Languages = () => html`<div class="languages" role="group" aria-label=${t("lang.label")}>
  ${LANGUAGES.filter((one) => one !== lang.value).map(
    (one) => html`<button key=${one} type="button" class="plain" lang=${one} onClick=${() => choose(one)}>${t(`lang.${one}`)}</button>`,
  )}
</div>`;
