/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real processes on one database: four with sixteen writers each on one company, and four with eight workers each on one queue. This program starts
 * itself for each of them. BF_SOAK=1: 5,000 commits and 10,000 jobs; else a fifth of that.
 */
#include "core/env.h"
#include "storage/internal.h"
#include "tests/directory.h"
#include "tests/storage/contract/suite.h"
#include "tests/storage/mongo/database.h"
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

enum { PROCESSES = 4, WRITERS = 16, WORKERS = 8, COMPANIES = 4, TAKE = 16 };

static const struct bf_collection *const all[] = {&items, &parts, &notes, &ticks};
static const struct bf_uuid the_counter = {{0x77, 1}};

static bool is_soak(void) { return getenv("BF_SOAK") != NULL; }

static unsigned n_commits(void) { return is_soak() ? 5000 : 1024; }

static unsigned n_jobs(void) { return is_soak() ? 10000 : 2000; }

/* ---- a store on the database ---- */

static const char *place; /* of the database; the driver's table has no room for it */
static struct bf_driver_vtable driver;

static enum bf_status open_driver(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    struct bf_driver_open other = *how;
    other.place = place;
    return bf__driver_mongo.open(&other, ret, e);
}

static struct bf_store *open_store(const struct bf_env *env, const char *at, const char *dir)
{
    char key[PATH_MAX + 32];
    struct bf_store *store = NULL;
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("mongodb:"), .readers = 16};
    place = at;
    driver = bf__driver_mongo;
    driver.open = open_driver;
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    if (bf__store_open(env, &config, &driver, NULL, all, 4, &store, &e) != BF_OK) {
        fprintf(stderr, "opening: %s\n", e.cause);
        exit(1);
    }
    return store;
}

/* ---- a process: what its threads do ---- */

struct thread {
    struct bf_store *store;
    unsigned number, n; /* number: of the thread among those of all processes */
    FILE *out;          /* what it did, a line each; shared by the process's threads */
    pthread_t thread;
};

static struct bf_uuid company(unsigned n) { return (struct bf_uuid){{0xc0, (uint8_t)(n % COMPANIES)}}; }

static enum bf_status add_one(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *old = bf_view_get(view, &items, the_counter);
    struct bf_doc *doc = old == NULL ? bf_doc_create(arena, &thing_schema, bf_view_tenant(view), the_counter) : bf_doc_copy(arena, old);
    int64_t value = 1 + bf_get_int(&doc->object, T_SCORE);
    (void)ctx, (void)e;
    bf_set_int(&doc->object, T_SCORE, value);
    bf_decision_put(d, &items, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)value)), the_counter);
    return BF_OK;
}

static void count_on(struct thread *t)
{
    struct bf_read read = {&items, the_counter};
    for (unsigned i = 0; i < t->n; i++) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_receipt receipt;
        struct bf_error e = {0};
        struct bf_submission sub = {.tenant = tenant_a, .actor = tenant_a, .request = request_id(t->number * 1000 + i), .reads = &read, .n_reads = 1, .decide = add_one};
        if (bf_submit_wait(t->store, &sub, arena, &receipt, &e) == BF_OK)
            fprintf(t->out, "%.*s\n", BF_FMT(receipt.body));
        else
            fprintf(stderr, "request %u: %s\n", t->number * 1000 + i, e.cause);
        bf_arena_destroy(&arena);
    }
}

/* The result of a job is a document of its id; a second one would show as its second rev. */
static enum bf_status write_result(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_job *job = ctx;
    const struct bf_doc *old = bf_view_get(view, &items, job->id);
    struct bf_doc *doc = old == NULL ? bf_doc_create(arena, &thing_schema, bf_view_tenant(view), job->id) : bf_doc_copy(arena, old);
    (void)e;
    bf_set_str(&doc->object, T_NAME, BF_STR("done"));
    bf_decision_put(d, &items, doc);
    bf_decision_receipt(d, 200, BF_STR("done"), job->id);
    return BF_OK;
}

