/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor or manager has to look into: the records behind one person's line of GET /v1/exceptions. Read anew with each call, and each record
 * under the caller's own rights. */
#include "gateway/digests.h"
#include "gateway/names.h"

enum { RECORDS_MAX = 100, ANSWER_MAX = 8 << 20 };

struct line {
    struct bf_call *call;
    int kind;
    struct bf_uuid person;
    struct bf__next_digest next;
    struct bf_staff_record records[RECORDS_MAX];
    struct bf_doc *docs[RECORDS_MAX]; /* NULL: not to be seen */
    unsigned n;
    bool more;
};

/* What a kind's records are, and which row names their customer. */
static const struct of_kind {
    const struct bf_collection *coll;
    enum bf_subject subject;
    int customer; /* BF_ROW_NONE: no customer's child */
} kinds[BF_DIGEST_EXCEPTIONS] = {
    [BF_DIGEST_LINE_KIND_IS_FOLLOW_UP] = {&bf_customers, BF_SUBJECT_CUSTOMER, BF_ROW_NONE},
    [BF_DIGEST_LINE_KIND_IS_IDLE] = {&bf_visits, BF_SUBJECT_VISIT, BF_VISIT_CUSTOMER},
    [BF_DIGEST_LINE_KIND_IS_TASKS] = {&bf_tasks, BF_SUBJECT_TASK, BF_ROW_NONE},
    [BF_DIGEST_LINE_KIND_IS_SENT_BACK] = {&bf_contracts, BF_SUBJECT_CONTRACT, BF_CONTRACT_CUSTOMER},
    [BF_DIGEST_LINE_KIND_IS_UNREVIEWED] = {&bf_contracts, BF_SUBJECT_CONTRACT, BF_CONTRACT_CUSTOMER},
    [BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP] = {&bf_visits, BF_SUBJECT_VISIT, BF_VISIT_CUSTOMER},
};

static enum bf_status read_path(struct line *line, struct bf_error *e)
{
    line->kind = bf_enum_find(&bf_enum_digest_line_kind, bf_request_param(line->call->req, "kind"));
    if (line->kind < 0 || line->kind >= BF_DIGEST_EXCEPTIONS)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such kind of exception");
    return bf_call_id(line->call, "person", &line->person, e);
}

static enum bf_status judge(struct line *line, struct bf_error *e)
{
    struct bf_doc *person;
    enum bf_status status = bf__next_digest(line->call, /* audited= */ true, &line->next, e);
    return status == BF_OK ? bf__load(line->call, BF_SUBJECT_USER, BF_ACTION_READ, &bf_users, line->person, &person, e) : status;
}

/* A customer's children go by the customer as it is now. */
static enum bf_status drop_foreign(struct line *line, struct bf_error *e)
{
    const struct of_kind *of = &kinds[line->kind];
    struct bf_call *call = line->call;
    struct bf_uuid ids[RECORDS_MAX];
    struct bf_doc *customers[RECORDS_MAX];
    for (unsigned i = 0; i < line->n; i++)
        ids[i] = line->docs[i] == NULL || of->customer == BF_ROW_NONE ? (struct bf_uuid){{0}} : bf_get_uuid(&line->docs[i]->object, (unsigned)of->customer);
    enum bf_status status = bf_store_get_many(call->store, &bf_customers, call->caller.tenant, ids, line->n, call->arena, customers, e);
    for (unsigned i = 0; status == BF_OK && i < line->n; i++) {
        const struct bf_collection *coll = of->customer == BF_ROW_NONE ? of->coll : &bf_customers;
        const struct bf_doc *judged = of->customer == BF_ROW_NONE ? line->docs[i] : customers[i];
        if (bf_authorize(&call->caller, of->subject, BF_ACTION_READ, coll, judged, NULL) != BF_OK)
            line->docs[i] = NULL;
    }
    return status;
}

static enum bf_status read_records(struct line *line, struct bf_error *e)
{
    struct bf_call *call = line->call;
    struct bf_uuid ids[RECORDS_MAX];
    struct bf_staff_question q = {.store = call->store,
                                  .tenant = call->caller.tenant,
                                  .person = line->person,
                                  .kind = line->kind,
                                  .window = &line->next.day.day,
                                  .now_ms = call->now_ms,
                                  .max = RECORDS_MAX};
    enum bf_status status = bf_staff_records(&q, call->arena, line->records, &line->n, &line->more, e);
    for (unsigned i = 0; i < line->n; i++)
        ids[i] = line->records[i].id;
    if (status == BF_OK)
        status = bf_store_get_many(call->store, kinds[line->kind].coll, call->caller.tenant, ids, line->n, call->arena, line->docs, e);
    return status == BF_OK ? drop_foreign(line, e) : status;
}

static enum bf_status note_views(const struct line *line, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(line->call->arena, line->n + 1, sizeof *ids);
    unsigned n = 0;
    for (unsigned i = 0; i < line->n; i++)
        if (line->docs[i] != NULL)
            ids[n++] = line->docs[i]->id;
    return n == 0 ? BF_OK : bf_call_viewed(line->call, kinds[line->kind].coll->schema->name, "list", ids, n, e);
}

static void write_record(struct bf_jw *w, const struct line *line, unsigned i)
{
    const struct of_kind *of = &kinds[line->kind];
    bf_jw_object(w);
    bf_jw_key(w, "type");
    bf_jw_str(w, bf_strz(of->coll->schema->name));
    bf_jw_key(w, "since");
    bf_jw_time(w, line->records[i].since);
    bf_jw_key(w, "doc");
    bf_jw_doc(w, line->docs[i], bf_shown(&line->call->caller, of->subject));
    bf_jw_end_object(w);
}

static enum bf_status write_line(struct bf_jw *w, const struct line *line, struct bf_error *e)
{
    struct bf__names *names = bf_arena_calloc(line->call->arena, 1, sizeof *names);
    bf_jw_object(w);
    bf_jw_key(w, "items");
    bf_jw_array(w);
    bf__names_add_user(names, line->person);
    for (unsigned i = 0; i < line->n; i++) {
        if (line->docs[i] == NULL)
            continue;
        write_record(w, line, i);
        bf__names_add_record(names, &line->docs[i]->object);
    }
    bf_jw_end_array(w);
    bf_jw_key(w, "more");
    bf_jw_bool(w, line->more);
    enum bf_status status = bf__names_write(line->call, names, w, e);
    bf_jw_end_object(w);
    return status;
}

static void records(struct bf_call *call, void *service)
{
    struct line *line = bf_arena_calloc(call->arena, 1, sizeof *line);
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    (void)service;
    line->call = call;
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    enum bf_status status = read_path(line, &e);
    if (status == BF_OK)
        status = judge(line, &e);
    if (status == BF_OK)
        status = read_records(line, &e);
    if (status == BF_OK)
        status = write_line(&w, line, &e);
    if (status == BF_OK)
        status = note_views(line, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, 0);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

const struct bf_endpoint bf__exception_records = {.run = records};
