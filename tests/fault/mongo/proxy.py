# SPDX-License-Identifier: Apache-2.0
"""A proxy that understands MongoDB's wire protocol and breaks what a test tells it to break. It invents nothing: what it does not break goes to the real
server and back.

    with Proxy(server.uri) as proxy:
        rule = proxy.on("insert", "log", "cut_after")   # the next insert into `log`
        ...                                             # a client at proxy.uri
        rule.wait()                                     # it happened

What can become of a command:

  cut_before     the connection ends; the server never sees the command
  cut_after      the server does it; then the connection ends without an answer
  late           the connection ends; the server gets the command `seconds` later
  drop           the server never sees it, and the client waits on an open connection
  drop_answer    the server does it, and the client waits on an open connection
  delay          the server gets it `seconds` later
  delay_answer   the client gets the answer `seconds` later
  twice          the server gets it twice, and the client the answer to the second
  again_later    the server gets it once more, `seconds` after it answered
  answer         the server never sees it; the client gets `body`
  answer_after   the server does it; the client gets `body`
  amend          the client gets the server's answer with `body` over it
"""
import asyncio
import contextlib
import dataclasses
import socket
import threading
from collections import Counter
from urllib.parse import urlsplit

import wire

FAULTS = ("cut_before", "cut_after", "late", "drop", "drop_answer", "delay", "delay_answer", "twice", "again_later", "answer", "answer_after", "amend")
GUARD_S = 60


@dataclasses.dataclass
class Rule:
    """What is to happen to the next `times` commands after the first `skip` that it is about. None: any command, any collection; as `seconds`: until
    `release`."""
    command: str | None
    collection: str | None
    fault: str
    times: int = 1
    skip: int = 0
    seconds: float | None = 0.3
    body: dict | None = None
    fired: int = 0
    happened: threading.Semaphore = dataclasses.field(default_factory=lambda: threading.Semaphore(0))
    released: threading.Event = dataclasses.field(default_factory=threading.Event)

    def takes(self, name):
        if self.fired == self.times or self.command not in (None, name[0]) or self.collection not in (None, name[1]):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.fired += 1
        return True

    def wait(self, guard_s=GUARD_S):
        """Until it happened once more."""
        assert self.happened.acquire(timeout=guard_s), f"no {self.command} on {self.collection} came to be {self.fault}"

    def release(self):
        self.released.set()

    async def pause(self):
        if self.seconds is not None:
            await asyncio.sleep(self.seconds)
        else:
            await asyncio.to_thread(self.released.wait, GUARD_S)


class Proxy:
    def __init__(self, uri):
        self.uri_of_server = uri
        self.server = (urlsplit(uri).hostname, urlsplit(uri).port)
        self.seen = Counter()  # (command, collection) -> how often
        self.errors = []       # what it did not understand
        self._rules, self._lock = [], threading.Lock()
        self._links, self._tasks, self._away = set(), set(), False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def uri(self):
        """The server's address, by way of the proxy."""
        return self.uri_of_server.replace(f"{self.server[0]}:{self.server[1]}", f"127.0.0.1:{self.port}", 1)

    # ---- the test's side ----

    def on(self, command, collection, fault, **how):
        assert fault in FAULTS
        rule = Rule(command, collection, fault, **how)
        with self._lock:
            self._rules.append(rule)
        return rule

    def forget(self):
        """No rule holds from here on."""
        with self._lock:
            self._rules.clear()

    def go_away(self):
        """All connections end, and new ones end at once."""
        self._away = True
        self._call(self._cut_all())

    def come_back(self):
        self._away = False

    def cut(self):
        """All connections end, once."""
        self._call(self._cut_all())

    def __enter__(self):
        self._thread.start()
        self._listener = self._call(asyncio.start_server(self._accept, sock=self._socket))
        return self

    def __exit__(self, *_):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(GUARD_S)
        self._loop.close()
        assert not self.errors, self.errors

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(GUARD_S)

    # ---- the loop's side ----

    async def _close(self):
        self._listener.close()
        await self._cut_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cut_all(self):
        for link in list(self._links):
            link.cut()

    def start(self, coroutine):
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, reader, writer):
        link = Link(self, reader, writer)
        self._links.add(link)
        try:
            if not self._away:
                await link.run()
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)
            raise
        finally:
            link.cut()
            self._links.discard(link)

    def rule_for(self, name):
        with self._lock:
            self.seen[name] += 1
            return next((rule for rule in self._rules if rule.takes(name)), None)