static void do_job(struct thread *t, struct bf_job *job, struct bf_arena *arena)
{
    struct bf_read read = {&items, job->id};
    struct bf_receipt receipt;
    struct bf_error e = {0};
    struct bf_submission sub = {.tenant = job->tenant, .actor = job->tenant, .reads = &read, .n_reads = 1, .decide = write_result, .ctx = job};
    memcpy(sub.request.b, job->id.b, sizeof sub.request.b);
    if (bf_submit_wait(t->store, &sub, arena, &receipt, &e) != BF_OK)
        fprintf(stderr, "job: %s\n", e.cause);
}

/* Every seventh round takes with a lease that is over at once: others take the same and do it, too, and its ends bounce off or not. */
static void work_on(struct thread *t)
{
    unsigned n = 1;
    for (unsigned round = 0; n > 0; round++) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_job *jobs[TAKE];
        struct bf_job_end ends[TAKE];
        struct bf_error e = {0};
        if (bf_job_take_many(t->store, "job", 5000, round % 7 == 6 ? 0 : 600000, TAKE, arena, jobs, &n, &e) != BF_OK)
            fprintf(stderr, "taking: %s\n", e.cause);
        for (unsigned i = 0; i < n; i++) {
            do_job(t, jobs[i], arena);
            ends[i] = (struct bf_job_end){.job = jobs[i], .act = BF_JOB_DONE};
        }
        if (n > 0 && bf_job_settle(t->store, ends, n, &e) != BF_OK)
            fprintf(stderr, "settling: %s\n", e.cause);
        for (unsigned i = 0; i < n; i++)
            if (ends[i].status == BF_OK)
                fprintf(t->out, "%lld\n", (long long)jobs[i]->n);
        bf_arena_destroy(&arena);
    }
}

static void *count_thread(void *arg)
{
    count_on(arg);
    return NULL;
}

static void *work_thread(void *arg)
{
    work_on(arg);
    return NULL;
}

