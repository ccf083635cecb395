/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many writes outside the log with few commands: round by round all that may go together, for each collection an insert, an update and a delete command.
 * What follows another write, or is on the same document as an earlier one, waits for that one's answer.
 *
 *   open --insert--> done, EXISTS
 *   open --guarded change--> done; some met nothing: look whose mark is there: done, STALE, NOT_FOUND
 *   open --PUT over what is there--> done; it met nothing: absent, so inserted in the next round, and if it exists then, over it again
 *   open --guarded DELETE, by itself, since what it met leaves no mark--> done; it met nothing: STALE, NOT_FOUND
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/mongo/change.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"
#include <stdio.h>
#include <stdlib.h>

enum { TOGETHER = 256, ROUNDS_MAX = 2 * TOGETHER };

enum sort { INSERTS, CHANGES, DELETES, SORTS };

enum state { OPEN, ABSENT /* a PUT that met nothing: to be inserted */, SENT, ANSWERED };

struct many {
    struct bf_session *s;
    const struct bf_write *writes; /* up to TOGETHER */
    unsigned n;
    struct bf_arena *arena;
    enum bf_status *rets, before; /* before: the answer of the write in front of writes[0] */
    enum state state[TOGETHER];
    enum bf_status failed; /* what the store failed with */
    struct bf_error *e;
};

/* Those of one command. */
struct command {
    struct many *m;
    enum sort sort;
    const struct bf_collection *coll;
    struct bf__m_at at;
    unsigned of[TOGETHER], n;
    struct bf__m_mark mark;
};

const char *bf__m_slot(const struct bf_write *w, char out[BF__M_SLOT_MAX])
{
    if (w->kind == BF_W_PUT)
        snprintf(out, BF__M_SLOT_MAX, "w");
    else
        snprintf(out, BF__M_SLOT_MAX, "w%d", (int)((w->rev + 1) & 3));
    return out;
}

static void answer(struct many *m, unsigned i, enum bf_status status)
{
    m->rets[i] = status;
    m->state[i] = ANSWERED;
}

static bool is_failure(enum bf_status status)
{
    return status != BF_OK && status != BF_E_EXISTS && status != BF_E_STALE && status != BF_E_NOT_FOUND;
}

/* The first failure is the caller's; what was not sent yet is not tried any more. */
static void fail(struct many *m, unsigned i, enum bf_status status, const struct bf_error *why)
{
    answer(m, i, status);
    if (!is_failure(status) || m->failed != BF_OK)
        return;
    m->failed = status;
    if (m->e != NULL)
        *m->e = *why;
}

static void fail_all(struct command *c, enum bf_status status, const struct bf_error *why)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->m->state[c->of[i]] == SENT)
            fail(c->m, c->of[i], status, why);
}

/* ---- sending ---- */

static void put_one(struct command *c, mongoc_bulk_operation_t *bulk, const struct bf_write *w)
{
    bson_t filter = BSON_INITIALIZER, doc = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    if (c->sort != INSERTS)
        bf__m_put_guard(&filter, w);
    if (c->sort != DELETES)
        bf__m_must(bson_append_bool(&opts, "validate", -1, false)); /* it is of our making */
    if (c->sort == INSERTS) {
        bf__m_put_new(&doc, w, c->m->arena);
        bf__m_must(mongoc_bulk_operation_insert_with_opts(bulk, &doc, &opts, NULL));
    } else if (c->sort == CHANGES) {
        bf__m_put_update(&doc, w, &c->mark, c->m->arena);
        bf__m_must(mongoc_bulk_operation_update_one_with_opts(bulk, &filter, &doc, &opts, NULL));
    } else {
        bf__m_must(mongoc_bulk_operation_remove_one_with_opts(bulk, &filter, &opts, NULL));
    }
    bson_destroy(&filter);
    bson_destroy(&doc);
    bson_destroy(&opts);
}

/* What the server says of single ones. False: there is nothing like it, so all failed alike. */
static bool read_errors(struct command *c, const bson_t *reply)
{
    bson_iter_t it, item, at;
    unsigned n = 0;
    if (bf__m_unconfirmed(reply) || !bson_iter_init_find(&it, reply, "writeErrors") || !bson_iter_recurse(&it, &item))
        return false;
    for (; bson_iter_next(&item); n++) {
        bson_error_t one = {.domain = MONGOC_ERROR_SERVER};
        struct bf_error why = {0};
        int64_t index = -1;
        if (bson_iter_recurse(&item, &at) && bson_iter_find(&at, "code"))
            one.code = (uint32_t)bson_iter_as_int64(&at);
        if (bson_iter_recurse(&item, &at) && bson_iter_find(&at, "index"))
            index = bson_iter_as_int64(&at);
        if (index < 0 || index >= c->n)
            return false;
        enum bf_status status = bf__m_fail(&c->at.call, &one, NULL, &why);
        unsigned i = c->of[index];
        if (status == BF_E_EXISTS && c->m->writes[i].kind == BF_W_PUT)
            c->m->state[i] = OPEN; /* it came meanwhile: over it, then */
        else
            fail(c->m, i, status, &why);
    }
    return n > 0;
}

