/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/mongo/records.h"
#include "core/arena.h"
#include <stdio.h>

enum row { R_VALUE, R_CLAIMANT, R_NUMBER, R_ROWS };

static const struct bf_field fields[R_ROWS] = {
    [R_VALUE] = BF_FIELD("value", INT, 0, 0, 0, NORMAL, "", ""),
    [R_CLAIMANT] = BF_FIELD("claimant", INT, 0, 0, 0, NORMAL, "", ""),
    [R_NUMBER] = BF_FIELD("number", INT, 0, 0, 0, NORMAL, "", ""),
};
static const struct bf_schema schema = {.name = "record", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = R_ROWS};
static const struct bf_index by_number = {.name = "number", .fields = {R_NUMBER}, .n_fields = 1};
static const struct bf_index *const indexes[] = {&by_number};
static const struct bf_collection records = {.name = "fault_records",
                                             .schema = &schema,
                                             .cls = BF_TENANT_COLLECTION,
                                             .logged = true,
                                             .subject = BF_ROW_ID,
                                             .owner = BF_ROW_NONE,
                                             .team = BF_ROW_NONE,
                                             .indexes = indexes,
                                             .n_indexes = 1};
static const struct bf_collection counters = {.name = "fault_counters",
                                              .schema = &schema,
                                              .cls = BF_TENANT_COLLECTION,
                                              .logged = true,
                                              .subject = BF_ROW_NONE,
                                              .owner = BF_ROW_NONE,
                                              .team = BF_ROW_NONE};
const struct bf_collection *const records_collections[2] = {&records, &counters};

static struct bf_uuid named(const char *what, unsigned a, unsigned b)
{
    char name[64];
    return bf_uuid_from_name(name, (size_t)snprintf(name, sizeof name, "%s %u %u", what, a, b));
}

static struct bf_uuid tenant_of(const struct act *act) { return named("tenant", act->tenant, 0); }
static struct bf_uuid record_of(const struct act *act) { return named("record", act->tenant, act->record); }
static struct bf_uuid counter_of(const struct act *act) { return named("counter", act->tenant, 0); }

static const char *text(const struct bf_doc *doc, struct bf_arena *arena)
{
    if (doc == NULL)
        return "{}";
    return bf_arena_printf(arena, "{\"rev\":%lld,\"value\":%lld,\"claimant\":%lld,\"number\":%lld}", (long long)doc->rev,
                           (long long)bf_get_int(&doc->object, R_VALUE), (long long)bf_get_int(&doc->object, R_CLAIMANT),
                           (long long)bf_get_int(&doc->object, R_NUMBER));
}

static struct bf_doc *make(struct bf_arena *arena, const struct act *act, struct bf_uuid id, int64_t number)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, tenant_of(act), id);
    bf_set_int(&doc->object, R_VALUE, act->value);
    bf_set_int(&doc->object, R_CLAIMANT, 0);
    bf_set_int(&doc->object, R_NUMBER, number);
    return doc;
}

static int64_t take_number(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct act *act)
{
    const struct bf_doc *old = bf_view_get(view, &counters, counter_of(act));
    int64_t number = old == NULL ? 1 : bf_get_int(&old->object, R_NUMBER) + 1;
    bf_decision_put(d, &counters, make(arena, act, counter_of(act), number));
    return number;
}

static enum bf_status refuse(const struct act *act, const struct bf_doc *old, struct bf_arena *arena, struct bf_error *e)
{
    if (act->kind == ACT_CREATE)
        return old == NULL ? BF_OK : bf_fail(e, BF_E_EXISTS, "%s", text(old, arena));
    if (old == NULL)
        return bf_fail(e, BF_E_NOT_FOUND, "{}");
    if (act->kind == ACT_UPDATE && old->rev != act->rev)
        return bf_fail(e, BF_E_STALE, "%s", text(old, arena));
    if (act->kind == ACT_CLAIM && bf_get_int(&old->object, R_CLAIMANT) != 0)
        return bf_fail(e, BF_E_CONFLICT, "%s", text(old, arena));
    return BF_OK;
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct act *act = ctx;
    const struct bf_doc *old = bf_view_get(view, &records, record_of(act));
    enum bf_status status = refuse(act, old, arena, e);
    if (status != BF_OK)
        return status;
    int64_t number = old == NULL ? take_number(view, d, arena, act) : bf_get_int(&old->object, R_NUMBER);
    struct bf_doc *doc = make(arena, act, record_of(act), number);
    if (act->kind == ACT_CLAIM) {
        bf_set_int(&doc->object, R_VALUE, bf_get_int(&old->object, R_VALUE));
        bf_set_int(&doc->object, R_CLAIMANT, act->value);
    }
    bf_decision_put(d, &records, doc);
    bf_decision_receipt(d, 200, bf_strz(text(doc, arena)), doc->id);
    return BF_OK;
}

struct bf_submission records_submission(const struct act *act, uint64_t request, struct bf_read *reads)
{
    struct bf_submission s = {.tenant = tenant_of(act), .actor = tenant_of(act), .reads = reads, .n_reads = 2, .decide = decide, .ctx = (void *)(uintptr_t)act};
    reads[0] = (struct bf_read){&records, record_of(act)};
    reads[1] = (struct bf_read){&counters, counter_of(act)};
    memcpy(s.request.b, &request, sizeof request);
    return s;
}

enum bf_status records_read(struct bf_store *store, const struct act *act, struct bf_arena *arena, const char **ret, int64_t *ret_rev, struct bf_error *e)
{
    struct bf_doc *doc = NULL;
    enum bf_status status = bf_store_get(store, &records, tenant_of(act), record_of(act), arena, &doc, e);
    *ret = text(doc, arena);
    *ret_rev = doc == NULL ? 0 : doc->rev;
    return status;
}
