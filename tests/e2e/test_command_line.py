# SPDX-License-Identifier: Apache-2.0
"""What a person types, and what comes back when it is wrong: the mistake by name, one line, no help dump."""
import os
import re
import subprocess

import pytest

from baifang import BAIFANG, reports


def baifang(*words, **options):
    done = subprocess.run([BAIFANG, *words], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL, **options)
    assert not reports(done.stderr.splitlines()), done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "baifang.conf"
        path.write_text(text, encoding="utf-8")
        return str(path)
    return write


@pytest.mark.parametrize("words, says", [
    ([], "a verb is missing"),
    (["sreve"], "sreve is not a verb"),
    (["--confg", "x", "serve"], "--confg is not an option"),
    (["--config"], "--config needs a value"),
    (["backup"], "backup takes a directory"),
    (["restore", "a", "b"], "restore takes a directory"),
    (["move", "--from", "embedded:a"], "--to (or --to-file) is missing"),
    (["move", "--from", "embedded:a", "--form", "embedded:b"], "--form is not an option"),
    (["move", "--from=embedded:a", "--to"], "--to needs a value"),
    (["move", "--from=embedded:a", "--from-file=/x", "--to=embedded:b"], "--from stands twice"),
    (["move", "--from=embedded:/nowhere/at-all", "--to=embedded:b"], "there is no store in /nowhere/at-all"),
    (["move", "--from=embedded:a", "--to=mongo://a"], "--to: mongo: is not the address of a store"),
    (["admin"], "admin takes a command"),
    (["admin", "frobnicate"], "frobnicate is not a command; there are backup, check, key export"),
    (["admin", "user", "add", "demo"], "user add takes TENANT LOGIN NAME ROLE"),
    (["--config", "/nonexistent/baifang.conf", "serve"], "/nonexistent/baifang.conf: No such file or directory"),
])
def test_a_mistake_is_named_in_one_line(words, says, tmp_path):
    status, out, err = baifang(*words, cwd=tmp_path)
    assert status != 0 and out == ""
    assert says in err and err.startswith("baifang: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("text, says", [
    ("[http]\nlisten = 127.0.0.1:0\nlissten = x\n", "lissten"),
    ("[htpp]\nlisten = x\n", "htpp"),
    ("[workers]\nthreads = 0\n", "threads"),
    ("[workers]\nthreads = many\n", "threads"),
    ("[workers]\nthreads = 8\nthreads = 9\n", "threads"),
    ("[log]\nlevel = loud\n", "level"),
])
def test_check_config_names_file_line_and_key(text, says, config):
    path = config(text)
    status, _, err = baifang("--config", path, "--check-config")
    assert status == 78
    assert says in err and path in err and f":{len(text.splitlines())}" in err


@pytest.mark.parametrize("text, says", [
    ("[http]\nlisten = 8443\n", 'listen "8443" is not ADDRESS:PORT'),
    ("[http]\nlisten = sales.example:8443\n", "is not a numeric address"),
    ("[http]\ncert_file = {dir}/cert.pem\n", "cert_file and http.key_file must be given both"),
    ("[http]\ncert_file = {dir}/bad.pem\nkey_file = {dir}/key.pem\n", "{dir}/bad.pem"),
    ("[http]\ncert_file = {dir}/cert.pem\nkey_file = {dir}/bad.pem\n", "{dir}/bad.pem"),
    ("[http]\ncert_file = {dir}/cert.pem\nkey_file = {dir}/other.pem\n", "key values mismatch"),
    ("[store]\nuri = postgres:here\n", "postgres: is not the address of a store"),
    ("[store]\nuri = mongodb://db.example:port/crm\n", "the store's address cannot be read"),
    ("[ingest]\nlisten = 8444\n", 'listen "8444" is not ADDRESS:PORT'),
    ("[ingest]\npublic_url = http://up.example\n", "ingest.public_url"),
    ("[push]\nvapid_subject = ops@sales.example\n", "push.vapid_subject"),
    ("[stt]\nprovider = openai\nurl = ftp://stt.example\n", "stt.url"),
    ("[mail]\nserver = mail.example:25\n", "mail.server"),
    ("[mail]\nserver = smtp://mail.example:25\n", "mail.from"),
    ("[mail]\nserver = smtp://mail.example:25\nfrom = crm@firma.example\n", "push.public_url"),
    ("[push]\npublic_url = http://crm.example\n", "push.public_url"),
    ("[push]\nwecom_url = wecom.example\n", "push.wecom_url"),
])
def test_check_config_finds_what_forbids_a_start_as_the_start_does(text, says, config, tmp_path):
    for name in ("key", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x", "-keyout",
                        tmp_path / f"{name}.pem", "-out", tmp_path / "cert.pem" if name == "key" else tmp_path / "unused.pem"], check=True, capture_output=True)
    (tmp_path / "bad.pem").write_text("no key, no certificate\n", encoding="ascii")
    path = config(text.replace("{dir}", str(tmp_path)) + f"[server]\ndata = {tmp_path / 'data'}\n")
    status, _, err = baifang("--config", path, "--check-config")
    assert status == 78 and says.replace("{dir}", str(tmp_path)) in err and len(err.splitlines()) == 1, err
    assert not (tmp_path / "data").exists()
    status, _, err = baifang("serve", "--config", path)
    assert status == 78 and '"start_failed"' in err


