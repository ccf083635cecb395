/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: claims, leases, fences. */
#include "tests/storage/contract/suite.h"
#include <pthread.h>
#include <stdatomic.h>

enum { T0 = 1000000, LEASE = 30000 };

static struct bf_job make(unsigned id, const char *kind, int64_t due_ms)
{
    return (struct bf_job){
        .id = suite_uuid(id), .tenant = tenant_a, .kind = kind, .ref = suite_uuid(900), .argument = BF_STR("x"), .due_ms = due_ms};
}

static void add(struct suite *s, struct bf_job job) { assert_int_equal(bf_job_add(s->store, &job, 1, NULL), BF_OK); }

static struct bf_job *take(struct suite *s, const char *kind, int64_t now_ms)
{
    struct bf_job *job = NULL;
    struct bf_error e = {0};
    if (bf_job_take(s->store, kind, now_ms, LEASE, s->arena, &job, &e) != BF_OK)
        fail_msg("take: %s", e.cause);
    return job;
}

static bool is(const struct bf_job *job, unsigned id)
{
    struct bf_uuid u = suite_uuid(id);
    return job != NULL && bf_uuid_eq(&job->id, &u);
}

static void ids_of_jobs_are_the_same_each_time(void **state)
{
    (void)state;
    struct bf_uuid a = bf_job_id(tenant_a, 5, 1, "x"), b = bf_job_id(tenant_a, 5, 1, "x");
    assert_true(bf_uuid_eq(&a, &b));
    struct bf_uuid others[] = {bf_job_id(tenant_b, 5, 1, "x"), bf_job_id(tenant_a, 6, 1, "x"), bf_job_id(tenant_a, 5, 2, "x"),
                               bf_job_id(tenant_a, 5, 1, "y")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(bf_uuid_eq(&a, &others[i]));
}

static void the_job_due_the_longest_is_claimed_first(void **state)
{
    struct suite *s = *state;
    add(s, make(1, "a", T0 + 20));
    add(s, make(2, "a", T0 + 10));
    add(s, make(3, "b", T0));
    assert_null(take(s, "a", T0 + 9));
    struct bf_job *job = take(s, "a", T0 + 20);
    assert_true(is(job, 2));
    assert_true(job->attempt == 1 && job->fence == 1 && job->due_ms == T0 + 10 && job->n == 0);
    assert_true(bf_uuid_eq(&job->tenant, &tenant_a) && bf_str_eqz(job->argument, "x") && strcmp(job->kind, "a") == 0);
    assert_true(is(take(s, "a", T0 + 20), 1));
    assert_null(take(s, "a", T0 + 20));
    assert_true(is(take(s, "b", T0 + 20), 3));
}

static void adding_again_leaves_a_job_as_it_is(void **state)
{
    struct suite *s = *state;
    struct bf_job job = make(1, "a", T0);
    job.n = 7;
    add(s, job);
    struct bf_job *taken = take(s, "a", T0);
    add(s, job);
    assert_null(take(s, "a", T0));
    assert_int_equal(bf_job_done(s->store, taken, NULL), BF_OK);
    add(s, job); /* derived from the log once more: it stays done */
    assert_null(take(s, "a", T0 + 10 * LEASE));
}

static void a_lease_that_ran_out_is_taken_over_and_its_holder_fenced_off(void **state)
{
    struct suite *s = *state;
    add(s, make(1, "a", T0));
    struct bf_job *first = take(s, "a", T0);
    assert_null(take(s, "a", T0 + LEASE - 1));
    suite_reopen(s);
    struct bf_job *second = take(s, "a", T0 + LEASE);
    assert_true(is(second, 1));
    assert_true(second->attempt == 1 && second->lost == 1 && second->fence > first->fence);
    assert_int_equal(bf_job_retry(s->store, first, T0, true, "late", NULL), BF_E_STALE);
    assert_int_equal(bf_job_dead(s->store, first, "late", NULL), BF_E_STALE);
    assert_int_equal(bf_job_done(s->store, first, NULL), BF_E_STALE);
    assert_int_equal(bf_job_done(s->store, second, NULL), BF_OK);
    assert_int_equal(bf_job_done(s->store, second, NULL), BF_E_STALE);
    assert_null(take(s, "a", T0 + 100 * LEASE));
}

static void a_renewed_lease_holds(void **state)
{
    struct suite *s = *state;
    add(s, make(1, "a", T0));
    struct bf_job *job = take(s, "a", T0);
    assert_int_equal(bf_job_renew(s->store, job, (int64_t[]){T0 + 5 * LEASE}, 1, NULL), BF_OK);
    assert_null(take(s, "a", T0 + 4 * LEASE));
    assert_int_equal(bf_job_done(s->store, job, NULL), BF_OK);
}

static void leases_are_renewed_together_and_those_that_were_lost_are_left_alone(void **state)
{
    struct suite *s = *state;
    struct bf_job held[3];
    int64_t until[3] = {T0 + 5 * LEASE, T0 + 6 * LEASE, T0 + 7 * LEASE};
    for (unsigned i = 0; i < 3; i++) {
        add(s, make(i + 1, "a", T0 + i));
        held[i] = *take(s, "a", T0 + i);
    }
    assert_int_equal(bf_job_done(s->store, &held[0], NULL), BF_OK);
    struct bf_job *theirs = take(s, "a", T0 + 1 + LEASE); /* the second's lease ran out */
    assert_true(is(theirs, 2));
    assert_int_equal(bf_job_renew(s->store, held, until, 3, NULL), BF_OK);
    assert_true(is(take(s, "a", T0 + 4 * LEASE), 2)); /* as its new holder left it */
    assert_null(take(s, "a", T0 + 4 * LEASE));
    assert_true(is(take(s, "a", T0 + 7 * LEASE), 2) && is(take(s, "a", T0 + 7 * LEASE), 3));
}

/* Up to `max` jobs of kind "a"; returns how many. */
static unsigned take_many(struct suite *s, unsigned max, int64_t now_ms, struct bf_job **ret)
{
    unsigned n;
    assert_int_equal(bf_job_take_many(s->store, "a", now_ms, LEASE, max, s->arena, ret, &n, NULL), BF_OK);
    return n;
}

static void jobs_are_claimed_together_those_due_the_longest_first(void **state)
{
    struct suite *s = *state;
    struct bf_job *jobs[BF_JOBS_MAX];
    for (unsigned i = 1; i <= 5; i++)
        add(s, make(i, "a", T0 + 5 - i));
    add(s, make(6, "a", T0 + 10));
    add(s, make(7, "b", T0));
    assert_int_equal(take_many(s, 3, T0 + 5, jobs), 3);
    assert_true(is(jobs[0], 5) && is(jobs[1], 4) && is(jobs[2], 3));
    assert_true(jobs[1]->fence == 1 && jobs[1]->attempt == 1 && jobs[1]->due_ms == T0 + 1 && strcmp(jobs[1]->kind, "a") == 0);
    assert_int_equal(take_many(s, BF_JOBS_MAX, T0 + 5, jobs), 2);
    assert_true(is(jobs[0], 2) && is(jobs[1], 1));
    assert_int_equal(take_many(s, BF_JOBS_MAX, T0 + 5, jobs), 0);
    assert_int_equal(take_many(s, BF_JOBS_MAX, T0 + 5 + LEASE, jobs), 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(jobs[i]->lost, is(jobs[i], 6) ? 0 : 1);
}

static void a_claim_that_was_taken_over_is_left_out_of_those_that_end_together(void **state)
{
    struct suite *s = *state;
    struct bf_job *jobs[3];
    for (unsigned i = 0; i < 3; i++) {
        add(s, make(i + 1, "a", T0 + i));
        jobs[i] = take(s, "a", T0 + i);
    }
    struct bf_job *theirs = NULL;
    assert_int_equal(bf_job_renew(s->store, jobs[0], (int64_t[]){T0 + 5 * LEASE}, 1, NULL), BF_OK);
    theirs = take(s, "a", T0 + 1 + LEASE);
    assert_true(is(theirs, 2));
    struct bf_job_end ends[3] = {{.job = jobs[0], .act = BF_JOB_RETRY, .due_ms = T0 + 9 * LEASE, .cause = "away"},
                                 {.job = jobs[1], .act = BF_JOB_DEAD, .cause = "late"},
                                 {.job = jobs[2], .act = BF_JOB_DONE}};
    assert_int_equal(bf_job_settle(s->store, ends, 3, NULL), BF_OK);
    assert_true(ends[0].status == BF_OK && ends[1].status == BF_E_STALE && ends[2].status == BF_OK);
    assert_int_equal(bf_job_done(s->store, theirs, NULL), BF_OK);
    assert_null(take(s, "a", T0 + 9 * LEASE - 1));
    struct bf_job *again = take(s, "a", T0 + 9 * LEASE);
    assert_true(is(again, 1));
    assert_string_equal(again->cause, "away");
    assert_null(take(s, "a", T0 + 9 * LEASE));
}

static struct bf_write put_note(struct suite *s, enum bf_write_kind kind, unsigned id, const char *name, int64_t rev)
{
    return (struct bf_write){.kind = kind, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(id), name), .rev = rev};
}

static void documents_are_written_with_the_end_of_a_job_each_once(void **state)
{
    struct suite *s = *state;
    struct bf_job *jobs[3];
    for (unsigned i = 1; i <= 3; i++) {
        struct bf_job job = make(i, "a", T0);
        job.n = 7;
        add(s, job);
    }
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(13), "as it was"));
    assert_int_equal(take_many(s, 3, T0, jobs), 3);
    assert_int_equal(bf_job_renew(s->store, jobs[0], (int64_t[]){T0 + 5 * LEASE}, 1, NULL), BF_OK);
    struct bf_write first[2] = {put_note(s, BF_W_INSERT, 11, "one", 0), put_note(s, BF_W_INSERT, 12, "two", 0)},
                    second[2] = {put_note(s, BF_W_REPLACE, 13, "changed", 9), put_note(s, BF_W_INSERT, 14, "three", 0)},
                    third = put_note(s, BF_W_REPLACE, 13, "changed in time", 1);
    struct bf_job_end ends[3] = {{.job = jobs[0], .act = BF_JOB_DONE, .writes = first, .n_writes = 2},
                                 {.job = jobs[1], .act = BF_JOB_DONE, .writes = second, .n_writes = 2},
                                 {.job = jobs[2], .act = BF_JOB_DONE, .writes = &third, .n_writes = 1}};
    assert_int_equal(bf_job_settle(s->store, ends, 3, NULL), BF_OK);
    assert_true(ends[0].status == BF_OK && ends[1].status == BF_E_STALE && ends[2].status == BF_OK);
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(11))), "one");
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(12))), "two");
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(13))), "changed in time");
    assert_null(get(s, &notes, tenant_a, suite_uuid(14)));
    assert_int_equal(take_many(s, 3, T0 + 9 * LEASE, jobs), 1);
    assert_true(jobs[0]->lost == 1 && bf_uuid_eq(&jobs[0]->id, &ends[1].job->id));
}

