/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/upload_doc.h"
#include "core/arena.h"
#include <assert.h>
#include <stdlib.h>

enum row { UP_TENANT, UP_USER, UP_STATE, UP_DUE, UP_FILE, UP_OWNER, UP_EPOCH, UP_BYTES, UP_OFFSET, UP_LENGTH, UP_TOUCHED, UP_RESERVED, UP_SHA256, UP_INFO, UP_ROWS };

static const struct bf_word state_words[] = {
    {"open", "上传中", "Under way"}, {"kept", "已保存", "Stored"}, {"settled", "已归档", "Settled"}, {"leaving", "删除中", "Being deleted"}, {"put", "生成中", "Being made"}};
static const struct bf_enum states = {.name = "upload_state", .words = state_words, .n_words = sizeof state_words / sizeof *state_words};

static const struct bf_field fields[UP_ROWS] = {
    [UP_TENANT] = BF_FIELD("tenant", UUID, BF_F_SERVER, 0, 0, NORMAL, "公司", "Tenant"),
    [UP_USER] = BF_FIELD("user", UUID, BF_F_SERVER, 0, 0, NORMAL, "用户", "User"),
    [UP_STATE] = BF_FIELD("state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &states),
    [UP_DUE] = BF_FIELD("due_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "检查时间", "Looked at again"),
    [UP_FILE] = BF_FIELD("file", UUID, BF_F_SERVER, 0, 0, NORMAL, "文件", "File"),
    [UP_OWNER] = BF_FIELD("owner", UUID, BF_F_SERVER, 0, 0, NORMAL, "进程", "Process"),
    [UP_EPOCH] = BF_FIELD("epoch", INT, BF_F_SERVER, 0, 0, NORMAL, "世代", "Epoch"),
    [UP_BYTES] = BF_FIELD("bytes", INT, BF_F_SERVER, 0, 0, NORMAL, "文件字节", "Bytes of the file"),
    [UP_OFFSET] = BF_FIELD("offset", INT, BF_F_SERVER, 0, 0, NORMAL, "偏移", "Offset"),
    [UP_LENGTH] = BF_FIELD("length", INT, BF_F_SERVER, 0, 0, NORMAL, "长度", "Length"),
    [UP_TOUCHED] = BF_FIELD("touched_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最后写入", "Last written"),
    [UP_RESERVED] = BF_FIELD("reserved", INT, BF_F_SERVER, 0, 0, NORMAL, "占用", "Reserved"),
    [UP_SHA256] = BF_FIELD("sha256", SHA256, BF_F_SERVER, 0, 0, NORMAL, "摘要", "SHA-256"),
    [UP_INFO] = BF_FIELD("info", BYTES, BF_F_SERVER | BF_F_SECRET, 0, BF__INFO_MAX, NORMAL, "信息", "Info"),
};
static const struct bf_schema schema = {.name = "upload", .zh = "上传", .en = "Upload", .version = 1, .fields = fields, .n_fields = UP_ROWS};
static const struct bf_index by_user = {.name = "uploads_user", .fields = {UP_TENANT, UP_USER, UP_STATE}, .n_fields = 3};
static const struct bf_index by_due = {.name = "uploads_due", .fields = {UP_DUE}, .n_fields = 1};
static const struct bf_index *const indexes[] = {&by_user, &by_due};
const struct bf_collection bf__coll_uploads = {.name = "uploads",
                                               .schema = &schema,
                                               .cls = BF_SYSTEM_COLLECTION,
                                               .subject = BF_ROW_NONE,
                                               .owner = BF_ROW_NONE,
                                               .team = BF_ROW_NONE,
                                               .indexes = indexes,
                                               .n_indexes = 2};
static const struct bf_uuid none;

/* ---- the document ---- */

enum bf_status bf__upload_doc_read(const struct bf_doc *doc, struct bf__upload_doc *ret, struct bf_error *e)
{
    const struct bf_object *o = &doc->object;
    const uint8_t *sha256 = bf_get_sha256(o, UP_SHA256);
    if (bf_get_enum(o, UP_STATE) < 0)
        return bf_fail(e, BF_E_CORRUPT, "an upload's document lacks its state");
    *ret = (struct bf__upload_doc){.id = doc->id,
                                   .tenant = bf_get_uuid(o, UP_TENANT),
                                   .user = bf_get_uuid(o, UP_USER),
                                   .file = bf_get_uuid(o, UP_FILE),
                                   .owner = bf_get_uuid(o, UP_OWNER),
                                   .state = (enum bf__doc_state)bf_get_enum(o, UP_STATE),
                                   .rev = doc->rev,
                                   .due_ms = bf_get_int(o, UP_DUE),
                                   .epoch = bf_get_int(o, UP_EPOCH),
                                   .bytes = bf_get_int(o, UP_BYTES),
                                   .offset = bf_get_int(o, UP_OFFSET),
                                   .length = bf_get_int(o, UP_LENGTH),
                                   .touched_ms = bf_get_int(o, UP_TOUCHED),
                                   .reserved = bf_get_int(o, UP_RESERVED),
                                   .is_complete = sha256 != NULL,
                                   .info = bf_get_str(o, UP_INFO)};
    if (sha256 != NULL)
        memcpy(ret->sha256, sha256, 32);
    return BF_OK;
}

static void set_time(struct bf_doc *doc, enum row row, int64_t ms) { doc->object.v[row] = (struct bf_value){.type = BF_T_TIME, .i = ms}; }

static struct bf_doc *make_doc(const struct bf__upload_doc *d, struct bf_arena *arena)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, none, d->id);
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, UP_TENANT, d->tenant);
    bf_set_uuid(o, UP_USER, d->user);
    bf_set_enum(o, UP_STATE, (int)d->state);
    set_time(doc, UP_DUE, d->due_ms);
    bf_set_uuid(o, UP_FILE, d->file);
    bf_set_uuid(o, UP_OWNER, d->owner);
    bf_set_int(o, UP_EPOCH, d->epoch);
    bf_set_int(o, UP_BYTES, d->bytes);
    bf_set_int(o, UP_OFFSET, d->offset);
    bf_set_int(o, UP_LENGTH, d->length);
    set_time(doc, UP_TOUCHED, d->touched_ms);
    bf_set_int(o, UP_RESERVED, d->reserved);
    if (d->is_complete)
        bf_set_sha256(o, UP_SHA256, d->sha256);
    bf_set_str(o, UP_INFO, d->info);
    return doc;
}

