// SPDX-License-Identifier: Apache-2.0
// Scenarios of the console, each in a page of its own: node console.js NAME, with a JSON job on stdin: {url, elsewhere, tenant, password, newcomer, next}.
// Ends with a status other than 0 at the first thing that is not as it should be.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert/strict");
const { accessible, faultless, picture, press, run, until } = require("./browser.js");

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const WORDS = Object.fromEntries(["zh-CN", "en"].map((lang) => [lang, JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/${lang}.json`, "utf8"))]));

async function signIn(page, login = "wang", password = job.password) {
  await page.waitForSelector("[name=tenant]");
  await page.fill("[name=tenant]", job.tenant);
  await page.fill("[name=login]", login);
  await page.fill("[name=password]", password);
  await page.keyboard.press("Enter");
}

/** Opens the console and signs in. */
async function enter(browser, options = {}) {
  const page = await browser.open({ url: job.url, ...options });
  await page.goto("/console#/account");
  await signIn(page, options.login);
  await page.waitForSelector(".rows li");
  return page;
}

const focused = (page) => page.evaluate(() => document.activeElement.name ?? document.activeElement.tagName);
const shown = (page, key, lang = "zh-CN") => page.waitForSelector(`text=${WORDS[lang][key]} >> visible=true`);

const scenarios = {
  async every_view_is_accessible_in_both_schemes_languages_and_sizes(browser) {
    for (const [scheme, lang, width, height] of [["light", "zh-CN", 1366, 768], ["dark", "en", 1366, 768], ["light", "en", 360, 740], ["dark", "zh-CN", 360, 740]]) {
      const tag = `${scheme}-${lang}-${width}`;
      const page = await browser.open({ url: job.url, lang, scheme, width, height });
      const look = async (name) => {
        await accessible(page, `${name} ${tag}`);
        await picture(page, `${name}-${tag}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} ${tag} is ${overflow} px too wide`);
        assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
      };
      await page.goto("/console");
      await page.waitForSelector("[name=tenant]");
      await look("sign-in");
      await signIn(page, "wang", "falsch-falsch");
      await page.waitForSelector(".notice.bad:not([hidden])");
      await look("refused");
      await signIn(page, job.newcomer);
      await page.waitForSelector("[name=new_password]");
      await look("first-password");
      await page.click(`text=${WORDS[lang].sign_out}`);
      await signIn(page, "li");
      await page.waitForSelector(".rows li");
      await look("account");
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
      await look("keys");
      await faultless(page, tag);
    }
  },

  async the_first_password_is_changed_by_keyboard_alone(browser) {
    const page = await browser.open({ url: job.url });
    await page.goto("/console#/account");
    await page.waitForSelector("[name=tenant]");
    await until(page, () => document.activeElement.name === "tenant");
    await page.keyboard.type(job.tenant);
    await page.keyboard.press("Tab");
    await page.keyboard.type(job.newcomer);
    await page.keyboard.press("Tab");
    await page.keyboard.type(job.password);
    await page.keyboard.press("Enter");
    await page.waitForSelector("[name=new_password]");
    await until(page, () => document.activeElement.name === "old_password");
    const fill = async (old, next, again) => {
      for (const [name, text] of [["old_password", old], ["new_password", next], ["again", again]]) {
        while ((await focused(page)) !== name) await page.keyboard.press("Tab");
        await page.keyboard.press("Control+a");
        await page.keyboard.type(text);
      }
      await page.keyboard.press("Enter");
    };
    await fill(job.password, job.next, "x");
    await shown(page, "password.differ");
    await fill("falsch", job.next, job.next);
    await page.waitForSelector("[name=old_password][aria-invalid=true]");
    await fill(job.password, job.password, job.password);
    await page.waitForSelector("[name=new_password][aria-invalid=true]");
    await fill(job.password, job.next, job.next);
    await page.waitForSelector(".rows li");
    assert.match(await page.textContent("[role=status].seen-not"), new RegExp(WORDS["zh-CN"]["password.done"]));
    await until(page, () => document.activeElement.tagName === "H1");
    await faultless(page);
  },

  async everything_of_the_frame_is_reached_by_keyboard(browser) {
    const other = await enter(browser, { login: "zhao" });
    const page = await enter(browser, { login: "zhao" });
    const words = WORDS["zh-CN"];
    assert.match(await press(page, "Tab"), new RegExp(words["account.end"])); // from the heading on
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 1);
    await other.click(`text=${words["sign_out"]}`);
    await shown(other, "sign_in.button");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    assert.match(await page.evaluate(() => document.activeElement.textContent), new RegExp(words["keys.close"]));
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    await page.focus("[type=checkbox]");
    await page.keyboard.press("Space");
    await page.focus("h1");
    await page.keyboard.press("?");
    assert.equal(await page.locator("dialog[open]").count(), 0, "single keys are switched off");
    await page.reload();
    await page.waitForSelector(".rows li");
    assert.equal(await page.isChecked("[type=checkbox]"), false);
    await page.focus(".skip");
    await page.keyboard.press("Enter");
    assert.equal(await focused(page), "MAIN");
    await faultless(page);
  },

  async a_session_that_ends_leads_to_the_sign_in(browser) {
    const page = await enter(browser);
    const id = await page.evaluate(async () => (await (await fetch("/v1/web/session")).json()).session);
    const elsewhere = await enter(browser);
    await elsewhere.click(".rows button.danger");
    await elsewhere.waitForFunction(() => document.querySelectorAll(".rows li").length === 1);
    await page.evaluate(() => (location.hash = "#/"));
    await page.click("[type=checkbox]");
    await page.click(".languages button");
    await shown(page, "sign_in.again", "en");
    await signIn(page);
    await page.waitForSelector(".rows li");
    assert.notEqual(id, await page.evaluate(async () => (await (await fetch("/v1/web/session")).json()).session));
    assert.equal(await page.locator(".notice.warn:visible").count(), 0);
    await faultless(page);
  },

  async the_language_is_kept_with_the_person(browser) {
    const page = await enter(browser, { login: "qian" });
    await page.click(".languages button");
    await shown(page, "account.title", "en");
    await until(page, async () => (await (await fetch("/v1/me")).json()).lang === "en");
    assert.equal(await page.title(), `${WORDS.en["account.title"]} · ${WORDS.en["app.title"]}`);
    await page.reload();
    await shown(page, "account.title", "en");
    await page.click(`text=${WORDS.en.sign_out}`);
    await shown(page, "sign_in.button", "en");
    assert.equal((await page.context().cookies()).length, 0);
    await faultless(page);
  },

  async a_second_tab_that_signs_in_anew_does_not_disturb_the_first(browser) {
    const page = await enter(browser);
    const second = await page.context().newPage();
    await second.goto("/console");
    await second.click(`text=${WORDS["zh-CN"].sign_out}`);
    await signIn(second);
    await second.waitForSelector(".rows li");
    await page.click(".languages button"); // with the token of a session that is no more
    await until(page, async () => (await (await fetch("/v1/me")).json()).lang === "en");
    await shown(page, "account.title", "en");
    await faultless(page);
  },

  async a_server_that_cannot_be_reached_is_said_and_got_over(browser) {
    const page = await browser.open({ url: job.url });
    await page.goto("/console");
    await page.waitForSelector("[name=tenant]");
    await page.context().setOffline(true);
    await signIn(page);
    await shown(page, "error.offline");
    await page.context().setOffline(false);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".rows li");
    page.faults = page.faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED/.test(fault));
    await faultless(page);
  },

  async a_page_that_does_not_load_whole_says_so_and_is_loaded_again(browser) {
    const page = await browser.open({ url: job.url });
    await page.route(/\/assets\/htm-/, (route) => route.abort());
    await page.goto("/console");
    const afterMs = (ms) => page.evaluate((at) => document.getAnimations().forEach((one) => (one.pause(), (one.currentTime = at))), ms);
    await afterMs(14_999);
    assert.equal(await page.locator(".late").isVisible(), false);
    await afterMs(15_000);
    assert.equal(await page.locator(".late").isVisible(), true);
    await accessible(page, "late");
    await picture(page, "late");
    await page.unroute(/\/assets\/htm-/);
    await page.click(".late a");
    await page.waitForSelector("[name=tenant]");
    assert.equal(await page.locator(".late").count(), 0);
  },

  async what_is_planted_in_the_page_does_not_run(browser) {
    const page = await enter(browser);
    const ran = await page.evaluate(() => {
      const tried = [() => (document.body.innerHTML = "<img src=x onerror='globalThis.ran=1'>"),
        () => document.body.setAttribute("onclick", "globalThis.ran=1"), () => Object.assign(document.createElement("script"), { text: "globalThis.ran=1" })];
      const thrown = tried.map((act) => {
        try {
          act();
          return false;
        } catch {
          return true;
        }
      });
      document.body.click();
      return [thrown, globalThis.ran];
    });
    assert.deepEqual(ran, [[true, true, true], undefined]);
    await page.waitForFunction(() => globalThis.violations > 0); // the listener of all scenarios sees them
  },

  async the_cookie_is_beyond_scripts_and_other_sites(browser) {
    const page = await enter(browser);
    assert.equal(await page.evaluate(() => document.cookie), "");
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path, cookie.expires],
      ["__Host-baifang", true, true, "Strict", "/", -1]);
    assert.equal(await page.getAttribute("#app", "data-session"), null);
    // Another port is another origin on the same site: its page makes the browser send the cookie, and is refused. Another host is another site: no cookie.
    for (const [from, status] of [[job.elsewhere, 403], [job.url.replace("127.0.0.1", "localhost"), 401]]) {
      const other = await page.context().newPage();
      await other.goto(`${from}/healthz`);
      const answers = Promise.all(["/v1/me", "/v1/web/sign_out"].map((path) => other.waitForResponse((response) => response.url().endsWith(path))));
      await other.evaluate(async (url) => {
        await fetch(`${url}/v1/me`, { credentials: "include", mode: "no-cors" });
        await fetch(`${url}/v1/web/sign_out`, { method: "POST", credentials: "include", mode: "no-cors" });
      }, job.url);
      assert.deepEqual((await answers).map((answer) => answer.status()), [status, status], from);
    }
    await page.reload();
    await page.waitForSelector(".rows li");
  },
};

run(scenarios);