static void a_retry_waits_with_its_cause_and_may_not_count(void **state)
{
    struct suite *s = *state;
    add(s, make(1, "a", T0));
    assert_int_equal(bf_job_retry(s->store, take(s, "a", T0), T0 + 50, true, "no answer", NULL), BF_OK);
    assert_null(take(s, "a", T0 + 49));
    struct bf_job *job = take(s, "a", T0 + 50);
    assert_int_equal(job->attempt, 2);
    assert_string_equal(job->cause, "no answer");
    assert_int_equal(bf_job_retry(s->store, job, T0 + 60, false, "away", NULL), BF_OK);
    job = take(s, "a", T0 + 60);
    assert_int_equal(job->attempt, 2);
    assert_int_equal(bf_job_dead(s->store, job, "hopeless", NULL), BF_OK);
    assert_null(take(s, "a", INT64_MAX / 2));
}

static void hastened_jobs_are_due_now(void **state)
{
    struct suite *s = *state;
    for (unsigned i = 1; i <= 5; i++)
        add(s, make(i, i == 5 ? "b" : "a", T0 + 1000 * i));
    struct bf_job *held = take(s, "a", T0 + 1000);
    assert_int_equal(bf_job_hasten(s->store, "a", T0, NULL), BF_OK);
    for (unsigned i = 2; i <= 4; i++)
        assert_non_null(take(s, "a", T0));
    assert_null(take(s, "a", T0)); /* the lease of the held one was left alone */
    assert_null(take(s, "b", T0));
    assert_int_equal(bf_job_done(s->store, held, NULL), BF_OK);
}

