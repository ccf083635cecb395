/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/stt/stt.h"
#include "core/arena.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct bf_stt {
    const struct bf_stt_provider *provider;
    void *impl;
};

static const struct bf_stt_provider *const providers[] = {&bf_stt_pocketsphinx, &bf_stt_openai};

const struct bf_config_row bf_stt_rows[] = {
    {"stt", "provider", BF_CF_WORD, "pocketsphinx", 0, 0, "", "pocketsphinx|openai",
     "Who turns recordings into text: the embedded English recogniser, or a server that speaks the OpenAI transcription API"},
    {"stt", "url", BF_CF_STR, "https://api.openai.com/v1", 0, 1000, "", NULL, "openai: the API's base URL"},
    {"stt", "path", BF_CF_STR, "/audio/transcriptions", 0, 200, "", NULL, "openai: what is added to it (whisper.cpp: /inference)"},
    {"stt", "model", BF_CF_STR, "whisper-1", 0, 100, "", NULL, "openai: the model's name"},
    {"stt", "key", BF_CF_SECRET, NULL, 0, 1000, "", NULL, "openai: the API key; none is sent when it is not set"},
    {"stt", "container", BF_CF_WORD, "ogg", 0, 0, "", "ogg|wav", "openai: how the recording is sent: Ogg/Opus, or WAV of 16 kHz"},
    {"stt", "language", BF_CF_STR, "", 0, 20, "", NULL, "openai: ISO 639-1 code of what is spoken; empty: the provider finds out"},
    {"stt", "prompt", BF_CF_STR, "", 0, 400, "", NULL, "openai: words put before the visit's own names in the prompt"},
    {"stt", "bytes_max", BF_CF_INT, "26214400", 1000, 1000000000, "bytes", NULL, "openai: the largest recording it takes"},
    {"stt", "seconds_per_minute", BF_CF_INT, "120", 10, 240, "s", NULL,
     "openai: how long a minute of speech may take; a request gets a minute and so much, up to try_ms"},
    {"stt", "try_ms", BF_CF_INT, "600000", 1000, 7200000, "ms", NULL, "openai: how long one request may take at most"},
};
const unsigned bf_stt_n_rows = sizeof bf_stt_rows / sizeof bf_stt_rows[0];

/* The configuration's table lets no other name pass. */
static const struct bf_stt_provider *find_provider(const struct bf_config *config)
{
    struct bf_str name = bf_config_str(config, "stt", "provider");
    for (unsigned i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (bf_str_eqz(name, providers[i]->name))
            return providers[i];
    abort();
}

enum bf_status bf_stt_check(const struct bf_config *config, struct bf_error *e)
{
    const struct bf_stt_provider *provider = find_provider(config);
    return provider->check == NULL ? BF_OK : provider->check(config, e);
}

enum bf_status bf_stt_open_with(const struct bf_stt_provider *provider, const struct bf_stt_ctx *ctx, struct bf_stt **ret,
                                struct bf_error *e)
{
    void *impl = NULL;
    enum bf_status status = provider->open(ctx, &impl, e);
    if (status != BF_OK)
        return status;
    struct bf_stt *stt = malloc(sizeof *stt);
    if (stt == NULL)
        abort();
    *stt = (struct bf_stt){provider, impl};
    *ret = stt;
    return BF_OK;
}

enum bf_status bf_stt_open(const struct bf_stt_ctx *ctx, struct bf_stt **ret, struct bf_error *e)
{
    enum bf_status status = bf_stt_check(ctx->config, e);
    return status == BF_OK ? bf_stt_open_with(find_provider(ctx->config), ctx, ret, e) : status;
}

void bf_stt_close(struct bf_stt **stt)
{
    if (stt == NULL || *stt == NULL)
        return;
    (*stt)->provider->close((*stt)->impl);
    free(*stt);
    *stt = NULL;
}

void bf_stt_transcribe(struct bf_stt *stt, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret)
{
    *ret = (struct bf_stt_result){.outcome = BF_STT_FAULT};
    stt->provider->transcribe(stt->impl, request, arena, ret);
}

const char *bf_stt_provider_name(const struct bf_stt *stt) { return stt->provider->name; }

const char *bf_stt_outcome_code(enum bf_stt_outcome outcome)
{
    static const char *const codes[] = {"text", "away", "fault", "refused", "rejected", "died"};
    assert(outcome <= BF_STT_DIED);
    return codes[outcome];
}

void bf_stt_end(struct bf_stt_result *ret, enum bf_stt_outcome outcome, const char *fmt, ...)
{
    va_list args;
    ret->outcome = outcome;
    ret->text = (struct bf_str){NULL, 0};
    va_start(args, fmt);
    vsnprintf(ret->detail, sizeof ret->detail, fmt, args);
    va_end(args);
}

static bool is_space(char c) { return (unsigned char)c <= ' ' || c == 0x7f; }

void bf_stt_give_text(struct bf_stt_result *ret, struct bf_arena *arena, struct bf_str text)
{
    while (text.n > 0 && is_space(text.p[0]))
        text = bf_str(text.p + 1, text.n - 1);
    while (text.n > 0 && is_space(text.p[text.n - 1]))
        text.n--;
    if (text.n > BF_STT_TEXT_BYTES_MAX) {
        bf_stt_end(ret, BF_STT_FAULT, "a text of %zu bytes", text.n);
        return;
    }
    char *copy = bf_arena_dup(arena, text.n > 0 ? text.p : "", text.n);
    for (size_t i = 0; i < text.n; i++)
        if (is_space(copy[i]) && copy[i] != '\n')
            copy[i] = ' ';
    ret->outcome = BF_STT_TEXT;
    ret->text = bf_str(copy, text.n);
    ret->detail[0] = '\0';
}
