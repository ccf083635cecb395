/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media jobs on the real store and with the real sandbox: in which order things come, what is done twice, what is not there. Nothing is replaced but
 * the threads: the tests take the steps one by one, so that each can be cut short.
 */
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "crm/ids.h"
#include "crm/media_type.h"
#include "crm/visit.h"
#include "ingest/decode/client.h"
#include "ingest/pipeline/pipeline.h"
#include "tests/ingest/decode/harness.h"
#include "tests/storage/media/uploads.h"
#include "tests/test.h"
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* 16 x 12, baseline, made by ImageMagick. */
static const uint8_t jpeg[] = {
    0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00,
    0xff, 0xdb, 0x00, 0x43, 0x00, 0x10, 0x0b, 0x0c, 0x0e, 0x0c, 0x0a, 0x10, 0x0e, 0x0d, 0x0e, 0x12, 0x11, 0x10, 0x13, 0x18,
    0x28, 0x1a, 0x18, 0x16, 0x16, 0x18, 0x31, 0x23, 0x25, 0x1d, 0x28, 0x3a, 0x33, 0x3d, 0x3c, 0x39, 0x33, 0x38, 0x37, 0x40,
    0x48, 0x5c, 0x4e, 0x40, 0x44, 0x57, 0x45, 0x37, 0x38, 0x50, 0x6d, 0x51, 0x57, 0x5f, 0x62, 0x67, 0x68, 0x67, 0x3e, 0x4d,
    0x71, 0x79, 0x70, 0x64, 0x78, 0x5c, 0x65, 0x67, 0x63, 0xff, 0xdb, 0x00, 0x43, 0x01, 0x11, 0x12, 0x12, 0x18, 0x15, 0x18,
    0x2f, 0x1a, 0x1a, 0x2f, 0x63, 0x42, 0x38, 0x42, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63,
    0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63,
    0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0xff, 0xc0,
    0x00, 0x11, 0x08, 0x00, 0x0c, 0x00, 0x10, 0x03, 0x01, 0x22, 0x00, 0x02, 0x11, 0x01, 0x03, 0x11, 0x01, 0xff, 0xc4, 0x00,
    0x16, 0x00, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04,
    0x06, 0xff, 0xc4, 0x00, 0x19, 0x10, 0x00, 0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x12, 0x13, 0x51, 0x61, 0xff, 0xc4, 0x00, 0x14, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xff, 0xc4, 0x00, 0x16, 0x11, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x15, 0xff, 0xda, 0x00, 0x0c, 0x03, 0x01,
    0x00, 0x02, 0x11, 0x03, 0x11, 0x00, 0x3f, 0x00, 0xcf, 0x4d, 0xa2, 0x6d, 0x20, 0x7a, 0xd8, 0x7a, 0xd8, 0xec, 0x75, 0x88,
    0xd5, 0x61, 0xff, 0xd9,
};

enum { LEASE_MS = 60000 };

struct rig {
    struct bf_env env;
    struct bf_store *store;
    struct bf_ingest ingest;
    struct home home;
    pid_t zygote;
    struct bf_arena *arena;
    struct bf_uuid tenant, rep, customer;
    int64_t derived; /* the entry up to which the log was looked at */
    uint8_t photo[sizeof jpeg + 16]; /* the picture and a tail that makes it this test's own */
    uint8_t sha256[32];
};

static void good(enum bf_status status, const struct bf_error *e)
{
    if (status != BF_OK)
        fail_msg("%s: %s", bf_status_code(status), e->cause);
}

/* ---- set up ---- */

