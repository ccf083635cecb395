/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcription jobs on the real store, step by step. The provider is the test's: it says what a real one would, whenever the test wants it
 * to. (Real ones, whole, stopped and half answering, are asked in tests/ingest/stt and tests/e2e.)
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/text.h"
#include "crm/ids.h"
#include "crm/visit.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/stt/stt.h"
#include "tests/test.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LEASE_MS = 60000, PAUSE = 1000, PAUSE_MAX = 8000, WALL_MS = 1795323600 };

/* What the provider says next, and what it was asked. */
struct provider {
    enum bf_stt_outcome outcome;
    const char *text;
    bool reached;
    int64_t wait_ms;
    unsigned asked;
    int64_t duration_ms;
    char prompt[200];
    char heard[8];
    void (*meanwhile)(void *ctx);
    void *ctx;
};

struct rig {
    struct bf_env env;
    struct bf_store *store;
    struct bf_ingest ingest;
    struct bf_arena *arena;
    struct bf_uuid tenant, rep, customer;
    struct provider provider;
    int64_t derived;
};

static void good(enum bf_status status, const struct bf_error *e)
{
    if (status != BF_OK)
        fail_msg("%s: %s", bf_status_code(status), e->cause);
}

/* ---- the provider ---- */

static struct provider *provider_of_test; /* bf_stt_provider.open has no context of the test's */

static enum bf_status open_provider(const struct bf_stt_ctx *ctx, void **ret, struct bf_error *e)
{
    (void)ctx, (void)e;
    *ret = provider_of_test;
    return BF_OK;
}

static void close_provider(void *impl) { (void)impl; }

static void transcribe(void *impl, const struct bf_stt_request *request, struct bf_arena *arena, struct bf_stt_result *ret)
{
    struct provider *p = impl;
    p->asked++;
    p->duration_ms = request->duration_ms;
    snprintf(p->prompt, sizeof p->prompt, "%.*s", BF_FMT(request->prompt));
    assert_true(pread(request->audio_fd, p->heard, sizeof p->heard - 1, 0) > 0);
    if (p->meanwhile != NULL)
        p->meanwhile(p->ctx);
    if (p->outcome == BF_STT_TEXT)
        bf_stt_give_text(ret, arena, bf_strz(p->text));
    else
        bf_stt_end(ret, p->outcome, "what the provider says");
    ret->wait_ms = p->wait_ms;
    ret->reached = p->reached;
}

static const struct bf_stt_provider test_provider = {
    .name = "test", .open = open_provider, .transcribe = transcribe, .close = close_provider};

/* ---- set up ---- */