/* ---- which of them met something ---- */

struct seen {
    struct bf_uuid id;
    int64_t rev;
    struct bf__m_mark marks[5]; /* "w0" to "w3", "w" */
};

static int by_id(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); }

static void read_marks(const bson_t *row, struct seen *one)
{
    static const char *const slots[] = {"w0", "w1", "w2", "w3", "w"};
    bson_iter_t it;
    struct bf_str mark;
    one->rev = bf__m_int(row, "rev", 0);
    memset(one->marks, 0, sizeof one->marks);
    for (unsigned i = 0; i < sizeof slots / sizeof *slots; i++)
        if (bson_iter_init_find(&it, row, slots[i]) && bf__m_bytes(&it, &mark) && mark.n == sizeof one->marks[i].b)
            memcpy(one->marks[i].b, mark.p, mark.n);
}

static enum bf_status look(struct command *c, struct seen *ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf__m_at at = c->at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, sub;
    const bson_t *row;
    struct bf_uuid ids[TOGETHER], tenant = c->m->writes[c->of[0]].doc->tenant;
    for (unsigned i = 0; i < c->n; i++)
        ids[i] = c->m->writes[c->of[i]].doc->id;
    at.call.writes = false;
    bf__m_put_targets(&filter, c->coll, tenant, ids, c->n);
    bf__m_put_limits(c->m->s, &opts, c->n + 1);
    bf__m_must(bson_append_document_begin(&opts, "projection", -1, &sub) && bson_append_int32(&sub, "f", -1, 0) &&
               bson_append_document_end(&opts, &sub));
    bf__m_rows_find(&rows, &at, &filter, &opts);
    *ret_n = 0;
    while (*ret_n < c->n && (row = bf__m_rows_next(&rows)) != NULL) {
        struct seen *one = &ret[(*ret_n)++];
        bf__m_read_id(row, c->coll, &tenant, &one->id);
        read_marks(row, one);
    }
    enum bf_status status = bf__m_rows_end(&rows, e);
    bson_destroy(&filter);
    bson_destroy(&opts);
    qsort(ret, *ret_n, sizeof *ret, by_id);
    return status;
}

static bool is_marked(const struct command *c, const struct bf_write *w, const struct seen *one)
{
    const struct bf__m_mark *mark = &one->marks[w->kind == BF_W_PUT ? 4 : (w->rev + 1) & 3];
    return memcmp(mark, &c->mark, sizeof *mark) == 0;
}

static void judge_change(struct command *c, unsigned i, const struct seen *one)
{
    const struct bf_write *w = &c->m->writes[i];
    if (one != NULL && is_marked(c, w, one))
        answer(c->m, i, BF_OK);
    else if (w->kind == BF_W_PUT)
        c->m->state[i] = one == NULL ? ABSENT : OPEN;
    else
        answer(c->m, i, one == NULL ? BF_E_NOT_FOUND : BF_E_STALE);
}

/* It met nothing. */
static void judge_delete(struct command *c, unsigned i, const struct seen *one)
{
    if (!bf__m_is_guarded(&c->m->writes[i]))
        answer(c->m, i, BF_OK);
    else
        answer(c->m, i, one == NULL ? BF_E_NOT_FOUND : BF_E_STALE);
}

static void judge(struct command *c)
{
    struct seen seen[TOGETHER];
    struct bf_error why = {0};
    unsigned n;
    enum bf_status status = look(c, seen, &n, &why);
    if (status != BF_OK) {
        bf_fail(&why, BF_E_UNKNOWN_OUTCOME, "it is not known which writes to %s were done", c->coll->name);
        fail_all(c, BF_E_UNKNOWN_OUTCOME, &why);
        return;
    }
    for (unsigned i = 0; i < c->n; i++) {
        const struct seen *one = bsearch(&c->m->writes[c->of[i]].doc->id, seen, n, sizeof *seen, by_id);
        if (c->m->state[c->of[i]] != SENT)
            continue;
        if (c->sort == CHANGES)
            judge_change(c, c->of[i], one);
        else
            judge_delete(c, c->of[i], one);
    }
}

/* ---- a command ---- */

/* What was not answered otherwise was done. */
static void take_reply(struct command *c, bool all_done, const bson_t *reply, const bson_error_t *error)
{
    struct bf_error why = {0};
    int64_t met = bf__m_int(reply, c->sort == CHANGES ? "nMatched" : "nRemoved", 0);
    if (!all_done && !read_errors(c, reply))
        fail_all(c, bf__m_at_fail(&c->at, error, reply, &why), &why);
    else if (c->sort != INSERTS && met < c->n)
        judge(c);
    for (unsigned i = 0; i < c->n; i++)
        if (c->m->state[c->of[i]] == SENT)
            answer(c->m, c->of[i], BF_OK);
}

