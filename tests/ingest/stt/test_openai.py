# SPDX-License-Identifier: Apache-2.0
"""The vendor's own Python client proves the tests' transcription server; then our client is run against that server, whole, stopped, half
answering and failing."""
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import openai
import pytest

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ["BF_BUILD_DIR"])
TOOL = BUILD / "tests/ingest/stt/stt_tool"
DECODE = BUILD / "ingest/decode/baifang-decode"
OGG = b"OggS" + bytes(range(256)) * 40
TEXT = "今天拜访了张经理。"


class Server:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, HERE / "server.py"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def requests(self):
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/requests", timeout=60))

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server():
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def audio(tmp_path):
    path = tmp_path / "note.ogg"
    path.write_bytes(OGG)
    return path


def ours(server, tmp_path, audio, model, times=1, prompt="", deadline_ms=60000, decode=None, key="test-key", **settings):
    """Runs our client; what it says of its transcriptions."""
    settings = {"provider": "openai", "url": server.url, "model": model, **settings}
    config = tmp_path / "baifang.ini"
    config.write_text("[stt]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()) + "[http_client]\nbreaker_failures = 4\n")
    done = subprocess.run([TOOL, config, audio, "audio/ogg", str(times), prompt, str(deadline_ms), *([decode] if decode else [])],
                          env={**os.environ, "BAIFANG_STT_KEY": key}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == times
    return results if times > 1 else results[0]


# ---- the vendor's client against the server ----


@pytest.fixture
def vendor(server):
    return openai.OpenAI(base_url=server.url, api_key="test-key", max_retries=2, timeout=30)


def test_the_vendors_client_gets_the_text(vendor, server):
    answer = vendor.audio.transcriptions.create(model="whisper-1", file=("a.ogg", OGG), prompt="张经理", language="zh")
    assert answer.text == TEXT
    last = server.requests()[-1]
    assert (last["prompt"], last["language"], last["sha256"]) == ("张经理", "zh", hashlib.sha256(OGG).hexdigest())
    verbose = vendor.audio.transcriptions.create(model="whisper-1", file=("a.ogg", OGG), response_format="verbose_json")
    assert verbose.text == TEXT and verbose.language == "english"


def test_the_vendors_client_reads_the_errors_as_the_vendors(vendor):
    with pytest.raises(openai.BadRequestError) as refused:
        vendor.audio.transcriptions.create(model="whisper-1", file=("a.opus", OGG))
    assert refused.value.param == "file"
    with pytest.raises(openai.NotFoundError) as refused:
        vendor.audio.transcriptions.create(model="nope", file=("a.ogg", OGG))
    assert refused.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        vendor.with_options(api_key="wrong").audio.transcriptions.create(model="whisper-1", file=("a.ogg", OGG))
    with pytest.raises(openai.RateLimitError) as refused:
        vendor.with_options(max_retries=0).audio.transcriptions.create(model="quota", file=("a.ogg", OGG))
    assert refused.value.code == "insufficient_quota"


def test_the_vendors_client_tries_again_where_the_server_says_so(vendor):
    assert vendor.audio.transcriptions.create(model="throttle-1~vendor", file=("a.ogg", OGG)).text == TEXT
    assert vendor.audio.transcriptions.create(model="flaky-2~vendor", file=("a.ogg", OGG)).text == TEXT
    with pytest.raises(openai.APIConnectionError):
        vendor.with_options(max_retries=0).audio.transcriptions.create(model="half", file=("a.ogg", OGG))


# ---- our client against it ----


def test_our_client_sends_the_recording_whole_and_gets_the_text(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "whisper-1", prompt="王总 上海某某公司", language="zh")
    assert got["outcome"] == "text" and got["text"] == TEXT and got["requests"] == 1
    assert server.requests()[-1] == {
        "model": "whisper-1", "response_format": "json", "language": "zh", "prompt": "王总 上海某某公司", "file_name": "voice.ogg", "type": "audio/ogg",
        "bytes": len(OGG), "sha256": hashlib.sha256(OGG).hexdigest()}


def test_a_long_prompt_is_cut_between_characters(server, tmp_path, audio):
    ours(server, tmp_path, audio, "whisper-1", prompt="拜访" * 500)
    assert server.requests()[-1]["prompt"] == ("拜访" * 500)[:800 // 3]


def test_nothing_understood_is_an_empty_text(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "empty")
    assert got["outcome"] == "text" and got["text"] == ""


def test_passing_faults_are_tried_again(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "flaky-2~ours")
    assert got["outcome"] == "text" and got["requests"] == 3
    got = ours(server, tmp_path, audio, "throttle-1~ours")
    assert got["outcome"] == "text" and got["requests"] == 2


def test_a_throttle_of_more_than_seconds_is_not_waited_for_and_says_when_to_come_back(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "throttle-900~ours")
    assert got["outcome"] == "away" and got["wait_ms"] == 900000 and got["requests"] == 1
    got = ours(server, tmp_path, audio, "throttle-30~ours")
    assert got["outcome"] == "away" and got["wait_ms"] == 30000 and got["requests"] == 1
    got = ours(server, tmp_path, audio, "reset-120~ours")
    assert got["outcome"] == "away" and got["wait_ms"] == 120000 and got["requests"] == 1


def test_a_used_up_account_is_away_without_another_try(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "quota")
    assert got["outcome"] == "away" and "insufficient_quota" in got["detail"] and got["requests"] == 1 and got["reached"]


@pytest.mark.parametrize("model, outcome", [
    ("status-400", "rejected"), ("status-413", "rejected"), ("status-415", "rejected"), ("status-422", "rejected"),
    ("status-401", "refused"), ("status-403", "refused"), ("status-404", "refused"), ("status-405", "refused"), ("nope", "refused"),
    ("status-402", "away"), ("html", "fault"), ("huge", "fault"),
    ("siliconflow", "rejected"), ("whispercpp", "rejected"), ("bare", "rejected"),
])
def test_answers_are_sorted_by_what_helps_and_are_not_repeated(server, tmp_path, audio, model, outcome):
    got = ours(server, tmp_path, audio, model)
    assert (got["outcome"], got["requests"], got["reached"]) == (outcome, 1, True), got


def test_the_words_of_all_kinds_of_servers_reach_the_log(server, tmp_path, audio):
    assert "length of prompt is too long" in ours(server, tmp_path, audio, "siliconflow")["detail"]
    assert "failed to read audio data" in ours(server, tmp_path, audio, "whispercpp")["detail"]
    assert "Invalid audio" in ours(server, tmp_path, audio, "bare")["detail"]


def test_a_key_that_the_provider_repeats_does_not_reach_the_log(server, tmp_path, audio):
    assert "test-key" not in ours(server, tmp_path, audio, "echo-key")["detail"]


def test_a_server_error_that_stays_means_away_and_only_the_pipeline_decides_when_to_ask_again(server, tmp_path, audio):
    results = ours(server, tmp_path, audio, "status-503", times=3)
    assert [r["outcome"] for r in results] == ["away"] * 3
    assert [r["requests"] for r in results] == [3, 6, 9] and all(r["reached"] for r in results)


def test_half_an_answer_is_no_text(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "half")
    assert got["outcome"] == "away" and "unknown_outcome" in got["detail"] and got["reached"] and got["text"] == ""


def test_a_stopped_server_is_left_at_the_deadline_and_asked_again_when_it_runs(tmp_path, audio):
    server = Server()
    try:
        server.process.send_signal(signal.SIGSTOP)
        got = ours(server, tmp_path, audio, "whisper-1", try_ms=1000)
        assert got["outcome"] == "away" and "deadline" in got["detail"] and got["reached"] and got["requests"] == 1
        server.process.send_signal(signal.SIGCONT)
        assert ours(server, tmp_path, audio, "whisper-1")["text"] == TEXT
    finally:
        server.stop()


def test_a_server_that_is_gone_is_away_and_nothing_was_sent(tmp_path, audio):
    server = Server()
    server.stop()
    got = ours(server, tmp_path, audio, "whisper-1", deadline_ms=5000)
    assert got["outcome"] == "away" and not got["reached"] and got["text"] == ""


def test_a_wrong_key_is_refused(server, tmp_path, audio):
    assert ours(server, tmp_path, audio, "whisper-1", key="wrong")["outcome"] == "refused"


def test_a_recording_larger_than_the_provider_takes_is_not_sent(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "whisper-1", bytes_max=5000)
    assert got["outcome"] == "rejected" and got["requests"] == 0 and not got["reached"]


# ---- through the sandbox ----


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """One sentence by flite's rms, as the Ogg/Opus that the voice pipeline stores."""
    folder = tmp_path_factory.mktemp("speech")
    subprocess.run(["flite", "-voice", "rms", "-t", "the customer will call us on monday morning", "-o", folder / "a.wav"], check=True)
    encode = ["-ac", "1", "-c:a", "libopus", "-b:a", "24k"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "a.wav", *encode, folder / "a.ogg"], check=True)
    return folder / "a.ogg"


def test_wav_is_made_in_the_sandbox_for_providers_that_want_it(server, tmp_path, speech):
    got = ours(server, tmp_path, speech, "whisper-1", decode=DECODE, container="wav")
    assert got["outcome"] == "text" and server.requests()[-1]["file_name"] == "voice.wav"
    assert server.requests()[-1]["bytes"] > 2 * 16000 * 2  # two seconds or more, 16 kHz, 16 bits


def test_the_embedded_recogniser_understands_flite(server, tmp_path, speech):
    got = ours(server, tmp_path, speech, "", decode=DECODE, provider="pocketsphinx")
    heard = re.findall(r"[a-z']+", got["text"].lower())
    said = "the customer will call us on monday morning".split()
    assert got["outcome"] == "text" and len(set(said) & set(heard)) >= 6, got


def test_the_embedded_recogniser_rejects_what_is_no_recording(server, tmp_path, audio):
    got = ours(server, tmp_path, audio, "", decode=DECODE, provider="pocketsphinx")
    assert got["outcome"] == "rejected", got
