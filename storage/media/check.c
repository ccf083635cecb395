/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs against their hashes, and files against documents.
 *
 * Which files are nobody's is found while the store works: the directory is listed first, then what is being made is noted, and the documents are read
 * last. A file that was there and in nobody's hands, and that no document names afterwards, is nobody's.
 */
#include "core/arena.h"
#include "storage/media/shelf.h"
#include "storage/media/wraps.h"
#include <stdio.h>
#include <stdlib.h>

enum { READ_BYTES = 65536, LINE_BYTES = 300, ROWS = 100 };

struct name {
    struct bf_uuid file, tenant; /* zero where the shelf knows none */
};

struct names {
    struct name *all;
    size_t n, room;
};

struct sweep {
    struct bf_media *media;
    const struct bf_check *check;
    struct names names; /* files not accounted for yet, sorted */
    bool unsure;        /* a document could not be read: it may name any of them */
    uint8_t *buf;
};

static void tell(struct sweep *s, const struct bf_uuid *file, const char *what, bool mended)
{
    char line[LINE_BYTES], text[BF_UUID_TEXT];
    bf_uuid_text(file, text);
    snprintf(line, sizeof line, "blob %s: %s%s", text, what, mended ? " (mended)" : "");
    s->check->report->faults++;
    s->check->report->mended += mended;
    if (s->check->say != NULL)
        s->check->say(s->check->ctx, line);
}

/* ---- names ---- */

static int by_file(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); } /* which stands first */

static void add_name(void *ctx, const struct bf__kept *kept)
{
    struct names *names = ctx;
    if (names->n == names->room) {
        names->room = names->room == 0 ? 1024 : names->room * 2;
        names->all = realloc(names->all, names->room * sizeof *names->all);
        if (names->all == NULL)
            abort();
    }
    names->all[names->n++] = (struct name){kept->file, kept->tenant};
}

static void take_name(const struct names *names, const struct bf_uuid *id, bool *taken)
{
    const struct name *at = names->n == 0 ? NULL : bsearch(id, names->all, names->n, sizeof *names->all, by_file);
    if (at != NULL)
        taken[at - names->all] = true;
}

static enum bf_status list_files(struct sweep *s, struct bf_error *e)
{
    enum bf_status status = s->media->shelf->list(s->media, add_name, &s->names, e);
    if (status == BF_OK && s->names.n > 0)
        qsort(s->names.all, s->names.n, sizeof *s->names.all, by_file);
    return status;
}

static void spare_what_is_made(struct sweep *s, bool *taken)
{
    struct bf_media *media = s->media;
    struct bf__upload *up, *next;
    pthread_mutex_lock(&media->lock);
    HASH_ITER(hh, media->uploads, up, next)
    {
        if (!up->finished)
            take_name(&s->names, &up->file_id, taken);
    }
    for (unsigned i = 0; i < media->n_puts; i++)
        take_name(&s->names, &media->puts[i], taken);
    for (unsigned i = 0; i < media->n_spares; i++)
        take_name(&s->names, &media->spares[i], taken);
    pthread_mutex_unlock(&media->lock);
}

/* ---- one blob ---- */

static enum bf_status read_all(struct sweep *s, struct bf__frames *frames, const struct bf__blob_doc *blob, struct bf_error *e)
{
    struct bf_hash_state hash;
    uint8_t sha256[32];
    int64_t at = 0;
    size_t n = 1;
    enum bf_status status = BF_OK;
    bf_hash_init(&hash);
    while (n > 0 && (status = bf__frames_read(frames, at, s->buf, READ_BYTES, &n, e)) == BF_OK) {
        bf_hash_add(&hash, s->buf, n);
        at += (int64_t)n;
    }
    bf_hash_end(&hash, sha256);
    if (status == BF_OK && (at != blob->size || memcmp(sha256, blob->sha256, 32) != 0))
        return bf_fail(e, BF_E_CORRUPT, "other bytes than its hash says");
    return status;
}

/* A blob whose holders' keys are all gone was erased: that is no fault. Its document may have changed while it was read: a fault is looked at twice. */
static enum bf_status check_once(struct sweep *s, struct bf_arena *arena, struct bf_uuid tenant, const uint8_t sha256[32], struct bf__blob_doc *blob,
                                 struct bf_error *e)
{
    struct bf_key key;
    struct bf__frames *frames;
    enum bf_status status = bf__blob_get(s->media, arena, tenant, sha256, blob, e);
    if (status != BF_OK || blob->doc == NULL || blob->state != BF__BLOB_LIVE)
        return status;
    status = bf__blob_key(s->media, blob, &key, e);
    if (status != BF_OK)
        return status == BF_E_GONE ? BF_OK : status;
    status = bf__blob_frames(s->media, blob, &key, &frames, e);
    bf_key_wipe(&key);
    if (status == BF_OK) {
        status = read_all(s, frames, blob, e);
        bf__frames_close(&frames);
    }
    return status;
}