static int open_rig(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct bf_error e = {0};
    bf_env_system(&r->env);
    r->arena = bf_arena_create();
    r->tenant = bf_uuid_v7(&r->env);
    r->rep = bf_uuid_v7(&r->env);
    r->customer = bf_uuid_v7(&r->env);
    memcpy(r->photo, jpeg, sizeof jpeg);
    memcpy(r->photo + sizeof jpeg, r->tenant.b, 16);
    bf_sha256(r->photo, sizeof r->photo, r->sha256);
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
    int fd = zygote_start(getenv("BF_DECODE"), "--zygote", &r->zygote);
    assert_true(fd >= 0);
    r->ingest = (struct bf_ingest){.env = &r->env,
                                   .store = r->store,
                                   .decoder = bf_decode_client_create(&r->env, fd, 2),
                                   .jobs = bf_job_runner_create(&r->env, r->store, &(struct bf_job_work){.kind = BF__JOB_MEDIA}, 0)};
    bf_stage_set_needed(r->store, bf__media_needed, &r->ingest);
    home_open(&r->home, &r->env);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;
    bf_job_runner_stop(&r->ingest.jobs);
    bf_decode_client_destroy(&r->ingest.decoder);
    assert_int_equal(zygote_wait(r->zygote), 0);
    bf_store_close(&r->store);
    home_close(&r->home);
    bf_arena_destroy(&r->arena);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

/* ---- what people do ---- */

static void upload(struct rig *r)
{
    struct bf_error e = {0};
    uint8_t sha256[32];
    good(bf_blob_put(r->store, r->tenant, r->rep, bf_str((const char *)r->photo, sizeof r->photo), sha256, &e), &e);
    good(bf__media_arrived(&r->ingest, r->tenant, r->rep, sha256, r->arena, &e), &e);
}

/* The same through a stage, as a phone sends it, and cut short before anybody looked for records; returns the upload's id. */
static struct bf_uuid upload_by_stage(struct rig *r)
{
    struct bf_stage_new new = {
        .id = bf_uuid_v7(&r->env), .tenant = r->tenant, .user = r->rep, .length = sizeof r->photo, .max_bytes = sizeof r->photo};
    uint8_t sha256[32];
    assert_int_equal(upload_whole(&r->home, r->store, &new, r->photo, sizeof r->photo, sha256), BF_OK);
    assert_memory_equal(sha256, r->sha256, 32);
    return new.id;
}

static bool holds(struct rig *r, struct bf_uuid holder)
{
    struct bf_blob_info info;
    return bf_blob_stat(r->store, r->tenant, holder, r->sha256, &info, NULL) == BF_OK;
}

struct visit {
    struct bf_doc *doc;
    bool stored;
};

static enum bf_status decide_visit(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct visit *v = ctx;
    struct bf_doc *media = bf_visit_media(arena, v->doc, 0), *transcript = bf_visit_transcript(arena, v->doc, 0);
    (void)view;
    (void)e;
    if (v->stored)
        bf_set_enum(&media->object, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_STORED);
    bf_decision_put(d, &bf_visits, bf_doc_copy(arena, v->doc));
    bf_decision_put(d, &bf_media, media);
    if (transcript != NULL)
        bf_decision_put(d, &bf_transcripts, transcript);
    bf_decision_receipt(d, 201, bf_str("", 0), bf_get_uuid(&v->doc->object, BF_VISIT_CUSTOMER));
    return BF_OK;
}

/* A visit with one medium, as the gateway commits it; returns the medium's id. */
static struct bf_uuid log_visit(struct rig *r, struct bf_uuid customer, int kind, const char *type, bool consent)
{
    struct bf_doc *visit = bf_doc_create(r->arena, &bf_visit_schema, r->tenant, bf_uuid_v7(&r->env));
    struct bf_object *medium = bf_object_create(r->arena, &bf_visit_media_schema);
    struct bf_value *items = bf_arena_calloc(r->arena, 1, sizeof *items);
    struct bf_uuid id = bf_uuid_v7(&r->env), request = bf_uuid_v7(&r->env);
    bf_set_uuid(medium, BF_VISIT_MEDIA_ID, id);
    bf_set_enum(medium, BF_VISIT_MEDIA_KIND, kind);
    bf_set_sha256(medium, BF_VISIT_MEDIA_SHA256, r->sha256);
    bf_set_str(medium, BF_VISIT_MEDIA_TYPE, bf_strz(type));
    if (consent)
        bf_set_int(medium, BF_VISIT_MEDIA_CONSENT_AT, bf_now_ms(&r->env));
    items[0] = (struct bf_value){.type = BF_T_OBJECT, .object = medium};
    bf_set_array(&visit->object, BF_VISIT_MEDIA, items, 1);
    bf_set_uuid(&visit->object, BF_VISIT_CUSTOMER, customer);
    bf_set_uuid(&visit->object, BF_VISIT_OWNER, r->rep);
    bf_set_uuid(&visit->object, BF_VISIT_REP, r->rep);
    bf_set_int(&visit->object, BF_VISIT_RECEIVED_AT, bf_now_ms(&r->env));
    struct visit v = {.doc = visit, .stored = holds(r, r->rep)};
    struct bf_read reads[] = {{&bf_visits, visit->id}, {&bf_media, id}, {&bf_transcripts, bf_id_transcript(r->tenant, id)}};
    struct bf_submission submission = {.tenant = r->tenant, .actor = r->rep, .reads = reads, .n_reads = 3, .decide = decide_visit, .ctx = &v};
    struct bf_receipt receipt;
    struct bf_error e = {0};
    memcpy(submission.request.b, request.b, 16);
    good(bf_submit_wait(r->store, &submission, r->arena, &receipt, &e), &e);
    return id;
}

static struct bf_uuid log_photo(struct rig *r) { return log_visit(r, r->customer, BF_MEDIA_KIND_IS_PHOTO, "image/jpeg", false); }

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

static struct bf_job *take(struct rig *r, const char *kind)
{
    struct bf_job *job;
    struct bf_error e = {0};
    good(bf_job_take(r->store, kind, bf_now_ms(&r->env), LEASE_MS, r->arena, &job, &e), &e);
    return job;
}

static enum bf_status run(struct rig *r, const struct bf_job *job, struct bf_job_again *again)
{
    struct bf_error e = {0};
    *again = (struct bf_job_again){.pause_ms = 1, .count = true};
    return bf__run_media(&r->ingest, job, r->arena, again, &e);
}

/* Runs what there is to its end; returns how many jobs that were. */
static unsigned run_all(struct rig *r)
{
    struct bf_job *job;
    struct bf_job_again again;
    struct bf_error e = {0};
    unsigned n = 0;
    for (derive(r); (job = take(r, BF__JOB_MEDIA)) != NULL; derive(r), n++) {
        assert_int_equal(run(r, job, &again), BF_OK);
        good(bf_job_done(r->store, job, &e), &e);
    }
    return n;
}

static const struct bf_doc *media_of(struct rig *r, struct bf_uuid id)
{
    struct bf_doc *doc;
    struct bf_error e = {0};
    good(bf_store_get(r->store, &bf_media, r->tenant, id, r->arena, &doc, &e), &e);
    assert_non_null(doc);
    return doc;
}

static int state_of(struct rig *r, struct bf_uuid id) { return bf_get_enum(&media_of(r, id)->object, BF_MEDIA_STATE); }

/* ---- tests ---- */

static void bytes_before_the_visit_are_found_by_the_log(void **state)
{
    struct rig *r = *state;
    upload(r);
    assert_null(take(r, BF__JOB_MEDIA));
    struct bf_uuid id = log_photo(r);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_STORED);
    assert_int_equal(run_all(r), 1);
    const struct bf_object *o = &media_of(r, id)->object;
    assert_int_equal(bf_get_enum(o, BF_MEDIA_STATE), BF_MEDIA_STATE_IS_READY);
    assert_int_equal(bf_get_int(o, BF_MEDIA_BYTES), sizeof r->photo);
    assert_int_equal(bf_get_array(o, BF_MEDIA_VARIANTS).n, 2);
    assert_false(bf_has(o, BF_MEDIA_LEGIBILITY)); /* too small a picture to say; records of older builds have none either */
    assert_int_equal(media_of(r, id)->rev, 2);
}

