/* SPDX-License-Identifier: Apache-2.0 */
/* Documents against the log: suspects are found by readers, and judged and mended by the committer. */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/check.h"
#include "storage/heads.h"
#include <assert.h>
#include <stdlib.h>

enum { ROWS = 100, HEADER_BYTES = 1 << 20, TOGETHER = 16, TRIES_MAX = 8 };

/* ---- suspects ---- */

static struct bf__suspect_key key_of(const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    struct bf__suspect_key key;
    memset(&key, 0, sizeof key); /* it is hashed with what is between the members */
    key.coll = coll;
    key.tenant = tenant;
    key.id = id;
    return key;
}

struct bf__suspect *bf__suspect_find(struct bf__care *c, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    struct bf__suspect_key key = key_of(coll, tenant, id);
    struct bf__suspect *found;
    HASH_FIND(hh, c->suspects, &key, sizeof key, found);
    return found;
}

void bf__suspect_add(struct bf__care *c, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, int64_t n, int k)
{
    struct bf__suspect *suspect = bf__suspect_find(c, coll, tenant, id);
    if (suspect == NULL && HASH_COUNT(c->suspects) == BF__SUSPECTS_MAX) {
        c->overfull = true;
        return;
    }
    if (suspect == NULL) {
        suspect = calloc(1, sizeof *suspect);
        if (suspect == NULL)
            abort();
        suspect->key = key_of(coll, tenant, id);
        HASH_ADD(hh, c->suspects, key, sizeof suspect->key, suspect);
    }
    suspect->n = n;
    suspect->k = k;
}

void bf__suspects_free(struct bf__care *c)
{
    struct bf__suspect *suspect, *next;
    struct bf__doubted *doubted, *other;
    HASH_ITER(hh, c->suspects, suspect, next) {
        HASH_DEL(c->suspects, suspect);
        free(suspect);
    }
    HASH_ITER(hh, c->doubted, doubted, other) {
        HASH_DEL(c->doubted, doubted);
        free(doubted);
    }
}

/* ---- logs in doubt ---- */

static bool is_doubted(const struct bf__care *c, struct bf_uuid tenant)
{
    struct bf__doubted *found;
    HASH_FIND(hh, c->doubted, &tenant, sizeof tenant, found);
    return c->all_doubted || found != NULL;
}

void bf__care_doubt(struct bf__care *c, struct bf_uuid tenant)
{
    if (is_doubted(c, tenant))
        return;
    c->all_doubted = HASH_COUNT(c->doubted) == BF__DOUBTED_MAX;
    if (c->all_doubted)
        return;
    struct bf__doubted *doubted = calloc(1, sizeof *doubted);
    if (doubted == NULL)
        abort();
    doubted->tenant = tenant;
    HASH_ADD(hh, c->doubted, tenant, sizeof doubted->tenant, doubted);
}

/* ---- finding them ---- */

enum origin { MADE_IT, DID_NOT, AHEAD };

/* No entry stands where the document says it came from: a hole, which is told of the log, or the log lost its end. */
static enum bf_status of_no_entry(struct bf__care *c, struct bf_session *s, const struct bf_doc *doc, struct bf_arena *arena,
                                  enum origin *ret, struct bf_error *e)
{
    struct bf_raw_entry *last = NULL;
    enum bf_status status = c->vt->log_last(s, doc->tenant, arena, &last, e);
    if (status == BF_E_CORRUPT)
        return BF_OK;
    if (status != BF_OK || (last != NULL && last->n > doc->n))
        return status;
    *ret = AHEAD;
    bf__care_doubt(c, doc->tenant);
    return BF_OK;
}

/* Did the operation that the document names make it? Where the log is damaged or has a hole, that is told of the log, and the document,
 * which may be all that is left, is believed. */
