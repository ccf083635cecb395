/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/recover.h"
#include "storage/media/frames.h"
#include "storage/media/layout.h"
#include <stdlib.h>

/*
 * The walk goes by the plain heads and opens every STATE it meets. Before a STATE was written, an fdatasync behind the one before it had returned; so
 * only the records between the last two STATEs can be torn, and only they are opened (`batch_holds`). If they do not hold, the STATE before is the
 * one that was acknowledged.
 */
struct walk {
    struct bf__io *io;
    struct bf__sealer *sealer;
    uint64_t end;
    struct bf__record rec;
    uint64_t frames;
    struct bf__recovered last, before;
    uint8_t claimed[BF__TAG]; /* the sum of tags in `last` */
    uint8_t *scratch;         /* BF__BODY_MAX + BF__TAG */
};

enum bf_status bf__next_head(struct bf__io *io, uint64_t end, struct bf__record *rec, bool *ret_found, struct bf_error *e)
{
    uint8_t head[BF__HEAD];
    size_t n;
    *ret_found = false;
    if (end < BF__OVERHEAD || rec->pos > end - BF__OVERHEAD)
        return BF_OK;
    enum bf_status status = io->vt->read(io, head, sizeof head, rec->pos, &n, e);
    if (status != BF_OK)
        return status;
    struct bf__record found;
    if (n == sizeof head && bf__record_head(head, rec->offset, rec->pos, &found) && found.n <= end - BF__OVERHEAD - rec->pos) {
        *rec = found;
        *ret_found = true;
    }
    return BF_OK;
}

static enum bf_status open_body(struct walk *w, const struct bf__record *rec, bool *ret_whole, struct bf_error *e)
{
    size_t n;
    enum bf_status status = w->io->vt->read(w->io, w->scratch, rec->n + BF__TAG, rec->pos + BF__HEAD, &n, e);
    if (status == BF_OK)
        *ret_whole = n == rec->n + BF__TAG && bf__record_open(w->sealer, rec, w->scratch, w->scratch + rec->n);
    return status;
}

static bool take_state(struct walk *w)
{
    const uint8_t *body = w->scratch;
    uint64_t length = bf__get64(body + ST_LENGTH);
    if (bf__get64(body + ST_OFFSET) != w->rec.offset || bf__get64(body + ST_FRAMES) != w->frames)
        return false;
    w->before = w->last;
    w->last.position = (struct bf__position){.offset = (int64_t)w->rec.offset,
                                             .length = (int64_t)length,
                                             .at_ms = (int64_t)bf__get64(body + ST_TIME),
                                             .fence = bf__get64(body + ST_FENCE)};
    w->last.point = (struct bf__point){.pos = w->rec.pos + BF__OVERHEAD + w->rec.n, .offset = w->rec.offset, .frames = w->frames};
    memcpy(&w->last.point.hash, body + ST_HASH, sizeof w->last.point.hash);
    memcpy(w->claimed, body + ST_TAGS, BF__TAG);
    return true;
}

/* Goes to the last STATE that can be reached. */
static enum bf_status walk_heads(struct walk *w, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bool found = true, whole = true;
    while (status == BF_OK && found && whole) {
        status = bf__next_head(w->io, w->end, &w->rec, &found, e);
        if (status != BF_OK || !found)
            break;
        if (w->rec.type == BF__STATE) {
            whole = w->rec.n == BF__STATE_BODY;
            if (whole && (status = open_body(w, &w->rec, &whole, e)) == BF_OK)
                whole = whole && take_state(w);
        } else if (w->rec.type == BF__DATA) {
            w->frames++;
        } else {
            break;
        }
        bf__step(&w->rec);
    }
    return status;
}

static enum bf_status batch_holds(struct walk *w, bool *ret, struct bf_error *e)
{
    struct bf__record rec = {.pos = w->before.point.pos, .offset = w->before.point.offset};
    uint8_t tags[BF__TAG] = {0};
    enum bf_status status = BF_OK;
    bool found, whole = true;
    while (whole && rec.offset < w->last.point.offset) {
        if ((status = bf__next_head(w->io, w->last.point.pos, &rec, &found, e)) != BF_OK)
            return status;
        if (!found || rec.type != BF__DATA)
            break;
        if ((status = open_body(w, &rec, &whole, e)) != BF_OK)
            return status;
        bf__tags_add(tags, w->scratch + rec.n);
        bf__step(&rec);
    }
    *ret = whole && rec.offset == w->last.point.offset && memcmp(tags, w->claimed, BF__TAG) == 0;
    return BF_OK;
}

