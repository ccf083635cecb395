/* SPDX-License-Identifier: Apache-2.0 */
#include "access/staff_internal.h"
#include "core/arena.h"

enum { COUNT_MAX = 10000, CONDS_MAX = 4, LOOKED_AT = 50 };

/* One kind of exception as a query; `since` is the row that says how old a record is. */
struct wanted {
    struct bf_value values[CONDS_MAX];
    struct bf_cond conds[CONDS_MAX];
    struct bf_query query;
    unsigned since;
};

static void add(struct wanted *w, int row, enum bf_cond_op op, struct bf_value value)
{
    unsigned i = w->query.n_conds++;
    w->values[i] = value;
    w->conds[i] = (struct bf_cond){.row = row, .op = op, .values = &w->values[i], .n = 1};
}

static void of_person(struct wanted *w, const struct bf__staff_ask *ask, const struct bf_collection *coll, const struct bf_index *index, int owner)
{
    w->query = (struct bf_query){.coll = coll, .tenant = ask->tenant, .conds = w->conds, .index = index};
    add(w, owner, BF_EQ, (struct bf_value){.type = BF_T_UUID, .uuid = ask->person});
}

static void in_state(struct wanted *w, int row, int state) { add(w, row, BF_EQ, (struct bf_value){.type = BF_T_ENUM, .i = state}); }

static void before_now(struct wanted *w, const struct bf__staff_ask *ask, int row)
{
    add(w, row, BF_LT, (struct bf_value){.type = BF_T_TIME, .i = ask->now_ms});
}

static void want(struct wanted *w, const struct bf__staff_ask *ask, int kind, int contract_state)
{
    switch (kind) {
    case BF_DIGEST_LINE_KIND_IS_FOLLOW_UP:
        of_person(w, ask, &bf_cadences, &bf_cadences_by_owner, BF_CADENCE_OWNER);
        before_now(w, ask, BF_CADENCE_DUE_AT);
        w->since = BF_CADENCE_DUE_AT;
        break;
    case BF_DIGEST_LINE_KIND_IS_TASKS:
        of_person(w, ask, &bf_tasks, &bf_tasks_by_assignee_state, BF_TASK_ASSIGNEE);
        in_state(w, BF_TASK_STATE, BF_TASK_STATE_IS_OPEN);
        before_now(w, ask, BF_TASK_DUE_AT);
        w->since = BF_TASK_DUE_AT;
        break;
    case BF_DIGEST_LINE_KIND_IS_SENT_BACK:
        of_person(w, ask, &bf_contracts, &bf_contracts_by_owner_state, BF_CONTRACT_OWNER);
        in_state(w, BF_CONTRACT_STATE, BF_CONTRACT_STATE_IS_REJECTED);
        w->since = BF_CONTRACT_UPDATED_AT;
        break;
    default:
        of_person(w, ask, &bf_contracts, &bf_contracts_by_owner_state, BF_CONTRACT_OWNER);
        in_state(w, BF_CONTRACT_STATE, contract_state);
        before_now(w, ask, BF_CONTRACT_DUE_AT);
        w->since = BF_CONTRACT_DUE_AT;
    }
}

/* A cadence stands for its customer. */
static struct bf_uuid record_of(int kind, const struct bf_doc *doc)
{
    return kind == BF_DIGEST_LINE_KIND_IS_FOLLOW_UP ? bf_get_uuid(&doc->object, BF_CADENCE_CUSTOMER) : doc->id;
}

static void note_oldest(struct bf_digest_count *count, int64_t at)
{
    if (count->oldest == 0 || at < count->oldest)
        count->oldest = at;
}

/* Most people have none of a kind: one look at an index says so. */
static enum bf_status look(const struct bf__staff_ask *ask, int kind, int contract_state, unsigned max, struct bf_arena *arena, struct bf_staff_record *records,
                           unsigned *n, struct bf_digest_count *count, struct bf_error *e)
{
    struct wanted w = {.since = 0};
    struct bf_page page;
    int64_t all;
    want(&w, ask, kind, contract_state);
    w.query.limit = max > 0 ? max : kind == BF_DIGEST_LINE_KIND_IS_UNREVIEWED ? LOOKED_AT : 1; /* their index is not in the order of what is due */
    enum bf_status status = bf_store_find(ask->store, &w.query, arena, &page, e);
    if (status != BF_OK || (page.n == 0 && page.next.n == 0))
        return status;
    for (unsigned i = 0; i < page.n; i++) {
        int64_t since = bf_get_int(&page.docs[i]->object, w.since);
        note_oldest(count, since);
        if (*n < max)
            records[(*n)++] = (struct bf_staff_record){.id = record_of(kind, page.docs[i]), .since = since};
    }
    all = page.n;
    w.query.limit = COUNT_MAX;
    if (page.next.n > 0)
        status = bf_store_count(ask->store, &w.query, &all, e);
    count->n += all;
    return status;
}

