/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/move.h"
#include "core/arena.h"
#include "storage/erasing.h"
#include "storage/heads.h"
#include "storage/lease.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES = 400 };

void bf__move_say(const struct bf__move *m, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    if (m->say == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    m->say(m->ctx, line);
}

enum bf_status bf__move_agree(struct bf__move *m, const char *what, int64_t n_from, struct bf_hash_state *from, int64_t n_to, struct bf_hash_state *to,
                              struct bf_error *e)
{
    uint8_t a[32], b[32];
    bf_hash_end(from, a);
    bf_hash_end(to, b);
    if (n_from != n_to)
        return bf_fail(e, BF_E_CORRUPT, "%s: the source has %lld and the destination %lld; does something serve one of them still?", what,
                       (long long)n_from, (long long)n_to);
    if (memcmp(a, b, sizeof a) != 0)
        return bf_fail(e, BF_E_CORRUPT, "%s: the destination's are not the same as the source's; does something serve one of them still?", what);
    bf_hash_add(&m->all, a, sizeof a);
    return BF_OK;
}

/* What a database's processes keep about each other: the destination makes its own, or has none. Uploads are carried with the files. */
bool bf__move_takes(const struct bf_collection *coll)
{
    return coll != &bf__coll_heads && coll != &bf__coll_leases && coll != &bf__coll_erasing && coll != &bf__coll_uploads;
}

/* ---- the destination's mark ---- */

static struct bf_str mark_of(const struct bf_store *from) { return bf_str((const char *)&from->incarnation, sizeof from->incarnation); }

static enum bf_status see_empty(struct bf_store *store, const struct bf_collection *coll, struct bf_error *e)
{
    struct bf__move_rows rows;
    struct bf_row *row;
    bf__move_rows_begin(&rows, store, coll);
    enum bf_status status = bf__move_rows_look(&rows, &row, e);
    if (status == BF_OK && row != NULL)
        status = bf_fail(e, BF_E_CONFLICT, "the destination has data of its own (%s): a store is moved to a new one", coll->name);
    bf__move_rows_end(&rows);
    return status;
}

/* Leases, too: a daemon that runs there would not see the mark. */
static enum bf_status see_new(struct bf_store *store, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < store->n_collections && status == BF_OK; i++)
        status = see_empty(store, store->collections[i], e);
    return status;
}

/* The destination is new, or this very move was begun there. */
static enum bf_status mark(struct bf__move *m, struct bf_error *e)
{
    struct bf_str mine = mark_of(m->from), moving;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf__meta_get(m->to, "moving", arena, &moving, e);
    if (status == BF_OK && moving.n > 0 && !bf_str_eq(moving, mine))
        status = bf_fail(e, BF_E_CONFLICT, "a move of another store was begun to the destination");
    bool is_begun = status == BF_OK && moving.n > 0;
    if (status == BF_OK && !is_begun)
        status = see_new(m->to, e);
    if (status == BF_OK && !is_begun)
        status = bf__meta_set(m->to, "moving", mine, e);
    if (status == BF_OK && is_begun)
        bf__move_say(m, "a move that was begun is gone on with");
    bf_arena_destroy(&arena);
    return status;
}

/* ---- the source as it is to be ---- */

struct erasures {
    struct bf_store *from;
    struct bf_session *s;
};

/* As the sweep of any process would do it, without the minute that is for the caches of the others. */
static enum bf_status end_key(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    const struct erasures *x = ctx;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf__erasures_note_once(x->from, tenant, subject, n, e);
    if (status == BF_OK)
        status = bf__keys_end(x->from, x->s, tenant, subject, n, arena, e);
    bf_arena_destroy(&arena);
    return status;
}

/* A key that a process was about to destroy when it ended: the note of it stays behind with the database. */
static enum bf_status settle_erasures(struct bf_store *from, struct bf_error *e)
{
    struct bf_driver *driver = from->driver;
    if (from->heads == NULL)
        return BF_OK;
    struct erasures x = {from, driver->vt->reader(driver)};
    enum bf_status status = bf__erasing_each(from, x.s, end_key, &x, e);
    driver->vt->release(driver, x.s);
    return status;
}

/* Of a database, documents may be behind the log: they are rolled forward first, as whoever decides next would do. */
static enum bf_status settle_head(struct bf_store *from, struct bf_session *s, struct bf_uuid tenant, struct bf_error *e)
{
    struct bf__head head;
    return from->heads == NULL ? BF_OK : bf__head_catch_up(from, s, tenant, &head, e);
}

static enum bf_status note_log(struct bf__move *m, struct bf_uuid tenant, struct bf_error *e)
{
    struct bf_driver *driver = m->from->driver;
    struct bf_raw_entry *last = NULL;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = settle_head(m->from, s, tenant, e);
    if (status == BF_OK)
        status = driver->vt->log_last(s, tenant, m->arena, &last, e);
    driver->vt->release(driver, s);
    if (status == BF_OK && last != NULL)
        m->logs[m->n_logs++] = (struct bf__move_log){.tenant = tenant, .n = last->n};
    return status;
}

static int by_tenant(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); } /* which stands first */