static enum bf_status find_origin(struct bf__care *c, struct bf_session *s, const struct bf_collection *coll, const struct bf_doc *doc,
                                  struct bf_arena *arena, enum origin *ret, struct bf_error *e)
{
    struct bf_raw_entry *raw;
    struct bf__entry entry;
    unsigned found = 0;
    *ret = doc->n < 1 ? DID_NOT : MADE_IT;
    if (doc->n < 1)
        return BF_OK;
    enum bf_status status = c->vt->log_read(s, doc->tenant, doc->n - 1, 1, HEADER_BYTES, false, arena, &raw, &found, e);
    if (status == BF_OK && found == 0)
        return of_no_entry(c, s, doc, arena, ret, e);
    if (status == BF_OK)
        status = bf__entry_parse(arena, raw->header, bf_str(NULL, 0), &entry, NULL);
    if (status == BF_OK && (doc->k < 0 || (unsigned)doc->k >= entry.n_ops || !bf_uuid_eq(&entry.ops[doc->k].id, &doc->id) ||
                            !bf_str_eqz(entry.ops[doc->k].coll, coll->name)))
        *ret = DID_NOT;
    return status == BF_E_CORRUPT ? BF_OK : status;
}

struct rows {
    const struct bf_collection *coll;
    struct bf_row last;
    bool begun, done;
};

static enum bf_status look_at(struct bf__care *c, struct bf_session *s, const struct bf_collection *coll, const struct bf_row *row,
                              struct bf_arena *arena, struct bf_error *e)
{
    const char *what = NULL;
    struct bf_doc *better;
    bool right = row->doc != NULL;
    enum origin origin;
    enum bf_status status = BF_OK;
    c->check.report->documents++;
    if (right && coll->logged) {
        status = find_origin(c, s, coll, row->doc, arena, &origin, e);
        right = origin == MADE_IT;
    } else if (right) {
        status = bf__care_queue(c, s, coll, row->doc, arena, &what, &better, e);
        right = what == NULL;
    }
    if (status == BF_OK && !right && coll != &bf__coll_blobs) /* those are told with their files */
        bf__suspect_add(c, coll, row->tenant, row->id, 0, -1);
    return status;
}

static enum bf_status look_at_rows(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e)
{
    struct rows *r = at;
    struct bf_row *rows;
    unsigned n = 0;
    enum bf_status status = c->vt->scan(s, r->coll, r->begun ? &r->last : NULL, ROWS, arena, &rows, &n, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++)
        status = look_at(c, s, r->coll, &rows[i], arena, e);
    if (status == BF_OK && n > 0)
        r->last = rows[n - 1];
    r->begun = true;
    r->done = n < ROWS;
    return status;
}

enum bf_status bf__care_documents(struct bf__care *c, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; status == BF_OK && i < c->store->n_collections; i++) {
        struct rows r = {.coll = c->store->collections[i]};
        while (status == BF_OK && !r.done)
            status = bf__care_slice(c, look_at_rows, &r, e);
    }
    return status;
}

/* ---- judging them ---- */

struct verdict {
    const char *what;      /* NULL: nothing is wrong */
    bool mendable, erased; /* erased: the content that the log had of it */
    struct bf_doc *better; /* NULL: it should go */
    struct bf_doc *stored; /* NULL: it is not there, or cannot be read */
};

bool bf__care_same(const struct bf_doc *a, const struct bf_doc *b)
{
    return a->rev == b->rev && a->tombstone == b->tombstone && bf_object_eq(&a->object, &b->object);
}

/* What the last operation left. Of content that was erased a tombstone: were the document sound, it would be one. */
static enum bf_status last_image(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, struct bf_arena *arena,
                                 struct verdict *v, struct bf_error *e)
{
    struct bf_raw_entry *raw;
    struct bf__entry entry;
    struct bf_log_op op;
    unsigned found = 0;
    enum bf_status status = c->vt->log_read(s, x->key.tenant, x->n - 1, 1, HEADER_BYTES, true, arena, &raw, &found, e);
    if (status != BF_OK || found == 0)
        return status;
    status = bf__entry_parse(arena, raw->header, raw->payload, &entry, e);
    if (status == BF_OK)
        status = bf__log_op(c->store, s, &entry, (unsigned)x->k, arena, &op, e);
    if (status != BF_OK)
        return status == BF_E_CORRUPT ? BF_OK : status; /* told when the log was walked */
    v->erased = op.erased;
    op.tombstone |= op.erased;
    v->better = bf__log_image(&op, x->key.tenant, x->n, arena);
    return BF_OK;
}

