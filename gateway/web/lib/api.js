// SPDX-License-Identifier: Apache-2.0
// The API, from a page: the browser adds the cookie, this the token that goes with each change. A refusal is thrown as a Problem.
import { signal } from "@preact/signals";
import { lang } from "#lib/i18n.js";
import { uuid7 } from "#lib/ids.js";

/** What GET /v1/web/session tells, or null while nobody is signed in here. */
export const session = signal(null);
/** A session that was there has ended by itself: the sign-in says so. */
export const lapsed = signal(false);
/** The last request reached the server. */
export const online = signal(true);

/** A refusal: `code` is stable, `detail` is in the person's language; `fields` has the words for each field by its JSON pointer. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || body.code);
    this.status = status;
    this.code = body.code;
    this.trace = body.trace_id;
    this.retryAfter = retryAfter;
    this.fields = Object.fromEntries((body.errors ?? []).map((fault) => [fault.pointer, fault.detail]));
    this.current = body.current;
  }
}

const CHANGES_NOTHING = new Set(["GET", "HEAD"]);

async function problemOf(answer) {
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  const body = isProblem ? await answer.json() : { code: "http", title: `HTTP ${answer.status}` };
  return new Problem(answer.status, body, Number(answer.headers.get("retry-after")) || 0);
}

async function send(method, path, { body, headers = {}, signal: until } = {}) {
  const all = { "accept-language": lang.value, ...headers };
  if (body !== undefined) {
    all["content-type"] = "application/json";
  }
  if (!CHANGES_NOTHING.has(method) && session.value) {
    all["x-csrf-token"] = session.value.csrf_token;
  }
  try {
    const answer = await fetch(path, { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body), signal: until });
    online.value = true;
    return answer;
  } catch (cause) {
    if (until?.aborted) {
      throw cause;
    }
    online.value = false;
    throw new Problem(0, { code: "offline" });
  }
}

/** Another tab may have signed in anew: then the cookie is another's and so is the token. */
async function renewToken() {
  const answer = await send("GET", "/v1/web/session");
  session.value = answer.ok ? await answer.json() : null;
  return answer.ok;
}

/**
 * One request: {body, headers, signal} -> {data, etag, status}; `data` is what the JSON says, with `blob: true` the bytes. Throws a Problem. 401 leads to the
 * sign-in by itself.
 */
export async function call(method, path, options = {}) {
  let answer = await send(method, path, options);
  let problem = answer.ok ? null : await problemOf(answer);
  if (problem?.code === "csrf_token" && (await renewToken())) {
    answer = await send(method, path, options);
    problem = answer.ok ? null : await problemOf(answer);
  }
  if (problem?.status === 401 && session.value) {
    lapsed.value = true;
    session.value = null;
  }
  if (problem?.code === "password_change_required" && session.value) {
    session.value = { ...session.value, must_change_password: true };
  }
  if (problem) {
    throw problem;
  }
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, etag: answer.headers.get("etag"), data: isJson ? await answer.json() : options.blob ? await answer.blob() : null };
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { ...options, body });
export const patch = (path, body, etag) => call("PATCH", path, { body, headers: { "if-match": etag } });
export const remove = (path) => call("DELETE", path);

const unanswered = new Map(); // what a verb said -> its key, until the server has answered

/** A verb of the business. Said again after no answer came, it is the same request: it is done once. `etag`: only if the record is still that one. */
export async function verb(path, body, etag) {
  const said = `${path} ${etag} ${JSON.stringify(body)}`;
  const key = unanswered.get(said) ?? uuid7();
  unanswered.set(said, key);
  try {
    const answer = await post(path, body, { headers: { "idempotency-key": key, ...(etag && { "if-match": etag }) } });
    unanswered.delete(said);
    return answer;
  } catch (problem) {
    if (problem.status > 0 && problem.status < 500) {
      unanswered.delete(said);
    }
    throw problem;
  }
}

/** Asks who is signed in; nobody is no fault. */
export async function askSession() {
  const answer = await send("GET", "/v1/web/session");
  session.value = answer.ok ? await answer.json() : null;
}

export async function signIn(who) {
  const { data } = await post("/v1/web/sign_in", who);
  lapsed.value = false;
  session.value = data;
}

/** Also when the session is gone already. */
export async function signOut() {
  try {
    await post("/v1/web/sign_out");
  } catch (problem) {
    if (problem.status !== 401) {
      throw problem;
    }
  }
  lapsed.value = false;
  session.value = null;
}
