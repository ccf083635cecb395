/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media of a store that is moved: the file of each blob, sealed as it is (the keys that open it are documents), and what came of finished uploads.
 * Uploads under way stay behind and begin anew, as after a restore.
 */
#include "core/arena.h"
#include "storage/media/shelf.h"
#include "storage/media/wraps.h"
#include "storage/move.h"
#include <stdio.h>
#include <stdlib.h>

enum { READ_BYTES = 64 << 10, TELL_BYTES = 256 << 20, MB = 1 << 20 };

/* ---- files ---- */

struct carry {
    struct bf__move *m;
    uint8_t *buf; /* READ_BYTES */
    int64_t files, bytes, told, absent;
};

typedef enum bf_status file_fn(struct carry *c, const struct bf__blob_doc *blob, struct bf_error *e);

/* `fn` for each blob of the source that has a file. */
static enum bf_status each_blob(struct carry *c, file_fn *fn, struct bf_error *e)
{
    struct bf__move_rows rows;
    struct bf__blob_doc blob;
    struct bf_row *row;
    enum bf_status status;
    bf__move_rows_begin(&rows, c->m->from, &bf__coll_blobs);
    while ((status = bf__move_rows_look(&rows, &row, e)) == BF_OK && row != NULL) {
        status = row->doc == NULL ? bf_fail(e, BF_E_CORRUPT, "the document of a blob cannot be read")
                                  : bf__blob_read(row->tenant, row->doc, rows.arena, &blob, e);
        if (status == BF_OK && blob.state == BF__BLOB_LIVE)
            status = fn(c, &blob, e);
        if (status != BF_OK)
            break;
        rows.at++;
    }
    bf__move_rows_end(&rows);
    return status;
}

/* Opens a blob's file where it is there; *ret is NULL where not. */
static enum bf_status open_file(struct bf_media *media, const struct bf__blob_doc *blob, struct bf__io **ret, uint64_t *ret_size, struct bf_error *e)
{
    *ret = NULL;
    *ret_size = 0;
    enum bf_status status = media->shelf->open_blob(media, blob->tenant, blob->file, ret, e);
    if (status != BF_OK)
        return status == BF_E_NOT_FOUND ? BF_OK : status;
    status = (*ret)->vt->size(*ret, ret_size, e);
    if (status != BF_OK)
        bf__io_close(ret);
    return status;
}

static enum bf_status pour(struct carry *c, struct bf__io *from, uint64_t size, struct bf__io *to, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    size_t n = 0;
    for (uint64_t at = 0; at < size && status == BF_OK; at += n) {
        status = from->vt->read(from, c->buf, READ_BYTES, at, &n, e);
        if (status == BF_OK && n == 0)
            status = bf_fail(e, BF_E_CORRUPT, "a blob's file ends early");
        if (status == BF_OK)
            status = to->vt->write(to, c->buf, n, at, e);
    }
    return status == BF_OK ? to->vt->sync(to, &(struct bf__io_note){.position = NULL}, e) : status;
}

static enum bf_status copy_bytes(struct carry *c, const struct bf__blob_doc *blob, struct bf__io *from, uint64_t size, struct bf_error *e)
{
    struct bf_media *media = c->m->to->media;
    struct bf__put put = {.kept = {.tenant = blob->tenant, .file = blob->file, .bytes = size}, .sha256 = blob->sha256};
    struct bf__io *to = NULL;
    enum bf_status status = media->shelf->carry_begin(media, &put, &to, e);
    if (status != BF_OK)
        return status;
    status = pour(c, from, size, to, e);
    bf__io_close(&to);
    if (status == BF_OK)
        status = media->shelf->keep(media, &put.kept, e);
    enum bf_status ended = media->shelf->carry_end(media, &put, status == BF_OK ? e : NULL);
    return status == BF_OK ? ended : status;
}

/* Whether the destination has a file of this size; one of another goes. */
static enum bf_status is_there(struct carry *c, const struct bf__blob_doc *blob, uint64_t size, bool *ret, struct bf_error *e)
{
    struct bf_media *media = c->m->to->media;
    struct bf__io *io;
    uint64_t has;
    enum bf_status status = open_file(media, blob, &io, &has, e);
    *ret = status == BF_OK && io != NULL && has == size;
    if (status == BF_OK && io != NULL && has != size)
        status = media->shelf->drop(media, blob->tenant, blob->file, e);
    bf__io_close(&io);
    return status;
}

