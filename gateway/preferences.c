/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller wants to be told by which way. The record is there before anybody stores it: as the caller's role has it. */
#include "crm/preference.h"
#include "gateway/internal.h"

static struct bf_doc *whole(struct bf_arena *arena, const struct bf_doc *stored, void *ctx)
{
    const struct bf_caller *caller = &((const struct bf_call *)ctx)->caller;
    struct bf_doc *doc = stored != NULL ? bf_doc_copy(arena, stored) : bf_doc_create(arena, &bf_preference_schema, caller->tenant, caller->user);
    bf_preference_fill(arena, &doc->object, (int)caller->role);
    return doc;
}

static void read_preferences(struct bf_call *call, void *service)
{
    struct bf_doc *doc;
    struct bf_error e = {0};
    (void)service;
    enum bf_status status = bf_store_get(call->store, &bf_preferences, call->caller.tenant, call->caller.user, call->arena, &doc, &e);
    if (status == BF_OK) {
        doc = whole(call->arena, doc, call);
        status = bf_authorize(&call->caller, BF_SUBJECT_PREFERENCE, BF_ACTION_READ, &bf_preferences, doc, &e);
    }
    if (status == BF_OK)
        bf_call_doc(call, BF_SUBJECT_PREFERENCE, doc);
    else
        bf_call_fail(call, &e);
}

/* Only what the person set is stored: the rest follows the role, and what later builds have by default. */
static enum bf_status apply(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct bf_doc *stored = bf_view_get(view, &bf_preferences, before->id);
    const struct bf_object *set = stored != NULL ? &stored->object : bf_object_create(arena, &bf_preference_schema);
    struct bf_object *merged;
    (void)d, (void)ctx;
    enum bf_status status = bf_json_merge(arena, set, patch, &merged, e);
    if (status != BF_OK)
        return status;
    bf_preference_changed(merged, patch);
    after->object = *merged;
    return BF_OK;
}

static void change_preferences(struct bf_call *call, void *service)
{
    (void)service;
    bf__patch(call, &(struct bf_change){.subject = BF_SUBJECT_PREFERENCE,
                                        .coll = &bf_preferences,
                                        .parent_row = BF_ROW_NONE,
                                        .id = call->caller.user,
                                        .apply = apply,
                                        .whole = whole,
                                        .ctx = call});
}

const struct bf_endpoint bf__preferences_read = {.run = read_preferences}, bf__preferences_change = {.run = change_preferences};