static void bytes_after_the_visit_find_it(void **state)
{
    struct rig *r = *state;
    struct bf_uuid id = log_photo(r);
    assert_int_equal(run_all(r), 0);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_AWAITED);
    upload(r);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
    assert_int_equal(media_of(r, id)->rev, 3); /* awaited, stored, ready */
}

static void when_both_sides_find_each_other_the_result_is_there_once(void **state)
{
    struct rig *r = *state;
    struct bf_uuid id = log_photo(r); /* committed; the consumer is late */
    upload(r);
    assert_int_equal(run_all(r), 2);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
    assert_int_equal(media_of(r, id)->rev, 3);
}

static void the_bytes_become_the_customers_and_leave_the_uploader(void **state)
{
    struct rig *r = *state;
    upload(r);
    log_photo(r);
    assert_true(holds(r, r->rep) && !holds(r, r->customer));
    run_all(r);
    assert_true(!holds(r, r->rep) && holds(r, r->customer));
}

static void the_uploaders_wrap_stays_as_long_as_another_record_of_his_waits(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_error e = {0};
    struct bf_uuid other = bf_uuid_v7(&r->env);
    upload(r);
    log_photo(r);
    struct bf_uuid second = log_visit(r, other, BF_MEDIA_KIND_IS_PHOTO, "image/jpeg", false);
    derive(r);
    struct bf_job *job = take(r, BF__JOB_MEDIA);
    assert_int_equal(run(r, job, &again), BF_OK);
    good(bf_job_done(r->store, job, &e), &e);
    assert_true(holds(r, r->rep));
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, second), BF_MEDIA_STATE_IS_READY);
    assert_true(!holds(r, r->rep) && holds(r, other));
}

