/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded of telling a person of a notification, place by place. */
#include "push/internal.h"

enum { FORGET_AT_ONCE = 100 };
static const int64_t day_ms = 24 * 3600 * 1000;

#define X(WORD, text, zh_, en_) {.word = text, .zh = zh_, .en = en_},
static const struct bf_word words[] = {BF_ATTEMPT_STATE_WORDS(X)};
#undef X
const struct bf_enum bf__enum_attempt_state = {.name = "attempt_state", .words = words, .n_words = BF_ATTEMPT_STATES};

#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field try_fields[] = {BF_TRY_FIELDS(F)};
static const struct bf_field fields[] = {BF_ATTEMPT_FIELDS(F)};
#undef F
const struct bf_schema bf__try_schema = {
    .name = "try", .zh = "尝试", .en = "Try", .version = 1, .fields = try_fields, .n_fields = BF_TRY_ROWS};
const struct bf_schema bf__attempt_schema = {
    .name = "attempt", .zh = "推送尝试", .en = "Push attempt", .version = 1, .fields = fields, .n_fields = BF_ATTEMPT_ROWS};

const struct bf_index bf__attempts_by_user = {.name = "user", .fields = {BF_ATTEMPT_USER, BF_ATTEMPT_LAST_AT}, .n_fields = 2};
static const struct bf_index *const indexes[] = {&bf__attempts_by_user};
const struct bf_collection bf__attempts = {.name = "push_attempts",
                                           .schema = &bf__attempt_schema,
                                           .cls = BF_TENANT_COLLECTION,
                                           .subject = BF_ROW_NONE,
                                           .owner = BF_ROW_NONE,
                                           .team = BF_ROW_NONE,
                                           .indexes = indexes,
                                           .n_indexes = 1};

struct bf_uuid bf__attempt_id(struct bf_uuid tenant, struct bf_uuid notification, struct bf_uuid device)
{
    struct bf_uuid name[3] = {tenant, notification, device};
    return bf_uuid_from_name(name, sizeof name);
}

struct bf_doc *bf__attempt_create(struct bf_arena *arena, const struct bf_doc *notification, struct bf_uuid device, enum bf__way way)
{
    struct bf_uuid id = bf__attempt_id(notification->tenant, notification->id, device);
    struct bf_doc *doc = bf_doc_create(arena, &bf__attempt_schema, notification->tenant, id);
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_ATTEMPT_NOTIFICATION, notification->id);
    bf_set_uuid(o, BF_ATTEMPT_USER, bf_get_uuid(&notification->object, BF_NOTIFICATION_USER));
    bf_set_uuid(o, BF_ATTEMPT_DEVICE, device);
    bf_set_str(o, BF_ATTEMPT_CHANNEL, bf_strz(bf__channels[way]->name));
    return doc;
}

bool bf__attempt_is_settled(const struct bf_doc *attempt)
{
    return attempt != NULL && bf_get_enum(&attempt->object, BF_ATTEMPT_STATE) != BF_ATTEMPT_IS_SENDING;
}

static void set_state(struct bf_arena *arena, struct bf_object *attempt, enum bf_attempt_state state, const char *cause)
{
    bf_set_enum(attempt, BF_ATTEMPT_STATE, (int)state);
    bf_set_str(attempt, BF_ATTEMPT_CAUSE, bf_strz(bf_arena_strdup(arena, cause)));
    bf_unset(attempt, BF_ATTEMPT_NEXT_AT);
}

void bf__attempt_set(struct bf_arena *arena, struct bf_doc *attempt, enum bf_attempt_state state, const char *cause, int64_t now_ms)
{
    set_state(arena, &attempt->object, state, cause);
    bf_set_int(&attempt->object, BF_ATTEMPT_LAST_AT, now_ms);
}

void bf__attempt_judge(struct bf_arena *arena, struct bf_doc *attempt, enum bf_attempt_state state, const char *cause)
{
    set_state(arena, &attempt->object, state, cause);
}

void bf__attempt_postpone(struct bf_arena *arena, struct bf_doc *attempt, const char *cause, int64_t next_ms)
{
    set_state(arena, &attempt->object, BF_ATTEMPT_IS_SENDING, cause);
    bf_set_int(&attempt->object, BF_ATTEMPT_NEXT_AT, next_ms);
}

