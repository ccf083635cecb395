/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording is turned into text. Whatever the provider does, the visit stands; its transcript says what it waits for. What the rep has confirmed or
 * written meanwhile is never overwritten.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/text.h"
#include "crm/ids.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/stt/stt.h"
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALL_MS = 10 * 60 * 1000, CALL_MS_MAX = 2 * 3600 * 1000, PROMPT_MAX = 600, REFUSED_MS = 60 * 1000 };

/* What is written into the transcript. */
struct outcome {
    int64_t round;
    int state;
    struct bf_str text, provider;
};

struct work {
    struct bf_ingest *ingest;
    const struct bf_job *job;
    struct bf_arena *arena;
    struct bf_job_again *again;
    const struct bf_doc *transcript, *media;
    int64_t round;
    unsigned turn; /* of the breaker */
};

/* ---- commits ---- */

static bool write_outcome(struct bf_object *transcript, struct bf_arena *arena, void *ctx)
{
    const struct outcome *o = ctx;
    (void)arena;
    if (!bf__transcript_waits(transcript) || bf_get_enum(transcript, BF_TRANSCRIPT_STATE) == o->state ||
        bf_get_int(transcript, BF_TRANSCRIPT_ROUND) != o->round)
        return false;
    bf_set_enum(transcript, BF_TRANSCRIPT_STATE, o->state);
    bf_set_str(transcript, BF_TRANSCRIPT_PROVIDER, o->provider);
    if (o->text.p != NULL)
        bf_set_str(transcript, BF_TRANSCRIPT_TEXT, o->text);
    return true;
}

static enum bf_status commit(struct work *w, struct bf_uuid request, int state, struct bf_str text, struct bf_error *e)
{
    struct outcome outcome = {.round = w->round, .state = state, .text = text, .provider = bf_strz(bf_stt_provider_name(w->ingest->stt))};
    struct bf__change change = {
        .tenant = w->job->tenant, .media = w->media->id, .request = request, .transcript_change = write_outcome, .ctx = &outcome};
    return bf__commit(w->ingest->store, &change, w->arena, e);
}

static enum bf_status commit_end(struct work *w, int state, struct bf_str text, struct bf_error *e)
{
    return commit(w, w->job->id, state, text, e);
}

/* The visit says that the provider is away; the job goes on when it is back. It may have come back while that was written. */
static enum bf_status put_off(struct work *w, const char *why, struct bf_error *e)
{
    struct {
        struct bf_uuid job;
        int64_t fence;
    } name = {.job = w->job->id, .fence = w->job->fence};
    if (bf_get_enum(&w->transcript->object, BF_TRANSCRIPT_STATE) != BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY) {
        struct bf_uuid request = bf_uuid_from_name(&name, sizeof name);
        enum bf_status status = commit(w, request, BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY, bf_str(NULL, 0), e);
        if (status != BF_OK)
            return status;
    }
    w->again->pause_ms = bf__breaker_wait(w->ingest->breaker);
    w->again->put_off = !w->again->count; /* stt.away has said it once */
    bf_metric_add(w->ingest->env->metrics, BF_M_STT_AWAY, 1);
    return bf_fail(e, BF_E_UNAVAILABLE, "%s", why);
}

/* ---- the prompt: names that may occur ---- */

static void add_name(struct bf_buf *prompt, const struct bf_doc *doc, unsigned row)
{
    struct bf_str name = doc == NULL || doc->tombstone ? bf_str(NULL, 0) : bf_get_str(&doc->object, row);
    if (name.n == 0 || prompt->n + name.n + 2 > PROMPT_MAX)
        return;
    if (prompt->n > 0)
        bf_buf_addz(prompt, ", ");
    bf_buf_add(prompt, name.p, name.n);
}

static enum bf_status add_contacts(struct work *w, const struct bf_doc *visit, struct bf_buf *prompt, struct bf_error *e)
{
    struct bf_array met = bf_get_array(&visit->object, BF_VISIT_CONTACTS);
    struct bf_uuid *ids = bf_arena_calloc(w->arena, met.n + 1, sizeof *ids);
    struct bf_doc **contacts = bf_arena_calloc(w->arena, met.n + 1, sizeof(struct bf_doc *));
    for (unsigned i = 0; i < met.n; i++)
        ids[i] = met.items[i].uuid;
    enum bf_status status = met.n == 0 ? BF_OK : bf_store_get_many(w->ingest->store, &bf_contacts, w->job->tenant, ids, met.n, w->arena, contacts, e);
    for (unsigned i = 0; status == BF_OK && i < met.n; i++)
        add_name(prompt, contacts[i], BF_CONTACT_NAME);
    return status;
}

