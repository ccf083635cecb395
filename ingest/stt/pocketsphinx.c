/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded recogniser: English, in the sandbox, without network. It takes no prompt. */
#include "ingest/decode/client.h"
#include "ingest/stt/stt.h"

static enum bf_status open_sphinx(const struct bf_stt_ctx *ctx, void **ret, struct bf_error *e)
{
    if (ctx->speech == NULL)
        return bf_fail(e, BF_E_CONFIG, "stt.provider is pocketsphinx, and the sandbox for speech was not started");
    *ret = ctx->speech;
    return BF_OK;
}

static void close_sphinx(void *impl) { (void)impl; }

static void judge(const struct bf_text_result *found, struct bf_arena *arena, struct bf_stt_result *ret)
{
    if (found->d.reason == BF_DECODE_OK)
        bf_stt_give_text(ret, arena, found->text);
    else
        bf_stt_end(ret, BF_STT_REJECTED, "%s: %s", bf_decode_reason_code(found->d.reason), found->d.detail);
}

static void transcribe(void *impl, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret)
{
    struct bf_decode_client *speech = impl;
    struct bf_text_result found;
    struct bf_error e = {0};
    enum bf_status status = bf_decode_transcribe(speech, request->audio_fd, request->type, request->within_ms, &found, &e);
    switch (status) {
    case BF_OK:
        ret->reached = true;
        judge(&found, arena, ret);
        bf_decoded_finish(&found.d);
        return;
    case BF_E_UNAVAILABLE:
    case BF_E_IO:
    case BF_E_NO_SPACE:
        bf_stt_end(ret, BF_STT_AWAY, "%s", e.cause);
        return;
    case BF_E_INTERNAL:
        bf_stt_end(ret, BF_STT_DIED, "%s", e.cause);
        return;
    default: /* the deadline, or an answer that does not hold: it may be the recording's doing */
        ret->reached = true;
        bf_stt_end(ret, BF_STT_FAULT, "%s", e.cause);
        return;
    }
}

const struct bf_stt_provider bf_stt_pocketsphinx = {
    .name = "pocketsphinx",
    .open = open_sphinx,
    .transcribe = transcribe,
    .close = close_sphinx,
};