/* Between the check of the visit's decision and the job, another job may give the uploader's wrap back. */
static void a_record_that_was_told_stored_gets_its_bytes_though_the_wrap_is_gone(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid other = bf_uuid_v7(&r->env);
    upload(r);
    log_photo(r);
    run_all(r);
    upload(r);
    struct bf_uuid second = log_visit(r, other, BF_MEDIA_KIND_IS_PHOTO, "image/jpeg", false);
    assert_int_equal(state_of(r, second), BF_MEDIA_STATE_IS_STORED);
    good(bf_blob_release(r->store, r->tenant, r->rep, r->sha256, &e), &e);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, second), BF_MEDIA_STATE_IS_READY);
    assert_true(holds(r, other));
}

static void bytes_under_a_record_outlive_the_upload_that_brought_them(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid upload = upload_by_stage(r), id = log_photo(r);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_STORED);
    good(bf_stage_delete(r->store, r->tenant, r->rep, upload, &e), &e);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
    assert_true(!holds(r, r->rep) && holds(r, r->customer));
}

static void bytes_under_a_record_outlive_the_upload_that_expired(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    unsigned n;
    upload_by_stage(r);
    struct bf_uuid id = log_photo(r);
    good(bf_stage_expire(r->store, bf_now_ms(&r->env) + 2000000, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
}

static void an_upload_that_expires_under_a_record_that_awaits_it_serves_it_first(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid id = log_photo(r);
    derive(r);
    struct bf_uuid upload = upload_by_stage(r); /* its process died before it looked for records */
    assert_int_equal(run_all(r), 0);
    good(bf_stage_delete(r->store, r->tenant, r->rep, upload, &e), &e);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
    assert_false(holds(r, r->rep));
}

static void an_upload_that_is_taken_back_leaves_nothing_once_its_record_is_served(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid other = upload_by_stage(r);
    log_photo(r);
    run_all(r);
    struct bf_uuid upload = upload_by_stage(r);
    assert_true(holds(r, r->rep));
    good(bf_stage_delete(r->store, r->tenant, r->rep, other, &e), &e);
    assert_true(holds(r, r->rep)); /* another upload of the same bytes stands */
    good(bf_stage_delete(r->store, r->tenant, r->rep, upload, &e), &e);
    assert_false(holds(r, r->rep));
}

static void bytes_that_are_gone_are_awaited_again_and_come_again(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    upload(r);
    struct bf_uuid id = log_photo(r);
    good(bf_blob_release(r->store, r->tenant, r->rep, r->sha256, &e), &e);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_AWAITED);
    upload(r);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
}

static void a_hash_that_somebody_else_uploaded_makes_no_job(void **state)
{
    struct rig *r = *state;
    struct bf_uuid rep = r->rep;
    upload(r);
    log_photo(r);
    run_all(r);
    r->rep = bf_uuid_v7(&r->env); /* a colleague who knows the hash */
    r->customer = bf_uuid_v7(&r->env);
    struct bf_uuid id = log_photo(r);
    assert_int_equal(run_all(r), 0);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_AWAITED);
    assert_false(holds(r, r->customer));
    r->rep = rep;
    upload(r); /* by the first one again: that does not help either */
    assert_int_equal(run_all(r), 0);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_AWAITED);
}