static enum bf_status make_prompt(struct work *w, struct bf_str *ret, struct bf_error *e)
{
    const struct bf_object *t = &w->transcript->object;
    struct bf_store *store = w->ingest->store;
    struct bf_doc *visit, *customer;
    struct bf_buf prompt;
    bf_buf_init(&prompt, PROMPT_MAX + 1);
    enum bf_status status = bf_store_get(store, &bf_customers, w->job->tenant, bf_get_uuid(t, BF_TRANSCRIPT_CUSTOMER), w->arena, &customer, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_visits, w->job->tenant, bf_get_uuid(t, BF_TRANSCRIPT_VISIT), w->arena, &visit, e);
    if (status == BF_OK) {
        add_name(&prompt, customer, BF_CUSTOMER_NAME);
        status = visit == NULL ? BF_OK : add_contacts(w, visit, &prompt, e);
    }
    *ret = bf_str_dup(w->arena, bf_buf_str(&prompt));
    bf_buf_finish(&prompt);
    return status;
}

/* ---- the job ---- */

static const uint8_t *voice_of(const struct bf_doc *media)
{
    struct bf_array variants = bf_get_array(&media->object, BF_MEDIA_VARIANTS);
    for (unsigned i = 0; i < variants.n; i++)
        if (bf_get_enum(variants.items[i].object, BF_VARIANT_NAME) == BF_VARIANT_IS_VOICE)
            return bf_get_sha256(variants.items[i].object, BF_VARIANT_SHA256);
    return NULL;
}

static void say(struct work *w, enum bf_log_level level, const char *event, const char *words)
{
    char id[BF_UUID_TEXT];
    bf_uuid_text(&w->transcript->id, id);
    bf_log(w->ingest->env, level, event, words, BF_L_STR("provider", bf_stt_provider_name(w->ingest->stt)), BF_L_STR("transcript", id), BF_L_END);
}

/* Jobs that are made due are found by the runner's next look. */
static void hasten_if_back(struct work *w)
{
    struct bf_error e = {0};
    if (!bf__breaker_answered(w->ingest->breaker, w->turn))
        return;
    say(w, BF_LOG_INFO, "stt.back", "the provider answers");
    if (bf_job_hasten(w->ingest->store, BF__JOB_TRANSCRIBE, bf_now_ms(w->ingest->env), &e) != BF_OK)
        bf_log_error(w->ingest->env, BF_LOG_WARN, "stt.hasten", &e);
}

/* The attempt counts. The last one ends the job itself, so that no job is given up whose transcript does not say so. */
static enum bf_status fault(struct work *w, const struct bf_stt_result *found, int max, struct bf_error *e)
{
    if (bf__is_verdict(w->job, found->detail, max)) {
        say(w, BF_LOG_ERROR, "stt.failed", found->detail);
        return commit_end(w, BF_TRANSCRIPT_STATE_IS_FAILED, bf_str(NULL, 0), e);
    }
    w->again->count = true;
    return bf_fail(e, BF_E_UPSTREAM, "%s", found->detail);
}

/* REFUSED is for the administrator to mend; until then the provider is as good as away. One that answers the others and fails, or takes too long, over
 * this one again and again would hold up all of them for it: that counts. */
static enum bf_status away(struct work *w, const struct bf_stt_result *found, struct bf_error *e)
{
    bool refused = found->outcome == BF_STT_REFUSED;
    if (w->ingest->is_draining) {
        bf__breaker_leave(w->ingest->breaker, w->turn);
        w->again->pause_ms = 0;
        return bf_fail(e, BF_E_CANCELLED, "the server is stopping");
    }
    say(w, refused ? BF_LOG_ERROR : BF_LOG_WARN, refused ? "stt.refused" : "stt.away", found->detail);
    w->again->count = bf__breaker_away(w->ingest->breaker, w->turn, refused ? REFUSED_MS : found->wait_ms) && found->reached && !refused;
    if (w->again->count && bf__is_verdict(w->job, found->detail, BF__FAILURES_MAX))
        return fault(w, found, BF__FAILURES_MAX, e);
    return put_off(w, found->detail, e);
}