def test_the_password_of_a_database_stands_in_a_file_of_its_own_and_in_no_line_of_ours(config, tmp_path):
    status, _, err = baifang("--config", config("[store]\nuri = mongodb://crm:geheim@db.example/crm\n"), "--check-config")
    assert status == 78 and "store.uri holds a password" in err and "geheim" not in err
    (tmp_path / "uri").write_text("mongodb://crm:geheim@127.0.0.1:1/crm?serverSelectionTimeoutMS=100\n", encoding="ascii")
    path = config(f"[server]\ndata = {tmp_path / 'data'}\n[store]\nuri_file = {tmp_path / 'uri'}\n")
    assert baifang("--config", path, "--check-config")[0] == 0
    for verb in (["serve"], ["gateway"], ["admin", "user", "list", "acme"], ["check"], ["restore", "/nowhere"]):
        status, out, err = baifang("--config", path, *verb)
        assert status == 1 and err and "geheim" not in out + err, (verb, err)


def test_a_password_on_the_command_line_is_refused_and_not_said_again(config, tmp_path):
    path, uri = config(f"[server]\ndata = {tmp_path / 'data'}\n"), "mongodb://crm:geheim@127.0.0.1:1/crm?serverSelectionTimeoutMS=100"
    status, out, err = baifang("--config", path, "move", "--from", uri, "--to", f"embedded:{tmp_path}/new")
    assert status == 64 and "--from holds a password" in err and "--from-file" in err and "geheim" not in out + err
    (tmp_path / "uri").write_text(uri + "\n", encoding="ascii")
    status, out, err = baifang("--config", path, "move", "--from-file", str(tmp_path / "uri"), "--to", f"embedded:{tmp_path}/new")
    assert status == 1 and "the source: " in err and "geheim" not in out + err, err
    assert not (tmp_path / "new").exists() and not (tmp_path / "data").exists(), "nothing is made"


@pytest.mark.parametrize("daemon", ["gateway", "ingest", "push"])
def test_a_daemon_is_refused_on_a_store_with_one_owner(daemon, config, tmp_path):
    status, _, err = baifang(daemon, "--config", config(f"[server]\ndata = {tmp_path / 'data'}\n"))
    assert status == 78 and "an embedded store has one owner" in err, err
    assert not (tmp_path / "data" / "store").exists()


def test_the_printed_sample_is_a_valid_configuration(config):
    status, sample, _ = baifang("--print-config")
    assert status == 0 and "[http]" in sample
    assert baifang("--config", config(sample), "--check-config")[0] == 0
    # With every default written out it is valid, too; a secret's file has none.
    bare = re.sub(r"^#(\w+ = \S)", r"\1", sample, flags=re.M)
    status, _, err = baifang("--config", config(bare), "--check-config")
    assert status == 0, err


def test_a_value_may_come_from_the_environment_and_is_checked_there_too(config):
    path = config("")
    assert baifang("--config", path, "--check-config", env={**os.environ, "BAIFANG_WORKERS_THREADS": "4"})[0] == 0
    status, _, err = baifang("--config", path, "--check-config", env={**os.environ, "BAIFANG_WORKERS_THREADS": "0"})
    assert status == 78 and "BAIFANG_WORKERS_THREADS" in err


def test_version_and_help_go_to_standard_output():
    assert baifang("--version")[1].startswith("baifang ")
    status, out, err = baifang("--help")
    assert status == 0 and "serve" in out and err == ""
    status, out, err = baifang("admin", "help")
    assert status == 0 and "user add" in out and "key export" in out


def test_administration_without_a_server_says_that_there_is_none(config, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    path = config(f"[server]\ndata = {data}\n")
    status, _, err = baifang("--config", path, "admin", "tenant", "add", "x1", "名")
    assert status == 1 and "no server is running" in err


@pytest.mark.parametrize("text, says", [
    ("[server]\ndata = {dir}/data\n[http]\nlisten = 203.0.113.1:1\n", "203.0.113.1:1: Cannot assign requested address"),
    ("[server]\ndata = {dir}/not/mounted\n", "{dir}/not/mounted: No such file or directory"),
    ("[server]\ndata = {dir}/data\n[store]\nuri = embedded:{dir}/not/mounted\n", "{dir}/not/mounted: No such file or directory"),
    ("[server]\ndata = {dir}/data\n[store]\nmaster_key_file = {dir}/not/mounted\n", "{dir}/not/mounted: No such file or directory"),
    ("[server]\ndata = {dir}/data\n[http]\ncert_file = {dir}/not/mounted\nkey_file = {dir}/not/mounted\n", "{dir}/not/mounted: No such file or directory"),
])
def test_a_fault_that_may_pass_ends_with_1_so_that_systemd_tries_again(text, says, config, tmp_path):
    path = config((text + "[access]\nargon2_ops = 1\nargon2_memory = 8192\n").replace("{dir}", str(tmp_path)))
    status, _, err = baifang("serve", "--config", path)
    assert status == 1 and says.replace("{dir}", str(tmp_path)) in err and err.count('"start_failed"') <= 1, err
