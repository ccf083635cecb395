// SPDX-License-Identifier: Apache-2.0
// Scenarios of the review page: node review.js NAME, with a JSON job on stdin: {url, tenant, password, photos: [paths], paper: [paths], poor: path, many}.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert/strict");
const { accessible, faultless, picture, run, until } = require("./browser.js");
const rep = require("./rep.js");

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const words = JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/zh-CN.json`, "utf8"));
let used = 0;
const photos = (n = 1) => job.photos.slice(used, (used += n));

/** The review page, of a reviewer. `deaf`: it hears nothing of what happens elsewhere, until page.hear(). */
async function enter(browser, login, { where = "#/review", deaf, watched, ...options } = {}) {
  const page = await browser.open({ url: job.url, ...options });
  if (deaf) await deafen(page);
  if (watched) await page.addInitScript(countPictures);
  await page.goto(`/console${where}`);
  await page.fill("[name=tenant]", job.tenant);
  await page.fill("[name=login]", login);
  await page.fill("[name=password]", job.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".frame main > *");
  return page;
}

/** In the page: which pictures it has in memory, and the most it ever had. */
function countPictures() {
  const { createObjectURL, revokeObjectURL } = URL, live = new Set();
  globalThis.pictures = { live, most: 0 };
  URL.createObjectURL = (blob) => {
    const url = createObjectURL.call(URL, blob);
    live.add(url);
    globalThis.pictures.most = Math.max(globalThis.pictures.most, live.size);
    return url;
  };
  URL.revokeObjectURL = (url) => (live.delete(url), revokeObjectURL.call(URL, url));
}

const PICTURES_MAX = 8, NODES_MORE = 1.25, HEAP_MORE = 2 << 20;

/**
 * What a page holds while contract after contract is reviewed in it: DOM nodes and the JS heap, after a garbage collection, five at a time; pictures always.
 * After the first five it is warm: from then on neither nodes grow by a quarter nor the heap by 2 MiB.
 */
async function watch(page) {
  const cdp = await page.context().newCDPSession(page);
  const samples = [];
  const look = async (i) => {
    if (i % 5 === 0) {
      await cdp.send("HeapProfiler.collectGarbage");
      const [{ nodes }, { usedSize: heap }, pictures] = [await cdp.send("Memory.getDOMCounters"), await cdp.send("Runtime.getHeapUsage"), await page.evaluate(() => globalThis.pictures)];
      samples.push({ i, nodes, heap, live: pictures.live.size, most: pictures.most, viewers: await page.locator("bf-page").count() });
    }
  };
  const judge = () => {
    const [first] = samples, most = (key) => Math.max(...samples.map((one) => one[key]));
    console.log(`held after ${first.i} contracts and most of all ${samples.length} times: ${first.nodes} and ${most("nodes")} nodes, ` +
      `${(first.heap / 1024).toFixed()} and ${(most("heap") / 1024).toFixed()} KiB of heap, at the end ${(samples.at(-1).heap / 1024).toFixed()}; pictures: ${most("most")}`);
    assert.ok(most("nodes") <= first.nodes * NODES_MORE && most("heap") <= first.heap + HEAP_MORE && most("most") <= PICTURES_MAX, JSON.stringify(samples));
  };
  return { look, judge };
}

/** Its stream of events is neither opened nor refused: a page whose stream was refused asks anew every few seconds. */
async function deafen(page) {
  const held = [];
  let hears = false;
  await page.route("**/v1/events", (route) => (hears ? route.continue() : void held.push(route)));
  page.hear = async () => {
    hears = true;
    for (const route of held.splice(0)) await route.continue();
  };
}

const row = (page, text) => page.locator(".item", { hasText: text });
const seen = (page, text, within = ".review") => page.locator(within, { hasText: text }).first().waitFor();
/** The next time that it says so, or the last one that was not waited for; what it said before that is not waited for any more. */
async function said(page, key, values = {}) {
  const wanted = words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  await page.waitForFunction((text) => globalThis.told.includes(text), wanted);
  await page.evaluate((text) => globalThis.told.splice(0, globalThis.told.indexOf(text) + 1), wanted);
}
const opened = (page, name) => page.locator(".facts h2", { hasText: name }).waitFor();
const drawn = (page) => until(page, () => document.querySelector("bf-page")?.ready);
const zoomOf = async (page) => Number.parseInt(await page.textContent(".zoom"), 10);
const pressed = (page, ...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());

/** What two viewers show in their middle and how large, whatever is done to either. */
async function together(page) {
  const places = () => page.evaluate(() => [...document.querySelectorAll("bf-page")].map((one) => {
    const box = one.getBoundingClientRect(), image = one.querySelector("img").getBoundingClientRect();
    return [(box.x + box.width / 2 - image.x) / image.width, (box.y + box.height / 2 - image.y) / image.height, image.width / 1000, Number(image.width > image.height)];
  }));
  const { x, y, width, height } = await page.locator("bf-page").first().boundingBox();
  const drag = async () => {
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 40, y + height / 2 - 25, { steps: 3 });
    await page.mouse.up();
  };
  const acts = [["as it came", async () => {}], ["+", () => pressed(page, "+", "+")], ["dragged", drag], ["wheel", () => page.mouse.wheel(0, -200)], [".", () => pressed(page, ".")],
    ["+ turned", () => pressed(page, "+", "+")], ["dragged turned", drag], ["0", () => pressed(page, "0")], [",", () => pressed(page, ",")], ["-", () => pressed(page, "-")], ["w", () => pressed(page, "w")]];
  for (const [what, act] of acts) {
    const before = JSON.stringify(await places());
    await act();
    if (what === "wheel") await page.waitForFunction((was) => document.querySelector("bf-page img").getBoundingClientRect().width / 1000 > was, JSON.parse(before)[0][2]);
    const [left, right] = await places();
    left.forEach((value, i) => assert.ok(Math.abs(value - right[i]) < 0.005, `${what}: ${left} and ${right}`));
    if (what !== "as it came") assert.notEqual(JSON.stringify([left, right]), before, `${what} did something`);
  }
}

const scenarios = {
  async a_contract_enters_is_sent_back_with_a_mark_and_approved_after_its_page_was_taken_again(browser) {
    const wang = await rep.signIn(job, "wang");
    const shen = await enter(browser, "shen"), tang = await enter(browser, "tang");
    for (const page of [shen, tang]) await seen(page, words["review.nothing"]);
    const contract = await wang.contract(photos(2));
    for (const page of [shen, tang]) await row(page, "华东精工").waitFor(); // without being loaded again
    await opened(shen, "华东精工");
    await seen(shen, "待审 1 · 今日我审 0");
    await shen.keyboard.press("c");
    await said(shen, "review.claimed_said");
    await seen(tang, "沈复核 审核中", ".item");

    await drawn(shen);
    const fitted = await zoomOf(shen);
    await pressed(shen, "+", "+");
    assert.ok((await zoomOf(shen)) > fitted * 1.5);
    await shen.keyboard.press("0");
    assert.equal(await zoomOf(shen), fitted);
    // What is under the pointer stays there while it is zoomed.
    const box = await shen.locator("bf-page").boundingBox();
    const corner = () => shen.evaluate(() => document.querySelector("bf-page img").getBoundingClientRect().toJSON());
    const at = [box.x + box.width / 2 + 40, box.y + box.height / 2 + 60], before = await corner();
    await shen.mouse.move(...at);
    await shen.mouse.wheel(0, -240);
    await shen.waitForFunction((was) => document.querySelector("bf-page img").getBoundingClientRect().width > was * 1.2, before.width);
    const after = await corner();
    for (const [i, side, length] of [[0, "x", "width"], [1, "y", "height"]]) {
      assert.ok(Math.abs((at[i] - before[side]) / before[length] - (at[i] - after[side]) / after[length]) < 0.005, side);
    }
    await shen.mouse.down();
    await shen.mouse.move(at[0] + 50, at[1] + 30, { steps: 3 });
    await shen.mouse.up();
    const panned = await corner();
    assert.ok(Math.abs(panned.x - after.x - 50) < 1 && Math.abs(panned.y - after.y - 30) < 1);
    await pressed(shen, "0", ".");
    const turned = await corner();
    assert.ok(turned.width > turned.height === before.width < before.height);
    await pressed(shen, ",", "]");
    await shen.locator("[aria-current=page]", { hasText: "2" }).waitFor();
    await shen.waitForFunction((label) => document.querySelector("bf-page").getAttribute("aria-label") === label, words["review.picture"].replace("{n}", 2).replace("{all}", 2));
    await drawn(shen);

    // A mark, drawn by the mouse: a quarter of the picture's width from its middle on.
    const paper = await corner();
    await shen.keyboard.press("m");
    await shen.mouse.move(paper.x + paper.width * 0.5, paper.y + paper.height * 0.5);
    await shen.mouse.down();
    await shen.mouse.move(paper.x + paper.width * 0.75, paper.y + paper.height * 0.6, { steps: 4 });
    await shen.mouse.up();
    await said(shen, "review.marked_said");
    const [mark] = (await wang.get(`/v1/contracts/${contract.id}`)).marks;
    assert.equal(mark.media, contract.pages[1].media);
    for (const [side, wanted] of [["x", 5000], ["y", 5000], ["w", 2500], ["h", 1000]]) {
      assert.ok(Math.abs(mark[side] - wanted) < 60, `${side}: ${mark[side]}`);
    }
    await shen.fill(".marks input", "金额这一行");
    await shen.keyboard.press("Tab");
    await shen.locator(".mark").waitFor();
    await accessible(shen, "marked");

    await shen.focus(".facts h2");
    await pressed(shen, "r", "1");
    await shen.keyboard.type("反光，看不清金额");
    await shen.keyboard.press("Enter");
    await said(shen, "review.rejected_said", { number: "HT-2026-0717" });
    for (const page of [shen, tang]) await row(page, "华东精工").waitFor({ state: "detached" });
    const [told] = (await wang.get("/v1/notifications")).items.filter((one) => one.contract === contract.id);
    assert.deepEqual([told.kind, told.rejection.code, told.rejection.page, told.mark.id, told.mark.note], ["retake", "unreadable", contract.pages[1].id, mark.id, "金额这一行"]);
    assert.ok(told.body.includes("反光，看不清金额"));

    await wang.retake(contract.id, 1, photos()[0]);
    for (const page of [shen, tang]) await seen(page, words["review.again"].replace("{n}", 2), ".item");
    await seen(tang, words["review.reserved_for"].replace("{who}", "沈复核"), ".item");
    await row(shen, "华东精工").click();
    await opened(shen, "华东精工");
    await shen.keyboard.press("c");
    await said(shen, "review.claimed_said");
    await pressed(shen, "]", "v", "v");
    await seen(shen, words["review.version_old"].replace("{n}", 1), "figcaption");
    await shen.keyboard.press("v");
    await shen.locator("figcaption").waitFor({ state: "detached" });
    await shen.keyboard.press("Control+Enter");
    await said(shen, "review.approved_said", { number: "HT-2026-0717" });
    await wang.inState(contract.id, "approved");
    await seen(shen, "待审 0 · 今日我审 2");
    for (const page of [shen, tang]) await faultless(page);
  },

  async what_was_taken_again_stands_beside_what_it_replaces(browser) {
    const wang = await rep.signIn(job, "wang"), shen = await rep.signIn(job, "shen");
    const { id, pages: [first] } = await wang.contract([job.poor, job.paper[1]]);
    const mark = { id: first.id, media: first.media, x: 1000, y: 3450, w: 4700, h: 1050, note: "金额大写看不清" };
    await shen.verb(id, "claim");
    await shen.verb(id, "mark", mark);
    await shen.verb(id, "reject", { code: "unreadable", note: "反光，请平放重拍", page: first.id, mark: mark.id });
    await wang.retake(id, 0, job.paper[0]);
    for (const [scheme, lang, width, height] of [["light", "zh-CN", 1366, 768], ["dark", "en", 1720, 900], ["dark", "zh-CN", 360, 740]]) {
      const own = JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/${lang}.json`, "utf8"));
      const tag = `${scheme}-${lang}-${width}`;
      const page = await enter(browser, "shen", { scheme, lang, width, height });
      await row(page, "华东精工").click();
      await drawn(page);
      assert.equal(await page.locator("figcaption").count(), 0, "the page as it is now");
      const both = (n) => until(page, `document.querySelectorAll("bf-page").length === ${n} && [...document.querySelectorAll("bf-page")].every((one) => one.ready)`);
      const old = page.locator("figure", { hasText: own["review.version_old"].replace("{n}", 1) });
      const look = async (name) => {
        for (const text of [own["review.code.unreadable"], mark.note, "反光，请平放重拍"]) await old.locator("figcaption", { hasText: text }).waitFor();
        const [box, on] = await Promise.all([".mark", "img"].map((one) => old.locator(one).boundingBox()));
        assert.ok(Math.abs((box.x - on.x) / on.width - 0.1) < 0.01 && Math.abs((box.y - on.y) / on.height - 0.345) < 0.01, "the mark is where it was drawn");
        await accessible(page, `${name} ${tag}`);
        await picture(page, `${name}-${tag}`);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${name} ${tag} is too wide`);
      };
      await page.keyboard.press("v");
      if (width > 1200) {
        await both(2);
        await together(page);
        await page.keyboard.press("0");
        await look("sides");
        await old.locator("figcaption button").click();
        await together(page);
        await picture(page, `sides-mark-${tag}`);
        await page.focus("figure:first-child bf-page");
        await pressed(page, "ArrowLeft", "v");
        await both(1);
        assert.equal(await page.evaluate(() => document.activeElement.tagName), "BF-PAGE", "the focus stays with the picture");
        await page.keyboard.press("0");
      }
      await both(1);
      await look("earlier");
      await page.keyboard.press("v");
      await page.locator("figcaption").waitFor({ state: "detached" });
      await both(1);
      if (width > 1200) {
        await page.click(`.tools .switch >> text="${own["review.beside"]}"`);
        await both(2);
        await page.setViewportSize({ width: 1100, height });
        await page.locator(".tools .switch", { hasText: own["review.beside"] }).waitFor({ state: "detached" });
        await both(1); // toggled, as on all narrow windows
        await old.waitFor();
        await page.setViewportSize({ width, height });
        await both(2);
        await page.keyboard.press("]");
        await page.locator("figcaption").waitFor({ state: "detached" });
      }
      await faultless(page, tag);
    }
  },

  async contracts_by_keyboard_alone(browser) {
    const wang = await rep.signIn(job, "wang"), elsewhere = await rep.signIn(job, "shen");
    const N = job.many, retaken = (i) => i % 10 === 3;
    for (let i = 1; i <= N; i++) {
      const some = Array.from({ length: i % 4 === 0 ? 3 : 1 }, (_, n) => job.photos[(i + n) % job.photos.length]);
      const { id, pages } = await wang.contract(some, { number: `HT-${i}`, name: `客户${String(i).padStart(3, "0")}` });
      if (retaken(i)) {
        await elsewhere.verb(id, "claim");
        await elsewhere.verb(id, "reject", { code: "unreadable", page: pages[0].id });
        await wang.retake(id, 0, job.photos[(i + 1) % job.photos.length]);
      }
    }
    const page = await enter(browser, "shen", { watched: true });
    const memory = await watch(page);
    await page.evaluate(() => {
      globalThis.clicks = 0;
      addEventListener("pointerdown", () => globalThis.clicks++, true);
      // From the key to the frame in which the next contract and its picture are: marks of the browser's own clock.
      addEventListener("keydown", (event) => event.ctrlKey && event.key === "Enter" && performance.mark("approve"), true);
      const look = () => {
        const [mark] = performance.getEntriesByName("approve", "mark"), title = document.querySelector(".facts h2")?.textContent ?? "";
        if (!mark) globalThis.shownTitle = title;
        else if (title !== globalThis.shownTitle && (!title || document.querySelector("bf-page")?.ready)) {
          performance.measure("approve to next", "approve");
          performance.clearMarks("approve");
        }
        requestAnimationFrame(look);
      };
      look();
    });
    for (let i = 1; i <= N; i++) {
      await page.waitForFunction((number) => document.querySelector(".facts h2")?.textContent.endsWith(number), `HT-${i}`);
      if (i === 1) await page.focus(".facts h2"); // later it is there by itself
      await page.waitForFunction(() => document.activeElement === document.querySelector(".facts h2"));
      await page.keyboard.press("c");
      await page.locator(".facts .primary", { hasText: words["review.approve"] }).waitFor();
      if (i % 4 === 0) {
        await pressed(page, "]", "]");
        await page.locator("[aria-current=page]", { hasText: "3" }).waitFor();
      }
      if (retaken(i)) {
        await page.keyboard.press("v");
        await until(page, () => document.querySelectorAll("bf-page").length === 2 && [...document.querySelectorAll("bf-page")].every((one) => one.ready));
        await pressed(page, "v", "v");
        await page.locator("figcaption").waitFor({ state: "detached" });
      }
      await drawn(page);
      if (i === 10) { // its amount line is marked first
        await pressed(page, "m", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Enter");
        await said(page, "review.marked_said");
      }
      if (i % 5 === 0) {
        await pressed(page, "r", "2");
        await page.keyboard.type("少签字页");
        await page.keyboard.press("Enter");
        await said(page, "review.rejected_said", { number: `HT-${i}` });
      } else {
        await page.keyboard.press("Control+Enter");
        await said(page, "review.approved_said", { number: `HT-${i}` });
      }
      await memory.look(i);
    }
    await seen(page, `待审 0 · 今日我审 ${N + Math.ceil((N - 2) / 10)}`);
    memory.judge();
    assert.equal(await page.evaluate(() => globalThis.clicks), 0);
    const spans = await page.evaluate(() => performance.getEntriesByName("approve to next").map((one) => Math.round(one.duration)).sort((a, b) => a - b));
    console.log(`approve to next item painted, ${spans.length} times: median ${spans[spans.length >> 1]} ms, most ${spans.at(-1)} ms`);
    const all = (await wang.get("/v1/contracts?limit=200")).items;
    assert.deepEqual([all.filter((one) => one.state === "approved").length, all.filter((one) => one.state === "rejected").length], [N * 0.8, N * 0.2]);
    const marked = all.find((one) => one.number === "HT-10"), [mark] = marked.marks;
    assert.equal(marked.rejection.mark, mark.id);
    assert.ok(mark.x > 3000 && mark.x < 7000 && mark.y > 4000 && mark.y < 6000 && mark.w > mark.h, JSON.stringify(mark)); // about the middle
    await faultless(page);
  },

  async who_was_faster_is_said_and_nothing_typed_is_lost(browser) {
    const wang = await rep.signIn(job, "wang"), tang = await rep.signIn(job, "tang"), elsewhere = await rep.signIn(job, "shen");
    const [first, second] = [await wang.contract(photos(), { name: "甲公司" }), await wang.contract(photos(), { name: "乙公司" })];
    const shen = await enter(browser, "shen", { deaf: true });
    await opened(shen, "甲公司");
    await shen.keyboard.press("c");
    await said(shen, "review.claimed_said");
    // A verdict is on what was looked at: not on what it has become.
    await elsewhere.verb(first.id, "mark", { id: first.pages[0].id, media: first.pages[0].media, x: 10, y: 10, w: 100, h: 100 });
    await shen.keyboard.press("Control+Enter");
    await shen.locator(".facts .notice.bad:visible").waitFor();
    await shen.locator(".marks .plain").first().waitFor();
    assert.equal((await wang.get(`/v1/contracts/${first.id}`)).state, "in_review");
    await shen.focus(".facts h2");
    await shen.keyboard.press("Enter");
    await shen.keyboard.press("Control+a");
    await shen.keyboard.type("HT-纸上");
    await elsewhere.verb(first.id, "release");
    await tang.verb(first.id, "claim");
    await shen.fill("[name=reason]", "纸上如此");
    await shen.keyboard.press("Enter");
    await opened(shen, "乙公司");
    await seen(shen, "唐复核 审核中", ".item");
    await row(shen, "甲公司").click();
    await opened(shen, "甲公司");
    assert.equal(await shen.inputValue("[name=number]"), "HT-纸上");
    await tang.verb(first.id, "release");
    await shen.hear();
    await shen.locator(".facts .primary", { hasText: words["review.claim"] }).waitFor();
    await shen.focus(".facts h2");
    await shen.keyboard.press("c");
    await said(shen, "review.claimed_said");
    await shen.keyboard.press("Control+Enter");
    await said(shen, "review.approved_said", { number: "HT-纸上" });
    const done = await wang.inState(first.id, "approved");
    assert.deepEqual([done.number, done.corrections[0].before, done.corrections[0].reason], ["HT-纸上", { number: "HT-2026-0717" }, "纸上如此"]);
    assert.equal((await wang.get(`/v1/contracts/${second.id}`)).state, "uploaded");
    shen.faults = shen.faults.filter((fault) => !/status of (409|412)/.test(fault));
    await faultless(shen);
  },

  async a_correction_is_checked_saved_and_an_approval_opened_again(browser) {
    const wang = await rep.signIn(job, "wang");
    const contract = await wang.contract(photos());
    const page = await enter(browser, "shen");
    await opened(page, "华东精工");
    assert.equal(await page.inputValue("[name=amount]"), "123400.00");
    await page.keyboard.press("c");
    await said(page, "review.claimed_said");
    await page.fill("[name=amount]", "12,3o0");
    await page.click(`text=${words["review.draft_save"]}`);
    await page.waitForSelector("[name=amount][aria-invalid=true]");
    await page.fill("[name=amount]", "123,000");
    await page.click(`text=${words["review.draft_save"]}`);
    await page.waitForSelector("[name=reason][aria-invalid=true]");
    await page.fill("[name=reason]", "纸上为十二万三千");
    await page.click(`text=${words["review.draft_save"]}`);
    await seen(page, words["review.draft_saved"]);
    assert.deepEqual((await wang.get(`/v1/contracts/${contract.id}`)).draft.amount, { minor: 12300000, currency: "CNY" });
    await page.reload();
    await opened(page, "华东精工");
    await page.waitForFunction(() => document.querySelector("[name=amount]").value === "123000.00");
    await page.focus(".facts h2");
    await page.keyboard.press("Control+Enter");
    await said(page, "review.approved_said", { number: "HT-2026-0717" });
    assert.equal((await wang.inState(contract.id, "approved")).amount.minor, 12300000);
    await page.click(`text="${words["review.which_approved"]}"`);
    await page.click(".gone");
    await seen(page, "纸上为十二万三千");
    await page.fill("[name=reopen]", "客户又寄来一页");
    await page.keyboard.press("Enter");
    await said(page, "review.reopened_said");
    await page.click(`text="${words["review.which_waiting"]}"`);
    await row(page, "华东精工").waitFor();
    await faultless(page);
  },

  async a_claim_is_kept_by_whoever_works(browser) {
    const wang = await rep.signIn(job, "wang");
    await wang.contract(photos());
    const page = await browser.open({ url: job.url });
    await page.clock.install();
    await page.goto("/console#/review");
    for (const [name, text] of [["tenant", job.tenant], ["login", "shen"], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
    await page.keyboard.press("Enter");
    await opened(page, "华东精工");
    const renewals = [];
    page.on("request", (request) => request.url().endsWith("/renew") && renewals.push(request));
    await page.keyboard.press("c");
    await page.locator(".facts .primary", { hasText: words["review.approve"] }).waitFor();
    await pressed(page, "+", "-");
    assert.equal(renewals.length, 0, "just claimed");
    await page.clock.fastForward(4 * 60_000);
    const [answer] = await Promise.all([page.waitForResponse((response) => response.url().endsWith("/renew")), page.keyboard.press("+")]);
    assert.equal(answer.status(), 200);
    await pressed(page, "-", "+");
    assert.equal(renewals.length, 1, "one is enough for a while");
    assert.equal(await page.locator(".item .tag.bad").count(), 0);
    await page.clock.fastForward(20 * 24 * 3600_000); // longer than any holidays
    await seen(page, words["review.overdue"], ".item .tag.bad");
    await faultless(page);
  },

  async the_list_goes_on_and_is_narrowed_to_the_own_team(browser) {
    const wang = await rep.signIn(job, "wang"), zhou = await rep.signIn(job, "zhou");
    for (const [who, name] of [[wang, "甲公司"], [zhou, "乙公司"], [wang, "丙公司"]]) await who.contract(photos(), { name });
    const page = await browser.open({ url: job.url });
    await page.route(/review_queue/, (route) => route.continue({ url: route.request().url().replace(/limit=\d+/, "limit=2") }));
    await page.goto("/console#/review");
    for (const [name, text] of [["tenant", job.tenant], ["login", "shen"], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
    await page.keyboard.press("Enter");
    await opened(page, "甲公司");
    assert.deepEqual(await page.locator(".item strong").allTextContents(), ["甲公司", "乙公司"]);
    await page.click(".queue .more");
    await row(page, "丙公司").waitFor();
    assert.deepEqual(await page.locator(".item strong").allTextContents(), ["甲公司", "乙公司", "丙公司"]);
    await page.click(`text="${words["review.team_own"]}"`);
    await row(page, "乙公司").waitFor({ state: "detached" });
    assert.deepEqual(await page.locator(".item strong").allTextContents(), ["甲公司", "丙公司"]);
    await faultless(page);
  },

  async what_is_beside_the_list_is_fetched_again_with_the_next_contract_when_it_failed(browser) {
    const wang = await rep.signIn(job, "wang");
    for (const name of ["华东精工", "宁波海达"]) await wang.contract(photos(), { name });
    const page = await browser.open({ url: job.url });
    await page.route(/\/assets\/console-review_facts-/, (route) => route.abort());
    await page.goto("/console#/review");
    for (const [name, text] of [["tenant", job.tenant], ["login", "shen"], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
    await page.keyboard.press("Enter");
    await row(page, "华东精工").waitFor();
    await seen(page, words["error.page"]);
    await accessible(page, "without its desk");
    await page.unroute(/\/assets\/console-review_facts-/);
    await row(page, "宁波海达").click();
    await opened(page, "宁波海达");
    page.faults = page.faults.filter((fault) => !/ERR_FAILED/.test(fault));
    await faultless(page);
  },

  async a_picture_that_fails_says_so_and_is_fetched_again(browser) {
    const wang = await rep.signIn(job, "wang");
    await wang.contract(photos());
    const page = await browser.open({ url: job.url });
    await page.route("**/media/**", (route) => route.abort());
    await page.goto("/console#/review");
    for (const [name, text] of [["tenant", job.tenant], ["login", "shen"], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
    await page.keyboard.press("Enter");
    await seen(page, words["review.picture_failed"]);
    await accessible(page, "a failed picture");
    await page.unroute("**/media/**");
    await page.click(".failed button");
    await drawn(page);
    page.faults = page.faults.filter((fault) => !/ERR_FAILED/.test(fault));
    await faultless(page);
  },

  async it_is_accessible_in_both_schemes_languages_and_sizes(browser) {
    const wang = await rep.signIn(job, "wang"), tang = await rep.signIn(job, "tang"), shen = await rep.signIn(job, "shen");
    const names = ["华东精工机械有限公司", "宁波海达进出口有限公司", "上海申江仪表有限公司", "苏州恒远新材料科技股份有限公司"];
    const made = [];
    for (const [i, name] of names.entries()) {
      made.push(await wang.contract(i === 0 ? [job.paper[0], job.paper[1]] : photos(), { name, number: `HT-2026-10${i}`, amount: { minor: 12340000 * (i + 3), currency: i === 2 ? "USD" : "CNY" } }));
    }
    await tang.verb(made[1].id, "claim");
    await shen.verb(made[0].id, "claim");
    await shen.verb(made[0].id, "mark", { id: made[0].pages[0].id, media: made[0].pages[0].media, x: 1000, y: 3450, w: 4700, h: 1050, note: "金额大写与小写不符" });
    await shen.verb(made[0].id, "draft", { amount: { minor: 37000000, currency: "CNY" }, reason: "纸上为三十七万" });
    for (const [scheme, lang, width, height] of [["light", "zh-CN", 1366, 768], ["dark", "en", 1366, 768], ["light", "en", 360, 740], ["dark", "zh-CN", 360, 740]]) {
      const tag = `${scheme}-${lang}-${width}`;
      const look = async (page, name) => {
        await accessible(page, `${name} ${tag}`);
        await picture(page, `${name}-${tag}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} ${tag} is ${overflow} px too wide`);
      };
      const page = await enter(browser, "shen", { scheme, lang, width, height });
      await row(page, "华东精工").waitFor();
      await look(page, "queue");
      await page.click(".queue .top .switch button + button");
      await page.locator(".none, .gone").first().waitFor();
      await look(page, "approved");
      await page.click(".queue .top .switch button");
      await row(page, "华东精工").click();
      await page.locator(".mark").waitFor();
      await drawn(page);
      await look(page, "review");
      await page.locator(".facts .danger", { hasText: JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/${lang}.json`, "utf8"))["review.reject"] }).last().click();
      await page.locator(".reject textarea").waitFor();
      await look(page, "reject");
      await page.keyboard.press("Escape");
      await page.locator(".reject").waitFor({ state: "detached" });
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
      await look(page, "keys");
      await page.keyboard.press("Escape");
      await page.locator(".marks .plain").first().click();
      await look(page, "mark");
      await faultless(page, tag);
    }
  },
};

run(scenarios);
