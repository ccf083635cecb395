// SPDX-License-Identifier: Apache-2.0
// Shortcuts. A bare key is dead in fields, in dialogs, while an input method composes, when it repeats by being held; who likes can switch single letters
// off (WCAG 2.1.4). One with Ctrl (or Cmd) or Alt works in fields too.
import { signal } from "@preact/signals";

const STORED = "single_keys";

function stored() {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true; // storage is forbidden here
  }
}

/** Do single letters act? */
export const singleKeys = signal(globalThis.localStorage ? stored() : true);

export function setSingleKeys(on) {
  singleKeys.value = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // for this page only, then
  }
}

/** The name of what was pressed: "j", "?", "ArrowDown", "Shift+Tab", "Ctrl+Enter", "Alt+m". */
export function keyName(event) {
  const letter = /^Key[A-Z]$/.test(event.code ?? "") ? event.code.slice(3).toLowerCase() : event.key;
  const base = event.altKey && !event.ctrlKey ? letter : event.key; // Alt makes other characters of letters on some systems
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  const key = modified && base.length === 1 ? base.toLowerCase() : base;
  const shift = event.shiftKey && key.length > 1 ? "Shift+" : "";
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + shift + key;
}

const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
const PRESSED_BY_ENTER = new Set(["BUTTON", "A", "SUMMARY"]);

/** The name of a shortcut that may act now, or null. `dialog`: one is open. */
export function liveKey(event, { dialog = false, single = true } = {}) {
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) {
    return null;
  }
  const name = keyName(event);
  if (name.startsWith("Ctrl+") || name.startsWith("Alt+")) {
    return event.repeat ? null : name;
  }
  const target = event.target ?? {};
  if (dialog || FIELDS.has(target.tagName) || target.isContentEditable) {
    return null;
  }
  if ((name === "Enter" || name === " ") && PRESSED_BY_ENTER.has(target.tagName)) {
    return null;
  }
  return name.length === 1 && !single ? null : name;
}

/** What is bound now, innermost last: [{key, label, run, repeat}]. The sheet of keys reads it. */
export const bound = signal([]);

/**
 * Binds shortcuts until the function that it returns is called: [{key, label, run, repeat}]. `label` is a key of messages, or a function that returns
 * words, or null for another key of the same thing; `repeat` lets a held key act again (moving about, never deciding). What was bound last goes first.
 */
export function bindKeys(bindings) {
  bound.value = [...bound.value, ...bindings];
  return () => {
    bound.value = bound.value.filter((binding) => !bindings.includes(binding));
  };
}

/** Listens, once for a page. */
export function listen(root = document) {
  root.addEventListener("keydown", (event) => {
    const name = liveKey(event, { dialog: root.querySelector("dialog[open]") !== null, single: singleKeys.value });
    const binding = name && bound.value.findLast((candidate) => candidate.key === name);
    if (!binding || (event.repeat && !binding.repeat)) {
      return;
    }
    event.preventDefault();
    binding.run(event);
  });
}
