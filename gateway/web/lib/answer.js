// SPDX-License-Identifier: Apache-2.0
// What the server answers, as a part of a page has it: asked for when the part is there, and again when the path is another.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "#lib/api.js";
import { t } from "#lib/i18n.js";
import { html, wordsOf } from "#lib/ui.js";

/** GET `path` (null: nothing yet) -> {data, etag, problem, load, show}: `load` asks again, `show` puts an answer there that is known already. `also`: asked
 * again when that is another. */
export function useAnswer(path, also) {
  const [answer, show] = useState({});
  const asked = useRef();
  const load = async () => {
    asked.current = path;
    const kept = await get(path).catch((problem) => ({ problem }));
    if (asked.current === path) {
      show(kept);
    }
  };
  useEffect(() => void (path && load()), [path, also]);
  return { ...answer, load, show };
}

/** What could not be read, and the way to try it again. */
export const Failed = ({ of }) =>
  of.problem && html`<div class="notice bad" role="alert">${wordsOf(of.problem)} <button type="button" onClick=${of.load}>${t("retry")}</button></div>`;
