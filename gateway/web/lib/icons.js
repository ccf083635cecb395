// SPDX-License-Identifier: Apache-2.0
// Signs beside words, never instead of them.
import { html } from "#lib/ui.js";

const SHAPES = {
  late: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 5v3.3l2.2 1.3",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  again: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3",
  check: "m3.5 8.5 3 3 6-7",
  open: "m4 6 4 4 4-4",
  mark: "M3 3h10v10H3zM6 6h4v4H6z",
};

/** A sign beside its word. */
export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${SHAPES[name]} /></svg>`;
