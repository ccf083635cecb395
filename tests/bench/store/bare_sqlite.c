/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/store/bare_sqlite.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TEXT_MAX = 256, FIRST = 10000000, FILL_GROUP = 250 };

double cpu_us_now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

double wall_us_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct bare {
    sqlite3 *db;
    const struct bare_shape *shape;
    sqlite3_stmt *begin, *commit, *log, *request, *doc[BARE_DOCS_MAX], *key[BARE_KEYS_MAX];
    double docs_due[BARE_DOCS_MAX], keys_due[BARE_KEYS_MAX]; /* a rate of 0.4 writes in two of five creates */
    unsigned char *noise;
};

static void check(struct bare *b, int rc, int wanted)
{
    if (rc == wanted)
        return;
    fprintf(stderr, "bare: %s\n", sqlite3_errmsg(b->db));
    exit(1);
}

static void run_sql(struct bare *b, const char *text) { check(b, sqlite3_exec(b->db, text, NULL, NULL, NULL), SQLITE_OK); }

static sqlite3_stmt *prepare(struct bare *b, const char *text)
{
    sqlite3_stmt *st;
    check(b, sqlite3_prepare_v3(b->db, text, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL), SQLITE_OK);
    return st;
}

static void step(struct bare *b, sqlite3_stmt *st)
{
    check(b, sqlite3_step(st), SQLITE_DONE);
    sqlite3_reset(st);
}

static void make_tables(struct bare *b)
{
    char text[TEXT_MAX];
    run_sql(
        b,
        "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=16000;"
        "PRAGMA cache_size=-65536; CREATE TABLE log(r INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, h BLOB NOT NULL, l BLOB NOT NULL, p "
        "BLOB NOT NULL);"
        "CREATE TABLE log_requests(k BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
    for (unsigned i = 0; i < b->shape->n_docs; i++) {
        snprintf(text, sizeof text, "CREATE TABLE d_%u(r INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, d BLOB NOT NULL)", i);
        run_sql(b, text);
    }
    for (unsigned i = 0; i < b->shape->n_keys; i++) {
        snprintf(text, sizeof text, "CREATE TABLE x_%u(k BLOB PRIMARY KEY, r INTEGER NOT NULL) WITHOUT ROWID", i);
        run_sql(b, text);
    }
}

static void prepare_all(struct bare *b)
{
    char text[TEXT_MAX];
    b->begin = prepare(b, "BEGIN IMMEDIATE");
    b->commit = prepare(b, "COMMIT");
    b->log = prepare(b, "INSERT INTO log(k, h, l, p) VALUES(?1, ?2, ?3, ?4)");
    b->request = prepare(b, "INSERT INTO log_requests(k, n) VALUES(?1, ?2)");
    for (unsigned i = 0; i < b->shape->n_docs; i++) {
        const char *sql = b->shape->docs[i].among > 0 ? "UPDATE d_%u SET d = ?2 WHERE k = ?1" : "INSERT INTO d_%u(k, d) VALUES(?1, ?2)";
        snprintf(text, sizeof text, sql, i);
        b->doc[i] = prepare(b, text);
    }
    for (unsigned i = 0; i < b->shape->n_keys; i++) {
        snprintf(text, sizeof text, "INSERT INTO x_%u(k, r) VALUES(?1, ?2)", i);
        b->key[i] = prepare(b, text);
    }
}

static void put_be(unsigned char *p, uint64_t u)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(u >> (56 - 8 * i));
}