enum bf_status bf__staff_records(const struct bf__staff_ask *ask, int kind, unsigned max, struct bf_arena *arena, struct bf_staff_record *records, unsigned *ret_n,
                                 struct bf_digest_count *ret, struct bf_error *e)
{
    *ret_n = 0;
    *ret = (struct bf_digest_count){.n = 0};
    if (kind != BF_DIGEST_LINE_KIND_IS_UNREVIEWED)
        return look(ask, kind, -1, max, arena, records, ret_n, ret, e);
    enum bf_status status = look(ask, kind, BF_CONTRACT_STATE_IS_UPLOADED, max, arena, records, ret_n, ret, e);
    return status == BF_OK ? look(ask, kind, BF_CONTRACT_STATE_IS_IN_REVIEW, max, arena, records, ret_n, ret, e) : status;
}

/* ---- what was entered ---- */

/* A visit is of the window in which it was entered (FUP-15), so that none is left out that arrives late: that is when it was judged first. One that waits
 * for its transcript is judged again, and valid when that comes. */
struct entered {
    const struct bf__staff_ask *ask;
    struct bf__staff_visits *sum;
    struct bf_uuid visits[BF_PAGE_MAX]; /* of one page, of the window itself */
    unsigned n_visits;
    struct bf_staff_record *records;
    unsigned n, max;
};

static void take(struct entered *t, const struct bf_object *verdict)
{
    int validity = bf_get_enum(verdict, BF_VERDICT_VALIDITY);
    bool before = bf_get_int(verdict, BF_VERDICT_JUDGED_AT) < t->ask->window->from_at, first = !bf_get_bool(verdict, BF_VERDICT_FROM_TRANSCRIPT);
    bool valid = validity == BF_VALIDITY_IS_VALID || validity == BF_VALIDITY_IS_DOUBTFUL; /* G-20 */
    *(before ? &t->sum->visits_before : &t->sum->visits) += first;
    *(before ? &t->sum->valid_before : &t->sum->valid) += valid;
    if (first && !before)
        t->visits[t->n_visits++] = bf_get_uuid(verdict, BF_VERDICT_VISIT);
}

static enum bf_status look_for_next_steps(struct entered *t, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *docs[BF_PAGE_MAX];
    enum bf_status status = bf_store_get_many(t->ask->store, &bf_visits, t->ask->tenant, t->visits, t->n_visits, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < t->n_visits; i++) {
        if (docs[i] == NULL || docs[i]->tombstone || bf_get_object(&docs[i]->object, BF_VISIT_NEXT_STEP) != NULL)
            continue;
        t->sum->no_next_step.n++;
        int64_t since = bf_get_int(&docs[i]->object, BF_VISIT_HAPPENED_AT);
        note_oldest(&t->sum->no_next_step, since);
        if (t->n < t->max)
            t->records[t->n++] = (struct bf_staff_record){.id = docs[i]->id, .since = since};
    }
    t->n_visits = 0;
    return status;
}

