/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of a company: where one person's notifications of some kinds go beside phones and mail. An administrator of the box sets them up. They
 * never change: another URL or key is another channel. URL, key and secret are told to nobody again.
 */
#include "access/directory.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/http_client.h"
#include "crm/ids.h"
#include "push/internal.h"

enum { NAME_CHARS_MAX = 80, URL_MAX = 1000 };

#define ADMIN(name_)                                                                                                                     \
    enum bf_status name_(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,              \
                         struct bf_buf *out, struct bf_error *e)

/* ---- what is to be added ---- */

static enum bf_status check_address(const struct bf_push *push, int kind, const char *address, struct bf_error *e)
{
    size_t n = strlen(address);
    if (kind == BF_CHANNEL_KIND_IS_WEBHOOK)
        return n > URL_MAX ? bf_fail(e, BF_E_INVALID_BODY, "the URL is longer than %d bytes", URL_MAX)
                           : bf_client_check_url(push->ctx->client, address, BF_URL_USER, e);
    if (n < 8 || n > BF_WECOM_KEY_MAX || strspn(address, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != n)
        return bf_fail(e, BF_E_INVALID_BODY, "the robot's key alone, as it stands behind key= in its URL");
    return BF_OK;
}

static bool next_word(struct bf_str *list, struct bf_str *ret)
{
    const char *comma = list->n == 0 ? NULL : memchr(list->p, ',', list->n);
    size_t n = comma == NULL ? list->n : (size_t)(comma - list->p);
    *ret = bf_str(list->p, n);
    *list = bf_str(list->p + n + (comma != NULL), list->n - n - (comma != NULL));
    return n > 0;
}

static enum bf_status read_kinds(struct bf_str list, struct bf_arena *arena, struct bf_object *channel, struct bf_error *e)
{
    struct bf_value *kinds = bf_arena_calloc(arena, BF_NOTIFICATION_KIND_WORDS_N, sizeof *kinds);
    struct bf_str word;
    unsigned n = 0;
    while (next_word(&list, &word)) {
        int kind = bf_enum_find(&bf_enum_notification_kind, word);
        if (kind < 0 || n == BF_NOTIFICATION_KIND_WORDS_N)
            return bf_fail(e, BF_E_INVALID_BODY, "there is no kind of notification %.*s", BF_FMT(word));
        kinds[n++] = (struct bf_value){.type = BF_T_ENUM, .i = kind};
    }
    if (n == 0)
        return bf_fail(e, BF_E_INVALID_BODY, "name at least one kind of notification");
    bf_set_array(channel, BF_CHANNEL_TARGET_KINDS, kinds, n);
    return BF_OK;
}

static enum bf_status check_room(struct bf_push *push, struct bf_uuid tenant, struct bf_error *e)
{
    struct bf_value active = {.type = BF_T_ENUM, .i = BF_PUSH_STATE_IS_ACTIVE};
    struct bf_cond cond = {.row = BF_CHANNEL_TARGET_STATE, .op = BF_EQ, .values = &active, .n = 1};
    struct bf_query query = {
        .coll = &bf_channel_targets, .tenant = tenant, .conds = &cond, .n_conds = 1, .index = &bf_channel_targets_by_state, .limit = BF__CHANNELS_OF_TENANT};
    int64_t n = 0;
    enum bf_status status = bf_store_count(push->ctx->store, &query, &n, e);
    if (status == BF_OK && n >= BF__CHANNELS_OF_TENANT)
        status = bf_fail(e, BF_E_UNPROCESSABLE, "a company has %d channels at most", BF__CHANNELS_OF_TENANT);
    return status;
}

/* ---- committing ---- */

static enum bf_status decide_add(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *channel = ctx;
    if (bf_view_get(view, &bf_channel_targets, channel->id) != NULL)
        return bf_fail(e, BF_E_DUPLICATE, "it exists already");
    bf_decision_put(d, &bf_channel_targets, bf_doc_copy(arena, channel));
    bf_decision_receipt(d, 201, bf_str("", 0), bf_get_uuid(&channel->object, BF_CHANNEL_TARGET_USER));
    return BF_OK;
}

static enum bf_status decide_retire(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *before = bf_view_get(view, &bf_channel_targets, *(const struct bf_uuid *)ctx);
    if (before == NULL || before->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such channel");
    struct bf_doc *after = bf_doc_copy(arena, before);
    bf_set_enum(&after->object, BF_CHANNEL_TARGET_STATE, BF_PUSH_STATE_IS_RETIRED);
    bf_decision_put(d, &bf_channel_targets, after);
    bf_decision_receipt(d, 200, bf_str("", 0), bf_get_uuid(&after->object, BF_CHANNEL_TARGET_USER));
    return BF_OK;
}

static enum bf_status submit(struct bf_push *push, struct bf_uuid tenant, struct bf_uuid id, bf_decide_fn *decide, void *ctx, struct bf_arena *arena,
                             struct bf_error *e)
{
    struct bf_read read = {.coll = &bf_channel_targets, .id = id};
    struct bf_submission submission = {.tenant = tenant, .reads = &read, .n_reads = 1, .decide = decide, .ctx = ctx};
    struct bf_receipt receipt;
    bf_random(push->ctx->env, &submission.request, sizeof submission.request);
    return bf_submit_wait(push->ctx->store, &submission, arena, &receipt, e);
}

/* ---- commands ---- */

static struct bf_doc *new_channel(struct bf_push *push, const struct bf_doc *user, int kind, struct bf_str name, struct bf_arena *arena)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_channel_target_schema, user->tenant, bf_uuid_v7(push->ctx->env));
    struct bf_object *o = &doc->object;
    char *secret = bf_arena_alloc(arena, BF_KEY_BYTES);
    bf_random(push->ctx->env, secret, BF_KEY_BYTES);
    bf_set_uuid(o, BF_CHANNEL_TARGET_USER, user->id);
    bf_set_enum(o, BF_CHANNEL_TARGET_KIND, kind);
    bf_set_str(o, BF_CHANNEL_TARGET_NAME, name);
    if (kind == BF_CHANNEL_KIND_IS_WEBHOOK)
        bf_set_str(o, BF_CHANNEL_TARGET_SECRET, bf_str(secret, BF_KEY_BYTES));
    bf_set_enum(o, BF_CHANNEL_TARGET_STATE, BF_PUSH_STATE_IS_ACTIVE);
    bf_set_int(o, BF_CHANNEL_TARGET_CREATED_AT, bf_now_ms(push->ctx->env));
    return doc;
}

