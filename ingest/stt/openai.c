/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any server that speaks the OpenAI transcription API: POST multipart/form-data to URL + path, {"text": ...} back.
 *
 * The file's name decides about its format with most servers, not its type: the same bytes pass as .ogg and fail as .opus. Answers are
 * asked for as `json`, the one form that all of them and all models have. What fails fast is tried three times within the time that one
 * request may take, as the vendor's own clients do (0.5 s doubling to 8 s, Retry-After obeyed up to that); a longer wait, a request that
 * takes too long, and when to ask again after that, are the pipeline's.
 */
#include "core/arena.h"
#include "core/http_client.h"
#include "ingest/decode/client.h"
#include "ingest/stt/openai_answer.h"
#include "ingest/stt/stt.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { URL_BYTES_MAX = 1200, PARTS_MAX = 5, TRIES_MAX = 3, CONNECT_MS = 10000, PAUSE_MS_MAX = 8000, ANSWER_BYTES_MAX = 1 << 20 };

struct openai {
    struct bf_stt_ctx ctx;
    char url[URL_BYTES_MAX + 1];
    char *bearer; /* "Bearer KEY"; NULL: none is sent */
    struct bf_str key;
    bool as_wav;
    size_t bytes_max;
    unsigned try_ms_max, minute_s; /* minute_s: for a minute of speech */
};

/* A recording in the container that the provider takes. */
struct audio {
    struct bf_str bytes;
    char *own;
    struct bf_voice_result decoded;
    const char *file_name, *type;
};

static struct bf_str setting(const struct openai *o, const char *key) { return bf_config_str(o->ctx.config, "stt", key); }

/* ---- open and close ---- */

static void close_openai(void *impl)
{
    struct openai *o = impl;
    if (o->bearer != NULL)
        explicit_bzero(o->bearer, strlen(o->bearer));
    free(o->bearer);
    free(o);
}

static void set_key(struct openai *o)
{
    static const char scheme[] = "Bearer ";
    struct bf_str key = setting(o, "key");
    if (key.n == 0)
        return;
    o->bearer = calloc(1, sizeof scheme + key.n);
    if (o->bearer == NULL)
        abort();
    memcpy(o->bearer, scheme, sizeof scheme - 1);
    memcpy(o->bearer + sizeof scheme - 1, key.p, key.n);
    o->key = bf_str(o->bearer + sizeof scheme - 1, key.n);
}

static void make_url(const struct bf_config *config, char out[URL_BYTES_MAX + 1])
{
    struct bf_str base = bf_config_str(config, "stt", "url"), path = bf_config_str(config, "stt", "path");
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    snprintf(out, URL_BYTES_MAX + 1, "%.*s%.*s", BF_FMT(base), BF_FMT(path));
}

static enum bf_status check_openai(const struct bf_config *config, struct bf_error *e)
{
    char url[URL_BYTES_MAX + 1];
    make_url(config, url);
    if (bf_client_check_url(NULL, url, BF_URL_CONFIG, NULL) == BF_OK)
        return BF_OK;
    return bf_fail(e, BF_E_CONFIG, "stt.url and stt.path make no http or https URL");
}

static enum bf_status open_openai(const struct bf_stt_ctx *ctx, void **ret, struct bf_error *e)
{
    struct openai *o = calloc(1, sizeof *o);
    if (o == NULL)
        abort();
    o->ctx = *ctx;
    (void)e;
    make_url(ctx->config, o->url);
    o->as_wav = bf_str_eqz(setting(o, "container"), "wav");
    o->bytes_max = (size_t)bf_config_int(ctx->config, "stt", "bytes_max");
    o->try_ms_max = (unsigned)bf_config_int(ctx->config, "stt", "try_ms");
    o->minute_s = (unsigned)bf_config_int(ctx->config, "stt", "seconds_per_minute");
    set_key(o);
    *ret = o;
    return BF_OK;
}

/* ---- the recording ---- */