/* Its own bytes say otherwise, or nothing that can be read, and may be the last of what the log lost: they go only for what a whole log says. */
static enum bf_status judge_origin(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, struct bf_arena *arena,
                                   struct verdict *v, struct bf_error *e)
{
    enum origin origin;
    enum bf_status status = find_origin(c, s, x->key.coll, v->stored, arena, &origin, e);
    if (status != BF_OK || origin == MADE_IT)
        return status;
    v->what = origin == AHEAD ? "a document is ahead of the log:" : "a document names an operation that did not make it:";
    v->mendable &= !is_doubted(c, x->key.tenant);
    return BF_OK;
}

static enum bf_status judge_logged(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, bool readable,
                                   struct bf_arena *arena, struct verdict *v, struct bf_error *e)
{
    enum bf_status status = x->n == 0 ? BF_OK : last_image(c, s, x, arena, v, e);
    if (status != BF_OK)
        return status;
    v->mendable = x->n == 0 || v->better != NULL;
    const struct bf_doc *stored = v->stored;
    int64_t ahead = stored == NULL || x->n == 0 ? 1 : stored->n != x->n ? stored->n - x->n : stored->k - x->k;
    if (!readable) {
        v->what = "a document cannot be read:";
        v->mendable = v->better != NULL && !is_doubted(c, x->key.tenant);
    } else if (stored == NULL)
        v->what = x->n > 0 ? "a document is missing:" : NULL;
    else if (ahead < 0)
        v->what = "a document is behind the log:";
    else if (ahead == 0)
        v->what = v->better != NULL && !v->erased && !bf__care_same(stored, v->better) ? "a document differs from the log:" : NULL;
    else
        status = judge_origin(c, s, x, arena, v, e);
    return status;
}

/* Of what is outside the log only system collections can do without a document: they hold none of the business. */
static enum bf_status judge(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, struct bf_arena *arena,
                            struct verdict *v, struct bf_error *e)
{
    struct bf_error why = {0};
    enum bf_status status = c->vt->get_many(s, x->key.coll, x->key.tenant, &x->key.id, 1, arena, &v->stored, &why);
    bool readable = status != BF_E_CORRUPT;
    if (status != BF_OK && readable)
        return bf_fail(e, status, "%s", why.cause);
    if (!readable)
        v->stored = NULL;
    if (x->key.coll->logged)
        return judge_logged(c, s, x, readable, arena, v, e);
    v->mendable = x->key.coll->cls == BF_SYSTEM_COLLECTION;
    v->what = readable ? NULL : "a document cannot be read:";
    return v->stored == NULL ? BF_OK : bf__care_queue(c, s, x->key.coll, v->stored, arena, &v->what, &v->better, e);
}

/* ---- mending ---- */

/* Where others write: only what is still as it was judged. */
static enum bf_status mend_apart(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, const struct verdict *v, struct bf_arena *arena,
                                 struct bf_error *e)
{
    struct bf_mend m = {.coll = x->key.coll, .tenant = x->key.tenant, .id = x->key.id, .is = v->stored, .after = v->better};
    if (m.after != NULL)
        m.bson = bf__bson_encode(arena, m.after);
    return c->vt->mend(s, &m, e);
}

/* Outside the log the document as it was read, with what is wrong put right. */
static enum bf_status put(struct bf__care *c, struct bf_session *s, const struct bf_collection *coll, const struct verdict *v,
                          struct bf_arena *arena, struct bf_error *e)
{
    struct bf_apply apply = {.coll = coll, .before = v->stored, .after = v->better, .bson = bf__bson_encode(arena, v->better)};
    struct bf_write write = {.kind = BF_W_REPLACE, .coll = coll, .doc = v->better, .rev = v->better->rev};
    enum bf_status status = BF_OK;
    if (!coll->logged)
        return c->vt->write(s, &write, arena, e);
    if (v->stored == NULL) /* also what is there but cannot be read */
        status = c->vt->remove(s, coll, v->better->tenant, v->better->id, arena, e);
    return status == BF_OK ? c->vt->apply(s, &apply, 1, arena, e) : status;
}