class Link:
    """One connection of a client, and the server's end of it."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.upstream = None
        self.waiting = {}  # id of a command that the server was given -> the rule for its answer

    def cut(self):
        for writer in (self.writer, self.upstream):
            if writer is not None:
                writer.transport.abort()

    async def run(self):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            server, self.upstream = await asyncio.open_connection(*self.proxy.server)
            pump = asyncio.create_task(self.answers(server))
            try:
                while True:
                    await self.command(await receive(self.reader))
            finally:
                pump.cancel()
                self.cut()

    async def answers(self, server):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await self.answer(await receive(server))
        self.cut()

    async def command(self, command):
        rule = self.proxy.rule_for(command.name)
        if rule is None:
            return await self.forward(command, None)
        await getattr(self, "_" + rule.fault)(command, rule)
        if rule.fault in ("cut_before", "late", "drop", "answer", "delay", "twice"):
            rule.happened.release()

    async def forward(self, command, rule):
        self.waiting[command.id] = (command, rule)
        await send(self.upstream, command.raw)

    async def answer(self, answer):
        command, rule = self.waiting.get(answer.answers, (None, None))
        if not answer.is_followed():
            self.waiting.pop(answer.answers, None)
        raw = answer.raw if rule is None else await self.broken(command, answer, rule)
        if raw is not None:
            await send(self.writer, raw)

    async def broken(self, command, answer, rule):
        """What the client gets instead; None: nothing."""
        rule.happened.release()
        if rule.fault == "cut_after":
            self.cut()
        elif rule.fault == "delay_answer":
            self.proxy.start(self.send_late(answer.raw, rule))
        elif rule.fault == "again_later":
            self.proxy.start(self.repeat(command, rule))
            return answer.raw
        elif rule.fault == "answer_after":
            return wire.answer_to(command, rule.body)
        elif rule.fault == "amend":
            return wire.answer_to(command, {**answer.body, **rule.body})
        return None

    async def send_late(self, raw, rule):
        await rule.pause()
        with contextlib.suppress(OSError):
            await send(self.writer, raw)

    async def repeat(self, command, rule):
        """Once more, on a connection of its own, whatever has become of the client's."""
        await rule.pause()
        await self.elsewhere(command)

    async def elsewhere(self, command):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(*self.proxy.server)
            await send(writer, command.raw)
            await receive(reader)
            writer.close()

    # ---- the faults, as a command comes in ----

    async def _cut_before(self, command, rule):
        self.cut()

    async def _late(self, command, rule):
        self.proxy.start(self.repeat(command, rule))
        self.cut()

    async def _drop(self, command, rule):
        pass

    async def _delay(self, command, rule):
        await rule.pause()
        await self.forward(command, None)

    async def _twice(self, command, rule):
        await self.elsewhere(command)
        await self.forward(command, None)

    async def _answer(self, command, rule):
        await send(self.writer, wire.answer_to(command, rule.body))

    _cut_after = _drop_answer = _delay_answer = _again_later = _answer_after = _amend = forward


async def receive(reader):
    header = await reader.readexactly(wire.HEADER.size)
    return wire.Message(header + await reader.readexactly(wire.message_size(header) - wire.HEADER.size))


async def send(writer, raw):
    writer.write(raw)
    await writer.drain()
