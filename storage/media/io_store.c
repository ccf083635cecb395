/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/io_store.h"
#include <stdlib.h>

enum { NO_CHUNK = -1 };

/* A chunk in memory. */
struct held {
    int64_t at; /* its number, or NO_CHUNK */
    size_t n;
    uint8_t *p; /* BF_CHUNK_BYTES, made at the first use */
};

struct io_store {
    struct bf__io base;
    struct bf_media *media;
    struct bf__io_place place;
    uint64_t end, stored; /* of what was written; of what may stand in the database */
    struct held tail, seen; /* what is written, and what was read of other chunks */
    bool is_dirty;          /* `tail` holds what is not in the database */
};

static struct io_store *of(struct bf__io *io) { return (struct io_store *)io; }

static void hold(struct held *h, int64_t at, size_t n)
{
    if (h->p == NULL && (h->p = malloc(BF_CHUNK_BYTES)) == NULL)
        abort();
    h->at = at;
    h->n = n;
}

/* ---- chunks ---- */

static enum bf_status load(struct io_store *f, struct held *h, int64_t at, struct bf_error *e)
{
    struct bf_driver *driver = f->media->store->driver;
    hold(h, NO_CHUNK, 0);
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->chunk_get(s, f->place.tenant, f->place.file, (uint32_t)at, h->p, &h->n, e);
    driver->vt->release(driver, s);
    if (status == BF_E_NOT_FOUND)
        return bf_fail(e, BF_E_CORRUPT, "chunk %lld of a file is missing", (long long)at);
    if (status == BF_OK)
        h->at = at;
    return status;
}

static enum bf_status flush(struct io_store *f, struct bf_error *e)
{
    struct bf_driver *driver = f->media->store->driver;
    if (!f->is_dirty || f->tail.n == 0)
        return BF_OK;
    struct bf_chunk chunk = {.tenant = f->place.tenant,
                             .file = f->place.file,
                             .n = (uint32_t)f->tail.at,
                             .epoch = f->place.epoch,
                             .bytes = bf_str((const char *)f->tail.p, f->tail.n),
                             .is_new = f->stored <= (uint64_t)f->tail.at * BF_CHUNK_BYTES};
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->chunk_put(s, &chunk, e);
    driver->vt->release(driver, s);
    if (status == BF_E_STALE)
        return bf_fail(e, BF_E_LOCKED, "another process took this file over");
    if (status != BF_OK)
        return status == BF_E_UNKNOWN_OUTCOME ? bf_fail(e, BF_E_UNAVAILABLE, "it is not known whether a chunk was written") : status;
    f->is_dirty = false;
    if (f->seen.at == f->tail.at)
        f->seen.at = NO_CHUNK;
    if (f->stored < (uint64_t)f->tail.at * BF_CHUNK_BYTES + f->tail.n)
        f->stored = (uint64_t)f->tail.at * BF_CHUNK_BYTES + f->tail.n;
    return BF_OK;
}

/* `tail` becomes the chunk in which `end` lies, with what it has before `end`. */
static enum bf_status turn_to_end(struct io_store *f, struct bf_error *e)
{
    int64_t at = (int64_t)(f->end / BF_CHUNK_BYTES);
    size_t n = (size_t)(f->end % BF_CHUNK_BYTES);
    enum bf_status status = BF_OK;
    if (f->tail.at == at && f->tail.n >= n) {
        f->tail.n = n;
        return BF_OK;
    }
    if ((status = flush(f, e)) != BF_OK)
        return status;
    if (n == 0) {
        hold(&f->tail, at, 0);
        return BF_OK;
    }
    if ((status = load(f, &f->tail, at, e)) == BF_OK && f->tail.n < n)
        status = bf_fail(e, BF_E_CORRUPT, "chunk %lld of a file is short", (long long)at);
    f->tail.n = n;
    return status;
}

/* ---- the file ---- */