static enum bf_status settle_source(struct bf__move *m, struct bf_error *e)
{
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = settle_erasures(m->from, e);
    if (status == BF_OK)
        status = bf_log_tenants(m->from, m->arena, &tenants, &n, e);
    m->logs = bf_arena_alloc(m->arena, (n + 1) * sizeof *m->logs);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = note_log(m, tenants[i], e);
    qsort(m->logs, m->n_logs, sizeof *m->logs, by_tenant);
    if (status == BF_OK && m->n_logs == 0)
        return bf_fail(e, BF_E_NOT_FOUND, "the source holds no company: there is nothing to move");
    return status;
}

/* ---- the steps ---- */

static enum bf_status copy(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < m->from->n_collections && status == BF_OK; i++)
        if (bf__move_takes(m->from->collections[i]))
            status = bf__move_rows_copy(m, m->from->collections[i], e);
    for (unsigned i = 0; i < m->n_logs && status == BF_OK; i++)
        status = bf__move_log_copy(m, &m->logs[i], e);
    return status == BF_OK ? bf__move_files_copy(m, e) : status;
}

/* A company that came meanwhile is told by its documents. */
static enum bf_status compare(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bf__move_say(m, "all is copied; both sides are read and compared");
    bf_hash_init(&m->all);
    for (unsigned i = 0; i < m->n_logs && status == BF_OK; i++)
        status = bf__move_log_compare(m, &m->logs[i], e);
    for (unsigned i = 0; i < m->from->n_collections && status == BF_OK; i++)
        if (bf__move_takes(m->from->collections[i]))
            status = bf__move_rows_compare(m, m->from->collections[i], e);
    return status == BF_OK ? bf__move_files_compare(m, e) : status;
}

static enum bf_status write_heads(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    struct bf_driver *driver = m->to->driver;
    if (m->to->heads == NULL)
        return BF_OK;
    struct bf_session *s = driver->vt->reader(driver);
    for (unsigned i = 0; i < m->n_logs && status == BF_OK; i++)
        status = bf__head_put(m->to, s, m->logs[i].tenant, m->logs[i].n, e);
    driver->vt->release(driver, s);
    return status;
}

enum bf_status bf__move_fact(struct bf__move *m, const char *name, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str value;
    enum bf_status status = bf__meta_get(m->from, name, arena, &value, e);
    if (status == BF_OK && value.n > 0)
        status = bf__meta_set(m->to, name, value, e);
    bf_arena_destroy(&arena);
    return status;
}

/* The log goes on where it was, so the incarnation stays: cursors and ETags of phones are as good as before. */
static enum bf_status hand_over(struct bf__move *m, struct bf_error *e)
{
    enum bf_status status = write_heads(m, e);
    if (status == BF_OK)
        status = bf__move_fact(m, "key_exported", e);
    if (status == BF_OK)
        status = bf__move_fact(m, "incarnation", e);
    return status == BF_OK ? bf__meta_set(m->to, "moving", BF_STR(""), e) : status;
}

static void sum_up(struct bf__move *m)
{
    uint8_t sha256[32];
    char text[65];
    bf_hash_end(&m->all, sha256);
    bf_hex(sha256, sizeof sha256, text);
    bf__move_say(m, "moved and compared: %u companies, %lld log entries, %lld documents, %lld files of media with %lld bytes; SHA-256 of all %s", m->n_logs,
                 (long long)m->entries, (long long)m->documents, (long long)m->files, (long long)m->bytes, text);
    bf__move_say(m, "The source is as it was. Serve the destination from now on, and the source never again: what would be written there is in no log of the other.");
}

enum bf_status bf__move(struct bf__move *m, struct bf_error *e)
{
    m->arena = bf_arena_create();
    enum bf_status status = settle_source(m, e);
    if (status == BF_OK)
        status = mark(m, e);
    if (status == BF_OK)
        status = copy(m, e);
    if (status == BF_OK)
        status = compare(m, e);
    if (status == BF_OK)
        status = hand_over(m, e);
    if (status == BF_OK)
        sum_up(m);
    bf_arena_destroy(&m->arena);
    return status;
}

/* ---- both stores ---- */

static enum bf_status say_which(enum bf_status status, const char *which, struct bf_error *e)
{
    struct bf_error why = *e;
    return status == BF_OK ? BF_OK : bf_fail(e, status, "the %s: %s", which, why.cause);
}

enum bf_status bf_store_move(const struct bf_env *env, const struct bf_store_config *from, const struct bf_store_config *to,
                             const struct bf_collection *const *collections, unsigned n, void (*say)(void *ctx, const char *line), void *ctx,
                             struct bf_error *e)
{
    struct bf__move m = {.say = say, .ctx = ctx};
    enum bf_status status = bf__store_open_as(env, from, collections, n, &(struct bf__opening){.is_there = true}, &m.from, e);
    status = say_which(status, "source", e);
    if (status == BF_OK)
        status = say_which(bf__store_open_as(env, to, collections, n, &(struct bf__opening){.may_be_half = true}, &m.to, e), "destination", e);
    if (status == BF_OK)
        status = bf__move(&m, e);
    bf_store_close(&m.to);
    bf_store_close(&m.from);
    return status;
}
