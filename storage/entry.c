/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/entry.h"
#include "core/arena.h"
#include "core/crypto.h"
#include <assert.h>

enum { ENTRY_VERSION = 1, HEADER_BASE = 1 + 16 + 8 + 8 + 2 + 2, REQUEST_BYTES = 16 + 16 + 32 + 16 + 2 + 32, REQUESTS_MAX = 65535 };

enum flag { TOMBSTONE = 1, OWNER_BEFORE = 2, OWNER_AFTER = 4, TEAM_BEFORE = 8, TEAM_AFTER = 16, ALL_FLAGS = 31 };

/* ---- writing ---- */

struct writer {
    uint8_t *p;
    size_t n;
};

static void put(struct writer *w, const void *p, size_t n)
{
    if (n > 0)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void put_int(struct writer *w, uint64_t u, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        w->p[w->n++] = (uint8_t)(u >> (8 * i));
}

static unsigned flags_of(const struct bf__entry_op *op)
{
    return (op->tombstone ? TOMBSTONE : 0) | (bf_uuid_is_zero(&op->owner_before) ? 0 : OWNER_BEFORE) |
           (bf_uuid_is_zero(&op->owner_after) ? 0 : OWNER_AFTER) | (bf_uuid_is_zero(&op->team_before) ? 0 : TEAM_BEFORE) |
           (bf_uuid_is_zero(&op->team_after) ? 0 : TEAM_AFTER);
}

static size_t op_header_bytes(const struct bf__entry_op *op)
{
    unsigned flags = flags_of(op);
    return 1 + op->coll.n + 16 + 16 + 1 + 16 * (size_t)__builtin_popcount(flags & ~(unsigned)TOMBSTONE) + 8 + (op->tombstone ? 0 : 32);
}

size_t bf__entry_op_bytes(const struct bf__entry_op *op) { return op_header_bytes(op) + (op->tombstone ? 0 : 4 + op->sealed.n); }

static void put_flagged(struct writer *w, const struct bf_uuid *u)
{
    if (!bf_uuid_is_zero(u))
        put(w, u->b, sizeof u->b);
}

static void put_op(struct writer *w, const struct bf__entry_op *op)
{
    assert(op->coll.n > 0 && op->coll.n < 256);
    put_int(w, op->coll.n, 1);
    put(w, op->coll.p, op->coll.n);
    put(w, op->id.b, 16);
    put(w, op->subject.b, 16);
    put_int(w, flags_of(op), 1);
    put_flagged(w, &op->owner_before);
    put_flagged(w, &op->owner_after);
    put_flagged(w, &op->team_before);
    put_flagged(w, &op->team_after);
    put_int(w, (uint64_t)op->rev, 8);
    if (!op->tombstone)
        put(w, op->commitment, sizeof op->commitment);
}

static void put_request(struct writer *w, const struct bf__entry_request *r)
{
    put(w, r->id.b, sizeof r->id.b);
    put(w, r->actor.b, 16);
    put(w, r->body_hash, sizeof r->body_hash);
    put(w, r->subject.b, 16);
    put_int(w, r->n_ops, 2);
    put(w, r->commitment, sizeof r->commitment);
}

struct bf_str bf__entry_header(struct bf_arena *arena, const struct bf__entry *entry)
{
    assert(entry->n > 0 && entry->n_ops <= BF_ENTRY_OPS_MAX && entry->n_requests <= REQUESTS_MAX);
    size_t bytes = HEADER_BASE + entry->n_requests * (size_t)REQUEST_BYTES;
    for (unsigned i = 0; i < entry->n_ops; i++)
        bytes += op_header_bytes(&entry->ops[i]);
    struct writer w = {.p = bf_arena_alloc(arena, bytes)};
    put_int(&w, ENTRY_VERSION, 1);
    put(&w, entry->tenant.b, 16);
    put_int(&w, (uint64_t)entry->n, 8);
    put_int(&w, (uint64_t)entry->at_ms, 8);
    put_int(&w, entry->n_ops, 2);
    put_int(&w, entry->n_requests, 2);
    for (unsigned i = 0; i < entry->n_ops; i++)
        put_op(&w, &entry->ops[i]);
    for (unsigned i = 0; i < entry->n_requests; i++)
        put_request(&w, &entry->requests[i]);
    assert(w.n == bytes);
    return bf_str((char *)w.p, w.n);
}

static void put_part(struct writer *w, struct bf_str part)
{
    put_int(w, part.n, 4);
    put(w, part.p, part.n);
}

struct bf_str bf__entry_payload(struct bf_arena *arena, const struct bf__entry *entry)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < entry->n_ops; i++)
        bytes += entry->ops[i].tombstone ? 0 : 4 + entry->ops[i].sealed.n;
    for (unsigned i = 0; i < entry->n_requests; i++)
        bytes += 4 + entry->requests[i].sealed.n;
    struct writer w = {.p = bf_arena_alloc(arena, bytes)};
    for (unsigned i = 0; i < entry->n_ops; i++)
        if (!entry->ops[i].tombstone)
            put_part(&w, entry->ops[i].sealed);
    for (unsigned i = 0; i < entry->n_requests; i++)
        put_part(&w, entry->requests[i].sealed);
    assert(w.n == bytes);
    return bf_str((char *)w.p, w.n);
}

void bf__entry_leaf(struct bf_str header, uint8_t out[32])
{
    struct bf_hash_state s;
    bf_hash_init(&s);
    bf_hash_add(&s, "\0", 1);
    bf_hash_add(&s, header.p, header.n);
    bf_hash_end(&s, out);
}