static int open_rig(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct bf_error e = {0};
    bf_env_fake(&r->env, (int64_t)WALL_MS * 1000, 7);
    r->arena = bf_arena_create();
    r->tenant = bf_uuid_v7(&r->env);
    r->rep = bf_uuid_v7(&r->env);
    r->customer = bf_uuid_v7(&r->env);
    char *dir = bf_arena_printf(r->arena, "%s/XXXXXX", getenv("BF_TEST_DIR"));
    assert_non_null(mkdtemp(dir));
    struct bf_store_config config = {.uri = bf_strz(bf_arena_printf(r->arena, "embedded:%s/data", dir)),
                                     .master_key_file = bf_strz(bf_arena_printf(r->arena, "%s/master.key", dir)),
                                     .readers = 2,
                                     .queue_max = 64,
                                     .group_max = 16,
                                     .stage_ttl_ms = 1000000,
                                     .stage_quota_bytes = 1 << 30};
    good(bf_store_open(&r->env, &config, bf_collections, BF_COLLECTIONS, &r->store, &e), &e);
    r->provider = (struct provider){.outcome = BF_STT_TEXT, .text = "客户同意", .reached = true};
    provider_of_test = &r->provider;
    r->ingest = (struct bf_ingest){.env = &r->env,
                                   .store = r->store,
                                   .breaker = bf__breaker_create(&r->env, PAUSE, PAUSE_MAX),
                                   .jobs = bf_job_runner_create(&r->env, r->store, &(struct bf_job_work){.kind = BF__JOB_TRANSCRIBE}, 0)};
    good(bf_stt_open_with(&test_provider, &(struct bf_stt_ctx){.env = &r->env}, &r->ingest.stt, &e), &e);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;
    bf_job_runner_stop(&r->ingest.jobs);
    bf_stt_close(&r->ingest.stt);
    bf__breaker_destroy(&r->ingest.breaker);
    bf_store_close(&r->store);
    bf_arena_destroy(&r->arena);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

/* ---- what there is to transcribe ---- */

struct put {
    struct bf_doc *docs[4];
    const struct bf_collection *colls[4];
    unsigned n;
};

static enum bf_status decide_put(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct put *p = ctx;
    (void)view, (void)e;
    for (unsigned i = 0; i < p->n; i++)
        bf_decision_put(d, p->colls[i], bf_doc_copy(arena, p->docs[i]));
    bf_decision_receipt(d, 201, bf_str("", 0), bf_uuid_from_name("customer", 8));
    return BF_OK;
}

static void commit(struct rig *r, struct put *p)
{
    struct bf_read reads[4];
    struct bf_uuid request = bf_uuid_v7(&r->env);
    struct bf_receipt receipt;
    struct bf_error e = {0};
    for (unsigned i = 0; i < p->n; i++)
        reads[i] = (struct bf_read){p->colls[i], p->docs[i]->id};
    struct bf_submission submission = {
        .tenant = r->tenant, .actor = r->rep, .reads = reads, .n_reads = p->n, .decide = decide_put, .ctx = p};
    memcpy(submission.request.b, request.b, 16);
    good(bf_submit_wait(r->store, &submission, r->arena, &receipt, &e), &e);
}

static void add(struct put *p, const struct bf_collection *coll, struct bf_doc *doc)
{
    p->colls[p->n] = coll;
    p->docs[p->n++] = doc;
}

/* The recording of a visit as the media job leaves it: its Opus is the customer's, its length is known. */
static void make_ready(struct rig *r, struct bf_object *media)
{
    struct bf_error e = {0};
    uint8_t sha256[32];
    struct bf_object *variant = bf_object_create(r->arena, &bf_variant_schema);
    struct bf_value *items = bf_arena_calloc(r->arena, 1, sizeof *items);
    good(bf_blob_put(r->store, r->tenant, r->customer, BF_STR("OggS..."), sha256, &e), &e);
    bf_set_enum(variant, BF_VARIANT_NAME, BF_VARIANT_IS_VOICE);
    bf_set_sha256(variant, BF_VARIANT_SHA256, sha256);
    items[0] = (struct bf_value){.type = BF_T_OBJECT, .object = variant};
    bf_set_array(media, BF_MEDIA_VARIANTS, items, 1);
    bf_set_int(media, BF_MEDIA_DURATION_MS, 12345);
    bf_set_enum(media, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_READY);
}

/* Commits a visit with a recording; returns the transcript's id. */
static struct bf_uuid log_voice(struct rig *r)
{
    struct bf_doc *visit = bf_doc_create(r->arena, &bf_visit_schema, r->tenant, bf_uuid_v7(&r->env));
    struct bf_object *medium = bf_object_create(r->arena, &bf_visit_media_schema);
    struct bf_value *items = bf_arena_calloc(r->arena, 1, sizeof *items);
    struct bf_doc *customer = bf_doc_create(r->arena, &bf_customer_schema, r->tenant, r->customer);
    uint8_t sha256[32] = {1};
    struct put p = {.n = 0};
    bf_set_str(&customer->object, BF_CUSTOMER_NAME, BF_STR("苏州恒达机械"));
    bf_set_uuid(medium, BF_VISIT_MEDIA_ID, bf_uuid_v7(&r->env));
    bf_set_enum(medium, BF_VISIT_MEDIA_KIND, BF_MEDIA_KIND_IS_VOICE);
    bf_set_sha256(medium, BF_VISIT_MEDIA_SHA256, sha256);
    items[0] = (struct bf_value){.type = BF_T_OBJECT, .object = medium};
    bf_set_array(&visit->object, BF_VISIT_MEDIA, items, 1);
    bf_set_uuid(&visit->object, BF_VISIT_CUSTOMER, r->customer);
    bf_set_uuid(&visit->object, BF_VISIT_REP, r->rep);
    struct bf_doc *media = bf_visit_media(r->arena, visit, 0), *transcript = bf_visit_transcript(r->arena, visit, 0);
    make_ready(r, &media->object);
    add(&p, &bf_visits, visit);
    add(&p, &bf_media, media);
    add(&p, &bf_transcripts, transcript);
    if (r->derived == 0)
        add(&p, &bf_customers, customer);
    commit(r, &p);
    return transcript->id;
}

static const struct bf_doc *transcript_of(struct rig *r, struct bf_uuid id)
{
    struct bf_doc *doc;
    struct bf_error e = {0};
    good(bf_store_get(r->store, &bf_transcripts, r->tenant, id, r->arena, &doc, &e), &e);
    assert_non_null(doc);
    return doc;
}

static int state_of(struct rig *r, struct bf_uuid id) { return bf_get_enum(&transcript_of(r, id)->object, BF_TRANSCRIPT_STATE); }

static void change(struct rig *r, struct bf_uuid id, int state, int64_t round)
{
    struct bf_doc *copy = bf_doc_copy(r->arena, transcript_of(r, id));
    struct put p = {.n = 0};
    bf_set_enum(&copy->object, BF_TRANSCRIPT_STATE, state);
    bf_set_int(&copy->object, BF_TRANSCRIPT_ROUND, round);
    add(&p, &bf_transcripts, copy);
    commit(r, &p);
}

/* ---- what the pipeline does, step by step ---- */

static void derive(struct rig *r)
{
    struct bf_log_entry *entries;
    struct bf_error e = {0};
    unsigned n;
    good(bf_log_read(r->store, r->tenant, r->derived, 1000, BF_LOG_DOCS, r->arena, &entries, &n, &e), &e);
    for (unsigned i = 0; i < n; i++) {
        good(bf__derive(&r->ingest, r->tenant, &entries[i], r->arena, &e), &e);
        r->derived = entries[i].n;
    }
}

/* The job that is due the longest, or NULL. */
static struct bf_job *take(struct rig *r)
{
    struct bf_job *job;
    struct bf_error e = {0};
    derive(r);
    good(bf_job_take(r->store, BF__JOB_TRANSCRIBE, bf_now_ms(&r->env), LEASE_MS, r->arena, &job, &e), &e);
    return job;
}

/* Takes a job, runs it and settles it, as the runner does. */
static enum bf_status run(struct rig *r, struct bf_job_again *again)
{
    struct bf_error e = {0}, settled = {0};
    struct bf_job *job = take(r);
    assert_non_null(job);
    *again = (struct bf_job_again){.pause_ms = 1, .count = true};
    enum bf_status status = bf__run_transcribe(&r->ingest, job, r->arena, again, &e);
    if (status == BF_OK)
        good(bf_job_done(r->store, job, &settled), &settled);
    else
        good(bf_job_retry(r->store, job, bf_now_ms(&r->env) + again->pause_ms, again->count, e.cause, &settled), &settled);
    return status;
}

static void says(struct rig *r, enum bf_stt_outcome outcome, bool reached)
{
    r->provider.outcome = outcome;
    r->provider.reached = reached;
}

/* Puts the job that is due far off. */
static void park(struct rig *r)
{
    struct bf_job *job = take(r);
    struct bf_error e = {0};
    assert_non_null(job);
    good(bf_job_retry(r->store, job, bf_now_ms(&r->env) + 3600000, false, "away", &e), &e);
}

/* ---- tests ---- */

static void a_text_is_ready_to_be_confirmed(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    assert_int_equal(run(r, &again), BF_OK);
    const struct bf_object *t = &transcript_of(r, id)->object;
    assert_int_equal(bf_get_enum(t, BF_TRANSCRIPT_STATE), BF_TRANSCRIPT_STATE_IS_READY);
    assert_true(bf_str_eqz(bf_get_str(t, BF_TRANSCRIPT_TEXT), "客户同意") && bf_str_eqz(bf_get_str(t, BF_TRANSCRIPT_PROVIDER), "test"));
    assert_string_equal(r->provider.prompt, "苏州恒达机械");
    assert_string_equal(r->provider.heard, "OggS...");
    assert_int_equal(r->provider.duration_ms, 12345);
    assert_null(take(r));
}

static void a_text_longer_than_the_record_takes_is_cut_between_characters_with_a_mark(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    for (size_t over = 0; over < 2; over++) {
        size_t n = BF_TRANSCRIPT_TEXT_MAX + over;
        char *text = bf_arena_calloc(r->arena, 3 * n + 1, 1);
        for (size_t i = 0; i < n; i++)
            memcpy(text + 3 * i, "拜", 3);
        r->provider.text = text;
        struct bf_uuid id = log_voice(r);
        assert_int_equal(run(r, &again), BF_OK);
        struct bf_str stored = bf_get_str(&transcript_of(r, id)->object, BF_TRANSCRIPT_TEXT);
        assert_int_equal(bf_text_length(stored), BF_TRANSCRIPT_TEXT_MAX);
        assert_true(bf_text_is_utf8(stored) && memcmp(stored.p, text, stored.n - 3) == 0);
        assert_memory_equal(stored.p + stored.n - 3, over ? "…" : "拜", 3);
    }
}

static void nothing_understood_and_a_refused_recording_end_it(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid silent = log_voice(r);
    r->provider.text = " ";
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, silent), BF_TRANSCRIPT_STATE_IS_FAILED);
    struct bf_uuid rejected = log_voice(r);
    says(r, BF_STT_REJECTED, true);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, rejected), BF_TRANSCRIPT_STATE_IS_FAILED);
}