/* ---- many threads ---- */

enum { THREADS = 6, JOBS = 60 };

struct crew {
    struct suite *s;
    atomic_int ran[JOBS + 1]; /* times each job was finished */
    atomic_int stale;
};

static unsigned number_of(const struct bf_job *job)
{
    return (unsigned)job->id.b[2] << 24 | (unsigned)job->id.b[3] << 16 | (unsigned)job->id.b[4] << 8 | job->id.b[5];
}

/* Every third claim is dropped, as by a worker that died: its lease is already over for the next taker, so others take it over, and the
 * drop's late `done` must bounce off. */
static void *work(void *arg)
{
    struct crew *crew = arg;
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0;; i++) {
        struct bf_job *job = NULL;
        bool dies = i % 3 == 2;
        if (bf_job_take(crew->s->store, "a", T0, dies ? 0 : LEASE, arena, &job, NULL) != BF_OK || job == NULL)
            break;
        if (dies && i % 2 == 0)
            continue;
        enum bf_status status = bf_job_done(crew->s->store, job, NULL);
        if (status == BF_OK)
            atomic_fetch_add(&crew->ran[number_of(job)], 1);
        else if (status == BF_E_STALE)
            atomic_fetch_add(&crew->stale, 1);
    }
    bf_arena_destroy(&arena);
    return NULL;
}