static void run_command(struct command *c)
{
    bson_error_t error;
    struct bf_error why = {0};
    bson_t reply, opts = BSON_INITIALIZER;
    enum bf_status status = bf__m_at(c->m->s, c->coll, true, "writing documents", &c->at, &why);
    if (status != BF_OK) {
        fail_all(c, status, &why);
        return;
    }
    bf__m_must(bson_append_bool(&opts, "ordered", -1, false));
    bf_random(c->m->s->db->env, &c->mark, sizeof c->mark);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(c->at.coll, &opts);
    for (unsigned i = 0; i < c->n; i++)
        put_one(c, bulk, &c->m->writes[c->of[i]]);
    bool all_done = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0;
    take_reply(c, all_done, &reply, &error);
    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&reply);
    bson_destroy(&opts);
}

/* ---- rounds ---- */

static bool is_open(const struct many *m, unsigned i) { return m->state[i] == OPEN || m->state[i] == ABSENT; }

static bool same_document(const struct bf_write *a, const struct bf_write *b)
{
    return a->coll == b->coll && bf_uuid_eq(&a->doc->id, &b->doc->id) && bf_uuid_eq(&a->doc->tenant, &b->doc->tenant);
}

static bool is_ready(const struct many *m, unsigned i)
{
    if (!is_open(m, i) || (m->writes[i].follows && i > 0 && m->state[i - 1] != ANSWERED))
        return false;
    for (unsigned k = 0; k < i; k++)
        if (m->state[k] != ANSWERED && same_document(&m->writes[k], &m->writes[i]))
            return false;
    return true;
}

static enum sort sort_of(const struct many *m, unsigned i)
{
    const struct bf_write *w = &m->writes[i];
    if (w->kind == BF_W_INSERT || m->state[i] == ABSENT)
        return INSERTS;
    return w->kind == BF_W_DELETE ? DELETES : CHANGES;
}

static bool is_lone(const struct many *m, unsigned i) { return m->writes[i].kind == BF_W_DELETE && bf__m_is_guarded(&m->writes[i]); }

static bool goes_with(const struct many *m, const struct command *c, unsigned i)
{
    if (c->n > 0 && (is_lone(m, i) || is_lone(m, c->of[0])))
        return false;
    return m->writes[i].coll == c->coll && sort_of(m, i) == c->sort &&
           bf_uuid_eq(&m->writes[i].doc->tenant, &m->writes[c->of[0]].doc->tenant);
}

/* Commands that write the same documents touch them in one order: a server that locks them as it goes (FerretDB) would find a deadlock. */
static void insert_in_order(struct command *c, unsigned i)
{
    const struct bf_write *writes = c->m->writes;
    unsigned at = c->n++;
    for (; at > 0 && memcmp(&writes[c->of[at - 1]].doc->id, &writes[i].doc->id, sizeof writes[i].doc->id) > 0; at--)
        c->of[at] = c->of[at - 1];
    c->of[at] = i;
}

/* Sends what is ready and goes with write `first`. */
static void send_like(struct many *m, unsigned first, bool *ready)
{
    struct command c = {.m = m, .sort = sort_of(m, first), .coll = m->writes[first].coll, .of = {first}};
    for (unsigned i = first; i < m->n; i++) {
        if (!ready[i] || !goes_with(m, &c, i))
            continue;
        ready[i] = false;
        insert_in_order(&c, i);
    }
    for (unsigned i = 0; i < c.n; i++)
        m->state[c.of[i]] = SENT;
    run_command(&c);
}

static void drop_followers(struct many *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        bool led = i == 0 || m->state[i - 1] == ANSWERED;
        if (is_open(m, i) && m->writes[i].follows && led && (i == 0 ? m->before : m->rets[i - 1]) != BF_OK)
            answer(m, i, BF_E_STALE);
    }
}

/* False: all are answered. */
static bool run_round(struct many *m)
{
    bool ready[TOGETHER], any = false;
    drop_followers(m);
    for (unsigned i = 0; i < m->n; i++) {
        ready[i] = is_ready(m, i);
        any |= ready[i];
    }
    for (unsigned i = 0; i < m->n && m->failed == BF_OK; i++)
        if (ready[i])
            send_like(m, i, ready);
    return any;
}

static void run(struct many *m)
{
    struct bf_error why = {0};
    unsigned rounds = 0;
    while (m->failed == BF_OK && rounds < ROUNDS_MAX && run_round(m))
        rounds++;
    if (rounds == ROUNDS_MAX)
        bf_fail(&why, BF_E_UNAVAILABLE, "documents came and went too often while they were written");
    for (unsigned i = 0; i < m->n; i++)
        if (m->state[i] != ANSWERED)
            fail(m, i, m->failed != BF_OK ? m->failed : BF_E_UNAVAILABLE, &why);
}

enum bf_status bf__m_write_many(struct bf_session *s, const struct bf_write *writes, unsigned n, struct bf_arena *arena, enum bf_status *rets,
                                struct bf_error *e)
{
    enum bf_status failed = BF_OK;
    for (unsigned at = 0; at < n; at += TOGETHER) {
        struct many m = {.s = s,
                         .writes = writes + at,
                         .n = n - at < TOGETHER ? n - at : TOGETHER,
                         .arena = arena,
                         .rets = rets + at,
                         .before = at == 0 ? BF_OK : rets[at - 1],
                         .failed = failed,
                         .e = e};
        run(&m);
        failed = m.failed;
    }
    return failed;
}
