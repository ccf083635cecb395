// SPDX-License-Identifier: Apache-2.0
// Which keys act when: lib/keys.js without a browser.
import assert from "node:assert/strict";
import { register } from "node:module";
import test from "node:test";
import { pathToFileURL } from "node:url";

// "@preact/signals" is only held, not drawn, here.
register(`data:text/javascript,${encodeURIComponent(`
  const signals = "data:text/javascript,export const signal = (value) => ({ value });";
  export const resolve = (said, context, next) => (said === "@preact/signals" ? { url: signals, shortCircuit: true } : next(said, context));
`)}`);
const { bindKeys, bound, keyName, listen, liveKey, setSingleKeys } = await import(pathToFileURL(`${process.env.BF_SOURCE_DIR}/gateway/web/lib/keys.js`));

const press = (key, more = {}) => ({ key, target: { tagName: "BODY" }, preventDefault() { this.prevented = true; }, ...more });
const ctrl = { ctrlKey: true };

test("keys have one name each", () => {
  const names = [[press("j"), "j"], [press("?", { shiftKey: true }), "?"], [press("J", { shiftKey: true }), "J"], [press("ArrowDown"), "ArrowDown"],
    [press("Tab", { shiftKey: true }), "Shift+Tab"], [press("Enter", ctrl), "Ctrl+Enter"], [press("Enter", { metaKey: true }), "Ctrl+Enter"], [press("K", ctrl), "Ctrl+k"],
    [press("µ", { altKey: true, code: "KeyM" }), "Alt+m"], [press("m", { altKey: true, code: "KeyM" }), "Alt+m"], [press("Enter", { ...ctrl, shiftKey: true }), "Ctrl+Shift+Enter"]];
  for (const [event, name] of names) {
    assert.equal(keyName(event), name);
  }
});

test("a bare key is dead in fields, in dialogs and where it is pressed otherwise", () => {
  for (const tagName of ["INPUT", "TEXTAREA", "SELECT"]) {
    assert.equal(liveKey(press("j", { target: { tagName } })), null);
    assert.equal(liveKey(press("Enter", { ...ctrl, target: { tagName } })), "Ctrl+Enter");
  }
  assert.equal(liveKey(press("j", { target: { tagName: "DIV", isContentEditable: true } })), null);
  assert.equal(liveKey(press("j"), { dialog: true }), null);
  assert.equal(liveKey(press("Enter", { target: { tagName: "BUTTON" } })), null);
  assert.equal(liveKey(press("j", { target: { tagName: "BUTTON" } })), "j");
  assert.equal(liveKey(press("j")), "j");
});

test("nothing acts while an input method composes", () => {
  for (const more of [{ isComposing: true }, { keyCode: 229 }, { isComposing: true, ...ctrl }]) {
    assert.equal(liveKey(press("Enter", more)), null);
  }
});

test("single letters can be switched off, others stay", () => {
  assert.equal(liveKey(press("j"), { single: false }), null);
  assert.equal(liveKey(press("?"), { single: false }), null);
  assert.equal(liveKey(press("ArrowDown"), { single: false }), "ArrowDown");
  assert.equal(liveKey(press("m", { altKey: true, code: "KeyM" }), { single: false }), "Alt+m");
});

test("a key that is held acts once, unless it moves about; what was bound last goes first", () => {
  let handler;
  listen({ addEventListener: (_, f) => (handler = f), querySelector: () => null });
  const ran = [];
  const unbind = bindKeys([{ key: "a", run: () => ran.push("a") }, { key: "j", repeat: true, run: () => ran.push("j") }, { key: "Ctrl+Enter", run: () => ran.push("go") }]);
  const inner = bindKeys([{ key: "a", run: () => ran.push("inner") }]);
  handler(press("a"));
  inner();
  for (const more of [{}, { repeat: true }]) {
    handler(press("a", more));
    handler(press("j", more));
    handler(press("Enter", { ...ctrl, ...more }));
  }
  assert.deepEqual(ran, ["inner", "a", "j", "go", "j"]);
  const other = press("x");
  handler(other);
  assert.equal(other.prevented, undefined);
  setSingleKeys(false);
  handler(press("a"));
  assert.equal(ran.length, 5);
  unbind();
  assert.deepEqual(bound.value, []);
});