/* tenant, and an id that grows with time as a UUIDv7 does */
static void doc_key(unsigned char key[32], uint64_t id)
{
    memset(key, 0xa1, 16);
    put_be(key + 16, id);
    put_be(key + 24, id * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t scatter(uint64_t u) { return (u ^ u >> 31) * UINT64_C(0xbf58476d1ce4e5b9); }

static int64_t put_doc(struct bare *b, sqlite3_stmt *st, const unsigned char key[32], unsigned bytes)
{
    sqlite3_bind_blob(st, 1, key, 32, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, b->noise + key[30], (int)bytes, SQLITE_STATIC);
    step(b, st);
    return sqlite3_last_insert_rowid(b->db);
}

/* An index key: tenant, an owner of a few hundred (or a parent that is new), a time that grows, the id. */
static void put_key(struct bare *b, unsigned i, uint64_t n, int64_t row)
{
    unsigned char key[256];
    unsigned bytes = b->shape->keys[i].bytes;
    memset(key, 0xa1, bytes);
    put_be(key + 16, scatter(n * 7 + i) % 400);
    if (bytes >= 40)
        put_be(key + bytes - 24, n);
    doc_key(key + bytes - 32, n);
    memset(key + bytes - 32, 0, 16);
    sqlite3_bind_blob(b->key[i], 1, key, (int)bytes, SQLITE_STATIC);
    sqlite3_bind_int64(b->key[i], 2, row);
    step(b, b->key[i]);
}

/* Whether it is written this time. */
static bool is_due(double *due, double rate)
{
    *due += rate;
    if (*due < 1)
        return false;
    *due -= 1;
    return true;
}

static void one_create(struct bare *b, uint64_t n)
{
    unsigned char key[32];
    int64_t row = 0;
    for (unsigned i = 0; i < b->shape->n_docs; i++) {
        const struct bare_doc *doc = &b->shape->docs[i];
        if (!is_due(&b->docs_due[i], doc->rate))
            continue;
        doc_key(key, doc->among > 0 ? scatter(n + i) % doc->among : n);
        int64_t put = put_doc(b, b->doc[i], key, doc->bytes);
        row = doc->among > 0 ? row : put;
    }
    for (unsigned i = 0; i < b->shape->n_keys; i++)
        if (is_due(&b->keys_due[i], b->shape->keys[i].rate))
            put_key(b, i, n, row);
    doc_key(key, scatter(n));
    sqlite3_bind_blob(b->request, 1, key, 32, SQLITE_STATIC);
    sqlite3_bind_int64(b->request, 2, (int64_t)n);
    step(b, b->request);
}

static void one_group(struct bare *b, uint64_t first, unsigned n)
{
    unsigned char key[32];
    step(b, b->begin);
    for (unsigned i = 0; i < n; i++)
        one_create(b, first + i);
    doc_key(key, first);
    sqlite3_bind_blob(b->log, 1, key, 24, SQLITE_STATIC);
    sqlite3_bind_blob(b->log, 2, b->noise, (int)(b->shape->header_bytes * n), SQLITE_STATIC);
    sqlite3_bind_blob(b->log, 3, b->noise, 32, SQLITE_STATIC);
    sqlite3_bind_blob(b->log, 4, b->noise, (int)(b->shape->payload_bytes * n), SQLITE_STATIC);
    step(b, b->log);
    step(b, b->commit);
}

/* The rows that are replaced later. */
static void fill_counters(struct bare *b)
{
    unsigned char key[32];
    char text[TEXT_MAX];
    step(b, b->begin);
    for (unsigned i = 0; i < b->shape->n_docs; i++) {
        snprintf(text, sizeof text, "INSERT INTO d_%u(k, d) VALUES(?1, ?2)", i);
        sqlite3_stmt *insert = prepare(b, text);
        for (unsigned j = 0; j < b->shape->docs[i].among; j++) {
            doc_key(key, j);
            put_doc(b, insert, key, b->shape->docs[i].bytes);
        }
        sqlite3_finalize(insert);
    }
    step(b, b->commit);
}

/* `n` creates in groups of `group`, the first of them number `first`. */
static void create_all(struct bare *b, uint64_t first, unsigned n, double group)
{
    double due = 0;
    for (unsigned done = 0; done < n;) {
        due += group;
        unsigned now = due < n ? (unsigned)due - done : n - done;
        if (now > 0)
            one_group(b, first + done, now);
        done += now;
    }
}

/* The rows that the store held before: what a tree costs grows with it. */
static void fill_up(struct bare *b, unsigned n)
{
    create_all(b, FIRST - n, n, FILL_GROUP);
    run_sql(b, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void finish(struct bare *b)
{
    sqlite3_stmt *st;
    while ((st = sqlite3_next_stmt(b->db, NULL)) != NULL)
        sqlite3_finalize(st);
    sqlite3_close(b->db);
    free(b->noise);
}

void bare_run(const char *dir, const struct bare_shape *shape, unsigned before, unsigned n, double group, struct bare_result *ret)
{
    enum { NOISE = 4 << 20 };
    struct bare b = {.shape = shape, .noise = malloc(NOISE)};
    char path[4096];
    snprintf(path, sizeof path, "%s/bare.db", dir);
    if (b.noise == NULL ||
        sqlite3_open_v2(path, &b.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        exit(1);
    for (size_t i = 0; i < NOISE; i++)
        b.noise[i] = (unsigned char)(scatter(i) >> 56);
    make_tables(&b);
    prepare_all(&b);
    fill_counters(&b);
    fill_up(&b, before);
    double cpu = cpu_us_now(), wall = wall_us_now();
    create_all(&b, FIRST, n, group);
    ret->cpu_us = (cpu_us_now() - cpu) / n;
    ret->creates_per_s = n / ((wall_us_now() - wall) / 1e6);
    finish(&b);
}

/* ---- the shape ---- */

static unsigned ask(struct bare *b, const char *text, const char *name)
{
    char sql[TEXT_MAX];
    snprintf(sql, sizeof sql, text, name);
    sqlite3_stmt *st = prepare(b, sql);
    check(b, sqlite3_step(st), SQLITE_ROW);
    double value = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    return (unsigned)(value + 0.5);
}

void bare_measure(const char *database, unsigned creates, double group, struct bare_shape *ret)
{
    static const char *const inserted[] = {"bench_visits", "bench_verdicts", "bench_captures"}, *const updated[] = {"bench_weeks",
                                                                                                                    "bench_last"};
    static const char *const keys[] = {"bench_visits__owner", "bench_visits__team",    "bench_visits__time",    "bench_visits__customer",
                                       "bench_visits__rep",   "bench_verdicts__visit", "bench_verdicts__owner", "bench_verdicts__team"};
    struct bare b = {.shape = ret};
    if (sqlite3_open_v2(database, &b.db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        exit(1);
    *ret = (struct bare_shape){.n_docs = 5, .n_keys = 8};
    for (unsigned i = 0; i < 3; i++)
        ret->docs[i] = (struct bare_doc){.bytes = ask(&b, "SELECT avg(length(d)) FROM d_%s", inserted[i]), .rate = 1};
    for (unsigned i = 0; i < 2; i++)
        ret->docs[3 + i] = (struct bare_doc){.bytes = ask(&b, "SELECT avg(length(d)) FROM d_%s", updated[i]),
                                             .among = ask(&b, "SELECT count(*) FROM d_%s", updated[i]),
                                             .rate = 1};
    for (unsigned i = 0; i < 8; i++)
        ret->keys[i] = (struct bare_key){.bytes = ask(&b, "SELECT avg(length(k)) FROM x_%s", keys[i]), .rate = 1};
    ret->header_bytes = ask(&b, "SELECT sum(length(h)) FROM log%s", "") / creates;
    ret->payload_bytes = ask(&b, "SELECT sum(length(p)) FROM log%s", "") / creates;
    (void)group;
    sqlite3_close(b.db);
}

/* ---- reading ---- */

double bare_gets(const char *database, const char *collection, unsigned n)
{
    struct bare b = {0};
    char sql[TEXT_MAX];
    unsigned n_keys = 0;
    unsigned char(*keys)[32] = calloc(n, sizeof *keys);
    if (keys == NULL || sqlite3_open_v2(database, &b.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        exit(1);
    run_sql(&b, "PRAGMA query_only=ON; PRAGMA cache_size=-16384");
    snprintf(sql, sizeof sql, "SELECT k FROM d_%s", collection);
    sqlite3_stmt *st = prepare(&b, sql);
    for (; n_keys < n && sqlite3_step(st) == SQLITE_ROW; n_keys++)
        memcpy(keys[n_keys], sqlite3_column_blob(st, 0), 32);
    sqlite3_finalize(st);
    snprintf(sql, sizeof sql, "SELECT d FROM d_%s WHERE k = ?1", collection);
    st = prepare(&b, sql);
    double cpu = cpu_us_now();
    for (unsigned i = 0; i < n; i++) {
        sqlite3_bind_blob(st, 1, keys[(uint64_t)i * 7919 % n_keys], 32, SQLITE_STATIC);
        check(&b, sqlite3_step(st), SQLITE_ROW);
        b.noise = (unsigned char *)(uintptr_t)sqlite3_column_blob(st, 0);
        sqlite3_reset(st);
    }
    cpu = (cpu_us_now() - cpu) / n;
    b.noise = NULL;
    free(keys);
    finish(&b);
    return cpu;
}