static void say_absent(struct carry *c, const struct bf__blob_doc *blob)
{
    char text[BF_UUID_TEXT];
    bf_uuid_text(&blob->file, text);
    c->absent++;
    bf__move_say(c->m, "blob %s: its file is missing in the source, and so it is in the destination", text);
}

static enum bf_status copy_file(struct carry *c, const struct bf__blob_doc *blob, struct bf_error *e)
{
    struct bf__io *from;
    uint64_t size;
    bool there;
    enum bf_status status = open_file(c->m->from->media, blob, &from, &size, e);
    if (status != BF_OK)
        return status;
    if (from == NULL) {
        say_absent(c, blob);
        return BF_OK;
    }
    status = is_there(c, blob, size, &there, e);
    if (status == BF_OK && !there)
        status = copy_bytes(c, blob, from, size, e);
    bf__io_close(&from);
    if (status == BF_E_CORRUPT && c->m->may_be_absent) {
        say_absent(c, blob);
        return BF_OK;
    }
    c->files++;
    c->bytes += (int64_t)size;
    if (status == BF_OK && c->bytes - c->told >= TELL_BYTES) {
        c->told = c->bytes;
        bf__move_say(c->m, "media: %lld files, %lld MB", (long long)c->files, (long long)(c->bytes / MB));
    }
    return status;
}

/* ---- comparing files ---- */

static enum bf_status hash_file(struct carry *c, struct bf_media *media, const struct bf__blob_doc *blob, struct bf_hash_state *hash, int64_t *ret_n,
                                struct bf_error *e)
{
    struct bf__io *io;
    uint64_t size;
    size_t n = 0;
    bf_hash_init(hash);
    *ret_n = -1;
    enum bf_status status = open_file(media, blob, &io, &size, e);
    if (status != BF_OK || io == NULL)
        return status;
    for (uint64_t at = 0; at < size && status == BF_OK; at += n) {
        status = io->vt->read(io, c->buf, READ_BYTES, at, &n, e);
        if (status == BF_OK && n == 0)
            status = bf_fail(e, BF_E_CORRUPT, "a blob's file ends early");
        if (status == BF_OK)
            bf_hash_add(hash, c->buf, n);
    }
    bf__io_close(&io);
    *ret_n = (int64_t)size;
    return status;
}

static enum bf_status compare_file(struct carry *c, const struct bf__blob_doc *blob, struct bf_error *e)
{
    struct bf_hash_state from, to;
    int64_t n_from, n_to;
    char what[BF_UUID_TEXT + 16], text[BF_UUID_TEXT];
    bf_uuid_text(&blob->file, text);
    snprintf(what, sizeof what, "file of blob %s", text);
    enum bf_status status = hash_file(c, c->m->from->media, blob, &from, &n_from, e);
    if (status == BF_OK)
        status = hash_file(c, c->m->to->media, blob, &to, &n_to, e);
    if (status == BF_OK)
        status = bf__move_agree(c->m, what, n_from, &from, n_to, &to, e);
    if (status == BF_OK && n_from >= 0) {
        c->m->files++;
        c->m->bytes += n_from;
    }
    return status;
}

/* ---- outcomes ---- */

struct outcome {
    struct bf_uuid id;
    uint8_t sha256[32]; /* of what it says */
};

struct outcomes {
    struct carry *c;
    struct outcome *all;
    unsigned n, room;
};

static void add_number(struct bf_hash_state *hash, int64_t i) { bf_hash_add(hash, &i, sizeof i); }

/* The packed bytes differ at each packing. */
static void hash_outcome(const struct bf__info *info, uint8_t ret[32])
{
    struct bf_hash_state hash;
    const struct bf_uuid *const ids[] = {&info->id, &info->tenant, &info->user, &info->file};
    bf_hash_init(&hash);
    for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++)
        bf_hash_add(&hash, ids[i]->b, sizeof ids[i]->b);
    const int64_t numbers[] = {info->created_ms, info->length, info->max_bytes, info->final, info->size, info->finished_ms, info->metadata_n};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_number(&hash, numbers[i]);
    bf_hash_add(&hash, info->sha256, 32);
    bf_hash_add(&hash, info->metadata, info->metadata_n);
    bf_hash_end(&hash, ret);
}