static void a_sandbox_that_is_away_is_no_verdict_and_does_not_count(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_error e = {0};
    bf_decode_client_replace(r->ingest.decoder, -1);
    assert_int_equal(zygote_wait(r->zygote), 0);
    upload(r);
    struct bf_uuid id = log_photo(r);
    derive(r);
    struct bf_job *job = take(r, BF__JOB_MEDIA);
    assert_int_equal(run(r, job, &again), BF_E_UNAVAILABLE);
    assert_false(again.count || again.give_up);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_STORED);
    good(bf_job_retry(r->store, job, bf_now_ms(&r->env), again.count, "away", &e), &e);
    bf_decode_client_replace(r->ingest.decoder, zygote_start(getenv("BF_DECODE"), "--zygote", &r->zygote));
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
}

/* A zygote that says of every child how it ended. */
struct teller {
    int fd;
    struct bf_decode_reply reply;
    pthread_t thread;
};

static void *tell(void *arg)
{
    struct teller *t = arg;
    struct bf_decode_request request;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = &request, .iov_len = sizeof request};
    for (;;) {
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        int fds[3];
        if (recvmsg(t->fd, &msg, MSG_CMSG_CLOEXEC) <= 0)
            break;
        memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fds);
        assert_int_equal(write(fds[2], &t->reply, sizeof t->reply), sizeof t->reply);
        for (unsigned i = 0; i < 3; i++)
            close(fds[i]);
    }
    close(t->fd);
    return NULL;
}

/* Runs a job as the attempt of that number, with a child that ends so. */
static enum bf_status run_ending(struct rig *r, struct bf_job *job, int attempt, enum bf_decode_outcome outcome, struct bf_job_again *again)
{
    struct teller t = {.reply = {.magic = BF_DECODE_MAGIC, .outcome = outcome, .signal = outcome == BF_DECODE_DIED ? SIGKILL : 0}};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    t.fd = pair[1];
    assert_int_equal(pthread_create(&t.thread, NULL, tell, &t), 0);
    bf_decode_client_replace(r->ingest.decoder, pair[0]);
    job->attempt = attempt;
    enum bf_status status = run(r, job, again);
    bf_decode_client_replace(r->ingest.decoder, -1);
    pthread_join(t.thread, NULL);
    return status;
}

static void a_job_that_is_run_again_after_its_end_changes_nothing(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    upload(r);
    struct bf_uuid id = log_photo(r);
    derive(r);
    struct bf_job *job = take(r, BF__JOB_MEDIA);
    assert_int_equal(run(r, job, &again), BF_OK); /* and its process died before it was settled */
    const struct bf_doc *first = media_of(r, id);
    assert_int_equal(run(r, job, &again), BF_OK);
    const struct bf_doc *second = media_of(r, id);
    assert_int_equal(first->rev, second->rev);
    assert_true(bf_object_eq(&first->object, &second->object));
}

/* Behind the bind, behind the word that the bytes are stored, and before the uploader's wrap is given back. */
static void a_job_that_was_cut_short_between_two_steps_ends_with_the_same_result(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    struct bf_error e = {0};
    enum { BOUND, STORED, NOT_RELEASED, CUTS };
    for (int cut = BOUND; cut < CUTS; cut++) {
        r->rep = bf_uuid_v7(&r->env); /* others' records lend nothing */
        r->customer = bf_uuid_v7(&r->env);
        struct bf_uuid id = log_photo(r);
        upload(r);
        struct bf_job *job = take(r, BF__JOB_MEDIA);
        if (cut == BOUND) {
            good(bf_blob_bind(r->store, r->tenant, r->rep, r->customer, r->sha256, &e), &e);
            assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_AWAITED);
        } else if (cut == STORED) {
            assert_int_equal(run_ending(r, job, 1, BF_DECODE_BUSY, &again), BF_E_UNAVAILABLE);
            assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_STORED);
            bf_decode_client_replace(r->ingest.decoder, zygote_start(getenv("BF_DECODE"), "--zygote", &r->zygote));
        } else {
            assert_int_equal(run(r, job, &again), BF_OK);
            good(bf_blob_bind(r->store, r->tenant, r->customer, r->rep, r->sha256, &e), &e);
        }
        assert_true(holds(r, r->rep) && holds(r, r->customer));
        assert_int_equal(run(r, job, &again), BF_OK);
        assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_READY);
        assert_int_equal(media_of(r, id)->rev, 3); /* awaited, stored, ready */
        assert_int_equal(bf_get_array(&media_of(r, id)->object, BF_MEDIA_VARIANTS).n, 2);
        assert_true(!holds(r, r->rep) && holds(r, r->customer));
        good(bf_job_done(r->store, job, &e), &e);
    }
}

