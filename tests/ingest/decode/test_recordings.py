# SPDX-License-Identifier: Apache-2.0
"""Recordings that must be read: durations judged by SoX and ffprobe, loudness by FFmpeg's EBU R128 filter, speech by its words."""

import re
import struct

from tool import Tool, sh

SENTENCES = [
    "the customer wants to see the new price list before the end of the month",
    "we agreed to meet again on monday morning at the factory",
    "please send two samples and a contract to the purchasing manager",
]
DURATION_SLACK_S = 0.03
LOUDNESS_SLACK = 1.0
BIT_RATE, BIT_RATE_SLACK = 24000, 0.15


def ffmpeg(*args):
    sh("ffmpeg", "-nostdin", "-y", "-loglevel", "error", *args)


def probe(path):
    return float(sh("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path))


def decoded_s(path):
    """Seconds of sound that FFmpeg decodes out of the file, for containers that do not state them."""
    raw = path + ".raw"
    ffmpeg("-i", path, "-ac", "1", "-ar", "48000", "-f", "s16le", raw)
    with open(raw, "rb") as f:
        return len(f.read()) / 2 / 48000


def loudness(path, stereo=False):
    """Of the channels' mean: EBU R128 counts two equal channels as 3 LU louder than one."""
    words = sh("ffmpeg", "-nostdin", "-i", path, "-af", ("pan=mono|c0=0.5*c0+0.5*c1," if stereo else "") + "ebur128", "-f", "null", "-")
    return float(re.findall(r"I:\s+(-?[0-9.]+) LUFS", words)[-1])


def as_chrome(data):
    """Chrome's MediaRecorder writes Segment and Clusters of unknown size, no SeekHead, no Duration, no Cues, no Tags."""
    unknown, at = b"\x01" + b"\xff" * 7, data.index(b"\x18\x53\x80\x67") + 12
    out, clusters = data[: at - 8] + unknown, 0
    while at < len(data):
        marks = 8 - data[at].bit_length() + 1
        name, at = data[at : at + marks], at + marks
        length = 8 - data[at].bit_length() + 1
        size = int.from_bytes(data[at : at + length], "big") & (1 << 7 * length) - 1
        body = data[at + length : at + length + size]
        at += length + size
        if name == b"\x1f\x43\xb6\x75":
            out += name + unknown + body
            clusters += 1
        elif name in (b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b"):
            out += name + b"\x01" + size.to_bytes(7, "big") + body
    assert clusters > 3 and b"\x44\x89" not in out[:200]
    return out


def ogg_pages(data):
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


def true_peak(path):
    return float(
        re.search(r"max_volume: (-?[0-9.]+) dB", sh("ffmpeg", "-nostdin", "-i", path, "-af", "volumedetect", "-f", "null", "-")).group(1)
    )


def bit_rate(path, seconds):
    """Of the sound alone, without the container."""
    packets = sh("ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", path).split()
    return 8 * sum(int(size.rstrip(",")) for size in packets) / seconds


def word_errors(said, heard):
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def check_form(t, what, r, seconds):
    out = r["out"] + ".0"
    t.check(f"{what}: duration", abs(r["duration_ms"] / 1000 - seconds) <= DURATION_SLACK_S, r["duration_ms"], seconds)
    t.check(f"{what}: nothing was lost", r["damaged_ms"] == 0, r)
    stream = sh("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,channels,sample_rate", "-of", "csv=p=0", out).strip()
    t.check(f"{what}: Opus, mono", stream == "opus,48000,1", stream)
    t.check(f"{what}: duration of the derivative", abs(decoded_s(out) - seconds) <= DURATION_SLACK_S, decoded_s(out), seconds)
    rate = bit_rate(out, seconds)
    t.check(f"{what}: 24 kb/s", abs(rate - BIT_RATE) <= BIT_RATE * BIT_RATE_SLACK, rate)
    peaks = t.read(r["out"].split("/")[-1] + ".1")
    version, flags, rate, per_point, points, channels = struct.unpack("<6I", peaks[:24])
    t.check(
        f"{what}: peaks",
        (version, flags, rate, per_point, channels) == (2, 1, 16000, 160, 1)
        and abs(points - seconds * 100) <= 3
        and len(peaks) == 24 + 2 * points,
        points,
    )
    return struct.unpack(f"{2 * points}b", peaks[24:])


def main():
    with Tool() as t:
        texts = []
        for i, sentence in enumerate(SENTENCES):
            t.write(f"{i}.txt", sentence.encode())
            sh("flite", "-voice", "rms", "-f", t.path(f"{i}.txt"), "-o", t.path(f"{i}.wav"))
            texts.append(t.path(f"{i}.wav"))
        speech = t.path("speech.wav")
        sh("sox", *texts, speech)
        seconds = float(sh("soxi", "-D", speech))

        forms = [
            ("16k.wav", "audio/wav", []),
            ("8k.wav", "audio/wav", ["-ar", "8000"]),
            ("44k-stereo-24.wav", "audio/wav", ["-ar", "44100", "-ac", "2", "-c:a", "pcm_s24le"]),
            ("48k-float.wav", "audio/wav", ["-ar", "48000", "-c:a", "pcm_f32le"]),
            ("u8.wav", "audio/wav", ["-c:a", "pcm_u8"]),
            ("mono.ogg", "audio/ogg", ["-c:a", "libopus"]),
            ("stereo.ogg", "audio/ogg", ["-c:a", "libopus", "-ac", "2", "-ar", "48000"]),
            ("long-frames.ogg", "audio/ogg", ["-c:a", "libopus", "-frame_duration", "60"]),
            ("mono.m4a", "audio/mp4", ["-ar", "44100", "-c:a", "aac"]),
            ("stereo48.m4a", "audio/mp4", ["-ar", "48000", "-ac", "2", "-c:a", "aac"]),
            ("front.m4a", "audio/mp4", ["-c:a", "aac", "-movflags", "faststart"]),
            ("16k.m4a", "audio/mp4", ["-c:a", "aac", "-ar", "16000"]),
        ]
        for name, kind, options in forms:
            ffmpeg("-i", speech, *options, t.path(name))
            r = t.run("voice", kind, t.path(name))
            t.check(name, r.get("reason") == "ok", r)
            if r.get("reason") == "ok":
                check_form(t, name, r, seconds)
                value = loudness(r["out"] + ".0")
                t.check(f"{name}: normalised to -18 LUFS", abs(value + 18) <= LOUDNESS_SLACK, value)
                t.check(
                    f"{name}: measured as FFmpeg measures",
                    abs(loudness(t.path(name), "stereo" in name) - r["loudness_clufs"] / 100) <= LOUDNESS_SLACK,
                    r,
                )

        ffmpeg("-i", speech, "-c:a", "libopus", "-f", "webm", "-live", "1", "-cluster_time_limit", "1000", t.path("live.webm"))
        t.write("chrome.webm", as_chrome(t.read("live.webm")))
        r = t.run("voice", "audio/webm", t.path("chrome.webm"))
        check_form(t, "chrome.webm", r, seconds)
        ffmpeg("-i", speech, "-c:a", "libopus", t.path("sized.webm"))
        check_form(t, "sized.webm", t.run("voice", "audio/webm", t.path("sized.webm")), seconds)
        # Safari's fragments state no edit.
        ffmpeg(
            "-i",
            speech,
            "-c:a",
            "aac",
            "-movflags",
            "frag_keyframe+empty_moov+default_base_moof",
            "-frag_duration",
            "1000000",
            t.path("safari.m4a"),
        )
        r = t.run("voice", "audio/mp4", t.path("safari.m4a"))
        t.check("fragments are read to the end", r["reason"] == "ok" and 0 <= r["duration_ms"] / 1000 - seconds < 0.2, r, seconds)

        # What was lost in between stays time: a page of the Ogg file, a cluster of the WebM file; and a chain of two recordings is both.
        pages = ogg_pages(t.read("mono.ogg"))
        t.write("holed.ogg", b"".join(pages[:5] + pages[6:]))
        clusters = t.read("chrome.webm").split(b"\x1f\x43\xb6\x75")
        t.write("holed.webm", b"\x1f\x43\xb6\x75".join(clusters[:3] + clusters[4:]))
        for name, kind in (("holed.ogg", "audio/ogg"), ("holed.webm", "audio/webm")):
            r = t.run("voice", kind, t.path(name))
            t.check(
                f"{name} keeps its length", r["reason"] == "ok" and abs(r["duration_ms"] / 1000 - seconds) <= DURATION_SLACK_S, r, seconds
            )
            t.check(f"{name} says what was lost", 500 <= r["damaged_ms"] <= 1500, r)
        ffmpeg("-i", texts[0], "-c:a", "libopus", t.path("other.ogg"))
        t.write("chain.ogg", t.read("mono.ogg") + t.read("other.ogg"))
        r = t.run("voice", "audio/ogg", t.path("chain.ogg"))
        both = seconds + float(sh("soxi", "-D", texts[0]))
        t.check(
            "a chain is played to its end", r["reason"] == "ok" and abs(r["duration_ms"] / 1000 - both) <= 2 * DURATION_SLACK_S, r, both
        )

        loud = t.path("loud.wav")
        sh("sox", speech, loud, "gain", "-l", "18")
        quiet = t.path("quiet.wav")
        sh("sox", speech, quiet, "gain", "-20")
        for path, what in ((loud, "a loud recording"), (quiet, "a quiet recording")):
            r = t.run("voice", "audio/wav", path)
            t.check(f"{what} ends at -18 LUFS", abs(loudness(r["out"] + ".0") + 18) <= LOUDNESS_SLACK, loudness(r["out"] + ".0"))
            t.check(f"{what} does not clip", true_peak(r["out"] + ".0") <= 0, true_peak(r["out"] + ".0"))
        peaks = check_form(t, "a quiet recording", r, seconds)
        t.check("peaks show what is heard", max(peaks) > 40 and min(peaks) < -40, max(peaks), min(peaks))
        sh("sox", "-n", "-r", "16000", "-c", "1", t.path("silence.wav"), "trim", "0", "3")
        r = t.run("voice", "audio/wav", t.path("silence.wav"))
        t.check("silence is not raised", r["reason"] == "ok" and r["gain_cdb"] == 0, r)
        sh("sox", speech, t.path("short.wav"), "trim", "0", "0.1")
        r = t.run("voice", "audio/wav", t.path("short.wav"))
        t.check("a tenth of a second is a recording", r["reason"] == "ok" and abs(r["duration_ms"] - 100) <= 1, r)

        opus = t.path("stored.ogg")
        r = t.run("voice", "audio/mp4", t.path("mono.m4a"))
        t.write("stored.ogg", t.read(r["out"].split("/")[-1] + ".0"))
        first = t.read("stored.ogg")
        t.run("voice", "audio/mp4", t.path("mono.m4a"))
        t.check("the same recording gives the same bytes", first == t.read(r["out"].split("/")[-1] + ".0"))
        r = t.run("wav", "audio/ogg", opus)
        info = sh("soxi", r["out"] + ".0") if r["reason"] == "ok" else ""
        t.check("WAV: sox reads it", "Sample Rate    : 16000" in info and "Channels       : 1" in info and "16-bit" in info, info)
        t.check("WAV: duration", abs(probe(r["out"] + ".0") - seconds) <= DURATION_SLACK_S, r)

        said, errors = " ".join(SENTENCES).split(), 0
        r = t.run("transcribe", "audio/ogg", opus)
        heard = t.read(r["out"].split("/")[-1] + ".0").decode().split() if r["reason"] == "ok" else []
        errors = word_errors(said, heard)
        t.check("words of a voice of flite are understood", errors <= len(said) * 0.25, errors, " ".join(heard))
        print(f"word error {100 * errors / len(said):.1f} %", flush=True)
        r = t.run("transcribe", "audio/wav", t.path("silence.wav"))
        t.check("silence is not words", r["reason"] == "ok" and len(t.read(r["out"].split("/")[-1] + ".0")) < 12, r)
    t.done()


main()
