/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check goes along the lines of derivation. Every entry of every log: no hole, leaf hash, commitments of documents and receipts, times
 * that do not go back, requests that find it. Every document: it can be read, and the operation it names made it and is the last one. Jobs
 * and cursors against the log. Then keys, then blobs.
 *
 * To mend is to make a document anew from its last operation, and keys from documents. The log itself is never mended: what is wrong in it
 * is told, and then no document of its company is given up for what it says: it may be all that is left.
 */
#include "storage/check.h"
#include "core/arena.h"
#include <stdio.h>

enum { LINES_BYTES_MAX = 16 << 20 };

/* ---- saying ---- */

static void keep_line(void *ctx, const char *line)
{
    struct bf__care *c = ctx;
    bf_buf_add(&c->lines, line, strlen(line) + 1);
}

/* A fault that finds no room is counted and not said. */
static void say_lines(struct bf__care *c)
{
    for (size_t at = 0; at < c->lines.n; at += strlen(c->lines.p + at) + 1)
        if (c->asked->say != NULL)
            c->asked->say(c->asked->ctx, c->lines.p + at);
    bf_buf_reset(&c->lines);
}

void bf__care_fault(struct bf__care *c, struct bf_uuid tenant, int64_t n, const char *what, const char *coll, const struct bf_uuid *id)
{
    char line[300], t[BF_UUID_TEXT], i[BF_UUID_TEXT] = "";
    bf_uuid_text(&tenant, t);
    if (id != NULL)
        bf_uuid_text(id, i);
    snprintf(line, sizeof line, "tenant %s, entry %lld: %s %s %s", t, (long long)n, what, coll, i);
    keep_line(c, line);
    c->check.report->faults++;
}

/* ---- slices ---- */

static enum bf_status after_slice(struct bf__care *c, enum bf_status status, struct bf_error *e)
{
    say_lines(c);
    if (status == BF_OK && atomic_load(c->check.stop))
        return bf_fail(e, BF_E_CANCELLED, "the check was stopped");
    return status;
}

enum bf_status bf__care_slice(struct bf__care *c, bf__slice_fn *fn, void *at, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_session *s = c->vt->reader(c->store->driver);
    enum bf_status status = fn(c, s, at, arena, e);
    c->vt->release(c->store->driver, s);
    bf_arena_destroy(&arena);
    return after_slice(c, status, e);
}

enum bf_status bf__care_call(struct bf__care *c, bf__call_fn *fn, void *at, struct bf_error *e)
{
    return after_slice(c, bf__committer_call(c->store, fn, at, e), e);
}

/* ---- the driver's part ---- */

static enum bf_status whole(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e)
{
    (void)at, (void)arena;
    return c->vt->check_whole(s, &c->check, e);
}

struct keys {
    struct bf__care *c;
    struct bf_keys_place at, next;
    struct bf_arena *arena; /* of `next` */
    bool wrong, done;
};

/* By a reader. When there is something to mend, nothing of this counts: the writer looks again. */
static enum bf_status look_at_keys(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e)
{
    struct keys *k = at;
    struct bf_check_report report = *c->check.report;
    struct bf_check check = c->check;
    (void)arena;
    check.mend = false;
    check.report = &report;
    size_t said = c->lines.n;
    enum bf_status status = c->vt->check_keys(s, &check, &k->at, k->arena, &k->next, &k->done, e);
    k->wrong = report.faults > c->check.report->faults;
    if (k->wrong && c->check.mend)
        c->lines.n = said;
    else
        *c->check.report = report;
    return status;
}

static enum bf_status mend_keys(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct keys *k = ctx;
    return k->c->vt->check_keys(writer, &k->c->check, &k->at, k->arena, &k->next, &k->done, e);
}

static enum bf_status check_keys(struct bf__care *c, struct bf_error *e)
{
    struct bf_arena *arenas[] = {bf_arena_create(), bf_arena_create()};
    struct keys k = {.c = c};
    enum bf_status status = BF_OK;
    for (unsigned turn = 0; status == BF_OK && !k.done; turn ^= 1) {
        k.arena = arenas[turn];
        bf_arena_reset(k.arena);
        status = bf__care_slice(c, look_at_keys, &k, e);
        if (status == BF_OK && k.wrong && c->check.mend)
            status = bf__care_call(c, mend_keys, &k, e);
        k.at = k.next;
    }
    bf_arena_destroy(&arenas[0]);
    bf_arena_destroy(&arenas[1]);
    return status;
}

/* ---- all of it ---- */

static enum bf_status check_all(struct bf__care *c, struct bf_error *e)
{
    enum bf_status status = bf__care_slice(c, whole, NULL, e);
    if (status == BF_OK)
        status = bf__care_documents(c, e);
    if (status == BF_OK)
        status = bf__care_logs(c, e);
    if (status == BF_OK)
        status = bf__care_settle(c, e);
    if (status == BF_OK)
        status = check_keys(c, e);
    return status == BF_OK ? bf__media_check(c->store, c->asked, e) : status;
}

enum bf_status bf_store_check(struct bf_store *store, bool mend, void (*say)(void *ctx, const char *line), void *ctx,
                              struct bf_check_report *ret, struct bf_error *e)
{
    struct bf_check_report report = {0};
    struct bf_check asked = {.mend = mend, .say = say, .ctx = ctx, .report = &report, .stop = &store->care_stopped};
    struct bf__care c = {.store = store, .vt = store->driver->vt, .asked = &asked, .check = asked};
    c.check.say = keep_line;
    c.check.ctx = &c;
    bf_buf_init(&c.lines, LINES_BYTES_MAX);
    enum bf_status status = check_all(&c, e);
    bf__suspects_free(&c);
    bf_buf_finish(&c.lines);
    *ret = report;
    return status;
}

void bf_store_stop_care(struct bf_store *store) { atomic_store(&store->care_stopped, true); }