static void while_the_provider_is_away_everything_says_so_and_one_call_asks_again(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid first = log_voice(r), second = log_voice(r);
    says(r, BF_STT_AWAY, true);
    assert_int_equal(run(r, &again), BF_E_UNAVAILABLE);
    assert_true(!again.count && again.pause_ms == PAUSE);
    assert_int_equal(run(r, &again), BF_E_UNAVAILABLE);
    assert_true(!again.count && again.pause_ms == PAUSE);
    assert_int_equal(r->provider.asked, 1);
    assert_int_equal(state_of(r, first), BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY);
    assert_int_equal(state_of(r, second), BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY);
    assert_null(take(r));
    int64_t rev = transcript_of(r, first)->rev;
    bf_env_fake_advance(&r->env, PAUSE);
    assert_int_equal(run(r, &again), BF_E_UNAVAILABLE);
    assert_int_equal(again.pause_ms, 2 * PAUSE);
    assert_int_equal(r->provider.asked, 2);
    assert_int_equal(transcript_of(r, first)->rev, rev); /* said once */
}

static void an_answer_makes_what_waits_due_at_once(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid waiting = log_voice(r);
    says(r, BF_STT_AWAY, true);
    r->provider.wait_ms = PAUSE_MAX;
    run(r, &again);
    assert_int_equal(again.pause_ms, PAUSE_MAX);
    bf_env_fake_advance(&r->env, PAUSE_MAX - 1);
    assert_null(take(r));
    bf_env_fake_advance(&r->env, 1);
    park(r);
    struct bf_uuid fresh = log_voice(r);
    says(r, BF_STT_TEXT, true);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, fresh), BF_TRANSCRIPT_STATE_IS_READY);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, waiting), BF_TRANSCRIPT_STATE_IS_READY);
}