static enum bf_status mend_together(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, const struct verdict *v,
                                    struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = c->vt->begin(s, e);
    if (status != BF_OK)
        return status;
    status = v->better != NULL ? put(c, s, x->key.coll, v, arena, e) : c->vt->remove(s, x->key.coll, x->key.tenant, x->key.id, arena, e);
    if (status == BF_OK)
        status = c->vt->commit(s, e);
    else
        c->vt->rollback(s);
    bf__store_touch(c->store, x->key.coll);
    bf__store_touched(c->store);
    return status;
}

static enum bf_status mend(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, const struct verdict *v, struct bf_arena *arena,
                           struct bf_error *e)
{
    enum bf_status status;
    if (c->vt->one_transaction)
        return mend_together(c, s, x, v, arena, e);
    if (!x->key.coll->logged && v->better != NULL)
        status = put(c, s, x->key.coll, v, arena, e);
    else
        status = mend_apart(c, s, x, v, arena, e);
    bf__store_moved(c->store, x->key.coll);
    return status;
}

/* Where others write, a document may be behind because they are not that far yet: after this it is not any more. What cannot be read may hold this up, and
 * is judged all the same. */
static enum bf_status catch_up(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, struct bf_error *e)
{
    struct bf__head head;
    if (c->store->heads == NULL || !x->key.coll->logged)
        return BF_OK;
    enum bf_status status = bf__head_catch_up(c->store, s, x->key.tenant, &head, e);
    return status == BF_E_CORRUPT ? BF_OK : status;
}

/* Judges it, mends it if it may, and tells of it. BF_E_STALE: it was changed meanwhile, so that nothing of this counts. */
static enum bf_status settle_one(struct bf__care *c, struct bf_session *s, const struct bf__suspect *x, struct bf_arena *arena, struct bf_error *e)
{
    struct verdict v = {.what = NULL};
    bf_arena_reset(arena);
    enum bf_status status = catch_up(c, s, x, e);
    if (status == BF_OK)
        status = judge(c, s, x, arena, &v, e);
    if (status != BF_OK || v.what == NULL)
        return status;
    bool mends = c->check.mend && v.mendable;
    status = mends ? mend(c, s, x, &v, arena, e) : BF_OK;
    if (!c->vt->one_transaction && (status == BF_E_STALE || status == BF_E_NOT_FOUND))
        return BF_E_STALE;
    bf__care_fault(c, x->key.tenant, x->n, v.what, x->key.coll->name, &x->key.id);
    c->check.report->mended += mends && status == BF_OK;
    return status;
}

struct settling {
    struct bf__care *c;
    struct bf__suspect *next;
};

static enum bf_status settle_some(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct settling *at = ctx;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < TOGETHER && at->next != NULL && status == BF_OK; i++, at->next = at->next->hh.next) {
        status = settle_one(at->c, writer, at->next, arena, e);
        for (unsigned tries = 1; tries < TRIES_MAX && status == BF_E_STALE; tries++)
            status = settle_one(at->c, writer, at->next, arena, e);
        status = status == BF_E_STALE ? BF_OK : status; /* it lives */
    }
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__care_settle(struct bf__care *c, struct bf_error *e)
{
    struct settling at = {.c = c, .next = c->suspects};
    enum bf_status status = BF_OK;
    while (status == BF_OK && at.next != NULL)
        status = bf__care_call(c, settle_some, &at, e);
    if (status == BF_OK && c->overfull) {
        struct bf_uuid none = {{0}};
        bf__care_fault(c, none, 0, "more documents are wrong than one check looks at: mend these, then check again", "", NULL);
    }
    return status;
}