enum bf_status bf__upload_doc_get(struct bf_media *media, struct bf_uuid id, struct bf_arena *arena, struct bf__upload_doc *ret, bool *ret_found,
                                  struct bf_error *e)
{
    struct bf_doc *doc;
    enum bf_status status = bf_store_get(media->store, &bf__coll_uploads, none, id, arena, &doc, e);
    *ret_found = status == BF_OK && doc != NULL;
    return *ret_found ? bf__upload_doc_read(doc, ret, e) : status;
}

/* ---- writing ---- */

/* Not through a committer: a chunk's acknowledgement waits for nobody else's writes. */
static enum bf_status write_once(struct bf_media *media, const struct bf_write *write, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_driver *driver = media->store->driver;
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->write(s, write, arena, e);
    driver->vt->release(driver, s);
    return status;
}

/* Only this process writes with its own name under the rev it read: what stands one above is what was sent, if it bears that name. */
static enum bf_status look_for(struct bf_media *media, const struct bf__upload_doc *sent, struct bf_arena *arena, struct bf_error *e)
{
    struct bf__upload_doc found;
    bool is_there;
    if (bf__upload_doc_get(media, sent->id, arena, &found, &is_there, NULL) != BF_OK)
        return bf_fail(e, BF_E_UNKNOWN_OUTCOME, "it is not known whether an upload's document was written");
    if (is_there && found.rev == sent->rev + 1 && bf_uuid_eq(&found.owner, &sent->owner))
        return BF_OK;
    if ((is_there ? found.rev : 0) == sent->rev)
        return bf_fail(e, BF_E_UNKNOWN_OUTCOME, "an upload's document was not written, and may be yet");
    return bf_fail(e, BF_E_STALE, "the upload was changed meanwhile");
}

enum bf_status bf__upload_doc_write(struct bf_media *media, struct bf__upload_doc *d, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_write write = {
        .kind = d->rev == 0 ? BF_W_INSERT : BF_W_REPLACE, .coll = &bf__coll_uploads, .doc = make_doc(d, arena), .rev = d->rev};
    enum bf_status status = write_once(media, &write, arena, e);
    if (status == BF_E_UNKNOWN_OUTCOME)
        status = look_for(media, d, arena, e);
    if (status == BF_OK)
        d->rev++;
    bf_arena_destroy(&arena);
    return status == BF_E_NOT_FOUND ? bf_fail(e, BF_E_STALE, "the upload has gone") : status;
}

