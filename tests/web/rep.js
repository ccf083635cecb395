// SPDX-License-Identifier: Apache-2.0
// A person at the API, as a phone is one: what happens elsewhere while a page is looked at.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const assert = require("node:assert/strict");

const GUARD_MS = Number(process.env.BF_GUARD_S ?? 60) * 1000;

function uuid7() {
  const bytes = crypto.randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** `person` signed in: {get, post, patch, verb, customer, photo, contract, retake, inState}. */
async function signIn(job, login) {
  const ask = async (method, path, { body, headers = {}, status = [200, 201, 204] } = {}) => {
    const raw = body instanceof Uint8Array;
    const answer = await fetch(job.url + path, { method, body: raw || body === undefined ? body : JSON.stringify(body),
      headers: { "accept-language": "en", ...(token && { authorization: `Bearer ${token}` }), ...(body !== undefined && !raw && { "content-type": "application/json" }), ...headers } });
    const text = await answer.text();
    assert.ok(status.includes(answer.status), `${method} ${path}: ${answer.status} ${text}`);
    return { data: text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text, etag: answer.headers.get("etag"), status: answer.status };
  };
  let token;
  token = (await ask("POST", "/v1/sign_in", { body: { tenant: job.tenant, login, password: job.password } })).data.access_token;
  const get = async (path) => (await ask("GET", path)).data;
  const post = async (path, body, options) => (await ask("POST", path, { body, ...options })).data;
  const verb = (contract, name, body, options) => post(`/v1/contracts/${contract}/${name}`, body, { headers: { "idempotency-key": uuid7() }, ...options });

  const customer = async (name) => (await post("/v1/customers", { id: uuid7(), type: "company", name, industry: "retail", grade: "B", phone: "13800138000",
    primary_contact: { id: uuid7(), name: "陈经理", phone: "13900139000" } })).id;

  /** Uploads a picture; the page of a contract that it makes. */
  const photo = async (path, id = uuid7()) => {
    const bytes = fs.readFileSync(path);
    await ask("POST", "/v1/uploads", { body: new Uint8Array(bytes), headers: { "tus-resumable": "1.0.0", "upload-length": String(bytes.length),
      "upload-metadata": `type ${Buffer.from("image/jpeg").toString("base64")}`, "content-type": "application/offset+octet-stream" } });
    return { id, media: uuid7(), sha256: crypto.createHash("sha256").update(bytes).digest("hex"), type: "image/jpeg" };
  };

  const inState = async (contract, state) => {
    const end = Date.now() + GUARD_MS;
    for (;;) {
      const read = await get(`/v1/contracts/${contract}`);
      if (read.state === state) return read;
      assert.ok(Date.now() < end, `still ${read.state}, not ${state}`);
    }
  };

  /** Enters a contract of these pictures; it is in the queue when this returns. */
  const contract = async (photos, { name = "华东精工机械有限公司", ...fields } = {}) => {
    const pages = [];
    for (const path of photos) pages.push(await photo(path));
    const { contract } = await post("/v1/contracts", { id: uuid7(), customer: await customer(name), number: "HT-2026-0717", amount: { minor: 12340000, currency: "CNY" },
      signed_on: "2026-11-20", parties: ["我方有限公司", name], pages, ...fields });
    return inState(contract.id, "uploaded");
  };

  /** Takes one page again. */
  const retake = async (id, at, path) => {
    const { data, etag } = await ask("GET", `/v1/contracts/${id}`);
    const pages = data.pages.map(({ id, media, sha256, type }) => ({ id, media, sha256, type }));
    pages[at] = await photo(path, pages[at].id);
    await ask("PATCH", `/v1/contracts/${id}`, { body: { pages }, headers: { "if-match": etag } });
    return inState(id, "uploaded");
  };
  return { get, post, verb, contract, retake, inState };
}

module.exports = { signIn };