static enum bf_status write_at(struct bf__io *io, const void *p, size_t n, uint64_t pos, struct bf_error *e)
{
    struct io_store *f = of(io);
    const uint8_t *from = p;
    enum bf_status status = pos <= f->end ? BF_OK : bf_fail(e, BF_E_IO, "a gap before %llu", (unsigned long long)pos);
    f->end = status == BF_OK ? pos : f->end; /* what stood behind is void */
    while (status == BF_OK && n > 0) {
        if ((status = turn_to_end(f, e)) != BF_OK)
            break;
        size_t room = BF_CHUNK_BYTES - f->tail.n, take = n < room ? n : room;
        memcpy(f->tail.p + f->tail.n, from, take);
        f->tail.n += take;
        f->is_dirty = true;
        f->end += take;
        from += take;
        n -= take;
        if (f->tail.n == BF_CHUNK_BYTES)
            status = flush(f, e);
    }
    return status;
}

static enum bf_status find_chunk(struct io_store *f, int64_t at, const struct held **ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    if (f->tail.at == at) {
        *ret = &f->tail;
        return BF_OK;
    }
    if (f->seen.at != at)
        status = load(f, &f->seen, at, e);
    *ret = &f->seen;
    return status;
}

static enum bf_status read_at(struct bf__io *io, void *p, size_t n, uint64_t pos, size_t *ret_n, struct bf_error *e)
{
    struct io_store *f = of(io);
    const struct held *h;
    uint8_t *to = p;
    size_t have = 0;
    while (have < n && pos + have < f->end) {
        uint64_t at = pos + have;
        size_t skip = (size_t)(at % BF_CHUNK_BYTES), left = n - have < f->end - at ? n - have : (size_t)(f->end - at);
        enum bf_status status = find_chunk(f, (int64_t)(at / BF_CHUNK_BYTES), &h, e);
        if (status != BF_OK)
            return status;
        if (h->n <= skip)
            return bf_fail(e, BF_E_CORRUPT, "a chunk of a file is short");
        size_t take = h->n - skip < left ? h->n - skip : left;
        memcpy(to + have, h->p + skip, take);
        have += take;
    }
    *ret_n = have;
    return BF_OK;
}

/* Only `tail` was ever changed: other chunks are written again before what is cut off here counts. */
static enum bf_status truncate_to(struct bf__io *io, uint64_t size, struct bf_error *e)
{
    struct io_store *f = of(io);
    (void)e;
    f->end = size;
    f->seen.at = NO_CHUNK;
    if (f->tail.at > (int64_t)(size / BF_CHUNK_BYTES)) {
        f->tail.at = NO_CHUNK;
        f->is_dirty = false;
    } else if (f->tail.at == (int64_t)(size / BF_CHUNK_BYTES) && f->tail.n > size % BF_CHUNK_BYTES) {
        f->tail.n = (size_t)(size % BF_CHUNK_BYTES);
    }
    return BF_OK;
}

static enum bf_status sync_all(struct bf__io *io, const struct bf__io_note *note, struct bf_error *e)
{
    struct io_store *f = of(io);
    enum bf_status status = flush(f, e);
    if (status == BF_OK && f->place.commit != NULL)
        status = f->place.commit(f->place.ctx, f->end, note, e);
    return status;
}

static enum bf_status size_of(struct bf__io *io, uint64_t *ret, struct bf_error *e)
{
    (void)e;
    *ret = of(io)->end;
    return BF_OK;
}

static uint64_t synced_offset(struct bf__io *io) { return of(io)->place.offset; }

static bool is_nameless(struct bf__io *io)
{
    (void)io;
    return false;
}

static void close_it(struct bf__io *io)
{
    free(of(io)->tail.p);
    free(of(io)->seen.p);
    free(io);
}

static const struct bf__io_vtable vtable = {.synced_offset = synced_offset,
                                            .read = read_at,
                                            .write = write_at,
                                            .truncate = truncate_to,
                                            .sync = sync_all,
                                            .size = size_of,
                                            .is_nameless = is_nameless,
                                            .close = close_it};

struct bf__io *bf__io_store(struct bf_media *media, const struct bf__io_place *place)
{
    struct io_store *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->base.vt = &vtable;
    f->media = media;
    f->place = *place;
    f->end = f->stored = place->bytes;
    f->tail.at = f->seen.at = NO_CHUNK;
    return &f->base;
}