enum bf_status bf__upload_doc_delete(struct bf_media *media, const struct bf__upload_doc *d, struct bf_error *e)
{
    assert(d->rev > 0);
    struct bf_arena *arena = bf_arena_create();
    struct bf_write write = {.kind = BF_W_DELETE, .coll = &bf__coll_uploads, .doc = make_doc(d, arena), .rev = d->rev};
    enum bf_status status = write_once(media, &write, arena, e);
    bf_arena_destroy(&arena);
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

/* ---- several ---- */

static enum bf_status find(struct bf_media *media, const struct bf_query *query, struct bf_arena *arena, struct bf__upload_doc **ret,
                           unsigned *ret_n, struct bf_str *ret_after, struct bf_error *e)
{
    struct bf_page page = {0};
    enum bf_status status = bf_store_find(media->store, query, arena, &page, e);
    struct bf__upload_doc *docs = bf_arena_calloc(arena, page.n + 1, sizeof *docs);
    unsigned n = 0;
    for (unsigned i = 0; status == BF_OK && i < page.n; i++) /* one that cannot be read is told by check */
        n += bf__upload_doc_read(page.docs[i], &docs[n], NULL) == BF_OK;
    *ret = docs;
    *ret_n = n;
    *ret_after = page.next;
    return status;
}

enum bf_status bf__upload_docs_of(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, unsigned wanted, struct bf_str after,
                                  struct bf_arena *arena, struct bf__upload_doc **ret, unsigned *ret_n, struct bf_str *ret_after, struct bf_error *e)
{
    struct bf_value t = {.type = BF_T_UUID, .uuid = tenant}, u = {.type = BF_T_UUID, .uuid = user}, s[sizeof state_words / sizeof *state_words];
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof state_words / sizeof *state_words; i++)
        if ((wanted & 1u << i) != 0)
            s[n++] = (struct bf_value){.type = BF_T_ENUM, .i = i};
    struct bf_cond conds[] = {{UP_TENANT, BF_EQ, &t, 1}, {UP_USER, BF_EQ, &u, 1}, {UP_STATE, BF_IN, s, n}};
    struct bf_query query = {.coll = &bf__coll_uploads, .conds = conds, .n_conds = 3, .index = &by_user, .after = after, .limit = BF_PAGE_MAX};
    return find(media, &query, arena, ret, ret_n, ret_after, e);
}

enum bf_status bf__upload_docs_due(struct bf_media *media, int64_t now_ms, unsigned max, struct bf_arena *arena, struct bf__upload_doc **ret,
                                   unsigned *ret_n, struct bf_error *e)
{
    struct bf_value now = {.type = BF_T_TIME, .i = now_ms};
    struct bf_cond cond = {UP_DUE, BF_LE, &now, 1};
    struct bf_query query = {.coll = &bf__coll_uploads, .conds = &cond, .n_conds = 1, .index = &by_due, .limit = max};
    struct bf_str after;
    return find(media, &query, arena, ret, ret_n, &after, e);
}

/* ---- of an upload ---- */

static enum bf__doc_state state_of(const struct bf__upload *up)
{
    if (!up->finished)
        return BF__DOC_OPEN;
    return up->hold == BF__HOLD_GONE ? BF__DOC_SETTLED : BF__DOC_KEPT;
}

void bf__upload_doc_of(struct bf__upload *up, struct bf__upload_doc *ret)
{
    pthread_mutex_lock(&up->media->lock);
    *ret = (struct bf__upload_doc){.id = up->id,
                                   .tenant = up->tenant,
                                   .user = up->user,
                                   .file = up->file_id,
                                   .owner = up->media->process,
                                   .state = state_of(up),
                                   .rev = up->doc.rev,
                                   .due_ms = bf__upload_expires(up),
                                   .epoch = up->doc.epoch,
                                   .bytes = up->doc.bytes,
                                   .offset = up->offset,
                                   .length = up->length,
                                   .touched_ms = up->touched_ms,
                                   .reserved = up->length >= 0 ? up->length : up->max_bytes,
                                   .is_complete = up->doc.is_complete,
                                   .info = up->doc.info};
    memcpy(ret->sha256, up->sha256, 32);
    pthread_mutex_unlock(&up->media->lock);
}

void bf__upload_keep_info(struct bf__upload *up, struct bf_str info)
{
    char *copy = malloc(info.n + 1);
    if (copy == NULL)
        abort();
    if (info.n > 0)
        memcpy(copy, info.p, info.n);
    free((void *)(uintptr_t)up->doc.info.p);
    up->doc.info = bf_str(copy, info.n);
}
