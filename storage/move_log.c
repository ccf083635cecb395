/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One company's log: entry by entry as it lies there, header, payload and leaf unchanged, from where the destination's ends. So every proof that was made
 * of it holds, and nobody can tell it from what was written in place.
 */
#include "core/arena.h"
#include "storage/entry.h"
#include "storage/move.h"
#include <stdio.h>

enum { GROUP_ENTRIES = 256, GROUP_BYTES = 4 << 20, TELL_ENTRIES = 20000 };

static enum bf_status read_group(struct bf_store *store, struct bf_uuid tenant, int64_t after, struct bf_arena *arena, struct bf_raw_entry **ret,
                                 unsigned *ret_n, struct bf_error *e)
{
    struct bf_driver *driver = store->driver;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status =
        driver->vt->log_read(s, tenant, after, GROUP_ENTRIES, GROUP_BYTES, /* payloads= */ true, arena, ret, ret_n, e);
    driver->vt->release(driver, s);
    return status;
}

/* ---- copying ---- */

struct group {
    struct bf_store *to;
    struct bf_arena *arena;
    const struct bf_raw_entry *entries;
    unsigned n;
};

/* Its requests are what its header says. */
static enum bf_status append(struct group *g, struct bf_session *writer, const struct bf_raw_entry *entry, struct bf_error *e)
{
    struct bf__entry parsed;
    enum bf_status status = bf__entry_parse(g->arena, entry->header, (struct bf_str){NULL, 0}, &parsed, e);
    if (status != BF_OK)
        return status;
    struct bf_request_id *ids = bf_arena_alloc(g->arena, (parsed.n_requests + 1) * sizeof *ids);
    for (unsigned i = 0; i < parsed.n_requests; i++)
        ids[i] = parsed.requests[i].id;
    return g->to->driver->vt->append(writer, &(struct bf_raw_append){.entry = *entry, .requests = ids, .n_requests = parsed.n_requests}, e);
}

static enum bf_status append_all(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct group *g = ctx;
    const struct bf_driver_vtable *vt = g->to->driver->vt;
    enum bf_status status = vt->begin(writer, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < g->n && status == BF_OK; i++)
        status = append(g, writer, &g->entries[i], e);
    if (status == BF_OK)
        status = vt->commit(writer, e);
    else
        vt->rollback(writer);
    return status == BF_OK ? vt->tidy(writer, BF_TIDY_FREE, /* truncate= */ false, e) : status;
}

static enum bf_status last_of(struct bf_store *store, struct bf_uuid tenant, int64_t *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_driver *driver = store->driver;
    struct bf_raw_entry *last = NULL;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->log_last(s, tenant, arena, &last, e);
    driver->vt->release(driver, s);
    *ret = last == NULL ? 0 : last->n;
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status missing(const char *tenant, int64_t n, struct bf_error *e)
{
    return bf_fail(e, BF_E_CORRUPT, "entry %lld of company %s is missing in the source", (long long)n, tenant);
}

enum bf_status bf__move_log_copy(struct bf__move *m, const struct bf__move_log *log, struct bf_error *e)
{
    struct group g = {.to = m->to, .arena = bf_arena_create()};
    char text[BF_UUID_TEXT];
    int64_t at = 0, told = 0;
    bf_uuid_text(&log->tenant, text);
    enum bf_status status = last_of(m->to, log->tenant, &at, e);
    for (told = at; status == BF_OK && at < log->n; at += g.n) {
        struct bf_raw_entry *entries = NULL;
        bf_arena_reset(g.arena);
        status = read_group(m->from, log->tenant, at, g.arena, &entries, &g.n, e);
        if (status == BF_OK && g.n == 0)
            status = missing(text, at + 1, e);
        g.entries = entries;
        if (status == BF_OK)
            status = bf__committer_call(m->to, append_all, &g, e);
        if (status == BF_OK && at - told >= TELL_ENTRIES) {
            told = at;
            bf__move_say(m, "company %s: %lld of %lld entries", text, (long long)at, (long long)log->n);
        }
    }
    if (status == BF_OK)
        bf__move_say(m, "company %s: %lld entries", text, (long long)at);
    bf_arena_destroy(&g.arena);
    return status;
}

/* ---- comparing ---- */

static void add_str(struct bf_hash_state *hash, struct bf_str s)
{
    uint64_t n = s.n;
    bf_hash_add(hash, &n, sizeof n);
    bf_hash_add(hash, s.p, s.n);
}

static void add_entry(struct bf_hash_state *hash, const struct bf_raw_entry *entry)
{
    bf_hash_add(hash, &entry->n, sizeof entry->n);
    add_str(hash, entry->header);
    add_str(hash, entry->payload);
    bf_hash_add(hash, entry->leaf, sizeof entry->leaf);
}

static enum bf_status hash_log(struct bf_store *store, struct bf_uuid tenant, struct bf_hash_state *ret, int64_t *ret_n, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_raw_entry *entries;
    enum bf_status status = BF_OK;
    unsigned n = 1;
    bf_hash_init(ret);
    for (*ret_n = 0; status == BF_OK && n > 0; *ret_n += n) {
        n = 0;
        bf_arena_reset(arena);
        status = read_group(store, tenant, *ret_n, arena, &entries, &n, e);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            add_entry(ret, &entries[i]);
    }
    bf_arena_destroy(&arena);
    return status;
}

/* Reading stops at a hole: the last one of all must have been reached. */
static enum bf_status see_end(const struct bf__move *m, const struct bf__move_log *log, const char *what, int64_t n, struct bf_error *e)
{
    int64_t last;
    enum bf_status status = last_of(m->from, log->tenant, &last, e);
    if (status == BF_OK && last != log->n)
        status = bf_fail(e, BF_E_CONFLICT, "%s: the source's log has grown meanwhile; stop the daemons and begin again", what);
    if (status == BF_OK && n != last)
        status = bf_fail(e, BF_E_CORRUPT, "%s: entry %lld is missing in the source", what, (long long)n + 1);
    return status;
}

enum bf_status bf__move_log_compare(struct bf__move *m, const struct bf__move_log *log, struct bf_error *e)
{
    struct bf_hash_state from, to;
    int64_t n_from, n_to;
    char what[BF_UUID_TEXT + 24], text[BF_UUID_TEXT];
    bf_uuid_text(&log->tenant, text);
    snprintf(what, sizeof what, "log of company %s", text);
    enum bf_status status = hash_log(m->from, log->tenant, &from, &n_from, e);
    if (status == BF_OK)
        status = see_end(m, log, what, n_from, e);
    if (status == BF_OK)
        status = hash_log(m->to, log->tenant, &to, &n_to, e);
    if (status == BF_OK)
        status = bf__move_agree(m, what, n_from, &from, n_to, &to, e);
    m->entries += status == BF_OK ? n_from : 0;
    return status;
}
