/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's database, for processes that share it. An upload's content and the file of the blob that comes of it are the same chunks: to keep one only
 * gives it a row, and to spend one takes its chunks away where a blob of the same bytes was there before.
 */
#include "core/arena.h"
#include "storage/media/io_store.h"
#include "storage/media/shelf.h"
#include "storage/media/upload_doc.h"
#include "storage/media/wraps.h"
#include <stdlib.h>

enum { PUT_TIME_MS = 3600 * 1000, FRESH_MS = 2 * PUT_TIME_MS, ROWS = 100, FIRST_EPOCH = 1 }; /* by then a sweep has settled what was being made */

static enum bf_status open_shelf(struct bf_media *media, struct bf_error *e)
{
    (void)media;
    (void)e;
    return BF_OK;
}

static void close_shelf(struct bf_media *media) { (void)media; }

/* ---- uploads ---- */

/* The acknowledgement of what was written: the document says how much of the file counts. */
static enum bf_status commit(void *ctx, uint64_t bytes, const struct bf__io_note *note, struct bf_error *e)
{
    struct bf__upload *up = ctx;
    struct bf__upload_doc doc;
    if (!up->doc.is_mine)
        return bf_fail(e, BF_E_LOCKED, "this upload is to be opened anew");
    bf__upload_doc_of(up, &doc);
    doc.bytes = (int64_t)bytes;
    if (note->position != NULL) {
        doc.offset = note->position->offset;
        doc.length = note->position->length;
        doc.touched_ms = note->position->at_ms > doc.touched_ms ? note->position->at_ms : doc.touched_ms;
        doc.due_ms = bf__expiry(&up->media->store->config, &(struct bf__expiring){.offset = doc.offset, .touched_ms = doc.touched_ms});
    }
    if (note->sha256 != NULL && !up->partial) {
        doc.is_complete = true;
        memcpy(doc.sha256, note->sha256, 32);
    }
    enum bf_status status = bf__upload_doc_write(up->media, &doc, e);
    if (status != BF_OK) {
        up->doc.is_mine = false; /* what is known of it may be wrong, and a write may still be on its way: the next one claims it */
        return status == BF_E_STALE ? bf_fail(e, BF_E_LOCKED, "another process took this upload over") : status;
    }
    up->doc.rev = doc.rev;
    up->doc.bytes = doc.bytes;
    up->doc.is_complete = doc.is_complete;
    if (doc.is_complete) {
        pthread_mutex_lock(&up->media->lock);
        memcpy(up->sha256, doc.sha256, 32);
        pthread_mutex_unlock(&up->media->lock);
    }
    return BF_OK;
}

static struct bf__io *open_at(struct bf__upload *up)
{
    struct bf__io_place place = {.tenant = up->tenant,
                                 .file = up->file_id,
                                 .epoch = up->doc.epoch,
                                 .bytes = (uint64_t)up->doc.bytes,
                                 .offset = (uint64_t)up->offset,
                                 .commit = commit,
                                 .ctx = up};
    return bf__io_store(up->media, &place);
}

static enum bf_status create(struct bf__upload *up, const struct bf__info *info, struct bf__io **ret, struct bf_error *e)
{
    struct bf__upload_doc doc;
    uint8_t bytes[BF__INFO_MAX];
    size_t n = bf__info_pack(up->media->env, &up->media->master, info, /* with_key= */ true, bytes);
    bf__upload_keep_info(up, bf_str((const char *)bytes, n));
    up->doc.epoch = FIRST_EPOCH;
    up->doc.is_mine = true;
    bf__upload_doc_of(up, &doc);
    enum bf_status status = bf__upload_doc_write(up->media, &doc, e);
    up->doc.rev = doc.rev;
    if (status == BF_OK)
        *ret = open_at(up);
    return status;
}

static enum bf_status read_info(struct bf__upload *up, struct bf__info *ret, struct bf_error *e)
{
    return bf__info_unpack(&up->media->master, up->id, (const uint8_t *)up->doc.info.p, up->doc.info.n, ret, e);
}

static enum bf_status open_data(struct bf__upload *up, struct bf__io **ret, struct bf_error *e)
{
    (void)e;
    *ret = open_at(up);
    return BF_OK;
}

static enum bf_status finish(struct bf__upload *up, struct bf__info *info, bool keep_key, struct bf_error *e)
{
    struct bf__upload_doc doc;
    uint8_t bytes[BF__INFO_MAX];
    if (!up->doc.is_mine)
        return bf_fail(e, BF_E_LOCKED, "this upload is to be opened anew");
    bf__upload_doc_of(up, &doc);
    info->finished = true;
    doc.info = bf_str((const char *)bytes, bf__info_pack(up->media->env, &up->media->master, info, keep_key, bytes));
    doc.state = BF__DOC_KEPT;
    doc.touched_ms = info->finished_ms;
    doc.reserved = info->size;
    doc.due_ms = bf__expiry(&up->media->store->config,
                            &(struct bf__expiring){.is_finished = true, .is_held = !up->partial, .offset = info->size, .touched_ms = info->finished_ms});
    enum bf_status status = bf__upload_doc_write(up->media, &doc, e);
    if (status != BF_OK) {
        info->finished = false;
        up->doc.is_mine = false;
        return status == BF_E_STALE ? bf_fail(e, BF_E_LOCKED, "another process took this upload over") : status;
    }
    up->doc.rev = doc.rev;
    bf__upload_keep_info(up, doc.info);
    if (!keep_key)
        bf_key_wipe(&info->key);
    return BF_OK;
}