/* ---- reading ---- */

struct reader {
    struct bf_str left;
    bool bad;
};

static const char *get(struct reader *r, size_t n)
{
    static const char zeros[64];
    if (r->bad || r->left.n < n) {
        r->bad = true;
        assert(n <= sizeof zeros);
        return zeros;
    }
    const char *p = r->left.p;
    r->left = bf_str(p + n, r->left.n - n);
    return p;
}

static uint64_t get_int(struct reader *r, size_t bytes)
{
    uint64_t u = 0;
    const char *p = get(r, bytes);
    for (size_t i = 0; i < bytes; i++)
        u = u << 8 | (uint8_t)p[i];
    return u;
}

static struct bf_str get_str(struct reader *r, size_t n)
{
    if (r->bad || r->left.n < n) {
        r->bad = true;
        return bf_str("", 0);
    }
    return bf_str(get(r, n), n);
}

static void get_uuid(struct reader *r, struct bf_uuid *ret) { memcpy(ret->b, get(r, 16), 16); }

static void get_op(struct reader *r, struct bf__entry_op *op)
{
    op->coll = get_str(r, get_int(r, 1));
    get_uuid(r, &op->id);
    get_uuid(r, &op->subject);
    unsigned flags = (unsigned)get_int(r, 1);
    if (flags & OWNER_BEFORE)
        get_uuid(r, &op->owner_before);
    if (flags & OWNER_AFTER)
        get_uuid(r, &op->owner_after);
    if (flags & TEAM_BEFORE)
        get_uuid(r, &op->team_before);
    if (flags & TEAM_AFTER)
        get_uuid(r, &op->team_after);
    op->rev = (int64_t)get_int(r, 8);
    op->tombstone = flags & TOMBSTONE;
    if (!op->tombstone)
        memcpy(op->commitment, get(r, 32), 32);
    if ((flags & ~(unsigned)ALL_FLAGS) != 0 || op->coll.n == 0 || op->rev < 1)
        r->bad = true;
}

static void get_request(struct reader *r, struct bf__entry_request *req)
{
    memcpy(req->id.b, get(r, 16), 16);
    get_uuid(r, &req->actor);
    memcpy(req->body_hash, get(r, 32), 32);
    get_uuid(r, &req->subject);
    req->n_ops = (unsigned)get_int(r, 2);
    memcpy(req->commitment, get(r, 32), 32);
}

static void get_counts(struct bf_arena *arena, struct reader *r, struct bf__entry *entry)
{
    entry->n_ops = (unsigned)get_int(r, 2);
    entry->n_requests = (unsigned)get_int(r, 2);
    /* Each request takes its bytes in the header: what is allocated is bounded by what is there. */
    if (r->bad || entry->n_ops > BF_ENTRY_OPS_MAX || entry->n_requests * (size_t)REQUEST_BYTES > r->left.n) {
        r->bad = true;
        entry->n_ops = entry->n_requests = 0;
    }
    entry->ops = bf_arena_calloc(arena, entry->n_ops + 1, sizeof *entry->ops);
    entry->requests = bf_arena_calloc(arena, entry->n_requests + 1, sizeof *entry->requests);
}

static void get_payload(struct bf_str payload, struct reader *header, struct bf__entry *entry)
{
    struct reader r = {.left = payload};
    for (unsigned i = 0; i < entry->n_ops; i++)
        if (!entry->ops[i].tombstone)
            entry->ops[i].sealed = get_str(&r, get_int(&r, 4));
    for (unsigned i = 0; i < entry->n_requests; i++)
        entry->requests[i].sealed = get_str(&r, get_int(&r, 4));
    header->bad |= r.bad || r.left.n > 0;
}

enum bf_status bf__entry_head(struct bf_str header, int64_t *ret_n, int64_t *ret_at_ms, struct bf_error *e)
{
    struct reader r = {.left = header};
    struct bf_uuid tenant;
    if (get_int(&r, 1) != ENTRY_VERSION)
        r.bad = true;
    get_uuid(&r, &tenant);
    *ret_n = (int64_t)get_int(&r, 8);
    *ret_at_ms = (int64_t)get_int(&r, 8);
    return r.bad || *ret_n < 1 ? bf_fail(e, BF_E_CORRUPT, "a log entry's header cannot be read") : BF_OK;
}

enum bf_status bf__entry_parse(struct bf_arena *arena, struct bf_str header, struct bf_str payload, struct bf__entry *ret,
                               struct bf_error *e)
{
    struct bf__entry entry = {0};
    struct reader r = {.left = header};
    unsigned claimed = 0;
    if (get_int(&r, 1) != ENTRY_VERSION)
        r.bad = true;
    get_uuid(&r, &entry.tenant);
    entry.n = (int64_t)get_int(&r, 8);
    entry.at_ms = (int64_t)get_int(&r, 8);
    get_counts(arena, &r, &entry);
    for (unsigned i = 0; i < entry.n_ops && !r.bad; i++)
        get_op(&r, &entry.ops[i]);
    for (unsigned i = 0; i < entry.n_requests && !r.bad; i++) {
        get_request(&r, &entry.requests[i]);
        claimed += entry.requests[i].n_ops;
    }
    if (payload.n > 0 && !r.bad)
        get_payload(payload, &r, &entry);
    if (r.bad || r.left.n > 0 || claimed != entry.n_ops || entry.n < 1)
        return bf_fail(e, BF_E_CORRUPT, "a log entry's header cannot be read");
    *ret = entry;
    return BF_OK;
}
