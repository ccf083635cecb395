/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes between the service process and baifang-decode: fixed-size structs, host byte order (both ends are one build on one box).
 *
 * A job is one SOCK_SEQPACKET datagram, `struct bf_decode_request`, with three descriptors: the input (any file that pread reads), the
 * output (a memfd that the caller sized and sealed against growth and shrinking) and the write end of a pipe. When the child that did the
 * job is gone, the zygote writes one `struct bf_decode_reply` into the pipe. What the child found lies in the output: `struct
 * bf_decode_result` at 0 and the parts it names behind it. Nothing in the output may be believed before check.c has looked at it: a child
 * that decodes hostile bytes may have been taken over by them.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    BF_DECODE_MAGIC = 0x42464432, /* "BFD2": changes with any struct below */
    BF_DECODE_JOBS_MAX = 32,      /* children of one zygote at a time */
    BF_DECODE_RESULT_ROOM = 4096, /* the parts begin here */
    BF_DECODE_PARTS = 2,
    BF_DECODE_DETAIL_MAX = 96,
};

/* Limits of what is decoded (G-04), known to both ends. */
enum {
    BF_PHOTO_BYTES_MAX = 25 * 1000 * 1000,
    BF_PHOTO_PIXELS_MAX = 50 * 1000 * 1000,
    BF_PHOTO_SIDE_MAX = 65535,
    BF_PHOTO_SCANS_PIXELS = 12 * 1000 * 1000, /* above it at most BF_PHOTO_SCANS_LARGE scans */
    BF_PHOTO_SCANS_LARGE = 20,
    BF_PHOTO_SCANS_MAX = 64,
    BF_PHOTO_PREVIEW_SIDE = 1600,
    BF_PHOTO_THUMB_SIDE = 320,
    BF_PHOTO_QUALITY = 75,
    BF_PHOTO_OUTPUT_MAX = 8 << 20,
    BF_PHOTO_SHARPNESS_MAX = 4000, /* every second pixel black: no picture has more */
    BF_VOICE_BYTES_MAX = 100 * 1000 * 1000,
    BF_VOICE_MS_MAX = 60 * 60 * 1000,
    BF_VOICE_RATE = 16000,
    BF_VOICE_BITRATE = 24000,
    BF_VOICE_PEAKS_PER_S = 100,
    BF_VOICE_OPUS_MAX = 24 << 20,
    BF_VOICE_OUTPUT_MAX = 26 << 20,
    BF_VOICE_WAV_MAX = BF_DECODE_RESULT_ROOM + 44 + BF_VOICE_MS_MAX / 1000 * BF_VOICE_RATE * 2,
    BF_TEXT_MAX = 256 << 10,
    BF_TEXT_OUTPUT_MAX = BF_DECODE_RESULT_ROOM + BF_TEXT_MAX,
};

enum bf_decode_op { BF_DECODE_PHOTO = 1, BF_DECODE_VOICE, BF_DECODE_WAV, BF_DECODE_TRANSCRIBE };

/* What the uploader said the file is, and what was found. X(name, media type) */
#define BF_MEDIA_TYPE_MAP(X)                                                                                                               \
    X(JPEG, "image/jpeg")                                                                                                                  \
    X(PNG, "image/png")                                                                                                                    \
    X(WEBP, "image/webp")                                                                                                                  \
    X(HEIC, "image/heic")                                                                                                                  \
    X(OGG, "audio/ogg")                                                                                                                    \
    X(WEBM, "audio/webm")                                                                                                                  \
    X(M4A, "audio/mp4")                                                                                                                    \
    X(WAV, "audio/wav")

enum bf_media_type {
    BF_MEDIA_NONE,
#define X(name, type) BF_MEDIA_##name,
    BF_MEDIA_TYPE_MAP(X)
#undef X
        BF_MEDIA_COUNT
};

/* Why a file was refused: the file's own fault, so that the same bytes are refused again. X(name, code) */
#define BF_DECODE_REASON_MAP(X)                                                                                                            \
    X(OK, "ok")                                                                                                                            \
    X(UNREADABLE, "unreadable")                                                                                                            \
    X(TRUNCATED, "truncated")                                                                                                              \
    X(MISLABELLED, "mislabelled") /* the content is of another type than stated */                                                         \
    X(UNSUPPORTED, "unsupported")                                                                                                          \
    X(TOO_LARGE, "too_large")                                                                                                              \
    X(TOO_MANY_PIXELS, "too_many_pixels")                                                                                                  \
    X(TOO_MANY_SCANS, "too_many_scans")                                                                                                    \
    X(ANIMATED, "animated")                                                                                                                \
    X(TOO_LONG, "too_long") /* a recording, above an hour */                                                                               \
    X(NO_AUDIO, "no_audio")                                                                                                                \
    X(TIMEOUT, "timeout") /* too much processor time */                                                                                    \
    X(MEMORY, "memory")                                                                                                                    \
    X(CRASHED, "crashed")