static enum bf_status drop(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->file_drop(s, tenant, file, e);
    driver->vt->release(driver, s);
    return status;
}

static enum bf_status spend(struct bf__upload *up, struct bf_error *e)
{
    return bf__blob_drop_unless_named(up->media, up->tenant, up->sha256, up->file_id, e);
}

static bool may_be_kept(struct bf__upload *up) { return up->doc.is_complete; }

/* The chunks before the document: while it stands, whoever finds it goes on with this. */
static enum bf_status forget(struct bf__upload *up, struct bf_error *e)
{
    struct bf__upload_doc doc;
    enum bf_status status = up->doc.is_complete ? spend(up, e) : drop(up->media, up->tenant, up->file_id, e);
    if (status != BF_OK)
        return status;
    bf__upload_doc_of(up, &doc);
    return bf__upload_doc_delete(up->media, &doc, e);
}

/* ---- blobs ---- */

static enum bf_status keep(struct bf_media *media, const struct bf__kept *kept, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_file_row row = {.tenant = kept->tenant, .file = kept->file, .bytes = (int64_t)kept->bytes, .at_ms = bf_now_ms(media->env)};
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->file_put(s, &row, e);
    driver->vt->release(driver, s);
    return status;
}

static enum bf_status get_row(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->file_get(s, tenant, file, ret, e);
    driver->vt->release(driver, s);
    return status;
}

static enum bf_status open_blob(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf__io **ret, struct bf_error *e)
{
    struct bf_file_row row;
    enum bf_status status = get_row(media, tenant, file, &row, e);
    if (status == BF_OK)
        *ret = bf__io_store(media, &(struct bf__io_place){.tenant = tenant, .file = file, .bytes = (uint64_t)row.bytes});
    return status;
}

static enum bf_status settle(struct bf_media *media, struct bf_error *e)
{
    (void)media;
    (void)e;
    return BF_OK;
}

static enum bf_status list(struct bf_media *media, void (*fn)(void *ctx, const struct bf__kept *kept), void *ctx, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_file_row rows[ROWS], last;
    int64_t fresh_ms = bf_now_ms(media->env) - FRESH_MS;
    unsigned n = ROWS;
    enum bf_status status = BF_OK;
    for (bool begun = false; status == BF_OK && n == ROWS; begun = true) {
        struct bf_session *s = driver->vt->reader(driver);
        status = driver->vt->file_scan(s, begun ? &last : NULL, ROWS, rows, &n, e);
        driver->vt->release(driver, s);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            if (rows[i].at_ms <= fresh_ms)
                fn(ctx, &(struct bf__kept){.tenant = rows[i].tenant, .file = rows[i].file, .bytes = (uint64_t)rows[i].bytes});
        if (n > 0)
            last = rows[n - 1];
    }
    return status;
}