static void what_waited_over_a_restart_goes_on_with_the_first_answer(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid waiting = log_voice(r);
    says(r, BF_STT_REFUSED, true);
    run(r, &again);
    assert_int_equal(again.pause_ms, PAUSE_MAX); /* a minute, but no longer than the longest pause */
    assert_int_equal(state_of(r, waiting), BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY);
    bf__breaker_destroy(&r->ingest.breaker);
    r->ingest.breaker = bf__breaker_create(&r->env, PAUSE, PAUSE_MAX);
    says(r, BF_STT_TEXT, true); /* another key */
    log_voice(r);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, waiting), BF_TRANSCRIPT_STATE_IS_READY);
}

static void what_was_judged_here_says_nothing_about_a_provider_that_is_away(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    log_voice(r);
    says(r, BF_STT_AWAY, true);
    run(r, &again);
    bf_env_fake_advance(&r->env, PAUSE);
    park(r);
    struct bf_uuid large = log_voice(r);
    says(r, BF_STT_REJECTED, false);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, large), BF_TRANSCRIPT_STATE_IS_FAILED);
    assert_null(take(r));
    says(r, BF_STT_AWAY, true); /* the turn is free again, and the pause is not the first one */
    log_voice(r);
    run(r, &again);
    assert_int_equal(again.pause_ms, 2 * PAUSE);
}

static void three_answers_without_sense_end_it(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    says(r, BF_STT_FAULT, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(r, &again), BF_E_UPSTREAM);
        assert_true(again.count);
        assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_WAITING);
        bf_env_fake_advance(&r->env, 1);
    }
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_FAILED);
    assert_null(take(r));
}

