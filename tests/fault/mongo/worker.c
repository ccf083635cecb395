/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mongo_worker run URI KEY_FILE PROCESS WRITERS TENANTS [DRIVER]   writes until standard input closes
 * mongo_worker check URI KEY_FILE                                  "FAULTS faults, ENTRIES entries", after a line for each fault
 *
 * A process of Baifang as the database sees it. Each writer makes one operation after the other (records.h) and repeats it, under the same request id,
 * until it is answered, as a phone does; once standard input closed, 100 times at most. A JSON line on standard output: before the first try, after
 * each that was none, and after the answer. An operation without the last one may have happened or not:
 *
 *   {"op":100000007,"at":NS,"kind":"update","tenant":0,"record":5,"rev":2,"value":100000007}
 *   {"op":100000007,"at":NS,"failed":"unavailable","ms":500}
 *   {"op":100000007,"at":NS,"status":"ok","got":{...},"ms":12}
 *
 * NS is of the monotonic clock, which all processes share. Its own log goes to standard error.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "storage/internal.h"
#include "tests/fault/mongo/drivers.h"
#include "tests/fault/mongo/records.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Writers move on through the records at one pace, so that several are at the same record at the same time. */
enum { WRITERS_MAX = 64, TURNS_PER_RECORD = 4, NEAR = 4, NEW_TENANT_EVERY = 16, LAST_TRIES = 100, RETRY_MS = 20 };
enum { OF_PROCESS = 100000000, OF_WRITER = 1000000 }; /* of the numbers of operations: unique in a test */

struct worker {
    struct bf_env env;
    struct bf_store *store;
    unsigned process, tenants;
    atomic_bool stopping;
};

struct writer {
    struct worker *worker;
    unsigned number, turn;
    unsigned seed;
    int64_t revs[NEAR * 2]; /* as it last saw the records around */
    pthread_t thread;
};

struct outcome {
    enum bf_status status;
    const char *got;
    int64_t rev;
    int64_t took_ms; /* of the last try */
};

static const char *const kinds[] = {[ACT_CREATE] = "create", [ACT_UPDATE] = "update", [ACT_CLAIM] = "claim"};

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* One write: what was said is with the kernel before it goes on, whoever kills this process then. */
static void say(const char *line)
{
    size_t n = strlen(line);
    if (write(STDOUT_FILENO, line, n) != (ssize_t)n)
        exit(1);
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* ---- one operation ---- */

static bool is_answer(enum bf_status status) { return status != BF_E_UNAVAILABLE && status != BF_E_UNKNOWN_OUTCOME; }

static void try_once(struct writer *w, const struct act *act, uint64_t op, struct bf_arena *arena, struct outcome *o)
{
    struct bf_read reads[2];
    struct bf_receipt receipt;
    struct bf_error e = {0};
    struct bf_submission s = records_submission(act, op, reads);
    int64_t begun_ms = bf_mono_ms(&w->worker->env);
    o->status = bf_submit_wait(w->worker->store, &s, arena, &receipt, &e);
    o->took_ms = bf_mono_ms(&w->worker->env) - begun_ms;
    o->got = o->status == BF_OK ? bf_arena_printf(arena, "%.*s", BF_FMT(receipt.body)) : bf_arena_printf(arena, "%s", e.cause);
}

static void say_begin(const struct act *act, uint64_t op, bool reads)
{
    char line[400];
    snprintf(line, sizeof line, "{\"op\":%llu,\"at\":%lld,\"kind\":\"%s\",\"tenant\":%u,\"record\":%u,\"rev\":%lld,\"value\":%lld}\n",
             (unsigned long long)op, now_ns(), reads ? "read" : kinds[act->kind], act->tenant, act->record, (long long)act->rev,
             (long long)act->value);
    say(line);
}

static void say_failed(uint64_t op, const struct outcome *o)
{
    char line[200];
    snprintf(line, sizeof line, "{\"op\":%llu,\"at\":%lld,\"failed\":\"%s\",\"ms\":%lld}\n", (unsigned long long)op, now_ns(), bf_status_code(o->status),
             (long long)o->took_ms);
    say(line);
}

static void say_end(uint64_t op, const struct outcome *o)
{
    char line[600];
    bool is_state = o->got[0] == '{';
    snprintf(line, sizeof line, "{\"op\":%llu,\"at\":%lld,\"status\":\"%s\",\"got\":%s%s%s,\"ms\":%lld}\n", (unsigned long long)op, now_ns(),
             bf_status_code(o->status), is_state ? "" : "\"", o->got, is_state ? "" : "\"", (long long)o->took_ms);
    say(line);
}

static void write_until_answered(struct writer *w, const struct act *act, uint64_t op, struct bf_arena *arena, struct outcome *o)
{
    unsigned last = 0;
    try_once(w, act, op, arena, o);
    while (!is_answer(o->status) && (last += atomic_load(&w->worker->stopping)) < LAST_TRIES) {
        say_failed(op, o);
        pause_ms(RETRY_MS);
        try_once(w, act, op, arena, o);
    }
    const char *rev = strstr(o->got, "\"rev\":");
    o->rev = rev == NULL ? 0 : atoll(rev + 6);
}

/* ---- one after the other ---- */

static void choose(struct writer *w, struct act *act, bool *reads)
{
    unsigned near = w->turn / TURNS_PER_RECORD + (unsigned)rand_r(&w->seed) % NEAR, dice = (unsigned)rand_r(&w->seed) % 100;
    bool is_apart = w->turn % NEW_TENANT_EVERY == NEW_TENANT_EVERY - 1;
    act->tenant = is_apart ? w->worker->tenants + w->turn / NEW_TENANT_EVERY : w->number % w->worker->tenants;
    act->record = near;
    act->rev = w->revs[near % (NEAR * 2)];
    *reads = dice >= 85;
    act->kind = dice < 30 || (dice < 65 && act->rev == 0) ? ACT_CREATE : dice < 65 ? ACT_UPDATE : ACT_CLAIM;
}

/* A read that fails is not repeated: it says nothing. */
static void read_once(const struct writer *w, const struct act *act, struct bf_arena *arena, struct outcome *o)
{
    struct bf_error e = {0};
    int64_t begun_ms = bf_mono_ms(&w->worker->env);
    o->status = records_read(w->worker->store, act, arena, &o->got, &o->rev, &e);
    o->took_ms = bf_mono_ms(&w->worker->env) - begun_ms;
}

static void run_turn(struct writer *w, struct bf_arena *arena)
{
    struct act act = {0};
    struct outcome o = {.status = BF_OK};
    bool reads;
    uint64_t op = (uint64_t)w->worker->process * OF_PROCESS + (uint64_t)w->number * OF_WRITER + w->turn + 1;
    choose(w, &act, &reads);
    act.value = (int64_t)op;
    say_begin(&act, op, reads);
    if (reads)
        read_once(w, &act, arena, &o);
    else
        write_until_answered(w, &act, op, arena, &o);
    if (is_answer(o.status))
        say_end(op, &o);
    else
        say_failed(op, &o);
    if (o.rev > 0)
        w->revs[act.record % (NEAR * 2)] = o.rev;
    if (++w->turn % TURNS_PER_RECORD == 0)
        w->revs[(w->turn / TURNS_PER_RECORD + NEAR - 1) % (NEAR * 2)] = 0; /* a record that comes near */
}

static void *write_on(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(&w->worker->stopping)) {
        struct bf_arena *arena = bf_arena_create();
        run_turn(w, arena);
        bf_arena_destroy(&arena);
    }
    return NULL;
}