static enum bf_status check_blob(struct sweep *s, struct bf_arena *arena, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_error *e)
{
    struct bf__blob_doc blob;
    struct bf_error why = {0};
    enum bf_status status = check_once(s, arena, tenant, sha256, &blob, &why);
    if (status == BF_E_CORRUPT || status == BF_E_NOT_FOUND)
        status = check_once(s, arena, tenant, sha256, &blob, &why);
    if (status == BF_E_CORRUPT || status == BF_E_NOT_FOUND) {
        tell(s, &blob.file, why.cause, false);
        return BF_OK;
    }
    if (status != BF_OK && e != NULL)
        *e = why;
    return status;
}

/* Of what a document that cannot be read names nothing is known: from then on no file is nobody's. */
static enum bf_status check_row(struct sweep *s, const struct bf_row *row, struct bf_arena *arena, bool *taken, struct bf_error *e)
{
    struct bf__blob_doc blob;
    struct bf_error why = {0};
    enum bf_status status = row->doc == NULL ? BF_E_CORRUPT : bf__blob_read(row->tenant, row->doc, arena, &blob, &why);
    if (s->check->stop != NULL && atomic_load(s->check->stop))
        return bf_fail(e, BF_E_CANCELLED, "the check was stopped");
    if (status == BF_E_CORRUPT) {
        tell(s, &row->id, "its document cannot be read", false);
        s->unsure = true;
        return BF_OK;
    }
    if (status != BF_OK)
        return bf_fail(e, status, "%s", why.cause);
    take_name(&s->names, &blob.file, taken);
    s->check->report->blobs++;
    return check_blob(s, arena, row->tenant, blob.sha256, e);
}

static enum bf_status check_rows(struct sweep *s, bool *taken, struct bf_error *e)
{
    struct bf_driver *driver = s->media->store->driver;
    struct bf_arena *arena = bf_arena_create();
    struct bf_row *rows, last;
    unsigned n = ROWS;
    enum bf_status status = BF_OK;
    for (bool begun = false; status == BF_OK && n == ROWS; begun = true) {
        struct bf_session *session = driver->vt->reader(driver);
        bf_arena_reset(arena);
        status = driver->vt->scan(session, &bf__coll_blobs, begun ? &last : NULL, ROWS, arena, &rows, &n, e);
        driver->vt->release(driver, session);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            status = check_row(s, &rows[i], arena, taken, e);
        if (status == BF_OK && n > 0)
            last = rows[n - 1];
    }
    bf_arena_destroy(&arena);
    return status;
}

/* ---- all of it ---- */

/* A file may have been dropped since the directory was listed: one of bytes that were there already is, as soon as its upload is finished. */
static enum bf_status is_left(struct sweep *s, const struct name *name, bool *ret, struct bf_error *e)
{
    struct bf_media *media = s->media;
    bool is_spare = false;
    pthread_mutex_lock(&media->lock);
    for (unsigned i = 0; i < media->n_spares; i++)
        is_spare = is_spare || bf_uuid_eq(&media->spares[i], &name->file);
    pthread_mutex_unlock(&media->lock);
    *ret = false;
    return is_spare ? BF_OK : media->shelf->is_there(media, &(struct bf__kept){.tenant = name->tenant, .file = name->file}, ret, e);
}

static enum bf_status check_left(struct sweep *s, const bool *taken, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (size_t i = 0; i < s->names.n && status == BF_OK; i++) {
        const struct name *name = &s->names.all[i];
        bool left = false, drop = s->check->mend && !s->unsure;
        if (!taken[i])
            status = is_left(s, name, &left, e);
        if (status != BF_OK || !left)
            continue;
        if (drop)
            status = bf__blob_drop(s->media, name->tenant, name->file, e);
        tell(s, &name->file, "no document names this file", drop && status == BF_OK);
    }
    return status;
}

static enum bf_status check_all(struct sweep *s, struct bf_error *e)
{
    enum bf_status status = list_files(s, e);
    if (status != BF_OK)
        return status;
    struct bf_arena *arena = bf_arena_create();
    bool *taken = bf_arena_calloc(arena, s->names.n + 1, sizeof *taken);
    spare_what_is_made(s, taken);
    status = check_rows(s, taken, e);
    if (status == BF_OK)
        status = check_left(s, taken, e);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__media_check(struct bf_store *store, const struct bf_check *check, struct bf_error *e)
{
    if (store->media == NULL)
        return BF_OK;
    struct sweep s = {.media = store->media, .check = check, .buf = malloc(READ_BYTES)};
    if (s.buf == NULL)
        abort();
    enum bf_status status = check_all(&s, e);
    free(s.names.all);
    free(s.buf);
    return status;
}