static void failures_of_children_count_and_the_last_is_a_verdict(void **state)
{
    static const struct {
        enum bf_decode_outcome outcome;
        int last; /* attempt */
        enum bf_status status;
        const char *cause, *refusal;
    } rows[] = {{BF_DECODE_WALL, 3, BF_E_DEADLINE, "the decoder was stopped at its deadline", "timeout"},
                {BF_DECODE_DIED, 20, BF_E_INTERNAL, "", "crashed"}};
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bf_job_again again;
        upload(r);
        struct bf_uuid id = log_photo(r);
        derive(r);
        struct bf_job *job = take(r, BF__JOB_MEDIA);
        assert_int_equal(run_ending(r, job, rows[i].last - 1, rows[i].outcome, &again), rows[i].status);
        assert_true(again.count && state_of(r, id) == BF_MEDIA_STATE_IS_STORED);
        assert_int_equal(run_ending(r, job, rows[i].last, BF_DECODE_BUSY, &again), BF_E_UNAVAILABLE);
        assert_true(!again.count && state_of(r, id) == BF_MEDIA_STATE_IS_STORED);
        snprintf(job->cause, sizeof job->cause, "%s", rows[i].cause);
        assert_int_equal(run_ending(r, job, rows[i].last, rows[i].outcome, &again), BF_OK);
        assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_REFUSED);
        assert_true(bf_str_eqz(bf_get_str(&media_of(r, id)->object, BF_MEDIA_REFUSAL), rows[i].refusal));
        assert_true(!holds(r, r->rep) && holds(r, r->customer));
    }
}

static void one_deadline_after_other_failures_is_no_verdict(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    upload(r);
    struct bf_uuid id = log_photo(r);
    derive(r);
    struct bf_job *job = take(r, BF__JOB_MEDIA);
    snprintf(job->cause, sizeof job->cause, "the decoder's child ended by signal 9, without an answer");
    assert_int_equal(run_ending(r, job, 7, BF_DECODE_WALL, &again), BF_E_DEADLINE);
    assert_true(again.count && state_of(r, id) == BF_MEDIA_STATE_IS_STORED);
    assert_int_equal(run_ending(r, job, 20, BF_DECODE_WALL, &again), BF_OK);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_REFUSED);
}

static void what_never_came_to_an_end_is_not_decoded_once_more(void **state)
{
    struct rig *r = *state;
    struct bf_job_again again;
    upload(r);
    struct bf_uuid id = log_photo(r);
    derive(r);
    struct bf_job *job = take(r, BF__JOB_MEDIA);
    job->lost = BF__FAILURES_MAX;
    assert_int_equal(run(r, job, &again), BF_OK);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_REFUSED);
    assert_true(bf_str_eqz(bf_get_str(&media_of(r, id)->object, BF_MEDIA_REFUSAL), "crashed"));
}

static void a_result_that_comes_late_changes_nothing(void **state)
{
    struct rig *r = *state;
    struct bf_error e = {0};
    struct bf_uuid id = log_photo(r);
    upload(r);
    derive(r);
    struct bf_job *first = take(r, BF__JOB_MEDIA), *second = take(r, BF__JOB_MEDIA);
    struct bf_job_again again;
    assert_non_null(second);
    assert_int_equal(run(r, first, &again), BF_OK);
    int64_t rev = media_of(r, id)->rev;
    assert_int_equal(run(r, second, &again), BF_OK);
    assert_int_equal(media_of(r, id)->rev, rev);
    good(bf_job_done(r->store, second, &e), &e);
}