static void a_child_that_is_killed_is_no_fault_of_the_recording_and_no_word_on_the_provider(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    says(r, BF_STT_DIED, false);
    for (int i = 0; i < BF__FAILURES_MAX - 1; i++) {
        assert_int_equal(run(r, &again), BF_E_UPSTREAM);
        assert_true(again.count);
        assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_WAITING);
        bf_env_fake_advance(&r->env, 1);
    }
    assert_int_equal(bf__breaker_wait(r->ingest.breaker), 0);
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_FAILED);
}

static void what_never_came_to_an_end_is_not_asked_for_once_more(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    for (int i = 0; i < BF__FAILURES_MAX; i++) {
        assert_non_null(take(r)); /* and the process ends */
        bf_env_fake_advance(&r->env, LEASE_MS + 1);
    }
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_FAILED);
    assert_null(take(r));
}

/* The provider answers a recording, then fails over the other one, which opens the breaker until the next is answered. */
static void a_recording_on_which_a_provider_fails_that_answers_the_others_ends_failed(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid bad = log_voice(r);
    for (int i = 0; i < BF__FAILURES_MAX; i++) {
        assert_int_not_equal(state_of(r, bad), BF_TRANSCRIPT_STATE_IS_FAILED);
        bf_env_fake_advance(&r->env, PAUSE_MAX);
        park(r);
        struct bf_uuid good_one = log_voice(r);
        says(r, BF_STT_TEXT, true);
        assert_int_equal(run(r, &again), BF_OK); /* and makes the other one due */
        assert_int_equal(state_of(r, good_one), BF_TRANSCRIPT_STATE_IS_READY);
        says(r, BF_STT_AWAY, true);
        run(r, &again);
    }
    assert_int_equal(state_of(r, bad), BF_TRANSCRIPT_STATE_IS_FAILED);
}

struct meanwhile {
    struct rig *r;
    struct bf_uuid id;
    int state;
    int64_t round;
};

static void change_meanwhile(void *ctx)
{
    struct meanwhile *m = ctx;
    change(m->r, m->id, m->state, m->round);
}

static void what_the_rep_wrote_meanwhile_stays(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct meanwhile m = {.r = r, .id = log_voice(r), .state = BF_TRANSCRIPT_STATE_IS_EDITED, .round = 1};
    r->provider.meanwhile = change_meanwhile;
    r->provider.ctx = &m;
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(state_of(r, m.id), BF_TRANSCRIPT_STATE_IS_EDITED);
    assert_null(bf_get_str(&transcript_of(r, m.id)->object, BF_TRANSCRIPT_TEXT).p);
}

static void asking_again_while_the_provider_is_away_makes_the_older_round_pointless(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    says(r, BF_STT_AWAY, true);
    run(r, &again);
    change(r, id, BF_TRANSCRIPT_STATE_IS_WAITING, 2);
    bf_env_fake_advance(&r->env, PAUSE);
    says(r, BF_STT_TEXT, true);
    assert_int_equal(run(r, &again), BF_OK); /* in whichever order */
    assert_int_equal(run(r, &again), BF_OK);
    assert_int_equal(r->provider.asked, 2);
    assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_READY);
    assert_null(take(r));
}

static void a_server_that_stops_blames_nobody(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_uuid id = log_voice(r);
    says(r, BF_STT_AWAY, true);
    r->ingest.is_draining = true;
    assert_int_equal(run(r, &again), BF_E_CANCELLED);
    assert_true(!again.count && again.pause_ms == 0);
    assert_int_equal(state_of(r, id), BF_TRANSCRIPT_STATE_IS_WAITING);
    assert_int_equal(bf__breaker_wait(r->ingest.breaker), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(a_text_is_ready_to_be_confirmed),
        T(a_text_longer_than_the_record_takes_is_cut_between_characters_with_a_mark),
        T(nothing_understood_and_a_refused_recording_end_it),
        T(while_the_provider_is_away_everything_says_so_and_one_call_asks_again),
        T(an_answer_makes_what_waits_due_at_once),
        T(what_waited_over_a_restart_goes_on_with_the_first_answer),
        T(what_was_judged_here_says_nothing_about_a_provider_that_is_away),
        T(three_answers_without_sense_end_it),
        T(a_child_that_is_killed_is_no_fault_of_the_recording_and_no_word_on_the_provider),
        T(what_never_came_to_an_end_is_not_asked_for_once_more),
        T(a_recording_on_which_a_provider_fails_that_answers_the_others_ends_failed),
        T(what_the_rep_wrote_meanwhile_stays),
        T(asking_again_while_the_provider_is_away_makes_the_older_round_pointless),
        T(a_server_that_stops_blames_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
