/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer with creates in flight is killed at a random moment, again and again on the same directory (40 times; BF_SOAK set: 1,000). After
 * each kill the store is opened and everything that was acknowledged must be there, once, with the receipt that was given.
 */
#include "core/arena.h"
#include "tests/fault/store/crash.h"
#include "tests/test.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 40, KILLS_SOAK = 1000, LIFE_MS_MAX = 60, FULL_CHECK_EVERY = 10 };

struct ledger {
    uint64_t *requests;
    char (*receipts)[80];
    size_t n, cap;
    off_t read_to;
};

struct crash {
    char dir[4096];
    struct bf_env env;
    struct ledger acked;
    uint64_t next_request;
};

static void add_line(struct ledger *l, const char *line, size_t n)
{
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
        l->requests = realloc(l->requests, l->cap * sizeof *l->requests);
        l->receipts = realloc(l->receipts, l->cap * sizeof *l->receipts);
        assert_true(l->requests != NULL && l->receipts != NULL);
    }
    char *rest;
    l->requests[l->n] = strtoull(line, &rest, 10);
    snprintf(l->receipts[l->n++], sizeof *l->receipts, "%.*s", (int)(n - (size_t)(rest + 1 - line)), rest + 1);
}

/* What came since the last look. A line is written by one write: none is torn. */
static void read_ledger(struct crash *c)
{
    char path[4200], line[200];
    snprintf(path, sizeof path, "%s/ledger", c->dir);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return; /* killed before it began */
    fseeko(file, c->acked.read_to, SEEK_SET);
    while (fgets(line, sizeof line, file) != NULL) {
        size_t n = strcspn(line, "\n");
        assert_true(line[n] == '\n');
        add_line(&c->acked, line, n);
    }
    c->acked.read_to = ftello(file);
    fclose(file);
}

/* The writer's standard output is a pipe on which it says one byte with its first acknowledgement. */
static pid_t begin_life(struct crash *c, int *ret_said)
{
    char first[24];
    int ends[2];
    const char *program = getenv("BF_CRASH_WRITER");
    assert_non_null(program);
    snprintf(first, sizeof first, "%llu", (unsigned long long)c->next_request);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, c->dir, first, "8", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *ret_said = ends[0];
    return pid;
}

/* `work`: its life is counted from the first acknowledgement; otherwise from the start, so that opening and recovery are struck too. */
static void live_and_die(struct crash *c, bool work, unsigned life_ms)
{
    int said;
    char byte;
    pid_t pid = begin_life(c, &said);
    if (work)
        assert_int_equal(read(said, &byte, 1), 1);
    close(said);
    struct timespec life = {.tv_sec = life_ms / 1000, .tv_nsec = life_ms % 1000 * 1000000L};
    nanosleep(&life, NULL);
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it died of the kill, not of an error of its own */
}

static struct bf_doc *find(struct crash *c, struct bf_store *store, const struct bf_collection *coll, struct bf_uuid id,
                           struct bf_arena *arena)
{
    struct bf_doc *doc = NULL;
    struct bf_error e = {0};
    (void)c;
    if (bf_store_get(store, coll, crash_tenant, id, arena, &doc, &e) != BF_OK)
        fail_msg("get: %s", e.cause);
    return doc;
}

static void see_each_acked(struct crash *c, struct bf_store *store, size_t from)
{
    struct bf_arena *arena = bf_arena_create();
    for (size_t i = from; i < c->acked.n; i++) {
        char expected[80];
        uint64_t request = c->acked.requests[i];
        struct bf_doc *doc = find(c, store, &crash_items, crash_item(request), arena);
        if (doc == NULL)
            fail_msg("request %llu was acknowledged and is lost", (unsigned long long)request);
        snprintf(expected, sizeof expected, "%llu is %lld", (unsigned long long)request, (long long)bf_get_int(&doc->object, C_NUMBER));
        assert_string_equal(c->acked.receipts[i], expected);
        assert_int_equal(doc->rev, 1);
        bf_arena_reset(arena);
    }
    bf_arena_destroy(&arena);
}