static enum bf_status is_there(struct bf_media *media, const struct bf__kept *kept, bool *ret, struct bf_error *e)
{
    struct bf_file_row row;
    enum bf_status status = get_row(media, kept->tenant, kept->file, &row, e);
    *ret = status == BF_OK;
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

/* ---- what the server made ---- */

/* Whoever finds the document later than this settles what is left: registry.c. */
static void put_doc(struct bf_media *media, const struct bf__put *put, struct bf__upload_doc *ret)
{
    int64_t now_ms = bf_now_ms(media->env);
    *ret = (struct bf__upload_doc){.id = put->kept.file,
                                   .tenant = put->kept.tenant,
                                   .file = put->kept.file,
                                   .owner = media->process,
                                   .state = BF__DOC_PUT,
                                   .due_ms = now_ms + PUT_TIME_MS,
                                   .epoch = FIRST_EPOCH,
                                   .touched_ms = now_ms,
                                   .is_complete = true};
    memcpy(ret->sha256, put->sha256, 32);
}

static enum bf_status put_begin(struct bf_media *media, struct bf__put *put, struct bf__io **ret, struct bf_error *e)
{
    struct bf__upload_doc doc;
    put_doc(media, put, &doc);
    enum bf_status status = bf__upload_doc_write(media, &doc, e);
    if (status == BF_OK)
        *ret = bf__io_store(media, &(struct bf__io_place){.tenant = put->kept.tenant, .file = put->kept.file, .epoch = FIRST_EPOCH});
    return status;
}

static enum bf_status put_end(struct bf_media *media, const struct bf__put *put, struct bf_error *e)
{
    struct bf__upload_doc doc;
    enum bf_status status = bf__blob_drop_unless_named(media, put->kept.tenant, put->sha256, put->kept.file, e);
    put_doc(media, put, &doc);
    doc.rev = 1;
    return status == BF_OK ? bf__upload_doc_delete(media, &doc, e) : status;
}

/* ---- a move ---- */

/* Chunks that a move left half way are written again. */
static enum bf_status carry_begin(struct bf_media *media, struct bf__put *put, struct bf__io **ret, struct bf_error *e)
{
    (void)e;
    *ret = bf__io_store(media, &(struct bf__io_place){.tenant = put->kept.tenant, .file = put->kept.file, .epoch = FIRST_EPOCH});
    return BF_OK;
}

static enum bf_status carry_end(struct bf_media *media, const struct bf__put *put, struct bf_error *e)
{
    (void)media, (void)put, (void)e;
    return BF_OK;
}

static enum bf_status tell_outcome(struct bf_media *media, const struct bf_row *row, bf__outcome_fn *fn, void *ctx, struct bf_error *e)
{
    struct bf__upload_doc doc;
    struct bf__info info;
    if (row->doc == NULL || bf__upload_doc_read(row->doc, &doc, NULL) != BF_OK) /* told by check */
        return BF_OK;
    if (doc.state != BF__DOC_KEPT && doc.state != BF__DOC_SETTLED)
        return BF_OK;
    enum bf_status status = bf__info_unpack(&media->master, doc.id, (const uint8_t *)doc.info.p, doc.info.n, &info, NULL);
    if (status == BF_OK && info.finished && !info.partial)
        status = fn(ctx, &info, e);
    bf_key_wipe(&info.key);
    return status == BF_E_CORRUPT ? BF_OK : status;
}

static enum bf_status outcomes(struct bf_media *media, bf__outcome_fn *fn, void *ctx, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_arena *arena = bf_arena_create();
    struct bf_row *rows, last;
    unsigned n = 1;
    enum bf_status status = BF_OK;
    for (bool begun = false; status == BF_OK && n > 0; begun = true) {
        struct bf_session *s = driver->vt->reader(driver);
        bf_arena_reset(arena);
        status = driver->vt->scan(s, &bf__coll_uploads, begun ? &last : NULL, ROWS, arena, &rows, &n, e);
        driver->vt->release(driver, s);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            status = tell_outcome(media, &rows[i], fn, ctx, e);
        if (status == BF_OK && n > 0)
            last = (struct bf_row){.tenant = rows[n - 1].tenant, .id = rows[n - 1].id};
    }
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status drop_outcome(struct bf_media *media, struct bf_uuid id, struct bf_error *e)
{
    struct bf__upload_doc doc;
    bool is_there;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf__upload_doc_get(media, id, arena, &doc, &is_there, e);
    if (status == BF_OK && is_there)
        status = bf__upload_doc_delete(media, &doc, e);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status put_outcome(struct bf_media *media, const struct bf__info *info, struct bf_error *e)
{
    uint8_t bytes[BF__INFO_MAX];
    struct bf__expiring as = {.is_finished = true, .is_held = true, .offset = info->size, .touched_ms = info->finished_ms};
    struct bf__upload_doc doc = {.id = info->id,
                                 .tenant = info->tenant,
                                 .user = info->user,
                                 .file = info->file,
                                 .owner = media->process,
                                 .state = BF__DOC_KEPT,
                                 .due_ms = bf__expiry(&media->store->config, &as),
                                 .epoch = FIRST_EPOCH,
                                 .offset = info->size,
                                 .length = info->size,
                                 .touched_ms = info->finished_ms,
                                 .reserved = info->size,
                                 .is_complete = true};
    memcpy(doc.sha256, info->sha256, 32);
    doc.info = bf_str((const char *)bytes, bf__info_pack(media->env, &media->master, info, /* with_key= */ false, bytes));
    enum bf_status status = drop_outcome(media, info->id, e);
    return status == BF_OK ? bf__upload_doc_write(media, &doc, e) : status;
}

const struct bf__shelf_vtable bf__shelf_store = {.open = open_shelf,
                                                 .close = close_shelf,
                                                 .create = create,
                                                 .read_info = read_info,
                                                 .open_data = open_data,
                                                 .finish = finish,
                                                 .spend = spend,
                                                 .may_be_kept = may_be_kept,
                                                 .forget = forget,
                                                 .keep = keep,
                                                 .open_blob = open_blob,
                                                 .drop = drop,
                                                 .settle = settle,
                                                 .list = list,
                                                 .is_there = is_there,
                                                 .put_begin = put_begin,
                                                 .put_end = put_end,
                                                 .carry_begin = carry_begin,
                                                 .carry_end = carry_end,
                                                 .outcomes = outcomes,
                                                 .put_outcome = put_outcome,
                                                 .drop_outcome = drop_outcome};