static void G_04_a_recording_without_consent_is_not_listened_to(void **state)
{
    struct rig *r = *state;
    struct bf_doc *transcript;
    struct bf_error e = {0};
    upload(r);
    struct bf_uuid id = log_visit(r, r->customer, BF_MEDIA_KIND_IS_VOICE, "audio/ogg", false);
    assert_int_equal(run_all(r), 1);
    const struct bf_object *o = &media_of(r, id)->object;
    assert_int_equal(bf_get_enum(o, BF_MEDIA_STATE), BF_MEDIA_STATE_IS_REFUSED);
    assert_true(bf_str_eqz(bf_get_str(o, BF_MEDIA_REFUSAL), "consent_required"));
    good(bf_store_get(r->store, &bf_transcripts, r->tenant, bf_id_transcript(r->tenant, id), r->arena, &transcript, &e), &e);
    assert_int_equal(bf_get_enum(&transcript->object, BF_TRANSCRIPT_STATE), BF_TRANSCRIPT_STATE_IS_FAILED);
    derive(r);
    assert_null(take(r, BF__JOB_TRANSCRIBE));
}

static void G_04_every_type_that_a_visit_may_name_has_a_decoder(void **state)
{
    static const char *const names[] = {"image/jpeg", "image/png",   "image/webp", "image/heic", "image/heif", "audio/ogg",   "audio/opus", "audio/webm",    "video/webm",
                                        "audio/mp4",  "audio/x-m4a", "audio/m4a",  "audio/aac",  "audio/wav",  "audio/x-wav", "audio/wave", "audio/vnd.wave"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int kind = names[i][0] == 'i' ? BF_MEDIA_KIND_IS_PHOTO : BF_MEDIA_KIND_IS_VOICE;
        if (bf_media_type_of(bf_media_type_canonical(kind, bf_strz(names[i]))) == BF_MEDIA_NONE)
            fail_msg("%s", names[i]);
    }
}

static void bytes_that_are_not_what_they_were_called_are_refused_for_good(void **state)
{
    struct rig *r = *state;
    upload(r);
    struct bf_uuid id = log_visit(r, r->customer, BF_MEDIA_KIND_IS_PHOTO, "image/png", false);
    assert_int_equal(run_all(r), 1);
    assert_int_equal(state_of(r, id), BF_MEDIA_STATE_IS_REFUSED);
    assert_true(bf_str_eqz(bf_get_str(&media_of(r, id)->object, BF_MEDIA_REFUSAL), "mislabelled"));
    assert_true(holds(r, r->customer)); /* what the rep took is kept */
    upload(r);
    assert_int_equal(run_all(r), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(bytes_before_the_visit_are_found_by_the_log),
        T(bytes_after_the_visit_find_it),
        T(when_both_sides_find_each_other_the_result_is_there_once),
        T(a_job_that_is_run_again_after_its_end_changes_nothing),
        T(a_job_that_was_cut_short_between_two_steps_ends_with_the_same_result),
        T(the_bytes_become_the_customers_and_leave_the_uploader),
        T(the_uploaders_wrap_stays_as_long_as_another_record_of_his_waits),
        T(a_record_that_was_told_stored_gets_its_bytes_though_the_wrap_is_gone),
        T(bytes_under_a_record_outlive_the_upload_that_brought_them),
        T(bytes_under_a_record_outlive_the_upload_that_expired),
        T(an_upload_that_expires_under_a_record_that_awaits_it_serves_it_first),
        T(an_upload_that_is_taken_back_leaves_nothing_once_its_record_is_served),
        T(bytes_that_are_gone_are_awaited_again_and_come_again),
        T(a_hash_that_somebody_else_uploaded_makes_no_job),
        T(a_sandbox_that_is_away_is_no_verdict_and_does_not_count),
        T(failures_of_children_count_and_the_last_is_a_verdict),
        T(one_deadline_after_other_failures_is_no_verdict),
        T(what_never_came_to_an_end_is_not_decoded_once_more),
        T(a_result_that_comes_late_changes_nothing),
        T(G_04_a_recording_without_consent_is_not_listened_to),
        T(G_04_every_type_that_a_visit_may_name_has_a_decoder),
        T(bytes_that_are_not_what_they_were_called_are_refused_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