/* PROGRAM count|work PLACE DIRECTORY NUMBER TIMES */
static int run_process(char **argv)
{
    bool counts = strcmp(argv[1], "count") == 0;
    unsigned number = (unsigned)atoi(argv[4]), n = counts ? WRITERS : WORKERS;
    struct thread threads[WRITERS];
    struct bf_env env;
    char path[PATH_MAX + 64];
    bf_env_system(&env);
    snprintf(path, sizeof path, "%s/%s.%u", argv[3], argv[1], number);
    FILE *out = fopen(path, "w");
    struct bf_store *store = open_store(&env, argv[2], argv[3]);
    for (unsigned i = 0; i < n; i++) {
        threads[i] = (struct thread){.store = store, .number = number * n + i, .n = (unsigned)atoi(argv[5]), .out = out};
        if (out == NULL || pthread_create(&threads[i].thread, NULL, counts ? count_thread : work_thread, &threads[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i].thread, NULL);
    bf_store_close(&store);
    bf_env_finish(&env);
    return fclose(out) == 0 ? 0 : 1;
}

/* ---- the test ---- */

struct rig {
    struct bf_env env;
    struct database database;
    char dir[PATH_MAX];
    struct bf_store *store;
    struct bf_arena *arena;
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    bf_env_system(&r->env);
    test_dir_make("processes", r->dir, sizeof r->dir);
    database_create(&r->database);
    r->store = open_store(&r->env, r->database.place, r->dir);
    r->arena = bf_arena_create();
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    bf_store_close(&r->store);
    bf_arena_destroy(&r->arena);
    database_destroy(&r->database);
    test_dir_remove(r->dir);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

static void run_processes(struct rig *r, char *what, unsigned times)
{
    pid_t pids[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        char number[16], each[16], self[] = "/proc/self/exe", *place_of = bf_arena_strdup(r->arena, r->database.place);
        snprintf(number, sizeof number, "%u", i);
        snprintf(each, sizeof each, "%u", times);
        char *const argv[] = {self, what, place_of, r->dir, number, each, NULL};
        assert_int_equal(posix_spawn(&pids[i], self, NULL, NULL, argv, environ), 0);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* Each number from 1 to n was told by one thread of one process, once. */
static void check_told(const struct rig *r, const char *what, unsigned n)
{
    unsigned char *told = calloc(n + 1, 1);
    unsigned lines = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        char path[PATH_MAX + 64], line[64];
        snprintf(path, sizeof path, "%s/%s.%u", r->dir, what, i);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        for (; fgets(line, sizeof line, file) != NULL; lines++) {
            long number = atol(line);
            assert_true(number >= 1 && number <= (long)n && told[number] == 0);
            told[number] = 1;
        }
        fclose(file);
    }
    assert_int_equal(lines, n);
    free(told);
}

/* The log of a company without a hole: how many operations it holds. */
static unsigned count_log(struct rig *r, struct bf_uuid tenant)
{
    int64_t head = 0, after = 0;
    unsigned ops = 0, n = 1;
    assert_int_equal(bf_log_head(r->store, tenant, &head, NULL), BF_OK);
    while (after < head) {
        struct bf_log_entry *entries;
        struct bf_arena *arena = bf_arena_create();
        assert_int_equal(bf_log_read(r->store, tenant, after, 500, BF_LOG_HEADERS, arena, &entries, &n, NULL), BF_OK);
        assert_true(n > 0);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(entries[i].n, ++after);
            ops += entries[i].n_ops;
        }
        bf_arena_destroy(&arena);
    }
    return ops;
}

static void check_clean(struct rig *r)
{
    struct bf_check_report report;
    assert_int_equal(bf_store_check(r->store, false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
}

static void four_processes_write_to_one_company_each_commit_once(void **state)
{
    struct rig *r = *state;
    char what[] = "count";
    unsigned each = (n_commits() + PROCESSES * WRITERS - 1) / (PROCESSES * WRITERS), n = each * PROCESSES * WRITERS;
    struct bf_doc *doc = NULL;
    run_processes(r, what, each);
    check_told(r, what, n);
    assert_int_equal(count_log(r, tenant_a), n);
    assert_int_equal(bf_store_get(r->store, &items, tenant_a, the_counter, r->arena, &doc, NULL), BF_OK);
    assert_true(doc != NULL && bf_get_int(&doc->object, T_SCORE) == n && doc->rev == n);
    check_clean(r);
}

static void thirty_two_workers_do_each_job_once(void **state)
{
    struct rig *r = *state;
    char what[] = "work";
    unsigned n = n_jobs(), ops = 0;
    struct bf_job *jobs = calloc(n, sizeof *jobs);
    for (unsigned i = 0; i < n; i++)
        jobs[i] = (struct bf_job){.id = bf_job_id(company(i), i + 1, 0, "job"), .tenant = company(i), .kind = "job", .due_ms = 1000 + i % 7, .n = i + 1};
    assert_int_equal(bf_job_add(r->store, jobs, n, NULL), BF_OK);
    run_processes(r, what, 0);
    check_told(r, what, n);
    for (unsigned i = 0; i < COMPANIES; i++)
        ops += count_log(r, company(i));
    assert_int_equal(ops, n);
    for (unsigned i = 0; i < n; i++) {
        struct bf_doc *doc = NULL;
        bf_arena_reset(r->arena);
        assert_int_equal(bf_store_get(r->store, &items, company(i), jobs[i].id, r->arena, &doc, NULL), BF_OK);
        assert_true(doc != NULL && doc->rev == 1);
    }
    free(jobs);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {T(four_processes_write_to_one_company_each_commit_once), T(thirty_two_workers_do_each_job_once)};
    return argc == 6 ? run_process(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
