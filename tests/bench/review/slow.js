// SPDX-License-Identifier: Apache-2.0
// A slow line before a server on this machine: so many bytes a second each way, shared by all connections, and a round trip that every packet and the handshake of a connection pay.
// Slow start is not modelled.
"use strict";
const net = require("node:net");

const PACKET = 1460;

/** One direction: what is sent leaves when the bytes before it have, and arrives `delay` ms later. */
function direction(bytesPerMs, delay) {
  const queue = [];
  let free = 0, waits = false;
  const deliver = () => {
    const now = performance.now();
    while (queue.length > 0 && queue[0].at <= now) {
      const { act } = queue.shift();
      act();
    }
    waits = queue.length > 0;
    if (waits) setTimeout(deliver, Math.max(1, queue[0].at - now));
  };
  const send = (bytes, act) => {
    free = Math.max(free, performance.now()) + bytes / bytesPerMs;
    queue.push({ at: free + delay, act });
    if (!waits) {
      waits = true;
      setTimeout(deliver, 1);
    }
  };
  return { data(socket, buffer) {
    for (let at = 0; at < buffer.length; at += PACKET) {
      const packet = buffer.subarray(at, at + PACKET);
      send(packet.length, () => socket.destroyed || socket.write(packet));
    }
  }, end: (socket) => send(0, () => socket.end()) };
}

/** Listens before `port`: {port, close()}. */
function slow(port, { bytesPerS, roundTripMs }) {
  const down = direction(bytesPerS / 1000, roundTripMs / 2), up = direction(bytesPerS / 1000, roundTripMs / 2);
  const sockets = new Set();
  const server = net.createServer((client) => {
    const target = net.connect(port, "127.0.0.1");
    let early = []; // what comes before the handshake is over
    setTimeout(() => {
      for (const buffer of early) up.data(target, buffer);
      early = null;
    }, roundTripMs);
    client.on("data", (buffer) => (early ? early.push(buffer) : up.data(target, buffer)));
    target.on("data", (buffer) => down.data(client, buffer));
    client.on("end", () => up.end(target));
    target.on("end", () => down.end(client));
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => {}); // a browser resets what it does not need any more
      socket.on("close", () => sockets.delete(socket));
    }
  });
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ port: server.address().port, close })));
}

module.exports = { slow };