enum bf_decode_reason {
#define X(name, code) BF_DECODE_##name,
    BF_DECODE_REASON_MAP(X)
#undef X
        BF_DECODE_REASON_COUNT
};

struct bf_decode_request {
    uint32_t magic, op;    /* enum bf_decode_op */
    uint32_t claimed;      /* enum bf_media_type */
    uint32_t wall_ms;      /* the zygote kills the child after it */
    uint64_t input_bytes;  /* of the input descriptor */
    uint64_t output_bytes; /* of the output memfd */
};

enum bf_decode_outcome {
    BF_DECODE_EXITED = 1, /* the child wrote its result and ended */
    BF_DECODE_DIED,       /* by `signal`, or without a result */
    BF_DECODE_WALL,       /* killed at wall_ms */
    BF_DECODE_BUSY,       /* BF_DECODE_JOBS_MAX children run, or no process could be made */
    BF_DECODE_UNCONFINED, /* the child could not be put behind its walls: no byte of the input was read */
};

struct bf_decode_reply {
    uint32_t magic, outcome;
    int32_t signal;
    uint32_t rss_kb; /* the child's peak resident memory */
    uint64_t cpu_us; /* user and system time of the child */
};

struct bf_decode_part {
    uint64_t offset, bytes;
};

/* What may keep a person from reading a photo. X(name); the words are crm/entities.h's. */
#define BF_PHOTO_HINT_MAP(X) X(BLURRED) X(TOO_DARK) X(TOO_BRIGHT) X(CUT_EDGE)

enum bf_photo_hint {
#define X(name) BF_PHOTO_##name,
    BF_PHOTO_HINT_MAP(X)
#undef X
        BF_PHOTO_HINTS
};

/* How legible a photo is (legible.c); shares are of its pixels, in 1/1000. */
struct bf_legibility {
    uint32_t judged;                     /* 0: too small a picture to judge; the rest is 0 */
    uint32_t has_sharpness;              /* something in it has edges */
    uint32_t sharpness;                  /* 1/1000 of the edges' Laplacian by their gradient; at most BF_PHOTO_SHARPNESS_MAX */
    uint32_t dark_share, bright_share;
    uint32_t hints;                      /* 1 << enum bf_photo_hint */
};

/* A photo: parts[0] is the preview, parts[1] the thumbnail, both WebP. */
struct bf_decode_photo {
    uint32_t width, height; /* of the original, upright */
    uint32_t orientation;   /* EXIF 1 to 8; 1 when none was stated */
    uint32_t preview_w, preview_h, thumb_w, thumb_h;
    uint32_t has_gps, has_taken, has_offset;
    int32_t lat_e7, lon_e7;   /* degrees * 10^7, WGS 84 */
    int32_t taken_offset_min; /* east of UTC */
    int64_t taken_local_s;    /* the camera's wall time, counted as if it were UTC */
    struct bf_legibility legibility;
};

/* A recording: parts[0] is Ogg/Opus (or WAV), parts[1] the peaks (none for WAV). A transcript: parts[0] is the text. */
struct bf_decode_sound {
    uint32_t duration_ms;
    uint32_t source_rate, source_channels;
    int32_t loudness_clufs; /* integrated, EBU R128, 1/100 LUFS, before normalising; INT32_MIN for silence */
    int32_t gain_cdb;       /* what was applied, 1/100 dB */
    uint32_t damaged_ms;    /* replaced by silence: packets that could not be decoded, gaps in the container */
};

struct bf_decode_result {
    uint32_t magic, op;
    uint32_t reason;                   /* enum bf_decode_reason */
    uint32_t found;                    /* enum bf_media_type */
    char detail[BF_DECODE_DETAIL_MAX]; /* English, printable ASCII, NUL-terminated; for the log */
    struct bf_decode_part parts[BF_DECODE_PARTS];
    union {
        struct bf_decode_photo photo;
        struct bf_decode_sound sound;
    } u;
};

_Static_assert(sizeof(struct bf_decode_result) <= BF_DECODE_RESULT_ROOM, "the result has its room");
