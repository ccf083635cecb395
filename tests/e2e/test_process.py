# SPDX-License-Identifier: Apache-2.0
"""The processes of one installation: what happens when one of them dies, is told to stop or to reload, and who may administrate it."""
import collections
import contextlib
import datetime
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

from baifang import BAIFANG, Server, children, command_line, is_gone, rfc3339, until, uuid7

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def fresh(tmp_path):
    with Server(tmp_path) as server:
        yield server


def serves(server):
    with server.client() as http:
        return http.get("/v1/me").status_code == 401


def certificate(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port))


def test_a_server_that_was_killed_serves_again_with_what_was_acknowledged(fresh):
    company = fresh.company()
    fresh.kill()
    assert serves(fresh)
    assert "王伟" in fresh.admin("user", "list", company.code)
    ended = fresh.wait_event("supervisor.server_ended")
    assert ended["value"] == 128 + signal.SIGKILL


def test_a_server_that_ended_by_itself_is_told_by_the_harness(tmp_path):
    server = Server(tmp_path).start()
    os.kill(server.server_pid(), signal.SIGABRT)  # as a failed assertion does
    server.wait_event("ready", 2)
    assert serves(server), "no client needs to notice"
    with pytest.raises(AssertionError, match="supervisor.server_ended"):
        server.stop()


def test_a_sandbox_process_that_was_killed_is_replaced_without_touching_the_server(fresh):
    server = fresh.server_pid()
    for kind in ("--zygote", "--zygote-stt"):
        old = until(lambda: fresh.zygote_pid(kind), "the sandbox process")
        os.kill(old, signal.SIGKILL)
        until(lambda: (fresh.zygote_pid(kind) or old) != old, "another sandbox process")
    assert fresh.server_pid() == server and serves(fresh)


def test_a_new_server_gets_new_sandbox_processes(fresh):
    old = until(lambda: fresh.zygote_pid(), "the sandbox process")
    fresh.kill()
    until(lambda: is_gone(old), "the end of the old sandbox process")
    until(lambda: (fresh.zygote_pid() or old) != old, "another sandbox process")


def test_the_server_and_the_sandboxes_end_when_the_supervisor_dies(tmp_path):
    server = Server(tmp_path).start()
    family = [until(server.server_pid, "the server"), until(server.zygote_pid, "the sandbox")]
    server.process.kill()
    server.process.wait(60)
    for pid in family:
        until(lambda: is_gone(pid), "the end of the family")
    # The directory's lock is free again.
    with Server(tmp_path) as again:
        assert serves(again)


def test_terminate_drains_and_ends_with_0_and_leaves_no_process(tmp_path):
    server = Server(tmp_path).start()
    family = children(server.process.pid)
    assert len(family) >= 2 and all(command_line(pid) for pid in family)
    assert server.stop() == 0
    assert all(is_gone(pid) for pid in family)
    assert server.count("draining") == 1
    assert not os.path.exists(os.path.join(server.data, "admin.sock"))


