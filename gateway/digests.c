/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a supervisor or manager will be told next, composed now (G-12, REM-18), and the list behind it: each line opens its records. Read anew with each
 * call, of those whom the caller is told of.
 */
#include "gateway/digests.h"

enum { PREVIEW_PEOPLE = 10, PREVIEW_RECORDS = 20, PEOPLE_MAX = 50, RECORDS_MAX = 50, DAYS_AHEAD = 400 };

struct asked {
    struct bf_call *call;
    struct bf__next_digest next;
    struct bf_digest_reader reader;
    struct bf_doc *notification; /* NULL: nothing to tell */
};

/* ---- when ---- */

/* The next morning on which there is a digest. */
static enum bf_status find_day(struct bf__next_digest *next, int64_t now_ms, struct bf_error *e)
{
    struct bf_civil date;
    if (!bf_tz_civil(next->zone, now_ms, &date))
        return bf_fail(e, BF_E_INTERNAL, "the zone is not known");
    for (int i = 0; i < DAYS_AHEAD; i++) {
        bf_digest_company_day(&next->company, next->zone, &date, &next->day);
        if (next->day.works && next->day.at > now_ms)
            return BF_OK;
        bf_civil_add_days(&date, 1);
    }
    return bf_fail(e, BF_E_NOT_FOUND, "the calendar has no working day ahead");
}

enum bf_status bf__next_digest(struct bf_call *call, bool audited, struct bf__next_digest *ret, struct bf_error *e)
{
    const struct bf_caller *caller = &call->caller;
    if (caller->role != BF_ROLE_IS_SUPERVISOR && caller->role != BF_ROLE_IS_MANAGER && !(audited && caller->role == BF_ROLE_IS_AUDITOR))
        return bf_fail(e, BF_E_FORBIDDEN, "the role does not allow this");
    enum bf_status status = bf_digest_company_load(call->store, caller->tenant, call->now_ms, call->arena, &ret->company, e);
    if (status != BF_OK)
        return status;
    ret->zone = caller->tz.n > 0 ? caller->tz : ret->company.zone;
    return find_day(ret, call->now_ms, e);
}

/* ---- what ---- */

/* An auditor looks at what a manager is told of. */
static enum bf_status read_reader(struct asked *a, struct bf_error *e)
{
    const struct bf_caller *caller = &a->call->caller;
    struct bf_doc *user;
    enum bf_status status = bf_store_get(a->call->store, &bf_users, caller->tenant, caller->user, a->call->arena, &user, e);
    if (status != BF_OK)
        return status;
    a->reader = (struct bf_digest_reader){.user = caller->user,
                                          .team = caller->team,
                                          .role = caller->role == BF_ROLE_IS_AUDITOR ? BF_ROLE_IS_MANAGER : (int)caller->role,
                                          .english = user != NULL && bf_get_enum(&user->object, BF_USER_LANG) == BF_LANG_IS_EN,
                                          .zone = a->next.zone};
    return BF_OK;
}

static enum bf_status compose(struct asked *a, bool audited, unsigned people_max, unsigned records_max, struct bf_error *e)
{
    const struct bf_caller *caller = &a->call->caller;
    bool whole = caller->role != BF_ROLE_IS_SUPERVISOR;
    struct bf_digest_extent extent = {
        .kind = BF_NOTIFICATION_KIND_IS_DIGEST_DAILY, .day = &a->next.day, .people_max = people_max, .records_max = records_max};
    struct bf_staff *staff = NULL;
    enum bf_status status = bf__next_digest(a->call, audited, &a->next, e);
    if (status == BF_OK)
        status = read_reader(a, e);
    if (status == BF_OK && !whole && caller->n_teams == 0)
        return BF_OK;
    if (status == BF_OK)
        status = bf_staff_load(a->call->store, &a->next.company, caller->teams, whole ? 0 : caller->n_teams, a->call->now_ms, &staff, e);
    if (status == BF_OK)
        status = bf_staff_digest(staff, &a->reader, &extent, a->call->arena, &a->notification, e);
    bf_staff_free(&staff);
    return status;
}

static struct bf_array lines_of(const struct asked *a)
{
    if (a->notification == NULL)
        return (struct bf_array){.n = 0};
    return bf_get_array(bf_get_object(&a->notification->object, BF_NOTIFICATION_DIGEST), BF_DIGEST_LINES);
}