static enum bf_status gather(void *ctx, const struct bf__info *info, struct bf_error *e)
{
    struct outcomes *o = ctx;
    (void)e;
    if (o->n == o->room) {
        o->room = o->room == 0 ? 256 : o->room * 2;
        o->all = realloc(o->all, o->room * sizeof *o->all);
        if (o->all == NULL)
            abort();
    }
    o->all[o->n].id = info->id;
    hash_outcome(info, o->all[o->n++].sha256);
    return BF_OK;
}

static int by_id(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); } /* which stands first */

static enum bf_status gather_all(struct bf_store *store, struct outcomes *ret, struct bf_error *e)
{
    enum bf_status status = store->media->shelf->outcomes(store->media, gather, ret, e);
    if (status == BF_OK && ret->n > 0)
        qsort(ret->all, ret->n, sizeof *ret->all, by_id);
    return status;
}

static bool has(const struct outcomes *o, const uint8_t *sha256, struct bf_uuid id)
{
    const struct outcome *found = o->n == 0 ? NULL : bsearch(&id, o->all, o->n, sizeof *o->all, by_id);
    return found != NULL && (sha256 == NULL || memcmp(found->sha256, sha256, 32) == 0);
}

struct put {
    struct bf_media *to;
    const struct outcomes *there;
};

static enum bf_status put_one(void *ctx, const struct bf__info *info, struct bf_error *e)
{
    const struct put *put = ctx;
    uint8_t sha256[32];
    hash_outcome(info, sha256);
    return has(put->there, sha256, info->id) ? BF_OK : put->to->shelf->put_outcome(put->to, info, e);
}

static enum bf_status copy_outcomes(struct carry *c, struct bf_error *e)
{
    struct bf_media *from = c->m->from->media, *to = c->m->to->media;
    struct outcomes wanted = {.n = 0}, there = {.n = 0};
    enum bf_status status = gather_all(c->m->from, &wanted, e);
    if (status == BF_OK)
        status = gather_all(c->m->to, &there, e);
    for (unsigned i = 0; i < there.n && status == BF_OK; i++)
        if (!has(&wanted, NULL, there.all[i].id))
            status = to->shelf->drop_outcome(to, there.all[i].id, e);
    if (status == BF_OK)
        status = from->shelf->outcomes(from, put_one, &(struct put){to, &there}, e);
    if (status == BF_OK && wanted.n > 0)
        bf__move_say(c->m, "finished uploads: %u", wanted.n);
    free(wanted.all);
    free(there.all);
    return status;
}

static enum bf_status hash_outcomes(struct bf_store *store, struct bf_hash_state *ret, int64_t *ret_n, struct bf_error *e)
{
    struct outcomes all = {.n = 0};
    enum bf_status status = gather_all(store, &all, e);
    bf_hash_init(ret);
    for (unsigned i = 0; i < all.n; i++)
        bf_hash_add(ret, &all.all[i], sizeof all.all[i]);
    *ret_n = all.n;
    free(all.all);
    return status;
}

static enum bf_status compare_outcomes(struct carry *c, struct bf_error *e)
{
    struct bf_hash_state from, to;
    int64_t n_from, n_to;
    enum bf_status status = hash_outcomes(c->m->from, &from, &n_from, e);
    if (status == BF_OK)
        status = hash_outcomes(c->m->to, &to, &n_to, e);
    return status == BF_OK ? bf__move_agree(c->m, "finished uploads", n_from, &from, n_to, &to, e) : status;
}

/* ---- all of it ---- */

static enum bf_status run(struct bf__move *m, file_fn *fn, enum bf_status (*outcomes)(struct carry *c, struct bf_error *e), struct carry *c,
                          struct bf_error *e)
{
    *c = (struct carry){.m = m};
    if (m->from->media == NULL || m->to->media == NULL)
        return BF_OK;
    c->buf = malloc(READ_BYTES);
    if (c->buf == NULL)
        abort();
    enum bf_status status = each_blob(c, fn, e);
    if (status == BF_OK)
        status = outcomes(c, e);
    free(c->buf);
    return status;
}

enum bf_status bf__move_files_copy(struct bf__move *m, struct bf_error *e)
{
    struct carry c;
    enum bf_status status = run(m, copy_file, copy_outcomes, &c, e);
    if (status == BF_OK && c.files > 0)
        bf__move_say(m, "media: %lld files, %lld MB", (long long)c.files, (long long)(c.bytes / MB));
    return status;
}

enum bf_status bf__move_files_compare(struct bf__move *m, struct bf_error *e)
{
    struct carry c;
    return run(m, compare_file, compare_outcomes, &c, e);
}