/* Numbers 1 to the counter's value, each once: nothing is half there and nothing is double. */
static void see_numbers_without_gap(struct crash *c, struct bf_store *store)
{
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    struct bf_query q = {.coll = &crash_items, .tenant = crash_tenant, .index = crash_items.indexes[0], .limit = BF_PAGE_MAX};
    struct bf_doc *counter = find(c, store, &crash_counters, crash_counter, arena);
    int64_t last = counter == NULL ? 0 : bf_get_int(&counter->object, C_NUMBER), n = 0;
    do {
        struct bf_page page;
        bf_arena_reset(arena);
        assert_int_equal(bf_store_find(store, &q, arena, &page, NULL), BF_OK);
        for (unsigned i = 0; i < page.n; i++) {
            assert_int_equal(bf_get_int(&page.docs[i]->object, C_NUMBER), ++n);
            uint64_t request = (uint64_t)bf_get_int(&page.docs[i]->object, C_REQUEST);
            if (request >= c->next_request)
                c->next_request = request + 1;
        }
        bf_arena_reset(cursor);
        q.after = page.next.n == 0 ? bf_str(NULL, 0) : bf_str_dup(cursor, page.next);
    } while (q.after.n > 0);
    assert_int_equal(n, last);
    assert_true((uint64_t)n >= c->acked.n);
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
}

/* The last acknowledged requests, asked again, get the receipts of then. */
static void see_replays(struct crash *c, struct bf_store *store)
{
    struct bf_arena *arena = bf_arena_create();
    for (size_t i = c->acked.n > 5 ? c->acked.n - 5 : 0; i < c->acked.n; i++) {
        struct bf_read reads[2];
        struct bf_receipt r;
        struct bf_submission s = crash_submission(c->acked.requests[i], reads);
        s.ctx = &c->acked.requests[i];
        assert_int_equal(bf_submit_wait(store, &s, arena, &r, NULL), BF_OK);
        assert_true(r.replay && bf_str_eqz(r.body, c->acked.receipts[i]));
    }
    bf_arena_destroy(&arena);
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    print_message("check: %s\n", line);
}

static void look(struct crash *c, size_t seen, bool all)
{
    struct bf_store *store;
    struct bf_error e = {0};
    struct bf_check_report report = {0};
    if (crash_open(&c->env, c->dir, &store, &e) != BF_OK)
        fail_msg("after a kill: %s", e.cause);
    see_each_acked(c, store, all ? 0 : seen);
    see_numbers_without_gap(c, store);
    see_replays(c, store);
    if (all) {
        assert_int_equal(bf_store_check(store, false, say, NULL, &report, NULL), BF_OK);
        assert_int_equal(report.faults, 0);
    }
    bf_store_close(&store);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717) >> 33;
}

static void acknowledged_creates_survive_kills(void **state)
{
    struct crash c = {.next_request = 1};
    signal(SIGPIPE, SIG_IGN);
    const char *base = getenv("BF_TEST_DIR");
    unsigned kills = getenv("BF_SOAK") != NULL ? KILLS_SOAK : KILLS;
    uint64_t seed = (uint64_t)time(NULL) * 2654435761 + (uint64_t)getpid();
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    bf_env_system(&c.env);
    snprintf(c.dir, sizeof c.dir, "%s/crash.XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(c.dir));
    for (unsigned i = 1; i <= kills; i++) {
        size_t seen = c.acked.n;
        live_and_die(&c, i % 4 != 0, 1 + (unsigned)(next_random(&seed) % LIFE_MS_MAX));
        read_ledger(&c);
        look(&c, seen, i % FULL_CHECK_EVERY == 0 || i == kills);
    }
    print_message("%u kills, %zu creates acknowledged, none lost\n", kills, c.acked.n);
    assert_true(c.acked.n > kills);
    free(c.acked.requests);
    free(c.acked.receipts);
    bf_env_finish(&c.env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(acknowledged_creates_survive_kills)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