static bool read_whole(int fd, size_t max, struct audio *audio, struct bf_stt_result *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < 0) {
        bf_stt_end(ret, BF_STT_FAULT, "the recording cannot be read (errno %d)", errno);
        return false;
    }
    size_t n = (size_t)st.st_size, got = 0;
    if (n > max) {
        bf_stt_end(ret, BF_STT_REJECTED, "%zu bytes are more than the provider takes", n);
        return false;
    }
    audio->own = malloc(n + 1);
    if (audio->own == NULL)
        abort();
    while (got < n) {
        ssize_t r = pread(fd, audio->own + got, n - got, (off_t)got);
        if (r > 0) {
            got += (size_t)r;
        } else if (r == 0 || errno != EINTR) {
            bf_stt_end(ret, BF_STT_FAULT, "the recording cannot be read to its end");
            return false;
        }
    }
    audio->bytes = bf_str(audio->own, n);
    return true;
}

static bool make_wav(const struct openai *o, const struct bf_stt_request *request, struct audio *audio, struct bf_stt_result *ret)
{
    struct bf_error e = {0};
    enum bf_status status = bf_decode_wav(o->ctx.decoder, request->audio_fd, request->type, request->within_ms, &audio->decoded, &e);
    if (status != BF_OK) {
        audio->decoded = (struct bf_voice_result){.d.output_fd = -1};
        bool away = status == BF_E_UNAVAILABLE || status == BF_E_IO || status == BF_E_NO_SPACE;
        bf_stt_end(ret, away ? BF_STT_AWAY : status == BF_E_INTERNAL ? BF_STT_DIED : BF_STT_FAULT, "%s", e.cause);
        return false;
    }
    if (audio->decoded.d.reason != BF_DECODE_OK) {
        bf_stt_end(ret, BF_STT_REJECTED, "%s: %s", bf_decode_reason_code(audio->decoded.d.reason), audio->decoded.d.detail);
        return false;
    }
    audio->bytes = audio->decoded.audio;
    if (audio->bytes.n > o->bytes_max) {
        bf_stt_end(ret, BF_STT_REJECTED, "%zu bytes as WAV are more than the provider takes", audio->bytes.n);
        return false;
    }
    return true;
}

static bool make_audio(const struct openai *o, const struct bf_stt_request *request, struct audio *audio, struct bf_stt_result *ret)
{
    *audio = (struct audio){
        .decoded.d.output_fd = -1, .file_name = o->as_wav ? "voice.wav" : "voice.ogg", .type = o->as_wav ? "audio/wav" : "audio/ogg"};
    if (o->as_wav)
        return make_wav(o, request, audio, ret);
    if (request->type != BF_MEDIA_OGG) {
        bf_stt_end(ret, BF_STT_FAULT, "the recording is %s, and audio/ogg is to be sent", bf_media_type_name(request->type));
        return false;
    }
    return read_whole(request->audio_fd, o->bytes_max, audio, ret);
}

static void free_audio(struct audio *audio)
{
    free(audio->own);
    bf_decoded_finish(&audio->decoded.d);
}

/* ---- the call ---- */

/* When the provider wants to be asked again; 0: it does not say. */
static int64_t wait_of(const struct bf_fetch *call)
{
    int64_t requests_ms = bf_openai_duration_ms(bf_fetch_header(call, "x-ratelimit-reset-requests"));
    if (call->retry_after_ms >= 0)
        return call->retry_after_ms;
    return call->status == BF_OK && call->http_status == 429 && requests_ms > 0 ? requests_ms : 0;
}

static enum bf_fetch_verdict judge(const struct bf_fetch *call)
{
    if (bf_openai_is_used_up(call->http_status, call->answer) || wait_of(call) > PAUSE_MS_MAX ||
        bf_str_eqz(bf_fetch_header(call, "x-should-retry"), "false"))
        return BF_FETCH_FINE;
    return call->http_status == 409 ? BF_FETCH_RETRY : bf_fetch_judge(call);
}

