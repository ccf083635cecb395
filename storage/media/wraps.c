/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/wraps.h"
#include "core/arena.h"
#include "storage/keys.h"
#include "storage/media/leaving.h"
#include "storage/media/shelf.h"
#include <stdlib.h>

enum wrap_row { WRAP_HOLDER, WRAP_KEY, WRAP_ROWS };
enum blob_row { BLOB_FILE, BLOB_SHA256, BLOB_SIZE, BLOB_STATE, BLOB_WRAPS, BLOB_CHANGED_AT, BLOB_ROWS };

static const struct bf_field wrap_fields[WRAP_ROWS] = {
    [WRAP_HOLDER] = BF_FIELD("holder", UUID, BF_F_SERVER, 0, 0, NORMAL, "持有者", "Holder"),
    [WRAP_KEY] = BF_FIELD("key", BYTES, BF_F_SERVER | BF_F_SECRET, 0, BF__WRAPPED, NORMAL, "密钥", "Key"),
};
static const struct bf_schema wrap_schema = {.name = "blob_wrap", .zh = "密钥封装", .en = "Wrapped key", .version = 1, .fields = wrap_fields, .n_fields = WRAP_ROWS};

static const struct bf_word state_words[] = {{"live", "有效", "Live"}, {"dying", "待删除", "To be deleted"}};
static const struct bf_enum states = {.name = "blob_state", .words = state_words, .n_words = 2};

