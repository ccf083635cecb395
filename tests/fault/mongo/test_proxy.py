# SPDX-License-Identifier: Apache-2.0
"""The proxy between a client and the real server: each fault is what it says, seen from both sides."""
import os

import bson
import pytest

from baifang import until
from proxy import FAULTS, Proxy
from wire import Client


@pytest.fixture(name="rig")
def one_rig(database):
    with Proxy(database.server) as proxy, database.client() as direct:
        yield Rig(database, proxy, direct)


class Rig:
    """A client behind the proxy, and one that asks the server itself."""

    def __init__(self, database, proxy, direct):
        self.database, self.proxy, self.direct = database, proxy, direct
        self.collection = "c" + os.urandom(6).hex()

    def client(self):
        return Client(self.proxy.uri, self.database.name)

    def insert(self, client, id):
        client.send({"insert": self.collection, "documents": [{"_id": id}]})

    def ids(self):
        return sorted(row["_id"] for row in self.direct.find(self.collection))

    def assert_cut(self, client):
        with pytest.raises(ConnectionError):
            client.receive()

    def assert_silent(self, client):
        client._socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.receive()


def test_bson_is_read_as_it_is_written():
    document = {"a": 1, "long": bson.Long(2), "big": 1 << 40, "f": 1.5, "s": "客户", "b": b"\0\xff", "n": None, "t": True, "d": {"x": [1, {"y": "z"}]}, "e": []}
    assert bson.decode(bson.encode(document)) == document
    assert bson.encode({"a": 1}) == bytes.fromhex("0c0000001061000100000000")  # by hand, after bsonspec.org
    assert bson.encode({"a": bson.Long(1)}) == bytes.fromhex("10000000126100010000000000000000")


def test_what_is_not_broken_passes_and_is_named(rig):
    name = rig.collection
    big = os.urandom(3 << 20)
    with rig.client() as client:
        client.do(insert=name, documents=[{"_id": i} for i in range(10)] + [{"_id": 10, "big": big}])
        assert len(client.find(name, {}, batchSize=3)) == 11
        assert client.find(name, {"_id": 10}) == [{"_id": 10, "big": big}]
        client.do(update=name, updates=[{"q": {"_id": 1}, "u": {"$set": {"x": 1}}}])
        client.do(findAndModify=name, query={"_id": 2}, update={"$set": {"x": 1}})
        client.do(delete=name, deletes=[{"q": {"_id": 3}, "limit": 1}])
        client.do(hello=1)
        client.do(isMaster=1)
    for command in ("insert", "find", "update", "findAndModify", "delete", "getMore"):
        assert rig.proxy.seen[command, name] >= 1, rig.proxy.seen
    assert rig.proxy.seen["hello", ""] == 2


def test_cut_before(rig):
    with rig.client() as client:
        rule = rig.proxy.on("insert", rig.collection, "cut_before")
        rig.insert(client, 1)
        rig.assert_cut(client)
        rule.wait()
    assert rig.ids() == []


def test_cut_after(rig):
    with rig.client() as client:
        rule = rig.proxy.on("insert", rig.collection, "cut_after")
        rig.insert(client, 1)
        rig.assert_cut(client)
        rule.wait()
    assert rig.ids() == [1]


def test_late(rig):
    with rig.client() as client:
        rule = rig.proxy.on("insert", rig.collection, "late", seconds=None)
        rig.insert(client, 1)
        rig.assert_cut(client)
        assert rig.ids() == []
        rule.release()
    until(lambda: rig.ids() == [1], "the insert")


def test_drop_and_drop_answer(rig):
    for id, (fault, there) in enumerate({"drop": [], "drop_answer": [1]}.items()):
        with rig.client() as client:
            rig.proxy.on("insert", rig.collection, fault)
            rig.insert(client, id)
            rig.assert_silent(client)
        assert rig.ids() == there


def test_delay_of_the_command_and_of_its_answer(rig):
    for id, (fault, there) in enumerate({"delay": [], "delay_answer": [0, 1]}.items()):
        with rig.client() as client:
            rule = rig.proxy.on("insert", rig.collection, fault, seconds=None)
            rig.insert(client, id)
            if fault == "delay_answer":
                rule.wait()
            assert rig.ids() == there
            rule.release()
            assert client.receive()["n"] == 1


def test_twice(rig):
    with rig.client() as client:
        rule = rig.proxy.on("insert", rig.collection, "twice")
        rig.insert(client, 1)
        assert client.receive()["writeErrors"][0]["code"] == 11000
        rule.wait()
    assert rig.ids() == [1]


def test_again_later(rig):
    with rig.client() as client:
        client.do(insert=rig.collection, documents=[{"_id": 1, "n": 0}])
        rule = rig.proxy.on("update", rig.collection, "again_later", seconds=None)
        assert client.do(update=rig.collection, updates=[{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}])["n"] == 1
        assert client.find(rig.collection)[0]["n"] == 1
        rule.release()
    until(lambda: rig.direct.find(rig.collection)[0]["n"] == 2, "the second update")


def test_scripted_answers(rig):
    no = {"ok": 0.0, "code": 10107, "errmsg": "not primary", "codeName": "NotWritablePrimary"}
    unsure = {"ok": 1.0, "n": 1, "writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}
    with rig.client() as client:
        rig.proxy.on("insert", rig.collection, "answer", body=no)
        assert client.ask(insert=rig.collection, documents=[{"_id": 1}]) == no
        assert rig.ids() == []
        rig.proxy.on("insert", rig.collection, "answer_after", body=unsure)
        assert client.ask(insert=rig.collection, documents=[{"_id": 2}]) == unsure
        assert rig.ids() == [2]
        rig.proxy.on("hello", None, "amend", body={"setName": "rs0"})
        assert client.do(hello=1)["setName"] == "rs0"
        assert "maxWireVersion" in client.do(isMaster=1)


def test_a_rule_holds_for_what_it_says_and_as_often(rig):
    other = rig.collection + "x"
    with rig.client() as client:
        rule = rig.proxy.on("insert", rig.collection, "answer", body={"ok": 0.0, "code": 91}, skip=1, times=2)
        client.do(insert=other, documents=[{"_id": 1}])
        codes = [client.ask(insert=rig.collection, documents=[{"_id": i}]).get("code") for i in range(4)]
        assert codes == [None, 91, 91, None] and rule.fired == 2
        rig.proxy.on(None, None, "answer", body={"ok": 0.0, "code": 91})
        assert client.ask(find=other, filter={})["code"] == 91
        rig.proxy.on(None, None, "answer", body={"ok": 0.0, "code": 91})
        rig.proxy.forget()
        assert client.ask(find=other, filter={})["ok"] == 1


def test_away_and_back(rig):
    with rig.client() as client:
        client.do(hello=1)
        rig.proxy.go_away()
        rig.assert_cut(client)
    with rig.client() as client, pytest.raises(ConnectionError):
        client.ask(hello=1)
    rig.proxy.come_back()
    with rig.client() as client:
        client.do(hello=1)


def test_each_fault_has_a_test():
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert all(f'"{fault}"' in text for fault in FAULTS)
