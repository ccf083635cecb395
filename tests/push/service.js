// SPDX-License-Identifier: Apache-2.0
// A push service and its browsers, of the tests: HTTP/2 over TLS by Node, decryption by npm http_ece, signatures by Node's own crypto.
//
//   node service.js KEY.pem CERT.pem       prints "port N" when it listens
//
//   POST /subscribe            a new subscription, as a browser would hand it over: {id, endpoint, p256dh, auth}
//   POST /push/ID              takes a message: 201, or what is wrong with it
//   POST /push/ID/NNN[/S[/N]]  answers NNN, with Retry-After: S (0: without), N bytes long, without reading the message
//   POST /fail/ID/NNN/N[/S]    the next N messages to that subscription are answered so (N = 0: no more), without being read
//   POST /hold/ID              messages to that subscription get no answer from now on
//   POST /release/ID/NNN       but this one, now; later ones are read again
//   GET  /pushed/ID            how many messages came, read or not
//   GET  /messages/ID          what the browser decrypted, oldest first: {text, ttl, urgency, topic, claims, key}
//   GET  /stats                {sessions, streams, resets}
//   POST /clock/MS             signatures are judged by a clock that is so far from the real one
//   POST /plain                200
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');
const ece = require('http_ece');

const subscriptions = new Map();
const stats = {sessions: 0, streams: 0, resets: 0};
let port = 0, shiftMs = 0;

function subscribe() {
  const id = crypto.randomUUID(), ecdh = crypto.createECDH('prime256v1'), auth = crypto.randomBytes(16);
  ecdh.generateKeys();
  subscriptions.set(id, {ecdh, auth, messages: [], pushed: 0, failures: 0, held: null});
  const endpoint = `https://push.test:${port}/push/${id}`;
  return {id, endpoint, p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url')};
}

function fail(status, why) {
  throw Object.assign(new Error(why), {status});
}

// RFC 8292: the token's signature by the key beside it, its audience, and an expiry within a day.
function checkVapid(header) {
  const match = /^vapid t=([^,]+), ?k=([\w-]+)$/.exec(header || '');
  if (!match) fail(401, 'no vapid');
  const [head, body, signature] = match[1].split('.');
  const point = Buffer.from(match[2], 'base64url');
  const jwk = {kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url')};
  const key = {key: crypto.createPublicKey({key: jwk, format: 'jwk'}), dsaEncoding: 'ieee-p1363'};
  if (!crypto.verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) fail(403, 'signature');
  const header1 = JSON.parse(Buffer.from(head, 'base64url')), claims = JSON.parse(Buffer.from(body, 'base64url'));
  if (header1.alg !== 'ES256' || header1.typ !== 'JWT') fail(403, 'algorithm');
  if (claims.aud !== `https://push.test:${port}`) fail(403, `audience ${claims.aud}`);
  const now = (Date.now() + shiftMs) / 1000;
  if (!(claims.exp > now && claims.exp <= now + 86400)) fail(403, 'expiry');
  return {claims, key: match[2]};
}

// What the next messages are answered instead of being read, or undefined.
function failure(id) {
  const to = subscriptions.get(id);
  if (to) to.pushed++;
  if (to && to.held) return [0, to.held];
  if (!to || to.failures === 0) return undefined;
  to.failures--;
  return [to.status, {}, to.after];
}

const later = (seconds) => (Number(seconds) ? {'retry-after': seconds} : {});

function deliver(id, headers, body) {
  const to = subscriptions.get(id);
  if (!to) fail(404, 'no such subscription');
  if (!/^\d+$/.test(headers.ttl || '')) fail(400, 'ttl');
  if (headers['content-encoding'] !== 'aes128gcm') fail(415, 'encoding');
  if (body.length > 4096) fail(413, 'too large');
  const {claims, key} = checkVapid(headers.authorization);
  const text = ece.decrypt(body, {version: 'aes128gcm', privateKey: to.ecdh, authSecret: to.auth}).toString();
  to.messages.push({text, ttl: headers.ttl, urgency: headers.urgency, topic: headers.topic, claims, key});
}

function route(method, path, headers, body) {
  const [, first, id, status, after, more] = path.split('/');
  if (method === 'GET' && first === 'stats') return [200, stats];
  if (method === 'GET' && first === 'messages') return [200, subscriptions.get(id).messages];
  if (first === 'subscribe') return [200, subscribe()];
  if (first === 'clock') return [200, {shift_ms: shiftMs = Number(id)}];
  if (first === 'fail') {
    Object.assign(subscriptions.get(id), {status: Number(status), failures: Number(after), after: later(more)});
    return [200, {}];
  }
  if (first === 'hold') return [200, {held: subscriptions.get(id).held = []}];
  if (first === 'release') return [200, {released: release(subscriptions.get(id), Number(status))}];
  if (first === 'pushed') return [200, {n: subscriptions.get(id).pushed}];
  if (first === 'push' && status) return [Number(status), 'x'.repeat(Number(more || 0)), later(after)];
  if (first === 'push') {
    const failed = failure(id);
    if (failed) return failed;
    deliver(id, headers, body);
    return [201, {}, {location: `/message/${crypto.randomUUID()}`}];
  }
  return [200, {}];
}

function answer(stream, headers, body) {
  let status, content, extra;
  try {
    [status, content, extra] = route(headers[':method'], headers[':path'], headers, body);
  } catch (error) {
    [status, content] = [error.status || 400, {error: String(error.message)}];
  }
  if (status === 0) content.push(stream);
  else respond(stream, status, content, extra);
}

function respond(stream, status, content, extra) {
  if (stream.destroyed) return;
  stream.respond({':status': status, 'content-type': 'application/json', ...extra});
  stream.end(JSON.stringify(content));
}

function release(to, status) {
  const streams = to.held;
  to.held = null;
  for (const stream of streams) respond(stream, status, {});
  return streams.length;
}

const server = http2.createSecureServer({key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3])});
server.on('session', () => stats.sessions++);
server.on('stream', (stream, headers) => {
  const chunks = [];
  stats.streams++;
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => answer(stream, headers, Buffer.concat(chunks)));
  stream.on('close', () => { if (stream.rstCode !== 0) stats.resets++; });
  stream.on('error', () => {});
});
server.on('sessionError', () => {});
server.listen(0, '127.0.0.1', () => {
  port = server.address().port;
  console.log(`port ${port}`);
});
