// SPDX-License-Identifier: Apache-2.0
// Pictures of pages, fetched with the page's session and kept in memory only: the few last ones, so that the next one is here before it is asked for.
import { signal } from "@preact/signals";
import { get } from "#lib/api.js";

const KEPT = 8;

/** path -> {url} or {problem} or {} while it is on its way; the last used is the last. */
export const pictures = signal(new Map());

function put(path, picture) {
  const all = new Map(pictures.value);
  all.delete(path);
  all.set(path, picture);
  for (const [oldest, { url }] of all) {
    if (all.size <= KEPT) {
      break;
    }
    all.delete(oldest);
    URL.revokeObjectURL(url);
  }
  pictures.value = all;
}

/** Fetches a picture unless it is here or under way. */
export async function wantPicture(path, { again = false } = {}) {
  const known = pictures.value.get(path);
  if (known && !(again && known.problem)) {
    return;
  }
  const wanted = {};
  put(path, wanted);
  const answer = await get(path, { blob: true }).catch((problem) => ({ problem }));
  if (pictures.value.get(path) === wanted) { // nobody let go of it meanwhile
    put(path, answer.problem ? answer : { url: URL.createObjectURL(answer.data) });
  }
}

/** What is shown is not the oldest. */
export function usePicture(path) {
  const picture = pictures.value.get(path);
  if (picture?.url && [...pictures.value.keys()].at(-1) !== path) {
    put(path, picture);
  }
}

/** What was decoded is let go. */
export function closePictures() {
  for (const { url } of pictures.value.values()) {
    URL.revokeObjectURL(url);
  }
  pictures.value = new Map();
}