/* The only time that the secret is said. */
static void say_added(struct bf_buf *out, const struct bf_doc *channel)
{
    char id[BF_UUID_TEXT], hex[2 * BF_KEY_BYTES + 1];
    struct bf_str secret = bf_get_str(&channel->object, BF_CHANNEL_TARGET_SECRET);
    bf_uuid_text(&channel->id, id);
    bf_buf_printf(out, "%s\n", id);
    if (secret.n == 0)
        return;
    bf_hex(secret.p, secret.n, hex);
    bf_buf_printf(out, "secret %s\n", hex);
}

ADMIN(bf__channel_add)
{
    struct bf_push *push = service;
    struct bf_uuid tenant;
    struct bf_doc *user;
    int kind = bf_enum_find(&bf_enum_channel_kind, args[2]);
    struct bf_str address = bf_str_dup(arena, input);
    (void)n_args;
    if (kind < 0 || args[3].n == 0 || args[3].n > NAME_CHARS_MAX)
        return bf_fail(e, BF_E_INVALID_BODY, kind < 0 ? "a channel is webhook or wecom" : "a name has 1 to %d bytes", NAME_CHARS_MAX);
    enum bf_status status = check_address(push, kind, address.p, e);
    if (status == BF_OK)
        status = bf_directory_tenant(push->api.access, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_user(push->api.access, tenant, args[1], arena, &user, e);
    if (status == BF_OK)
        status = check_room(push, tenant, e);
    if (status != BF_OK)
        return status;
    struct bf_doc *channel = new_channel(push, user, kind, args[3], arena);
    bf_set_str(&channel->object, BF_CHANNEL_TARGET_ADDRESS, address);
    status = read_kinds(args[4], arena, &channel->object, e);
    if (status == BF_OK)
        status = submit(push, tenant, channel->id, decide_add, channel, arena, e);
    if (status == BF_OK)
        say_added(out, channel);
    return status;
}

static void say_channel(struct bf_buf *out, const struct bf_doc *channel)
{
    const struct bf_object *o = &channel->object;
    struct bf_array kinds = bf_get_array(o, BF_CHANNEL_TARGET_KINDS);
    struct bf_uuid user = bf_get_uuid(o, BF_CHANNEL_TARGET_USER);
    char id[BF_UUID_TEXT], of[BF_UUID_TEXT];
    bf_uuid_text(&channel->id, id);
    bf_uuid_text(&user, of);
    bf_buf_printf(out, "%s %s %s user %s %.*s:", id, bf_enum_channel_kind.words[bf_get_enum(o, BF_CHANNEL_TARGET_KIND)].word,
                  bf_enum_push_state.words[bf_get_enum(o, BF_CHANNEL_TARGET_STATE)].word, of, BF_FMT(bf_get_str(o, BF_CHANNEL_TARGET_NAME)));
    for (unsigned i = 0; i < kinds.n; i++)
        bf_buf_printf(out, "%s%s", i > 0 ? "," : " ", bf_enum_notification_kind.words[kinds.items[i].i].word);
    bf_buf_addc(out, '\n');
}

ADMIN(bf__channel_list)
{
    struct bf_push *push = service;
    struct bf_uuid tenant;
    struct bf_page page = {.n = 0};
    (void)n_args, (void)input;
    enum bf_status status = bf_directory_tenant(push->api.access, args[0], &tenant, e);
    struct bf_query query = {.coll = &bf_channel_targets, .tenant = tenant, .limit = BF_PAGE_MAX};
    while (status == BF_OK && (status = bf_store_find(push->ctx->store, &query, arena, &page, e)) == BF_OK) {
        for (unsigned i = 0; i < page.n; i++)
            say_channel(out, page.docs[i]);
        if (page.next.n == 0 || out->overflowed)
            break;
        query.after = page.next;
    }
    return status;
}

ADMIN(bf__channel_retire)
{
    struct bf_push *push = service;
    struct bf_uuid tenant, id;
    (void)n_args, (void)input, (void)out;
    if (!bf_uuid_parse(args[1], &id))
        return bf_fail(e, BF_E_INVALID_BODY, "CHANNEL is a channel's id");
    enum bf_status status = bf_directory_tenant(push->api.access, args[0], &tenant, e);
    return status == BF_OK ? submit(push, tenant, id, decide_retire, &id, arena, e) : status;
}
