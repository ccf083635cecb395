// SPDX-License-Identifier: Apache-2.0
// The review page in Chromium: node review.js measure, with a JSON job on stdin: {url, tenant, password, photos: [paths], loads}. Prints a JSON object of what was measured.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert/strict");
const web = `${process.env.BF_SOURCE_DIR}/tests/web`;
const { run } = require(`${web}/browser.js`);
const rep = require(`${web}/rep.js`);
const { slow } = require("./slow.js");

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const words = JSON.parse(fs.readFileSync(`${process.env.BF_SOURCE_DIR}/gateway/web/zh-CN.json`, "utf8"));
const LINE = { bytesPerS: 50_000, roundTripMs: 600 };

/** Notes when a frame had been painted in which the first contract of the queue is listed, and when in which it is open; pictures come after it. */
function watchFirst() {
  const wanted = { itemAt: () => document.querySelector(".item"), openAt: () => document.querySelector(".facts h2")?.textContent };
  const look = () => {
    for (const [name, isThere] of Object.entries(wanted)) {
      if (isThere()) {
        delete wanted[name];
        setTimeout(() => (globalThis[name] = performance.now())); // behind this frame's painting
      }
    }
    if (wanted.openAt) requestAnimationFrame(look);
  };
  look();
}

/** Measures from the key of an approval to the frame after which another contract, with its picture, is to be seen. */
function watchNext() {
  let shown = "";
  globalThis.spans = [];
  let pressedAt = null;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") pressedAt = event.timeStamp;
  }, true);
  const look = () => {
    const title = document.querySelector(".facts h2")?.textContent ?? "", image = document.querySelector("bf-page img");
    if (pressedAt === null) shown = title;
    else if (title && title !== shown && image?.complete && image.naturalWidth > 0) {
      const from = pressedAt;
      pressedAt = null;
      setTimeout(() => globalThis.spans.push(performance.now() - from)); // behind this frame's painting
    }
    requestAnimationFrame(look);
  };
  look();
}

async function enter(browser) {
  const page = await browser.open({ url: job.url });
  await page.goto("/console#/review");
  for (const [name, text] of [["tenant", job.tenant], ["login", "shen"], ["password", job.password]]) await page.fill(`[name=${name}]`, text);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".facts h2");
  return page;
}

/** Who has a session opens the page for the first time, over the slow line. */
async function first(browser, cookies) {
  const line = await slow(Number(new URL(job.url).port), LINE);
  const page = await browser.open({ url: `https://127.0.0.1:${line.port}`, cookies });
  try {
    await page.addInitScript(watchFirst);
    await page.goto("/console#/review", { waitUntil: "commit" });
    await page.waitForFunction(() => globalThis.itemAt && globalThis.openAt);
    return await page.evaluate(() => ({ item: globalThis.itemAt, open: globalThis.openAt, scripts: performance.getEntriesByType("resource").filter((one) => one.name.endsWith(".js")).map((one) => one.encodedBodySize) }));
  } finally {
    await page.context().close();
    line.close();
  }
}

async function approve(page, i) {
  await page.waitForFunction((number) => document.querySelector(".facts h2")?.textContent.endsWith(number), `HT-${i}`);
  if (i === 1) await page.focus(".facts h2"); // later it is there by itself
  await page.waitForFunction(() => document.activeElement === document.querySelector(".facts h2"));
  await page.keyboard.press("c");
  await page.locator(".facts .primary", { hasText: words["review.approve"] }).waitFor(); // claimed
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction((n) => globalThis.spans.length === n, i);
}

run({
  async measure(browser) {
    const wang = await rep.signIn(job, "wang");
    for (const [i, photo] of job.photos.entries()) await wang.contract([photo], { number: `HT-${i + 1}`, name: `客户${String(i + 1).padStart(3, "0")}` });
    const page = await enter(browser);
    const cookies = await page.context().cookies();
    const loads = [];
    for (let i = 0; i < job.loads; i++) loads.push(await first(browser, cookies));
    await page.evaluate(watchNext);
    for (let i = 1; i < job.photos.length; i++) await approve(page, i);
    const next = await page.evaluate(() => globalThis.spans);
    assert.ok(loads.every((one) => one.scripts.length > 5 && one.scripts.every((size) => size > 0)), JSON.stringify(loads));
    console.log(JSON.stringify({ item: loads.map((one) => one.item), open: loads.map((one) => one.open), scripts: loads[0].scripts, next }));
  },
});