def test_hang_up_reloads_the_certificate_and_keeps_the_old_one_when_the_new_is_bad(tmp_path):
    def make(name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    make("first")
    with Server(tmp_path / "s", {"http": {"cert_file": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}}) as server:
        first = certificate(server)
        make("second")
        os.kill(server.process.pid, signal.SIGHUP)
        server.wait_event("reloaded", 1)
        second = certificate(server)
        assert second != first
        (tmp_path / "cert.pem").write_text("not a certificate")
        os.kill(server.process.pid, signal.SIGHUP)
        server.wait_event("reloaded", 2)
        assert server.count("reload.certificate") == 1
        assert certificate(server) == second


def test_no_connection_is_lost_over_reloads_not_even_one_that_has_not_spoken_yet(fresh):
    pid = fresh.server_pid()
    silent = socket.create_connection(("127.0.0.1", fresh.port))
    for number in range(1, 21):
        os.kill(fresh.process.pid, signal.SIGHUP)
        certificate(fresh)
        fresh.wait_event("reloaded", number)
    context = ssl._create_unverified_context()
    with context.wrap_socket(silent) as spoken:
        spoken.sendall(b"GET /v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert spoken.recv(12) == b"HTTP/1.1 401"
    assert fresh.server_pid() == pid


def test_signals_that_come_while_the_server_starts_wait_for_it(fresh):
    os.kill(fresh.server_pid(), signal.SIGKILL)
    fresh.wait_event("supervisor.server_ended")
    until(fresh.server_pid, "the next server")
    os.kill(fresh.process.pid, signal.SIGHUP)
    fresh.wait_event("ready", 2)
    assert serves(fresh)
    assert fresh.count("supervisor.server_ended") == 1


def test_systemd_hears_of_ready_reload_and_stop(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        name = "baifang-test-" + os.urandom(8).hex()
        notify.bind("\0" + name)
        notify.settimeout(60)
        with Server(tmp_path, environment={"NOTIFY_SOCKET": "@" + name}) as server:
            assert notify.recv(200) == b"READY=1"
            os.kill(server.process.pid, signal.SIGHUP)
            kind, clock = notify.recv(200).split(b"\n")
            assert kind == b"RELOADING=1" and clock.startswith(b"MONOTONIC_USEC=")
            assert notify.recv(200) == b"READY=1"
        assert notify.recv(200) == b"STOPPING=1"


def read_until(notify, wanted):
    """What systemd is told, up to `wanted`."""
    told = []
    while not told or told[-1] != wanted:
        told.append(notify.recv(200))
    return told


def test_systemds_watchdog_is_fed_while_the_server_gets_on_and_while_there_is_none(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        name = "baifang-test-" + os.urandom(8).hex()
        notify.bind("\0" + name)
        notify.settimeout(60)
        with Server(tmp_path, environment={"NOTIFY_SOCKET": "@" + name, "WATCHDOG_USEC": "6000000"}) as server:
            read_until(notify, b"READY=1")
            assert {notify.recv(200) for _ in range(3)} == {b"WATCHDOG=1"}
            stopped = server.server_pid()
            os.kill(stopped, signal.SIGSTOP)
            notify.settimeout(3)  # three times as long as it takes to be fed
            with pytest.raises(TimeoutError):
                while True:
                    notify.recv(200)
            notify.settimeout(60)
            os.kill(stopped, signal.SIGKILL)
            assert notify.recv(200) == b"WATCHDOG=1", "by the supervisor, which starts another"
            read_until(notify, b"READY=1")
            assert notify.recv(200) == b"WATCHDOG=1"


class Held(Server):
    """Started by somebody who keeps its listening socket, as systemd does (sd_listen_fds(3))."""

    def __init__(self, directory, listening):
        super().__init__(directory, {"http": {"listen": "127.0.0.1:1"}})  # where nobody may listen
        self.listening = listening

    def popen(self, *words, **options):
        fd = self.listening.fileno()
        script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@" 3<&{fd}'
        return subprocess.Popen(["bash", "-c", script, *words], pass_fds=(fd,), **options)


def test_nobody_is_refused_over_restarts_while_somebody_holds_the_socket(tmp_path):
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    address, over, outcomes = listening.getsockname(), threading.Event(), collections.Counter()

    def knock():
        while not over.wait(0.01):  # no more than the queue of the socket holds
            try:
                socket.create_connection(address, timeout=60).close()
                outcomes["taken"] += 1
            except OSError as error:
                outcomes[type(error).__name__] += 1
    with Held(tmp_path, listening) as server:
        assert server.port == address[1]
        knocking = threading.Thread(target=knock, daemon=True)
        knocking.start()
        server.kill()  # another server, by the same supervisor
        waiting = socket.create_connection(address, timeout=60)
        assert server.stop() == 0
        waits = socket.create_connection(address, timeout=60)  # nobody is there now
        server.start()  # another supervisor
        context = ssl._create_unverified_context()
        with context.wrap_socket(waits) as spoken:
            spoken.sendall(b"GET /v1/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert spoken.recv(12) == b"HTTP/1.1 401", "who came meanwhile is served"
        assert serves(server)
        over.set()
        knocking.join(60)
        waiting.close()
    assert set(outcomes) == {"taken"}, outcomes
    listening.close()


def test_something_else_than_a_listening_socket_is_refused(tmp_path):
    server = Server(tmp_path)
    script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "{BAIFANG}" serve --config "{server.config_path}" 3</dev/null'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78 and "one listening stream socket" in done.stderr


def test_a_push_key_that_was_lost_is_told_when_phones_had_subscribed_under_it(tmp_path):
    key = tmp_path / "data" / "vapid.key"
    with Server(tmp_path) as server:
        rep = server.company().sign_in("wang")
        server.stop()
        key.unlink()
        server.start()
        subscription = {"endpoint": "https://push.example/abc", "auth": "BTBZMqHH6r4Tts7J_aSIgg",
                        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}
        device = {"id": rep.device, "name": "手机", "platform": "web", "subscription": subscription}
        assert rep.reconnect().post("/v1/devices", json=device).status_code == 201
        server.stop()
        server.start()
        assert server.count("push.key_made_anew") == 0, "nobody had subscribed under the first, and the second is there"
        server.stop()
        key.unlink()
        server.start()
        assert server.wait_event("push.key_made_anew")["path"] == str(key)


def test_a_second_server_on_the_same_directory_is_refused(fresh):
    done = subprocess.run([BAIFANG, "serve", "--config", fresh.config_path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "start_failed" in done.stderr
    assert serves(fresh)


def test_a_second_server_on_the_same_port_is_refused(fresh, tmp_path):
    other = Server(tmp_path / "other", {"http": {"listen": f"127.0.0.1:{fresh.port}"}})
    done = subprocess.run([BAIFANG, "serve", "--config", other.config_path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert serves(fresh)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_stranger_on_the_box_may_not_administrate(fresh):
    for path in (fresh.directory, fresh.data):
        os.chmod(path, 0o755)
    os.chmod(fresh.config_path, 0o644)
    os.chmod(os.path.join(fresh.data, "admin.sock"), 0o777)
    code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect('admin.sock'); "
            "s.sendall(b'{\"words\":[\"user\",\"list\",\"x\"],\"input\":\"\"}\\n'); print(s.recv(4096).decode())")
    done = subprocess.run(["/usr/bin/python3", "-c", code], cwd=fresh.data, user=65534, group=65534, extra_groups=[], capture_output=True, text=True,
                          timeout=60, check=False)
    assert "may not administrate" in done.stdout, done.stderr


def ask(server, *words):
    """The answer to a command, without a process of its own."""
    with socket.socket(socket.AF_UNIX) as s:
        where = os.open(server.data, os.O_PATH)
        s.connect(f"/proc/self/fd/{where}/admin.sock")
        os.close(where)
        s.sendall(json.dumps({"words": words, "input": ""}).encode() + b"\n")
        return json.loads(s.makefile().readline())


@pytest.mark.parametrize("sent", [b"", b"\n", b"{}\n", b"[1]\n", b'{"words":"x"}\n', b'{"words":["a"' + b',"a"' * 100 + b"]}\n", b"x" * 70000, b"\xff\n",
                                  b'{"words":[1,null]}\n'])
def test_the_administration_socket_bears_nonsense(fresh, sent):
    with socket.socket(socket.AF_UNIX) as s:
        where = os.getcwd()
        os.chdir(fresh.data)
        s.connect("admin.sock")
        os.chdir(where)
        s.settimeout(60)
        try:
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            s.recv(65536)
        except OSError:
            pass
    assert serves(fresh)


def test_a_list_of_administration_is_whole_however_long(fresh):
    company = fresh.company()
    for number in range(220):
        assert ask(fresh, "team", "add", company.code, f"组{number}")["status"] == "ok"
    listed = fresh.admin("team", "list", company.code)
    assert [f"组{number}" in listed for number in (0, 219)] == [True, True] and len(listed.splitlines()) == 221


def test_the_clock_of_a_running_server_can_be_moved(fresh):
    fresh.shift_clock(-30 * DAY_MS)
    company = fresh.company()
    person = company.sign_in("wang")
    assert person.tokens["access_expires_at"] < rfc3339(int(time.time() * 1000) - 29 * DAY_MS)


def test_check_finds_a_due_time_that_was_lost_and_makes_it_anew(fresh):
    company = fresh.company()
    rep = company.sign_in("wang")
    due = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).strftime("%Y-%m-%dT04:00")  # noon there
    reminder = rep.post("/v1/reminders", json={"id": uuid7(), "text": "回访", "due": due, "tz": "UTC"}).json()
    until(lambda: stored_jobs(fresh, "reminder"), "the reminder's job")
    fresh.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(fresh.data, "store", "store.db"), isolation_level=None)) as db:
        db.execute("DELETE FROM d_jobs")
    status, out, _ = fresh.run("check", check=False)
    assert status == 1 and f"the job reminder is missing: reminders {reminder['id']}" in out
    fresh.run("check", "--mend")
    assert " 0 faults" in fresh.run("check")[1]
    fresh.start()
    rep.reconnect()
    fresh.shift_clock(3 * DAY_MS)
    rep.refresh()
    until(lambda: rep.get("/v1/reminders/" + reminder["id"]).json().get("state") == "sent", "the reminder")


def stored_jobs(server, kind):
    with contextlib.closing(sqlite3.connect(f"file:{os.path.join(server.data, 'store', 'store.db')}?mode=ro", uri=True)) as db:
        return [d for (d,) in db.execute("SELECT d FROM d_jobs") if kind.encode() in d]


def test_backup_while_serving_restores_elsewhere_and_needs_the_exported_key(fresh, tmp_path):
    company = fresh.company()
    backup = tmp_path / "backup"
    status, _, err = fresh.run("backup", str(backup), check=False)
    assert status == 1 and err
    fresh.admin("key", "export", str(tmp_path / "exported.key"))
    subprocess.run([BAIFANG, "backup", "--config", fresh.config_path, str(backup)], check=True, capture_output=True, timeout=600)
    other = Server(tmp_path / "other", {"store": {"master_key_file": os.path.join(fresh.data, "master.key")}})
    other.run("restore", str(backup))
    with other:
        assert "王伟" in other.admin("user", "list", company.code)
        assert " 0 faults" in other.run("check")[1]
    assert " 0 faults" in other.run("check")[1]
