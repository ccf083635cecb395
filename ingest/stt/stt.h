/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speech to text: providers behind one table. A provider takes a stored recording and gives its text, or one of five reasons why not; what
 * follows from the reason (again, when, or not at all) is the pipeline's to decide, so that every provider is treated alike.
 *
 * Transcribing blocks, for minutes with a slow provider: it is for the threads that run jobs. Any number of them may ask at once. A
 * provider is asked at least once for a recording, not exactly once: an answer that got lost is paid for twice.
 */
#pragma once
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "ingest/decode/wire.h"

struct bf_arena;
struct bf_client;
struct bf_decode_client;
struct bf_env;

/* What a provider may use. All of it outlives the provider. */
struct bf_stt_ctx {
    const struct bf_env *env;
    const struct bf_config *config;
    struct bf_client *client;         /* to providers in the network */
    struct bf_decode_client *decoder; /* turns a recording into the container that the provider takes */
    struct bf_decode_client *speech;  /* the sandbox with the embedded recogniser */
};

struct bf_stt_request {
    int audio_fd; /* read by pread from 0 to its size; stays the caller's */
    enum bf_media_type type;
    int64_t duration_ms;  /* 0: not known */
    struct bf_str prompt; /* names and words that may occur, UTF-8; empty: none. Providers that take none ignore it */
    int64_t within_ms;    /* how long a step (conversion, request, recognition) may take */
};

enum bf_stt_outcome {
    BF_STT_TEXT,  /* `text`; empty: nothing was understood */
    BF_STT_AWAY,  /* the provider cannot be used now: not reachable, failing, throttling, its account used up. Not this recording's fault */
    BF_STT_FAULT, /* it answered, and the answer makes no sense */
    BF_STT_REFUSED,  /* it refuses us: key, model or address are wrong. Nothing helps before the configuration changes */
    BF_STT_REJECTED, /* it refuses this recording, and will again */
    BF_STT_DIED,     /* a child of ours that worked on it was killed or just ended: mostly the box's doing, where memory is short */
};

enum { BF_STT_TEXT_BYTES_MAX = 256 << 10, BF_STT_DETAIL_MAX = 240, BF_STT_PROMPT_BYTES_MAX = 800 };

struct bf_stt_result {
    enum bf_stt_outcome outcome;
    struct bf_str text;             /* UTF-8 without control characters but newline; in the arena of the call */
    char detail[BF_STT_DETAIL_MAX]; /* why there is no text: for the log and the job */
    int64_t wait_ms;                /* AWAY: when it wants to be asked again, from now on; 0: it does not say */
    bool reached;                   /* the provider may have received the recording: the attempt may have been billed */
};

struct bf_stt;

/* One kind of provider. */
struct bf_stt_provider {
    const char *name; /* as in the configuration and in stored transcripts: it never changes */
    enum bf_status (*check)(const struct bf_config *config, struct bf_error *e); /* what `open` would refuse; NULL: nothing */
    enum bf_status (*open)(const struct bf_stt_ctx *ctx, void **ret, struct bf_error *e);
    void (*transcribe)(void *impl, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret);
    void (*close)(void *impl);
};

extern const struct bf_stt_provider bf_stt_openai, bf_stt_pocketsphinx;

/* Rows of section [stt]. */
extern const struct bf_config_row bf_stt_rows[];
extern const unsigned bf_stt_n_rows;

/* BF_E_CONFIG: what of section [stt] forbids a start. */
enum bf_status bf_stt_check(const struct bf_config *config, struct bf_error *e);
/* Opens the provider that the configuration names. */
enum bf_status bf_stt_open(const struct bf_stt_ctx *ctx, struct bf_stt **ret, struct bf_error *e);
/* The same with this one. */
enum bf_status bf_stt_open_with(const struct bf_stt_provider *provider, const struct bf_stt_ctx *ctx, struct bf_stt **ret,
                                struct bf_error *e);
void bf_stt_close(struct bf_stt **stt); /* no call may be under way */
void bf_stt_transcribe(struct bf_stt *stt, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret);
const char *bf_stt_provider_name(const struct bf_stt *stt);
const char *bf_stt_outcome_code(enum bf_stt_outcome outcome); /* "text", "away", "fault", "refused", "rejected", "died" */

/* For providers: fills outcome and detail; no text. */
void bf_stt_end(struct bf_stt_result *ret, enum bf_stt_outcome outcome, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* For providers: trims `text`, turns control characters into spaces and stores it in the arena. A FAULT when it is longer than its maximum.
 */
void bf_stt_give_text(struct bf_stt_result *ret, struct bf_arena *arena, struct bf_str text);