static enum bf_status note_views(const struct asked *a, const char *entity, struct bf_error *e)
{
    struct bf_array lines = lines_of(a);
    struct bf_uuid *ids = bf_arena_calloc(a->call->arena, (size_t)lines.n * (RECORDS_MAX + 1) + 1, sizeof *ids);
    unsigned n = 0;
    for (unsigned i = 0; i < lines.n; i++) {
        struct bf_array records = bf_get_array(lines.items[i].object, BF_DIGEST_LINE_RECORDS);
        if (bf_has(lines.items[i].object, BF_DIGEST_LINE_PERSON))
            ids[n++] = bf_get_uuid(lines.items[i].object, BF_DIGEST_LINE_PERSON);
        for (unsigned k = 0; k < records.n; k++)
            ids[n++] = records.items[k].uuid;
    }
    return n == 0 ? BF_OK : bf_call_viewed(a->call, entity, "read", ids, n, e);
}

static void answer(struct asked *a, const char *entity, enum bf_status status, void (*write)(struct bf_jw *w, const struct asked *a), struct bf_error *e)
{
    struct bf_buf out;
    struct bf_jw w;
    if (status == BF_OK)
        status = note_views(a, entity, e);
    if (status != BF_OK) {
        bf_call_fail(a->call, e);
        return;
    }
    bf_buf_init(&out, 4 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    write(&w, a);
    bf_jw_end_object(&w);
    bf_call_json_buf(a->call, 200, &out, 0);
}

static void write_preview(struct bf_jw *w, const struct asked *a)
{
    bf_jw_key(w, "at");
    bf_jw_time(w, a->next.day.at);
    bf_jw_key(w, "date");
    bf_jw_str(w, bf_strz(a->next.day.date));
    bf_jw_key(w, "tz");
    bf_jw_str(w, a->next.zone);
    bf_jw_key(w, "missing_year");
    if (a->next.day.missing_year != 0)
        bf_jw_int(w, a->next.day.missing_year);
    else
        bf_jw_null(w);
    bf_jw_key(w, "digest");
    if (a->notification == NULL) {
        bf_jw_null(w);
        return;
    }
    bf_jw_object(w);
    bf_jw_fields(w, &a->notification->object, bf_shown(&a->call->caller, BF_SUBJECT_NOTIFICATION));
    bf_jw_end_object(w);
}

static void preview(struct bf_call *call, void *service)
{
    struct asked a = {.call = call};
    struct bf_error e = {0};
    (void)service;
    answer(&a, "digest_preview", compose(&a, /* audited= */ false, PREVIEW_PEOPLE, PREVIEW_RECORDS, &e), write_preview, &e);
}

/* As the digest says it, without names. */
static void write_words(struct bf_jw *w, const struct asked *a, const struct bf_object *line)
{
    int idle_days = (int)bf_get_int(a->next.company.policy, BF_POLICY_IDLE_REP_DAYS);
    bf_jw_key(w, "words");
    bf_jw_object(w);
    bf_jw_key(w, "zh-CN");
    bf_jw_str(w, bf_digest_words(a->call->arena, line, /* english= */ false, idle_days));
    bf_jw_key(w, "en");
    bf_jw_str(w, bf_digest_words(a->call->arena, line, /* english= */ true, idle_days));
    bf_jw_end_object(w);
}

static void write_exceptions(struct bf_jw *w, const struct asked *a)
{
    struct bf_array lines = lines_of(a);
    bf_jw_key(w, "now");
    bf_jw_time(w, a->call->now_ms);
    bf_jw_key(w, "items");
    bf_jw_array(w);
    for (unsigned i = 0; i < lines.n; i++) {
        const struct bf_object *line = lines.items[i].object;
        if (bf_get_enum(line, BF_DIGEST_LINE_KIND) >= BF_DIGEST_EXCEPTIONS)
            continue;
        bf_jw_object(w);
        bf_jw_fields(w, line, bf_shown(&a->call->caller, BF_SUBJECT_NOTIFICATION));
        if (!bf_has(line, BF_DIGEST_LINE_PERSON))
            write_words(w, a, line);
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
}

static void exceptions(struct bf_call *call, void *service)
{
    struct asked a = {.call = call};
    struct bf_error e = {0};
    (void)service;
    answer(&a, "exceptions", compose(&a, /* audited= */ true, PEOPLE_MAX, RECORDS_MAX, &e), write_exceptions, &e);
}

const struct bf_endpoint bf__digest_preview = {.run = preview}, bf__exceptions = {.run = exceptions};