/* As much as the record may hold, with a mark where it was cut. */
static struct bf_str fit(struct bf_arena *arena, struct bf_str text)
{
    size_t n = 0, characters = 0;
    if (bf_text_length(text) <= BF_TRANSCRIPT_TEXT_MAX)
        return text;
    while (characters < BF_TRANSCRIPT_TEXT_MAX)
        if (((unsigned char)text.p[n++] & 0xc0) != 0x80)
            characters++; /* n is behind its first byte: the character itself goes for the mark */
    return bf_strz(bf_arena_printf(arena, "%.*s…", (int)(n - 1), text.p));
}

/* What was found out here, before anything was sent, says nothing about the provider. */
static enum bf_status take_answer(struct work *w, const struct bf_stt_result *found, struct bf_error *e)
{
    if (found->outcome == BF_STT_AWAY || found->outcome == BF_STT_REFUSED)
        return away(w, found, e);
    if (found->reached)
        hasten_if_back(w);
    else
        bf__breaker_leave(w->ingest->breaker, w->turn);
    if (found->outcome == BF_STT_FAULT || found->outcome == BF_STT_DIED)
        return fault(w, found, found->outcome == BF_STT_DIED ? BF__FAILURES_MAX : BF__FAULTS_MAX, e);
    if (found->outcome == BF_STT_REJECTED) {
        say(w, BF_LOG_WARN, "stt.rejected", found->detail);
        return commit_end(w, BF_TRANSCRIPT_STATE_IS_FAILED, bf_str(NULL, 0), e);
    }
    bf_metric_add(w->ingest->env->metrics, BF_M_STT_DONE, 1);
    if (found->text.n > 0)
        return commit_end(w, BF_TRANSCRIPT_STATE_IS_READY, fit(w->arena, found->text), e);
    say(w, BF_LOG_INFO, "stt.nothing", "nothing was understood");
    return commit_end(w, BF_TRANSCRIPT_STATE_IS_FAILED, bf_str(NULL, 0), e);
}

static int64_t time_for(int64_t duration_ms)
{
    int64_t ms = CALL_MS + 4 * duration_ms;
    return ms < CALL_MS_MAX ? ms : CALL_MS_MAX;
}

/* In its turn of the breaker. */
static enum bf_status ask(struct work *w, const uint8_t *sha256, struct bf_error *e)
{
    int64_t duration_ms = bf_get_int(&w->media->object, BF_MEDIA_DURATION_MS);
    struct bf_stt_request request = {.type = BF_MEDIA_OGG, .duration_ms = duration_ms, .within_ms = time_for(duration_ms)};
    struct bf_stt_result *found = bf_arena_calloc(w->arena, 1, sizeof *found);
    enum bf_status status = make_prompt(w, &request.prompt, e);
    if (status == BF_OK)
        status = bf__blob_file(w->ingest->store, w->job->tenant, bf_get_uuid(&w->media->object, BF_MEDIA_CUSTOMER), sha256, &request.audio_fd, e);
    if (status != BF_OK) {
        bf__breaker_leave(w->ingest->breaker, w->turn);
        return status;
    }
    bf_stt_transcribe(w->ingest->stt, &request, w->arena, found);
    close(request.audio_fd);
    return take_answer(w, found, e);
}

enum bf_status bf__run_transcribe(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct work w = {.ingest = ctx, .job = job, .arena = arena, .again = again};
    struct bf_doc *transcript, *media = NULL;
    uint64_t round = 0;
    again->count = false;
    enum bf_status status = bf_store_get(w.ingest->store, &bf_transcripts, job->tenant, job->ref, arena, &transcript, e);
    if (status == BF_OK && transcript != NULL)
        status = bf_store_get(w.ingest->store, &bf_media, job->tenant, bf_get_uuid(&transcript->object, BF_TRANSCRIPT_MEDIA), arena, &media, e);
    if (status != BF_OK)
        return status;
    bool known = bf_str_u64(job->argument, INT64_MAX, &round);
    w.round = (int64_t)round;
    w.transcript = transcript;
    w.media = media;
    const uint8_t *sha256 = media == NULL || media->tombstone ? NULL : voice_of(media);
    if (!known || sha256 == NULL || !bf__is_open_transcript(transcript) || bf_get_int(&transcript->object, BF_TRANSCRIPT_ROUND) != w.round)
        return BF_OK; /* settled, asked for again, or gone */
    if (bf__ends_the_process(job)) {
        say(&w, BF_LOG_ERROR, "stt.failed", "no run of its job came to an end");
        return commit_end(&w, BF_TRANSCRIPT_STATE_IS_FAILED, bf_str(NULL, 0), e);
    }
    if (bf__breaker_enter(w.ingest->breaker, &w.turn) > 0)
        return put_off(&w, "the provider is away", e);
    return ask(&w, sha256, e);
}