/* Nothing more to read: the test wants it to end. */
static void wait_for_end(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
        errno = 0;
}

static void run(struct worker *worker, unsigned n)
{
    static struct writer writers[WRITERS_MAX];
    for (unsigned i = 0; i < n; i++) {
        writers[i] = (struct writer){.worker = worker, .number = i, .seed = worker->process * WRITERS_MAX + i};
        if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
            exit(1);
    }
    say("{\"ready\":true}\n");
    wait_for_end();
    atomic_store(&worker->stopping, true);
    for (unsigned i = 0; i < n; i++)
        pthread_join(writers[i].thread, NULL);
}

static void say_fault(void *ctx, const char *line)
{
    (void)ctx;
    printf("%s\n", line);
}

static int check(struct worker *worker)
{
    struct bf_check_report report;
    struct bf_error e = {0};
    if (bf_store_check(worker->store, /* mend= */ false, say_fault, NULL, &report, &e) != BF_OK) {
        fprintf(stderr, "check: %s\n", e.cause);
        return 1;
    }
    printf("%lld faults, %lld entries\n", (long long)report.faults, (long long)report.entries);
    return 0;
}

static int open_store(struct worker *worker, const char *uri, const char *key_file, const char *driver)
{
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("mongodb:"), .master_key_file = bf_strz(key_file)};
    if (bf__store_open(&worker->env, &config, driver_named(driver, uri), NULL, records_collections, 2, &worker->store, &e) == BF_OK)
        return 0;
    fprintf(stderr, "open: %s\n", e.cause);
    return 1;
}

int main(int argc, char **argv)
{
    static struct worker worker;
    bool runs = argc >= 7 && strcmp(argv[1], "run") == 0;
    if (!runs && (argc != 4 || strcmp(argv[1], "check") != 0))
        return 2;
    unsigned n = runs ? (unsigned)atoi(argv[5]) : 0;
    bf_env_system(&worker.env);
    worker.env.log = bf_log_create(STDERR_FILENO, BF_LOG_WARN);
    worker.process = runs ? (unsigned)atoi(argv[4]) : 0;
    worker.tenants = runs ? (unsigned)atoi(argv[6]) : 0;
    if (n > WRITERS_MAX || (runs && worker.tenants == 0) || open_store(&worker, argv[2], argv[3], argc > 7 ? argv[7] : "plain") != 0)
        return 1;
    int status = runs ? (run(&worker, n), 0) : check(&worker);
    bf_store_close(&worker.store);
    bf_log_destroy(&worker.env.log);
    bf_env_finish(&worker.env);
    return status;
}
