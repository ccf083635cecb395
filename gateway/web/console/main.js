// SPDX-License-Identifier: Apache-2.0
// Where the console begins: the session that came with the page, the words, then what is drawn.
import { render } from "preact";
import { effect } from "@preact/signals";
import { askSession, session } from "#lib/api.js";
import { t, useLanguage, zone } from "#lib/i18n.js";
import { listen } from "#lib/keys.js";
import { Announcer, html } from "#lib/ui.js";
import { Frame } from "#console/frame.js";
import { FirstPassword, SignIn } from "#console/sign_in.js";

function App() {
  const signedIn = session.value;
  const view = !signedIn ? SignIn : signedIn.must_change_password ? FirstPassword : Frame;
  return html`<${view} key=${view.name} /><${Announcer} />`;
}

/** A zone that this browser knows, too. */
function known(tz) {
  try {
    return tz && new Intl.DateTimeFormat("en", { timeZone: tz }) && tz;
  } catch {
    return undefined;
  }
}

async function begin() {
  const root = document.getElementById("app");
  const told = root.dataset.session;
  delete root.dataset.session; // the token is in no attribute longer than it has to be
  await useLanguage(document.documentElement.lang);
  if (told) { // "null": nobody, for certain
    session.value = JSON.parse(told);
  } else {
    await askSession().catch(() => {}); // after a link from another site; the sign-in says it when the server cannot be reached
  }
  effect(() => {
    zone.value = known(session.value && (session.value.user.tz ?? session.value.tz));
  });
  let chosenBefore;
  effect(() => {
    const chosen = session.value?.user.lang;
    if (chosen && chosen !== chosenBefore) {
      chosenBefore = chosen;
      useLanguage(chosen);
    }
  });
  effect(() => {
    if (!session.value || session.value.must_change_password) { // else the frame says it
      document.title = t("app.title");
    }
  });
  listen();
  root.replaceChildren();
  render(html`<${App} />`, root);
}

begin();