enum bf_status bf__staff_visits(const struct bf__staff_ask *ask, struct bf_arena *arena, struct bf_staff_record *records, unsigned max, unsigned *ret_n,
                                struct bf__staff_visits *ret, struct bf_error *e)
{
    struct bf_value person = {.type = BF_T_UUID, .uuid = ask->person}, validity[BF_VALIDITY_WORDS_N], from = {.type = BF_T_TIME, .i = ask->window->before_at},
                    to = {.type = BF_T_TIME, .i = ask->window->to_at};
    for (int i = 0; i < BF_VALIDITY_WORDS_N; i++)
        validity[i] = (struct bf_value){.type = BF_T_ENUM, .i = i};
    struct bf_cond conds[4] = {{.row = BF_VERDICT_OWNER, .op = BF_EQ, .values = &person, .n = 1},
                               {.row = BF_VERDICT_VALIDITY, .op = BF_IN, .values = validity, .n = BF_VALIDITY_WORDS_N},
                               {.row = BF_VERDICT_JUDGED_AT, .op = BF_GE, .values = &from, .n = 1},
                               {.row = BF_VERDICT_JUDGED_AT, .op = BF_LT, .values = &to, .n = 1}};
    struct bf_query query = {.coll = &bf_verdicts, .tenant = ask->tenant, .conds = conds, .n_conds = 4, .index = &bf_verdicts_by_owner, .limit = BF_PAGE_MAX};
    struct entered t = {.ask = ask, .sum = ret, .records = records, .max = max};
    struct bf_page page;
    enum bf_status status;
    *ret = (struct bf__staff_visits){.visits = 0};
    do {
        status = bf_store_find(ask->store, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            take(&t, &page.docs[i]->object);
        if (status == BF_OK && t.n_visits > 0)
            status = look_for_next_steps(&t, arena, e);
        query.after = page.next;
    } while (status == BF_OK && query.after.n > 0);
    if (ret_n != NULL)
        *ret_n = t.n;
    return status;
}

enum bf_status bf__staff_last_valid(const struct bf__staff_ask *ask, struct bf_arena *arena, int64_t *ret, struct bf_error *e)
{
    static const int counted[] = {BF_VALIDITY_IS_VALID, BF_VALIDITY_IS_DOUBTFUL};
    enum bf_status status = BF_OK;
    *ret = 0;
    for (unsigned i = 0; i < 2 && status == BF_OK; i++) {
        struct wanted w = {.since = 0};
        struct bf_page page;
        of_person(&w, ask, &bf_verdicts, &bf_verdicts_by_owner, BF_VERDICT_OWNER);
        in_state(&w, BF_VERDICT_VALIDITY, counted[i]);
        w.query.descending = true;
        w.query.limit = 1;
        status = bf_store_find(ask->store, &w.query, arena, &page, e);
        int64_t at = status == BF_OK && page.n > 0 ? bf_get_int(&page.docs[0]->object, BF_VERDICT_JUDGED_AT) : 0;
        *ret = at > *ret ? at : *ret;
    }
    return status;
}

/* ---- of one person, for whoever looks into it ---- */

/* What an idle rep entered last, valid or not. */
static enum bf_status look_at_last(const struct bf__staff_ask *ask, unsigned max, struct bf_arena *arena, struct bf_staff_record *records, unsigned *ret_n,
                                   bool *ret_more, struct bf_error *e)
{
    struct wanted w = {.since = BF_VISIT_HAPPENED_AT};
    struct bf_page page;
    of_person(&w, ask, &bf_visits, &bf_visits_by_owner, BF_VISIT_OWNER);
    w.query.descending = true;
    w.query.limit = max;
    enum bf_status status = bf_store_find(ask->store, &w.query, arena, &page, e);
    if (status != BF_OK)
        return status;
    for (*ret_n = 0; *ret_n < page.n; ++*ret_n)
        records[*ret_n] = (struct bf_staff_record){.id = page.docs[*ret_n]->id, .since = bf_get_int(&page.docs[*ret_n]->object, w.since)};
    *ret_more = page.next.n > 0;
    return BF_OK;
}

enum bf_status bf_staff_records(const struct bf_staff_question *q, struct bf_arena *arena, struct bf_staff_record *records, unsigned *ret_n, bool *ret_more,
                                struct bf_error *e)
{
    struct bf__staff_ask ask = {.store = q->store, .tenant = q->tenant, .person = q->person, .now_ms = q->now_ms, .window = q->window};
    struct bf__staff_visits visits = {.visits = 0};
    struct bf_digest_count count = {.n = 0};
    if (q->kind == BF_DIGEST_LINE_KIND_IS_IDLE)
        return look_at_last(&ask, q->max, arena, records, ret_n, ret_more, e);
    enum bf_status status = q->kind == BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP ? bf__staff_visits(&ask, arena, records, q->max, ret_n, &visits, e)
                                                                           : bf__staff_records(&ask, q->kind, q->max, arena, records, ret_n, &count, e);
    *ret_more = (q->kind == BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP ? visits.no_next_step.n : count.n) > *ret_n;
    return status;
}