/* The same, some at a time: of those that are dropped the late end must bounce off, and no other's. */
static void *work_in_batches(void *arg)
{
    struct crew *crew = arg;
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0;; i++) {
        struct bf_job *jobs[7];
        struct bf_job_end ends[7];
        unsigned n = 0;
        if (bf_job_take_many(crew->s->store, "a", T0, i % 3 == 2 ? 0 : LEASE, 7, arena, jobs, &n, NULL) != BF_OK || n == 0)
            break;
        for (unsigned k = 0; k < n; k++)
            ends[k] = (struct bf_job_end){.job = jobs[k], .act = BF_JOB_DONE};
        if (bf_job_settle(crew->s->store, ends, n, NULL) != BF_OK)
            break;
        for (unsigned k = 0; k < n; k++)
            if (ends[k].status == BF_OK)
                atomic_fetch_add(&crew->ran[number_of(jobs[k])], 1);
    }
    bf_arena_destroy(&arena);
    return NULL;
}

static void finish_with_many_threads(struct suite *s, void *(*work_of)(void *))
{
    struct crew crew = {.s = s};
    struct bf_job jobs[JOBS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < JOBS; i++)
        jobs[i] = make(i + 1, "a", T0 - (int64_t)i);
    assert_int_equal(bf_job_add(s->store, jobs, JOBS, NULL), BF_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work_of, &crew);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 1; i <= JOBS; i++)
        assert_int_equal(atomic_load(&crew.ran[i]), 1);
}

static void many_threads_finish_every_job_exactly_once(void **state) { finish_with_many_threads(*state, work); }

static void many_threads_finish_jobs_in_batches_each_exactly_once(void **state) { finish_with_many_threads(*state, work_in_batches); }

SUITE_PART(suite_jobs, SUITE_TEST(ids_of_jobs_are_the_same_each_time), SUITE_TEST(the_job_due_the_longest_is_claimed_first),
           SUITE_TEST(adding_again_leaves_a_job_as_it_is), SUITE_TEST(a_lease_that_ran_out_is_taken_over_and_its_holder_fenced_off),
           SUITE_TEST(a_renewed_lease_holds),
           SUITE_TEST(leases_are_renewed_together_and_those_that_were_lost_are_left_alone), SUITE_TEST(a_retry_waits_with_its_cause_and_may_not_count),
           SUITE_TEST(jobs_are_claimed_together_those_due_the_longest_first),
           SUITE_TEST(a_claim_that_was_taken_over_is_left_out_of_those_that_end_together),
           SUITE_TEST(documents_are_written_with_the_end_of_a_job_each_once), SUITE_TEST(hastened_jobs_are_due_now),
           SUITE_TEST(many_threads_finish_every_job_exactly_once), SUITE_TEST(many_threads_finish_jobs_in_batches_each_exactly_once));
