/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/store/crash.h"
#include "core/arena.h"
#include <stdio.h>

static const struct bf_field fields[C_ROWS] = {
    [C_NUMBER] = BF_FIELD("number", INT, 0, 0, 0, NORMAL, "", ""),
    [C_REQUEST] = BF_FIELD("request", INT, 0, 0, 0, NORMAL, "", ""),
};
static const struct bf_schema schema = {.name = "crash", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = C_ROWS};
static const struct bf_index by_number = {.name = "number", .fields = {C_NUMBER}, .n_fields = 1};
static const struct bf_index *const indexes[] = {&by_number};
const struct bf_collection crash_items = {.name = "crash_items",
                                          .schema = &schema,
                                          .cls = BF_TENANT_COLLECTION,
                                          .logged = true,
                                          .subject = BF_ROW_ID,
                                          .owner = BF_ROW_NONE,
                                          .team = BF_ROW_NONE,
                                          .indexes = indexes,
                                          .n_indexes = 1};
const struct bf_collection crash_counters = {.name = "crash_counters",
                                             .schema = &schema,
                                             .cls = BF_TENANT_COLLECTION,
                                             .logged = true,
                                             .subject = BF_ROW_NONE,
                                             .owner = BF_ROW_NONE,
                                             .team = BF_ROW_NONE};
const struct bf_collection *const crash_collections[2] = {&crash_items, &crash_counters};
const struct bf_uuid crash_tenant = {{0xc4}}, crash_counter = {{0xc0}};

struct bf_uuid crash_item(uint64_t request) { return bf_uuid_from_name(&request, sizeof request); }

enum bf_status crash_decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    uint64_t request = *(uint64_t *)ctx;
    struct bf_uuid id = crash_item(request);
    const struct bf_doc *old = bf_view_get(view, &crash_counters, crash_counter);
    struct bf_doc *counter = bf_doc_create(arena, &schema, crash_tenant, crash_counter),
                  *item = bf_doc_create(arena, &schema, crash_tenant, id);
    int64_t number = old == NULL ? 1 : bf_get_int(&old->object, C_NUMBER) + 1;
    if (bf_view_get(view, &crash_items, id) != NULL)
        return bf_fail(e, BF_E_EXISTS, "made before, under another request");
    bf_set_int(&counter->object, C_NUMBER, number);
    bf_set_int(&item->object, C_NUMBER, number);
    bf_set_int(&item->object, C_REQUEST, (int64_t)request);
    bf_decision_put(d, &crash_counters, counter);
    bf_decision_put(d, &crash_items, item);
    bf_decision_receipt(d, 201, bf_strz(bf_arena_printf(arena, "%llu is %lld", (unsigned long long)request, (long long)number)), id);
    return BF_OK;
}

struct bf_submission crash_submission(uint64_t request, struct bf_read *reads)
{
    struct bf_submission s = {.tenant = crash_tenant, .actor = crash_tenant, .reads = reads, .n_reads = 2, .decide = crash_decide};
    reads[0] = (struct bf_read){&crash_items, crash_item(request)};
    reads[1] = (struct bf_read){&crash_counters, crash_counter};
    memcpy(s.request.b, &request, sizeof request);
    return s;
}

enum bf_status crash_open(const struct bf_env *env, const char *dir, struct bf_store **ret, struct bf_error *e)
{
    char uri[4096], key[4096];
    struct bf_store_config config = {0};
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "embedded:%s/data", dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    return bf_store_open(env, &config, crash_collections, 2, ret, e);
}
