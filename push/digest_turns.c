/* SPDX-License-Identifier: Apache-2.0 */
/* What a rep is reminded of in the morning (REM-01, GRD-02 to GRD-04): customers whose turn it is, or was, and tasks that are overdue. */
#include "core/arena.h"
#include "push/digests.h"

enum { NAMED_MAX = 20, COUNT_MAX = 10000 };

struct found {
    struct bf_page page;
    struct bf_digest_count count;
};

static enum bf_status find(struct bf_store *store, struct bf_query *query, unsigned since, struct bf_arena *arena, struct found *ret, struct bf_error *e)
{
    query->limit = NAMED_MAX;
    enum bf_status status = bf_store_find(store, query, arena, &ret->page, e);
    if (status != BF_OK)
        return status;
    ret->count = (struct bf_digest_count){.n = ret->page.n, .oldest = ret->page.n > 0 ? bf_get_int(&ret->page.docs[0]->object, since) : 0};
    query->limit = COUNT_MAX;
    return ret->page.next.n > 0 ? bf_store_count(store, query, &ret->count.n, e) : BF_OK;
}

static enum bf_status find_customers(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid rep, int64_t until_ms, struct bf_arena *arena,
                                     struct found *ret, struct bf_error *e)
{
    struct bf_value owner = {.type = BF_T_UUID, .uuid = rep}, until = {.type = BF_T_TIME, .i = until_ms};
    struct bf_cond conds[2] = {{.row = BF_CADENCE_OWNER, .op = BF_EQ, .values = &owner, .n = 1},
                               {.row = BF_CADENCE_DUE_AT, .op = BF_LE, .values = &until, .n = 1}};
    struct bf_query query = {.coll = &bf_cadences, .tenant = tenant, .conds = conds, .n_conds = 2, .index = &bf_cadences_by_owner};
    return find(store, &query, BF_CADENCE_DUE_AT, arena, ret, e);
}

static enum bf_status find_tasks(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid rep, int64_t now_ms, struct bf_arena *arena,
                                 struct found *ret, struct bf_error *e)
{
    struct bf_value assignee = {.type = BF_T_UUID, .uuid = rep}, open = {.type = BF_T_ENUM, .i = BF_TASK_STATE_IS_OPEN},
                    now = {.type = BF_T_TIME, .i = now_ms};
    struct bf_cond conds[3] = {{.row = BF_TASK_ASSIGNEE, .op = BF_EQ, .values = &assignee, .n = 1},
                               {.row = BF_TASK_STATE, .op = BF_EQ, .values = &open, .n = 1},
                               {.row = BF_TASK_DUE_AT, .op = BF_LT, .values = &now, .n = 1}};
    struct bf_query query = {.coll = &bf_tasks, .tenant = tenant, .conds = conds, .n_conds = 3, .index = &bf_tasks_by_assignee_state};
    return find(store, &query, BF_TASK_DUE_AT, arena, ret, e);
}

/* Names are those of the rep's own customers: a cadence follows its customer. */
static enum bf_status name_customers(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid rep, const struct found *found, struct bf_arena *arena,
                                     struct bf_uuid *ids, struct bf_str *names, unsigned *ret_n, struct bf_error *e)
{
    struct bf_uuid all[NAMED_MAX];
    struct bf_doc *docs[NAMED_MAX];
    *ret_n = 0;
    for (unsigned i = 0; i < found->page.n; i++)
        all[i] = bf_get_uuid(&found->page.docs[i]->object, BF_CADENCE_CUSTOMER);
    enum bf_status status = bf_store_get_many(store, &bf_customers, tenant, all, found->page.n, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < found->page.n; i++) {
        struct bf_uuid owner = {{0}};
        if (docs[i] != NULL && !docs[i]->tombstone)
            owner = bf_get_uuid(&docs[i]->object, BF_CUSTOMER_OWNER);
        if (!bf_uuid_eq(&owner, &rep))
            continue;
        ids[*ret_n] = all[i];
        names[(*ret_n)++] = bf_get_str(&docs[i]->object, BF_CUSTOMER_NAME);
    }
    return status;
}

enum bf_status bf__digest_turns(struct bf_store *store, const struct bf_digest_reader *reader, struct bf_uuid tenant, const struct bf_digest_day *day,
                                int64_t now_ms, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    struct found customers, tasks;
    struct bf_uuid customer_ids[NAMED_MAX], task_ids[NAMED_MAX];
    struct bf_str names[NAMED_MAX], titles[NAMED_MAX];
    unsigned n_customers = 0;
    *ret = NULL;
    enum bf_status status = find_customers(store, tenant, reader->user, day->ends_at, arena, &customers, e);
    if (status == BF_OK)
        status = find_tasks(store, tenant, reader->user, now_ms, arena, &tasks, e);
    if (status == BF_OK)
        status = name_customers(store, tenant, reader->user, &customers, arena, customer_ids, names, &n_customers, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < tasks.page.n; i++) {
        task_ids[i] = tasks.page.docs[i]->id;
        titles[i] = bf_get_str(&tasks.page.docs[i]->object, BF_TASK_TITLE);
    }
    struct bf_digest_turns in = {.english = reader->english,
                                 .zone = reader->zone,
                                 .day = day,
                                 .customers = customers.count,
                                 .tasks = tasks.count,
                                 .customer_ids = customer_ids,
                                 .customer_names = names,
                                 .n_customers = n_customers,
                                 .task_ids = task_ids,
                                 .task_titles = titles,
                                 .n_tasks = tasks.page.n};
    struct bf_object *digest = bf_digest_compose_turns(arena, &in);
    if (digest != NULL)
        *ret = bf_digest_turns_notification(arena, tenant, &reader->user, &in, digest, now_ms);
    return BF_OK;
}
