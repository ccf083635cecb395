// SPDX-License-Identifier: Apache-2.0
// A real Chromium on a running server. What the scenarios of a page share: pages that note each fault of theirs, an axe that looks at them, keys.
"use strict";
const fs = require("node:fs");
const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const GUARD_MS = Number(process.env.BF_GUARD_S ?? 60) * 1000;

/** A browser, and pages in it: {open(options) -> page, tell(), close()}; `tell` says what is on each page, for whoever looks for a fault. A page's `faults` holds what its policy blocked, what it threw and what it logged as an error. */
async function start() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--ignore-certificate-errors"] });
  const pages = [];
  const open = async ({ url, lang = "zh-CN", scheme = "light", width = 1366, height = 768, cookies = [] }) => {
    const phone = width < 600;
    const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: url, locale: lang, colorScheme: scheme, viewport: { width, height }, isMobile: phone,
      hasTouch: phone, deviceScaleFactor: phone ? 2 : 1, serviceWorkers: "block", reducedMotion: "reduce" });
    context.setDefaultTimeout(GUARD_MS);
    await context.addCookies(cookies);
    const page = await context.newPage();
    pages.push(page);
    page.faults = [];
    page.on("pageerror", (error) => page.faults.push(`thrown: ${error.stack ?? error}`));
    // Answers that a scenario means to get are logged too.
    page.on("console", (message) => message.type() === "error" && !/status of (401|403|422|429|503)/.test(message.text()) && page.faults.push(`logged: ${message.text()}`));
    await page.exposeFunction("noteViolation", (text) => page.faults.push(text));
    await page.addInitScript(() => {
      globalThis.violations = 0;
      // What a toast says is gone after a while: it is noted.
      globalThis.told = [];
      new MutationObserver(() => {
        const words = document.querySelector(".toast:not([hidden])")?.textContent ?? "";
        if (words !== globalThis.toast) {
          globalThis.toast = words;
          words && globalThis.told.push(words);
        }
      }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["hidden"] });
      globalThis.addEventListener("securitypolicyviolation", (v) => {
        globalThis.violations++;
        globalThis.noteViolation(`blocked: ${v.effectiveDirective} ${v.blockedURI} ${v.sample}`);
      });
    });
    return page;
  };
  const tell = async () => {
    for (const page of pages) {
      console.error(page.url(), page.faults, await page.evaluate(() => document.body.outerHTML).catch(String));
    }
  };
  return { open, tell, close: () => browser.close() };
}

/** axe finds nothing in what is shown now, at any level of weight. */
async function accessible(page, what) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const faults = found.violations.map((v) => `${v.id}: ${v.nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
  assert.deepEqual(faults, [], [what, ...faults].join("\n"));
  assert.ok(found.passes.length > 10, "axe looked at something");
}

/** Asks the page until it says yes; unlike waitForFunction, which takes a promise for a yes, it waits for what was asked. */
async function until(page, asked) {
  const end = Date.now() + GUARD_MS;
  while (!(await page.evaluate(asked))) {
    assert.ok(Date.now() < end, `still waiting for ${asked}`);
  }
}

/** Nothing was blocked, thrown or logged so far. */
async function faultless(page, what) {
  assert.equal(await page.evaluate(() => globalThis.violations), 0, what); // also: what the page told before this has come
  assert.deepEqual(page.faults, [], what);
}

/** A picture for people, where BF_SCREENSHOTS names a folder. */
async function picture(page, name) {
  if (process.env.BF_SCREENSHOTS) {
    await page.screenshot({ path: `${process.env.BF_SCREENSHOTS}/${name}.png` });
  }
}

/** Presses a key and tells what has the focus then: its role and name. */
async function press(page, key) {
  await page.keyboard.press(key);
  return page.evaluate(() => {
    const at = document.activeElement;
    return `${at.tagName.toLowerCase()} ${at.labels?.[0]?.textContent ?? at.textContent.trim()}`;
  });
}

/** Runs the scenario that the command line names; ends with a status other than 0 at the first thing that is not as it should be. */
async function run(scenarios) {
  const browser = await start();
  try {
    await scenarios[process.argv[2]](browser);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    await browser.tell();
  } finally {
    await browser.close();
  }
}

module.exports = { accessible, faultless, picture, press, run, until };