/* Index and foot are believed only as a whole: the foot may have reached the disk before the index did. */
static enum bf_status look_for_foot(struct walk *w, struct bf_error *e)
{
    struct bf__foot foot;
    bool whole;
    enum bf_status status = bf__foot_read(w->io, w->sealer, w->end, &foot, &whole, e);
    if (status != BF_OK || !whole)
        return status;
    if (foot.size != w->last.point.offset || foot.frames != w->last.point.frames || foot.index_pos != w->last.point.pos)
        return BF_OK;
    if ((status = bf__index_holds(w->io, w->sealer, &foot, w->scratch, &whole, e)) != BF_OK || !whole)
        return status;
    w->last.complete = true;
    memcpy(w->last.sha256, foot.sha256, sizeof foot.sha256);
    return BF_OK;
}

static void begin(struct walk *w)
{
    w->last.position.length = -1;
    w->last.point.pos = BF__FILE_START;
    bf_hash_init(&w->last.point.hash);
    w->before = w->last;
    w->rec = (struct bf__record){.pos = BF__FILE_START};
}

static enum bf_status run(struct walk *w, struct bf_error *e)
{
    bool holds = true;
    enum bf_status status = walk_heads(w, e);
    if (status == BF_OK)
        status = batch_holds(w, &holds, e);
    if (status != BF_OK)
        return status;
    if (!holds) {
        w->last = w->before;
        w->last.doubtful = w->last.point.pos;
        return BF_OK;
    }
    w->last.doubtful = w->before.point.pos;
    if ((status = look_for_foot(w, e)) == BF_OK && w->last.complete)
        w->last.doubtful = w->last.point.pos;
    return status;
}

/* Where all that is there was synced, the STATE that ends it says everything. One that does not is damage. */
static enum bf_status read_last(struct walk *w, uint64_t end, uint64_t offset, struct bf_error *e)
{
    enum { STATE_BYTES = BF__OVERHEAD + BF__STATE_BODY };
    bool found = false, whole = false;
    if (end <= BF__FILE_START)
        return BF_OK;
    if (end < BF__FILE_START + STATE_BYTES)
        return bf_fail(e, BF_E_CORRUPT, "%llu bytes hold no state", (unsigned long long)end);
    w->rec = (struct bf__record){.pos = end - STATE_BYTES, .offset = offset};
    enum bf_status status = bf__next_head(w->io, end, &w->rec, &found, e);
    if (status == BF_OK && found && w->rec.type == BF__STATE && w->rec.n == BF__STATE_BODY)
        status = open_body(w, &w->rec, &whole, e);
    if (status != BF_OK)
        return status;
    w->frames = whole ? bf__get64(w->scratch + ST_FRAMES) : 0;
    return whole && take_state(w) ? BF_OK : bf_fail(e, BF_E_CORRUPT, "no state ends the %llu bytes", (unsigned long long)end);
}

static enum bf_status run_exact(struct walk *w, struct bf_error *e)
{
    struct bf__foot foot;
    bool whole;
    enum bf_status status = bf__foot_read(w->io, w->sealer, w->end, &foot, &whole, e);
    if (status == BF_OK)
        status = whole ? read_last(w, foot.index_pos, foot.size, e) : read_last(w, w->end, w->io->vt->synced_offset(w->io), e);
    return status == BF_OK && whole ? look_for_foot(w, e) : status;
}

enum bf_status bf__recover(struct bf__io *io, struct bf__sealer *sealer, struct bf__recovered *ret, struct bf_error *e)
{
    struct walk w = {.io = io, .sealer = sealer};
    enum bf_status status = io->vt->size(io, &w.end, e);
    if (status != BF_OK)
        return status;
    w.scratch = malloc(BF__BODY_MAX + BF__TAG);
    if (w.scratch == NULL)
        abort();
    begin(&w);
    status = io->vt->synced_offset == NULL ? run(&w, e) : run_exact(&w, e);
    free(w.scratch);
    if (status != BF_OK)
        return status;
    *ret = w.last;
    ret->size = w.end;
    return BF_OK;
}
