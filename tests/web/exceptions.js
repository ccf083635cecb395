// SPDX-License-Identifier: Apache-2.0
// Scenarios of the exceptions: node exceptions.js NAME, with a JSON job on stdin (test_exceptions.py makes it). Ends with a status other than 0 at the first
// thing that is not as it should be.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert/strict");
const { accessible, faultless, picture, press, run, until } = require("./browser.js");
const rep = require("./rep.js");

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const wordsOf = (lang) => Object.assign({}, ...["", "exceptions."].map((set) => JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/${set}${lang}.json`, "utf8"))));
const WORDS = { "zh-CN": wordsOf("zh-CN"), en: wordsOf("en") };
const words = WORDS["zh-CN"];

/** Opens the console at a place and signs in there. */
async function enter(browser, login, { where = "#/exceptions", tenant = job.tenant, ...options } = {}) {
  const page = await browser.open({ url: job.url, ...options });
  await page.goto(`/console${where}`);
  for (const [name, text] of [["tenant", tenant], ["login", login], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
  await page.keyboard.press("Enter");
  await page.waitForSelector("main h1");
  return page;
}

const line = (page, text) => page.locator(".line", { hasText: text });
const asks = (page, path) => page.evaluate(async (path) => (await fetch(path)).json(), path);
const day = (offset) => new Intl.DateTimeFormat("sv", { timeZone: "Asia/Shanghai" }).format(Date.now() + offset * 86_400_000);

const scenarios = {
  async each_line_of_the_digest_is_there_in_its_order_and_its_words(browser) {
    const page = await enter(browser, "zhao");
    await page.waitForSelector(".line");
    const preview = await asks(page, "/v1/digest/preview");
    const said = preview.digest.body.split("\n").slice(0, 6); // without the sums
    const shown = await page.locator(".line .says").allTextContents();
    assert.equal(shown.length, 6);
    assert.deepEqual(shown.map((text, i) => said[i].startsWith(text)), said.map(() => true), `${said} ${shown}`);
    assert.equal(await page.locator(".fine").count(), 0);
    assert.equal(await page.title(), `${words["nav.exceptions"]} · ${words["app.title"]}`);
    assert.deepEqual((await page.locator(".digest li").allTextContents()).map((text) => text.replaceAll("\u00a0", " ")), preview.digest.body.split("\n"));
    assert.equal(await page.textContent(".digest h3"), preview.digest.title);
    const [, month, date] = preview.date.split("-").map(Number);
    assert.match(await page.textContent(".preview"), new RegExp(`${month}月${date}日.*08:30`));
    await faultless(page);
  },

  async a_line_opens_its_people_and_they_their_records_by_keyboard_alone(browser) {
    const page = await enter(browser, "zhao");
    await line(page, "任务逾期").waitFor();
    await page.focus("main h1");
    const to = async (text) => {
      for (let i = 0; i < 40; i++) if ((await press(page, "Tab")).includes(text)) return;
      assert.fail(`no ${text} by Tab`);
    };
    await to("项任务逾期");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".people");
    const people = await page.locator(".people .grow").allTextContents(); // by the hour also who has to talk to idle reps
    assert.deepEqual(people.filter((name) => name !== "赵敏"), ["李娜", "王伟"]);
    await to("李娜");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".records a");
    assert.deepEqual(await page.locator(".records strong").allTextContents(), ["给海达发报价单", "约恒远的现场勘查"]);
    assert.equal(new URL(page.url()).hash.split("/")[2], "tasks_overdue");
    await to("给海达发报价单");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".facts-list");
    assert.equal(await page.textContent("h1"), "给海达发报价单");
    await until(page, () => document.activeElement.tagName === "H1");
    assert.equal(new URL(page.url()).hash, `#/tasks/${job.tasks[0]}`);
    await to("返回异常");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".records a"); // as it was left
    await to("李娜");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".records", { state: "detached" });
    await faultless(page);
  },

  async each_kind_leads_to_its_records(browser) {
    const page = await enter(browser, "zhao");
    for (const [text, who, record, title] of [["逾期未跟进", "王伟", "苏州恒远", "苏州恒远精密仪器有限公司"], ["退回未补", "王伟", "HT-2026-0717", "HT-2026-0717"],
      ["超期未审核", "王伟", "HT-2026-0688", "HT-2026-0688"], ["未填下一步", "王伟", "华东精工", "华东精工机械有限公司"]]) {
      await line(page, text).locator("h2 button").click();
      await line(page, text).locator(".people button", { hasText: who }).click();
      await line(page, text).locator(".records a", { hasText: record }).first().click();
      await page.waitForSelector(".facts-list");
      assert.equal(await page.textContent("h1"), title);
      await page.click(".back-link");
      await line(page, text).locator(".records a").first().waitFor();
    }
    await line(page, "无有效记录").locator("h2 button").click();
    await line(page, "无有效记录").locator(".people button", { hasText: "孙立军" }).click();
    await page.waitForSelector(`.records >> text=${words["exceptions.nothing_entered"]}`);
    await faultless(page);
  },

  async a_record_says_what_it_holds_in_the_words_of_the_schema(browser) {
    const page = await enter(browser, "zhao", { where: `#/visits/${job.visits[0]}` });
    await page.waitForSelector(".facts-list");
    const facts = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".facts-list > div")].map((row) => [row.children[0].textContent, row.children[1].textContent])));
    await page.waitForFunction(() => document.querySelector(".facts-list").textContent.includes("陈经理"));
    const visit = await facts();
    const schema = (await asks(page, "/openapi.json")).components.schemas;
    const label = (entity, field, of = "x-title-zh") => schema[entity].properties[field][of];
    assert.equal(visit[label("visit", "mode")], label("visit", "mode", "x-labels").visit["zh-CN"]);
    assert.equal(visit[label("visit", "rep")], "王伟");
    assert.equal(visit[label("visit", "customer")], "华东精工机械有限公司");
    assert.match(visit[label("visit", "content")], /^客户确认下季度采购/);
    assert.equal(visit[label("verdict", "validity")], label("verdict", "validity", "x-labels").valid["zh-CN"]);
    await page.waitForSelector("text=分期方案按三期算。");
    await until(page, () => document.querySelector(".pictures img")?.naturalWidth > 0);
    await accessible(page, "a visit");

    await page.click(".facts-list a");
    await page.waitForSelector(".record .rows >> text=陈经理");
    const customer = await facts();
    assert.equal(await page.textContent("h1"), "华东精工机械有限公司");
    assert.equal(customer[label("customer", "owner")], "王伟");
    assert.equal(customer[label("customer", "grade")], label("customer", "grade", "x-labels").A["zh-CN"]);
    assert.equal(await page.locator(".records a").count(), 2);
    await page.click(".languages button");
    await page.waitForSelector(`dt >> text="${label("customer", "grade", "title")}"`);

    await page.evaluate((id) => (location.hash = `#/contracts/${id}`), job.refused);
    await page.waitForSelector(`dt >> text="${label("contract", "amount", "title")}"`);
    assert.match((await facts())[label("contract", "amount", "title")], /123,400\.00/);
    await page.evaluate((id) => (location.hash = `#/tasks/${id}`), job.task);
    await page.waitForFunction(() => document.querySelector("h1").textContent === "补齐华东精工的开票资料");
    assert.equal((await facts())[label("task", "assigned_by", "title")], "赵敏");
    await page.click(".languages button");
    await until(page, async () => (await (await fetch("/v1/me")).json()).lang === "zh-CN"); // it stays with the person
    await faultless(page);
  },

  async times_are_those_of_the_persons_zone_or_the_companys(browser) {
    const page = await enter(browser, "zheng", { where: `#/tasks/${job.task}` });
    const due = (await (await rep.signIn(job, "wang")).get(`/v1/tasks/${job.task}`)).due_at;
    const shown = (zone) => page.waitForSelector(`dd >> text="${new Intl.DateTimeFormat("zh-CN", { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(new Date(due))}"`);
    await shown("Asia/Shanghai");
    await page.evaluate(async () => {
      const session = await (await fetch("/v1/web/session")).json();
      const etag = (await fetch("/v1/me")).headers.get("etag");
      await fetch("/v1/me", { method: "PATCH", headers: { "content-type": "application/json", "if-match": etag, "x-csrf-token": session.csrf_token }, body: '{"tz":"America/New_York"}' });
    });
    await page.reload();
    await shown("America/New_York");
    await faultless(page);
  },

  async a_manager_comes_from_a_contract_that_was_sent_back_to_its_review(browser) {
    const page = await enter(browser, "qian");
    await line(page, "退回未补").locator("h2 button").click();
    await line(page, "退回未补").locator(".people button").click();
    await line(page, "退回未补").locator(".records a").click();
    await page.waitForSelector(".facts h2");
    assert.equal(new URL(page.url()).hash, `#/review/${job.refused}`);
    await faultless(page);
  },

  async a_deputy_is_named_refused_in_words_and_taken_back(browser) {
    const page = await enter(browser, "zhao");
    await page.waitForSelector("[name=deputy]");
    assert.equal(await page.locator(".away").count(), 0);
    await page.click(".deputy .primary");
    await page.waitForSelector(`.fault >> text=${words["deputy.required"]}`);
    assert.deepEqual(await page.locator("[name=deputy] option").allTextContents().then((all) => all.slice(1).sort()), ["郑副总 · 销售经理", "钱进 · 销售经理"]);
    await page.selectOption("[name=deputy]", { label: "钱进 · 销售经理" });
    await page.fill("[name=away_from]", day(3));
    await page.fill("[name=away_until]", day(1));
    await page.click(".deputy .primary");
    await page.waitForSelector("[name=away_until][aria-invalid=true]");
    assert.match(await page.textContent(".deputy .fault"), /末日须不早于首日/);
    await accessible(page, "a deputy refused");
    await page.fill("[name=away_until]", day(5));
    await page.keyboard.press("Enter");
    await page.waitForSelector(".away >> text=钱进");
    assert.deepEqual([(await asks(page, "/v1/me")).away_from, (await asks(page, "/v1/me")).away_until], [day(3), day(5)]);
    await page.fill("[name=away_from]", day(0));
    await page.fill("[name=away_until]", day(14));
    await page.click(".deputy .primary");
    await page.waitForSelector(".away >> text=您在外出");
    await page.waitForSelector(".preview >> text=由钱进代收");
    await accessible(page, "away");
    await page.evaluate(() => scrollTo(0, 0));
    await picture(page, "away");
    await page.reload();
    await page.waitForSelector(".away >> text=您在外出");
    assert.equal(await page.inputValue("[name=away_until]"), day(14));
    await page.click(".deputy .danger");
    await page.waitForSelector(".away", { state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.name), "deputy");
    assert.equal((await asks(page, "/v1/me")).deputy, undefined);
    assert.equal(await page.inputValue("[name=away_from]"), "");
    await faultless(page);
  },

  async a_rep_sees_nothing_of_it_and_an_auditor_only_the_lines(browser) {
    const page = await enter(browser, "wang");
    await page.waitForSelector(".rows li"); // one's own account
    assert.equal(await page.locator("nav a").count(), 0);
    for (const where of ["#/exceptions", `#/customers/${job.customer}`]) {
      await page.evaluate((hash) => (location.hash = hash), where);
      await page.waitForSelector(`h1 >> text=${words["account.title"]}`);
    }
    await faultless(page);
    const auditor = await enter(browser, "xu");
    await auditor.waitForSelector(".line");
    assert.equal(await auditor.locator("aside").count(), 0);
    await faultless(auditor);
  },

  async where_all_is_well_it_says_so_and_no_digest_comes(browser) {
    const page = await enter(browser, "qian", { tenant: job.well, where: "" });
    await page.waitForSelector(`text=${words["exceptions.all_fine"]}`);
    await page.waitForSelector(`text=${words["preview.nothing"]}`);
    await accessible(page, "all well");
    await picture(page, "exceptions-none");
    await faultless(page);
  },

  async a_year_without_holidays_and_a_deputy_who_may_not_are_said(browser) {
    const page = await enter(browser, "zhao", { where: "#/account" });
    await page.waitForSelector(".rows li");
    const change = (path, alter) => page.route(path, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: alter(await answer.json()) });
    });
    await change("**/v1/digest/preview", (told) => ({ ...told, missing_year: 2031 }));
    await change("**/v1/me", (me) => ({ ...me, deputy: "01900000-0000-7000-8000-00000000dead", away_from: day(-1), away_until: day(2) }));
    await page.evaluate(() => (location.hash = "#/exceptions"));
    await page.waitForSelector(`.preview >> text=${words["preview.missing_year"].replace("{year}", 2031)}`);
    await page.waitForSelector(".away >> text=不能代收");
    await accessible(page, "a deputy who may not");
    await faultless(page);
  },

  async what_cannot_be_read_says_so_and_is_read_again(browser) {
    const page = await enter(browser, "zhao", { where: "#/account" });
    await page.waitForSelector(".rows li");
    await page.route("**/v1/exceptions", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"code":"unavailable","title":"服务繁忙","status":503}' }));
    await page.evaluate(() => (location.hash = "#/exceptions"));
    await page.waitForSelector(".oversee .notice.bad");
    await page.unroute("**/v1/exceptions");
    await page.click(".oversee .notice.bad button");
    await page.waitForSelector(".line");
    await page.evaluate(() => (location.hash = "#/customers/01900000-0000-7000-8000-00000000dead"));
    await page.waitForSelector(".record .notice.bad");
    page.faults = page.faults.filter((fault) => !/status of 404/.test(fault));
    await faultless(page);
  },

  async every_view_is_accessible_in_both_schemes_languages_and_sizes(browser) {
    for (const [scheme, lang, width, height] of [["light", "zh-CN", 1366, 768], ["dark", "en", 1366, 768], ["light", "en", 360, 740], ["dark", "zh-CN", 360, 740]]) {
      const tag = `${scheme}-${lang}-${width}`;
      const page = await enter(browser, "qian", { scheme, lang, width, height });
      const look = async (name) => {
        await accessible(page, `${name} ${tag}`);
        await picture(page, `${name}-${tag}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} ${tag} is ${overflow} px too wide`);
      };
      await page.waitForSelector(".line");
      await page.waitForSelector(".digest");
      await page.waitForSelector("[name=deputy]");
      await look("exceptions");
      await line(page, lang === "en" ? "without a next step" : "未填下一步").locator("h2 button").click();
      await page.click(".people button");
      await page.waitForSelector(".records a");
      await look("exceptions-open");
      await page.locator(".records a").last().click();
      await page.waitForSelector(".facts-list");
      await until(page, () => !document.querySelector(".pictures img") || document.querySelector(".pictures img").complete);
      await look("visit");
      for (const where of [`customers/${job.customer}`, `tasks/${job.task}`, `contracts/${job.refused}`]) {
        await page.evaluate((hash) => (location.hash = `#/${hash}`), where);
        await page.waitForFunction((id) => location.hash.endsWith(id) && document.querySelectorAll(".facts-list dd").length > 3, where.split("/")[1]);
        await look(where.split("/")[0]);
      }
      await faultless(page, tag);
    }
  },
};

run(scenarios);
