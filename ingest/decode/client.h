/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's side of baifang-decode. A call hands a descriptor to the zygote, waits until the child that did the work is gone, seals
 * the output so that nobody can change it any more, and only then reads it and judges every number and every byte's structure in it.
 *
 * Two kinds of ending. BF_OK: there is a verdict, `ret->reason`, which is BF_DECODE_OK or why the file is refused; the same bytes get the
 * same verdict again, so it can be stored. Anything else: there is none, ask again later:
 *   BF_E_UNAVAILABLE  the zygote is gone (until bf_decode_client_replace), does not answer, has no process left, or cannot confine one; no
 *                     turn came
 *   BF_E_IO, BF_E_NO_SPACE   no memory file could be made
 * and where the input may be to blame, so that a caller counts how often it happens:
 *   BF_E_DEADLINE     the child was at it for `work_ms` and was stopped
 *   BF_E_CORRUPT      the child's answer did not stand the examination: the input took it over, or the decoder has a fault
 *   BF_E_INTERNAL     the child was killed, or ended without an answer: by the kernel when memory is short, by somebody, or by the input
 * Thread-safe: any number of threads may call; at most `concurrent_max` jobs run, the others wait for their turn, ten minutes at most.
 */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include "ingest/decode/wire.h"
#include <stdbool.h>

struct bf_env;
struct bf_decode_client;

/* Takes ownership of `socket_fd`, the service's end of the zygote's SOCK_SEQPACKET socket; -1: there is none yet. Photos and recordings
 * go to one zygote (`--zygote`), transcripts to another (`--zygote-stt`): one client each. `env` must outlive the client. */
struct bf_decode_client *bf_decode_client_create(const struct bf_env *env, int socket_fd, unsigned concurrent_max);
/* No call may be in flight. Closes the socket, upon which the zygote ends. */
void bf_decode_client_destroy(struct bf_decode_client **client);
/* The supervisor started another zygote: closes the old socket. Calls in flight on the old one end by themselves. */
void bf_decode_client_replace(struct bf_decode_client *client, int socket_fd);

/* What every verdict holds. The mapping is read-only and sealed; the slices in the results below point into it. */
struct bf_decoded {
    enum bf_decode_reason reason;
    enum bf_media_type found; /* what the content is */
    char detail[BF_DECODE_DETAIL_MAX];
    uint64_t cpu_us; /* of the child */
    uint32_t rss_kb; /* its peak */
    int output_fd;   /* -1 when refused */
    void *map;
    size_t map_bytes;
};

struct bf_photo_result {
    struct bf_decoded d;
    struct bf_decode_photo photo;
    struct bf_str preview, thumb; /* WebP: one VP8 chunk, no metadata */
};

struct bf_voice_result {
    struct bf_decoded d;
    struct bf_decode_sound sound;
    struct bf_str audio; /* Ogg/Opus, mono, 24 kb/s; or WAV, 16 kHz, mono, s16 */
    struct bf_str peaks; /* audiowaveform .dat version 2, 8 bits, 100 a second; empty for WAV */
};

struct bf_text_result {
    struct bf_decoded d;
    struct bf_decode_sound sound;
    struct bf_str text; /* printable ASCII, words separated by one space; empty: nothing was understood */
};

/* Each: `input_fd` stays the caller's and is read by pread from 0 to its size. The work may take `work_ms` of real time once its turn has
 * come; its processor time has limits of its own, and they are verdicts. After BF_OK the result must be given to bf_decoded_finish. */
enum bf_status bf_decode_photo(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                               struct bf_photo_result *ret, struct bf_error *e);
enum bf_status bf_decode_voice(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                               struct bf_voice_result *ret, struct bf_error *e);
/* Input: any recording that bf_decode_voice takes, in practice its own Opus. */
enum bf_status bf_decode_wav(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                             struct bf_voice_result *ret, struct bf_error *e);
/* On a client whose zygote is `--zygote-stt`. English. Takes about half a second of one core per second of speech. */
enum bf_status bf_decode_transcribe(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                                    struct bf_text_result *ret, struct bf_error *e);

void bf_decoded_finish(struct bf_decoded *d); /* unmaps and closes; a zeroed one with output_fd -1 is fine */

const char *bf_decode_reason_code(enum bf_decode_reason reason); /* stable, snake_case */
const char *bf_media_type_name(enum bf_media_type type);         /* "image/jpeg" */
enum bf_media_type bf_media_type_of(struct bf_str name);         /* of that name (crm/media_type.h knows the others); NONE: unknown */