/* The configured words and the visit's own, cut between characters: recognisers read the last 224 tokens only. */
static struct bf_str make_prompt(const struct openai *o, const struct bf_stt_request *request, struct bf_arena *arena)
{
    struct bf_str base = setting(o, "prompt"), own = request->prompt;
    const char *gap = base.n > 0 && own.n > 0 ? " " : "";
    struct bf_str all = bf_strz(bf_arena_printf(arena, "%.*s%s%.*s", BF_FMT(base), gap, (int)own.n, own.n > 0 ? own.p : ""));
    if (all.n > BF_STT_PROMPT_BYTES_MAX)
        for (all.n = BF_STT_PROMPT_BYTES_MAX; all.n > 0 && ((unsigned char)all.p[all.n] & 0xc0) == 0x80;)
            all.n--;
    return all;
}

static unsigned make_parts(const struct openai *o, const struct audio *audio, struct bf_str prompt, struct bf_fetch_part parts[PARTS_MAX])
{
    unsigned n = 0;
    parts[n++] = (struct bf_fetch_part){.name = "model", .data = setting(o, "model")};
    parts[n++] = (struct bf_fetch_part){.name = "response_format", .data = BF_STR("json")};
    if (setting(o, "language").n > 0)
        parts[n++] = (struct bf_fetch_part){.name = "language", .data = setting(o, "language")};
    if (prompt.n > 0)
        parts[n++] = (struct bf_fetch_part){.name = "prompt", .data = prompt};
    parts[n++] = (struct bf_fetch_part){.name = "file", .file_name = audio->file_name, .type = audio->type, .data = audio->bytes};
    return n;
}

static void read_outcome(const struct openai *o, const struct bf_fetch *call, struct bf_arena *arena, struct bf_stt_result *ret)
{
    ret->reached = call->maybe_arrived;
    switch (call->status) {
    case BF_OK:
        bf_openai_read(call->http_status, call->answer, o->key, arena, ret);
        break;
    case BF_E_TOO_LARGE:
        bf_stt_end(ret, BF_STT_FAULT, "%s", call->error.cause);
        break;
    case BF_E_FORBIDDEN:
    case BF_E_UNPROCESSABLE:
        bf_stt_end(ret, BF_STT_REFUSED, "%s", call->error.cause);
        break;
    default:
        bf_stt_end(ret, BF_STT_AWAY, "%s: %s", bf_status_code(call->status), call->error.cause);
        break;
    }
    if (ret->outcome == BF_STT_AWAY)
        ret->wait_ms = wait_of(call);
}

static void send_audio(struct openai *o, const struct bf_stt_request *request, const struct audio *audio, struct bf_arena *arena,
                       struct bf_stt_result *ret)
{
    struct bf_fetch call;
    struct bf_fetch_part parts[PARTS_MAX];
    unsigned try_ms = bf_openai_try_ms(request->duration_ms, o->minute_s, o->try_ms_max);
    const struct bf_fetch_header key = {"authorization", bf_strz(o->bearer)};
    bf_fetch_init(&call);
    call.url = o->url;
    call.from = BF_URL_CONFIG;
    call.headers = &key;
    call.n_headers = o->bearer != NULL ? 1 : 0;
    call.parts = parts;
    call.n_parts = make_parts(o, audio, make_prompt(o, request, arena), parts);
    call.connect_ms_max = CONNECT_MS;
    call.try_ms_max = call.total_ms_max = request->within_ms < try_ms ? (unsigned)request->within_ms : try_ms;
    call.answer_bytes_max = ANSWER_BYTES_MAX;
    call.tries_max = TRIES_MAX;
    call.repeatable = true; /* asked at least once: see stt.h */
    call.no_breaker = true; /* the pipeline's decides when it is asked again */
    call.judge = judge;
    bf_client_call(o->ctx.client, &call, NULL);
    read_outcome(o, &call, arena, ret);
    bf_fetch_finish(&call);
}

static void transcribe(void *impl, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret)
{
    struct openai *o = impl;
    struct audio audio;
    if (make_audio(o, request, &audio, ret))
        send_audio(o, request, &audio, arena, ret);
    free_audio(&audio);
}

const struct bf_stt_provider bf_stt_openai = {
    .name = "openai",
    .check = check_openai,
    .open = open_openai,
    .transcribe = transcribe,
    .close = close_openai,
};
