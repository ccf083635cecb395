// SPDX-License-Identifier: Apache-2.0
// What changes on the server, as it changes (GET /v1/events). The browser resumes a stream that broke; one that was refused is opened anew.
const AGAIN_MS = 5000;

/**
 * `begin()` is called when there is a stream that began just now: what is read after that misses nothing. `change({type, id, doc | gone})` for each change.
 * `lost()` when the server ended or refused it: a request then tells why.
 * Returns a function that ends it.
 */
export function follow({ begin, change, lost }) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource("/v1/events");
    let opened = false;
    source.addEventListener("open", () => {
      if (!opened) {
        opened = true;
        begin();
      }
    });
    source.addEventListener("change", (event) => change(JSON.parse(event.data)));
    source.addEventListener("resync", again);
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && again());
  };
  const again = () => {
    source.close();
    clearTimeout(timer);
    timer = setTimeout(open, AGAIN_MS);
    lost();
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