void bf__attempt_try(struct bf_arena *arena, struct bf_doc *attempt, int64_t now_ms)
{
    struct bf_object *o = &attempt->object, *one = bf_object_create(arena, &bf__try_schema);
    struct bf_array before = bf_get_array(o, BF_ATTEMPT_HISTORY);
    unsigned kept = before.n < BF__TRIES_KEPT ? before.n : BF__TRIES_KEPT - 1;
    struct bf_value *after = bf_arena_calloc(arena, kept + 1, sizeof *after);
    for (unsigned i = 0; i < kept; i++)
        after[i] = before.items[before.n - kept + i];
    bf_set_int(one, BF_TRY_AT, now_ms);
    after[kept] = (struct bf_value){.type = BF_T_OBJECT, .object = one};
    bf_set_array(o, BF_ATTEMPT_HISTORY, after, kept + 1);
    if (!bf_has(o, BF_ATTEMPT_FIRST_AT))
        bf_set_int(o, BF_ATTEMPT_FIRST_AT, now_ms);
    bf_set_int(o, BF_ATTEMPT_TRIES, bf_get_int(o, BF_ATTEMPT_TRIES) + 1);
    bf__attempt_set(arena, attempt, BF_ATTEMPT_IS_SENDING, "", now_ms);
}

void bf__attempt_outcome(struct bf_arena *arena, struct bf_doc *attempt, int http_status, const char *cause)
{
    struct bf_array history = bf_get_array(&attempt->object, BF_ATTEMPT_HISTORY);
    struct bf_object *last = history.items[history.n - 1].object;
    bf_set_int(last, BF_TRY_HTTP_STATUS, http_status);
    if (cause[0] != '\0')
        bf_set_str(last, BF_TRY_CAUSE, bf_strz(bf_arena_strdup(arena, cause)));
}

enum bf_status bf__attempts_forget(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, int64_t now_ms,
                                   struct bf_arena *arena, struct bf_error *e)
{
    struct bf_value who = {.type = BF_T_UUID, .uuid = user}, before = {.type = BF_T_TIME, .i = now_ms - BF__ATTEMPT_DAYS * day_ms};
    struct bf_cond conds[2] = {{.row = BF_ATTEMPT_USER, .op = BF_EQ, .values = &who, .n = 1},
                               {.row = BF_ATTEMPT_LAST_AT, .op = BF_LT, .values = &before, .n = 1}};
    struct bf_query query = {
        .coll = &bf__attempts, .tenant = tenant, .conds = conds, .n_conds = 2, .index = &bf__attempts_by_user, .limit = FORGET_AT_ONCE};
    struct bf_write writes[FORGET_AT_ONCE];
    enum bf_status rets[FORGET_AT_ONCE];
    struct bf_page page;
    enum bf_status status = bf_store_find(store, &query, arena, &page, e);
    if (status != BF_OK || page.n == 0)
        return status;
    for (unsigned i = 0; i < page.n; i++)
        writes[i] = (struct bf_write){.kind = BF_W_DELETE, .coll = &bf__attempts, .doc = page.docs[i]};
    return bf_store_write_behind(store, writes, page.n, rets, e);
}

enum bf_status bf__attempts_of(struct bf_store *store, const struct bf_doc *notification, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e)
{
    const struct bf_object *o = &notification->object;
    struct bf_value values[3] = {{.type = BF_T_UUID, .uuid = bf_get_uuid(o, BF_NOTIFICATION_USER)},
                                 {.type = BF_T_TIME, .i = bf_get_int(o, BF_NOTIFICATION_CREATED_AT)},
                                 {.type = BF_T_UUID, .uuid = notification->id}};
    struct bf_cond conds[3] = {{.row = BF_ATTEMPT_USER, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_ATTEMPT_LAST_AT, .op = BF_GE, .values = &values[1], .n = 1},
                               {.row = BF_ATTEMPT_NOTIFICATION, .op = BF_EQ, .values = &values[2], .n = 1}};
    struct bf_query query = {.coll = &bf__attempts,
                             .tenant = notification->tenant,
                             .conds = conds,
                             .n_conds = 3,
                             .index = &bf__attempts_by_user,
                             .limit = BF_PAGE_MAX};
    return bf_store_find(store, &query, arena, ret, e);
}