static const struct bf_field blob_fields[BLOB_ROWS] = {
    [BLOB_FILE] = BF_FIELD("file", UUID, BF_F_SERVER, 0, 0, NORMAL, "文件", "File"),
    [BLOB_SHA256] = BF_FIELD("sha256", SHA256, BF_F_SERVER, 0, 0, NORMAL, "摘要", "SHA-256"),
    [BLOB_SIZE] = BF_FIELD("size", INT, BF_F_SERVER, 0, 0, NORMAL, "大小", "Size"),
    [BLOB_STATE] = BF_FIELD("state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &states),
    [BLOB_WRAPS] = BF_FIELD("wraps", ARRAY, BF_F_SERVER | BF_F_SECRET, 0, BF__HOLDERS_MAX, NORMAL, "密钥封装", "Wrapped keys", .elem = BF_T_OBJECT,
                            .sub = &wrap_schema),
    [BLOB_CHANGED_AT] = BF_FIELD("changed_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "变更时间", "Changed at"),
};
static const struct bf_schema blob_schema = {.name = "blob", .zh = "媒体文件", .en = "Blob", .version = 1, .fields = blob_fields, .n_fields = BLOB_ROWS};
static const struct bf_index by_state = {.name = "blobs_state", .fields = {BLOB_STATE}, .n_fields = 1};
static const struct bf_index *const blob_indexes[] = {&by_state};
const struct bf_collection bf__coll_blobs = {.name = "blobs",
                                             .schema = &blob_schema,
                                             .cls = BF_TENANT_COLLECTION,
                                             .subject = BF_ROW_NONE,
                                             .owner = BF_ROW_NONE,
                                             .team = BF_ROW_NONE,
                                             .indexes = blob_indexes,
                                             .n_indexes = 1};

/* ---- the document ---- */

struct bf_uuid bf__blob_id(const uint8_t sha256[32])
{
    uint8_t name[5 + 32] = "blob:";
    memcpy(name + 5, sha256, 32);
    return bf_uuid_from_name(name, sizeof name);
}

void bf__blob_name(const struct bf_uuid *file, char out[BF_UUID_TEXT]) { bf_uuid_text(file, out); }

enum bf_status bf__blob_read(struct bf_uuid tenant, const struct bf_doc *doc, struct bf_arena *arena, struct bf__blob_doc *ret, struct bf_error *e)
{
    const struct bf_object *o = &doc->object;
    struct bf_array wraps = bf_get_array(o, BLOB_WRAPS);
    const uint8_t *sha256 = bf_get_sha256(o, BLOB_SHA256);
    if (sha256 == NULL || bf_get_enum(o, BLOB_STATE) < 0)
        return bf_fail(e, BF_E_CORRUPT, "a blob's document lacks fields");
    *ret = (struct bf__blob_doc){.doc = doc,
                                 .tenant = tenant,
                                 .file = bf_get_uuid(o, BLOB_FILE),
                                 .size = bf_get_int(o, BLOB_SIZE),
                                 .state = (enum bf__blob_state)bf_get_enum(o, BLOB_STATE),
                                 .changed_ms = bf_get_int(o, BLOB_CHANGED_AT),
                                 .wraps = bf_arena_calloc(arena, wraps.n + 1, sizeof *ret->wraps)};
    memcpy(ret->sha256, sha256, 32);
    for (unsigned i = 0; i < wraps.n; i++) {
        const struct bf_object *wrap = wraps.items[i].type == BF_T_OBJECT ? wraps.items[i].object : NULL;
        struct bf_str key = wrap == NULL ? bf_str(NULL, 0) : bf_get_str(wrap, WRAP_KEY);
        if (key.n != BF__WRAPPED)
            return bf_fail(e, BF_E_CORRUPT, "a blob's wrapped key has %zu bytes", key.n);
        ret->wraps[i].holder = bf_get_uuid(wrap, WRAP_HOLDER);
        memcpy(ret->wraps[i].wrapped, key.p, BF__WRAPPED);
    }
    ret->n_wraps = wraps.n;
    return BF_OK;
}

enum bf_status bf__blob_get(struct bf_media *media, struct bf_arena *arena, struct bf_uuid tenant, const uint8_t sha256[32],
                            struct bf__blob_doc *ret, struct bf_error *e)
{
    struct bf_doc *doc;
    enum bf_status status = bf_store_get(media->store, &bf__coll_blobs, tenant, bf__blob_id(sha256), arena, &doc, e);
    if (status != BF_OK)
        return status;
    if (doc != NULL)
        return bf__blob_read(tenant, doc, arena, ret, e);
    *ret = (struct bf__blob_doc){.tenant = tenant, .wraps = bf_arena_calloc(arena, 1, sizeof *ret->wraps)};
    memcpy(ret->sha256, sha256, 32);
    return BF_OK;
}

static struct bf_value *make_wraps(struct bf_arena *arena, const struct bf__blob_doc *blob)
{
    struct bf_value *items = bf_arena_calloc(arena, blob->n_wraps + 1, sizeof *items);
    for (unsigned i = 0; i < blob->n_wraps; i++) {
        struct bf_object *wrap = bf_object_create(arena, &wrap_schema);
        bf_set_uuid(wrap, WRAP_HOLDER, blob->wraps[i].holder);
        bf_set_str(wrap, WRAP_KEY, bf_str((const char *)blob->wraps[i].wrapped, BF__WRAPPED));
        items[i] = (struct bf_value){.type = BF_T_OBJECT, .object = wrap};
    }
    return items;
}

enum bf_status bf__blob_write(struct bf_media *media, struct bf_arena *arena, struct bf__blob_doc *blob, struct bf_error *e)
{
    struct bf_doc *doc = bf_doc_create(arena, &blob_schema, blob->tenant, bf__blob_id(blob->sha256));
    bf_set_uuid(&doc->object, BLOB_FILE, blob->file);
    bf_set_sha256(&doc->object, BLOB_SHA256, blob->sha256);
    bf_set_int(&doc->object, BLOB_SIZE, blob->size);
    bf_set_enum(&doc->object, BLOB_STATE, (int)blob->state);
    bf_set_array(&doc->object, BLOB_WRAPS, make_wraps(arena, blob), blob->n_wraps);
    doc->object.v[BLOB_CHANGED_AT] = (struct bf_value){.type = BF_T_TIME, .i = bf_now_ms(media->env)};
    struct bf_write write = {.kind = BF_W_INSERT, .coll = &bf__coll_blobs, .doc = doc};
    if (blob->doc != NULL) {
        doc->object.extra = blob->doc->object.extra;
        write.kind = BF_W_REPLACE;
        write.rev = blob->doc->rev;
    }
    enum bf_status status = bf_store_write(media->store, &write, 1, NULL, e);
    return status == BF_E_EXISTS || status == BF_E_NOT_FOUND ? BF_E_STALE : status;
}

/* ---- wraps ---- */

int bf__wrap_find(const struct bf__blob_doc *blob, struct bf_uuid holder)
{
    int found = -1;
    for (unsigned i = 0; i < blob->n_wraps; i++)
        if (bf_uuid_eq(&blob->wraps[i].holder, &holder))
            found = (int)i;
    return found;
}

static struct bf_str wrap_place(const struct bf__blob_doc *blob, const struct bf_uuid *holder, uint8_t out[48])
{
    memcpy(out, blob->tenant.b, 16);
    memcpy(out + 16, blob->file.b, 16);
    memcpy(out + 32, holder->b, 16);
    return bf_str((const char *)out, 48);
}

static enum bf_status wrapping_key(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid holder, bool create, struct bf_key *ret,
                                   struct bf_error *e)
{
    struct bf_key subject;
    enum bf_status status = bf_keys_subject(media->store, tenant, holder, create, &subject, e);
    if (status != BF_OK)
        return status;
    bf_key_derive(&subject, "blob", NULL, 0, ret);
    bf_key_wipe(&subject);
    return BF_OK;
}

enum bf_status bf__wrap_add(struct bf_media *media, struct bf_arena *arena, struct bf__blob_doc *blob, struct bf_uuid holder,
                            const struct bf_key *key, struct bf_error *e)
{
    struct bf_key wrapping;
    uint8_t aad[48];
    int at = bf__wrap_find(blob, holder);
    if (at < 0 && blob->n_wraps >= BF__HOLDERS_MAX) /* no fault of who asks, and no reason for a client to begin anew */
        return bf_fail(e, BF_E_UNAVAILABLE, "a blob has at most %d holders", BF__HOLDERS_MAX);
    enum bf_status status = wrapping_key(media, blob->tenant, holder, /* create= */ true, &wrapping, e);
    if (status != BF_OK)
        return status;
    if (at < 0) {
        struct bf__wrap *wraps = bf_arena_calloc(arena, blob->n_wraps + 1, sizeof *wraps);
        if (blob->n_wraps > 0)
            memcpy(wraps, blob->wraps, blob->n_wraps * sizeof *wraps);
        at = (int)blob->n_wraps++;
        blob->wraps = wraps;
    }
    blob->wraps[at].holder = holder;
    bf_seal(media->env, &wrapping, wrap_place(blob, &holder, aad), key->b, BF_KEY_BYTES, blob->wraps[at].wrapped);
    bf_key_wipe(&wrapping);
    return BF_OK;
}

void bf__wrap_remove(struct bf__blob_doc *blob, unsigned i)
{
    blob->wraps[i] = blob->wraps[blob->n_wraps - 1];
    blob->n_wraps--;
}

enum bf_status bf__wrap_open(struct bf_media *media, const struct bf__blob_doc *blob, unsigned i, struct bf_key *ret, struct bf_error *e)
{
    const struct bf__wrap *wrap = &blob->wraps[i];
    struct bf_key wrapping;
    uint8_t aad[48];
    size_t n;
    enum bf_status status = wrapping_key(media, blob->tenant, wrap->holder, /* create= */ false, &wrapping, e);
    if (status == BF_E_NOT_FOUND)
        return bf_fail(e, BF_E_GONE, "the holder has no key");
    if (status != BF_OK)
        return status;
    status = bf_unseal(&wrapping, wrap_place(blob, &wrap->holder, aad), wrap->wrapped, BF__WRAPPED, ret->b, &n, e);
    bf_key_wipe(&wrapping);
    return status;
}

enum bf_status bf__blob_key(struct bf_media *media, const struct bf__blob_doc *blob, struct bf_key *ret, struct bf_error *e)
{
    enum bf_status status = bf_fail(NULL, BF_E_GONE, "no holder");
    for (unsigned i = 0; i < blob->n_wraps; i++) {
        status = bf__wrap_open(media, blob, i, ret, e);
        if (status != BF_E_GONE && status != BF_E_CORRUPT)
            return status;
    }
    return status == BF_E_CORRUPT ? status : bf_fail(e, BF_E_GONE, "every holder's key is gone");
}

/* ---- the file ---- */

enum bf_status bf__blob_frames(struct bf_media *media, const struct bf__blob_doc *blob, const struct bf_key *key, struct bf__frames **ret,
                               struct bf_error *e)
{
    struct bf__frames *frames;
    struct bf__io *io;
    enum bf_status status = media->shelf->open_blob(media, blob->tenant, blob->file, &io, e);
    if (status == BF_OK)
        status = bf__frames_open(media->env, io, key, blob->file, &frames, e);
    if (status != BF_OK)
        return status;
    const struct bf__foot *foot = bf__frames_foot(frames);
    if (foot->size != (uint64_t)blob->size || memcmp(foot->sha256, blob->sha256, 32) != 0) {
        bf__frames_close(&frames);
        return bf_fail(e, BF_E_CORRUPT, "the file of a blob holds other bytes");
    }
    *ret = frames;
    return BF_OK;
}

enum bf_status bf__blob_drop(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    pthread_mutex_lock(&media->lock);
    bool held = media->holds > 0;
    if (held && media->n_spares < BF__SPARES_MAX)
        media->spares[media->n_spares++] = file;
    pthread_mutex_unlock(&media->lock);
    return held ? BF_OK : media->shelf->drop(media, tenant, file, e);
}

enum bf_status bf__blob_drop_unless_named(struct bf_media *media, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_uuid file,
                                          struct bf_error *e)
{
    bool is_named;
    enum bf_status status = bf__blob_names(media, tenant, bf__blob_id(sha256), file, &is_named, e);
    return status != BF_OK || is_named ? status : bf__blob_drop(media, tenant, file, e);
}

enum bf_status bf__blob_names(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid doc, struct bf_uuid file, bool *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__blob_doc blob;
    struct bf_doc *stored;
    enum bf_status status = bf_store_get(media->store, &bf__coll_blobs, tenant, doc, arena, &stored, e);
    *ret = false;
    if (status == BF_OK && stored != NULL && (status = bf__blob_read(tenant, stored, arena, &blob, e)) == BF_OK)
        *ret = blob.state == BF__BLOB_LIVE && bf_uuid_eq(&blob.file, &file);
    *ret = *ret || bf__leaving_has(media, file);
    bf_arena_destroy(&arena);
    return status;
}

/* ---- sweeping ---- */

/* The file may have gone when the last holder went; a crash, or a backup, may have kept it. */
static enum bf_status bury(struct bf_media *media, struct bf_arena *arena, const struct bf__blob_doc *blob, struct bf_error *e)
{
    if (bf__leaving_has(media, blob->file))
        return BF_OK;
    if (media->is_shared && bf_now_ms(media->env) - blob->changed_ms < 2 * BF__LEAVING_MS) /* another process may put it back */
        return BF_OK;
    enum bf_status status = bf__blob_drop(media, blob->tenant, blob->file, e);
    if (status != BF_OK || bf_now_ms(media->env) - blob->changed_ms < BF__BURY_AFTER_MS)
        return status;
    struct bf_doc *doc = bf_doc_create(arena, &blob_schema, blob->tenant, bf__blob_id(blob->sha256));
    struct bf_write write = {.kind = BF_W_DELETE, .coll = &bf__coll_blobs, .doc = doc, .rev = blob->doc->rev};
    if ((status = media->shelf->settle(media, e)) == BF_OK)
        status = bf_store_write(media->store, &write, 1, NULL, e);
    /* the same bytes came again meanwhile, and the document has a new file; or another sweep was there first */
    return status == BF_E_STALE || status == BF_E_NOT_FOUND ? BF_OK : status;
}

static enum bf_status sweep_tenant(struct bf_media *media, struct bf_uuid tenant, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_value dying = {.type = BF_T_ENUM, .i = BF__BLOB_DYING};
    struct bf_cond cond = {.row = BLOB_STATE, .op = BF_EQ, .values = &dying, .n = 1};
    struct bf_query query = {.coll = &bf__coll_blobs, .tenant = tenant, .conds = &cond, .n_conds = 1, .index = &by_state, .limit = BF_PAGE_MAX};
    struct bf_page page;
    enum bf_status status = BF_OK;
    do {
        status = bf_store_find(media->store, &query, arena, &page, e);
        for (unsigned i = 0; i < page.n && status == BF_OK; i++) {
            struct bf__blob_doc blob;
            status = bf__blob_read(tenant, page.docs[i], arena, &blob, e);
            if (status == BF_OK)
                status = bury(media, arena, &blob, e);
        }
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0);
    return status;
}

static enum bf_status sweep_spares(struct bf_media *media, struct bf_error *e)
{
    static const struct bf_uuid none; /* backups are of directories, which know no tenant */
    struct bf_uuid spares[BF__SPARES_MAX];
    unsigned n = 0;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&media->lock);
    if (media->holds == 0) {
        n = media->n_spares;
        memcpy(spares, media->spares, n * sizeof spares[0]);
        media->n_spares = 0;
    }
    pthread_mutex_unlock(&media->lock);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = bf__blob_drop(media, none, spares[i], e);
    return status;
}

enum bf_status bf__blob_sweep(struct bf_media *media, struct bf_error *e)
{
    struct bf_uuid *tenants;
    unsigned n = 0;
    pthread_mutex_lock(&media->lock);
    bool held = media->holds > 0;
    pthread_mutex_unlock(&media->lock);
    if (held)
        return BF_OK;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = sweep_spares(media, e);
    if (status == BF_OK)
        status = bf_log_tenants(media->store, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = sweep_tenant(media, tenants[i], arena, e);
    bf_arena_destroy(&arena);
    return status;
}
