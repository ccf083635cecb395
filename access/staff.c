/* SPDX-License-Identifier: Apache-2.0 */
#include "access/staff.h"
#include "access/calendar.h"
#include "access/staff_internal.h"
#include "core/arena.h"
#include "crm/ids.h"
#include "crm/policy.h"
#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000, WINDOWS_MAX = 8, TEAM_PATH_MAX = 16 };

/* A person without what is of a window. */
struct member {
    struct bf_uuid id, team;
    const struct team *in; /* NULL: in no team */
    struct bf_uuid talks_to; /* of an idle one: who talks to it; zero: nobody */
    struct bf_str name;
    int role;
    bool active;
    int64_t created_at, last_valid_at;
    struct bf_digest_count exceptions[BF_DIGEST_EXCEPTIONS];
};

struct team {
    struct bf_uuid id, path[TEAM_PATH_MAX]; /* nearest first, itself among them */
    unsigned n_path;
};

/* What of a window was read, for each member. */
struct seen {
    struct bf_digest_window window;
    struct bf__staff_visits *of; /* malloc; NULL: a free place */
};

struct bf_staff {
    struct bf_store *store;
    struct bf_uuid tenant;
    int64_t now_ms;
    int idle_days;
    bool whole;
    struct bf_arena *arena, *scratch; /* scratch: for one person's records at a time */
    struct member *members;
    unsigned n, room;
    struct team *teams;
    unsigned n_teams;
    struct seen seen[WINDOWS_MAX];
    unsigned next_seen;
};

/* ---- the company ---- */

enum bf_status bf_digest_company_load(struct bf_store *store, struct bf_uuid tenant, int64_t now_ms, struct bf_arena *arena, struct bf_digest_company *ret,
                                      struct bf_error *e)
{
    struct bf_doc *company, *policy;
    enum bf_status status = bf_store_get(store, &bf_tenants, tenant, tenant, arena, &company, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_policies, tenant, bf_id_policy(tenant), arena, &policy, e);
    if (status != BF_OK)
        return status;
    bool has_zone = company != NULL && bf_has(&company->object, BF_TENANT_TZ);
    *ret = (struct bf_digest_company){.tenant = tenant,
                                      .zone = has_zone ? bf_get_str(&company->object, BF_TENANT_TZ) : BF_STR("Asia/Shanghai"),
                                      .policy = policy == NULL ? bf_policy_create(arena) : &policy->object};
    bf_policy_fill(arena, ret->policy);
    ret->has_calendar = bf_calendar_begin(ret->policy, ret->zone, now_ms - BF_DIGEST_LOOKS_BACK_MS, &ret->calendar);
    return ret->has_calendar ? bf_calendar_load(store, tenant, arena, &ret->calendar, e) : BF_OK;
}

void bf_digest_company_day(const struct bf_digest_company *company, struct bf_str zone, const struct bf_civil *date, struct bf_digest_day *ret)
{
    bf_digest_day(company->has_calendar ? &company->calendar : NULL, zone, date, ret);
}

/* ---- the people ---- */

static bool may_own(int role) { return role == BF_ROLE_IS_REP || role == BF_ROLE_IS_SUPERVISOR || role == BF_ROLE_IS_MANAGER; }

static void add_member(struct bf_staff *s, const struct bf_doc *user)
{
    const struct bf_object *o = &user->object;
    if (!may_own(bf_get_enum(o, BF_USER_ROLE)))
        return;
    if (s->n == s->room) {
        s->room = s->room == 0 ? 64 : 2 * s->room;
        s->members = realloc(s->members, s->room * sizeof *s->members);
        if (s->members == NULL)
            abort();
    }
    s->members[s->n++] = (struct member){.id = user->id,
                                         .team = bf_get_uuid(o, BF_USER_TEAM),
                                         .name = bf_str_dup(s->arena, bf_get_str(o, BF_USER_NAME)),
                                         .role = bf_get_enum(o, BF_USER_ROLE),
                                         .active = bf_get_enum(o, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE,
                                         .created_at = bf_get_int(o, BF_USER_CREATED_AT)};
}

static void add_team(struct bf_staff *s, const struct bf_doc *doc)
{
    struct bf_array path = bf_get_array(&doc->object, BF_TEAM_PATH);
    struct team *team = &s->teams[s->n_teams++];
    team->id = doc->id;
    for (unsigned i = 0; i < path.n && i < TEAM_PATH_MAX; i++)
        team->path[team->n_path++] = path.items[i].uuid;
}

/* Page by page, through one reset arena. */
static enum bf_status each(struct bf_staff *s, struct bf_query *query, void (*fn)(struct bf_staff *s, const struct bf_doc *doc), unsigned max,
                           struct bf_error *e)
{
    struct bf_arena *cursor = bf_arena_create();
    struct bf_page page;
    enum bf_status status;
    unsigned n = 0;
    query->limit = BF_PAGE_MAX;
    do {
        bf_arena_reset(s->scratch);
        status = bf_store_find(s->store, query, s->scratch, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n && n < max; i++, n++)
            fn(s, page.docs[i]);
        bf_arena_reset(cursor);
        query->after = status == BF_OK && page.next.n > 0 ? bf_str_dup(cursor, page.next) : bf_str(NULL, 0);
    } while (query->after.n > 0);
    bf_arena_destroy(&cursor);
    return status;
}

static enum bf_status load_people(struct bf_staff *s, const struct bf_uuid *teams, unsigned n_teams, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_value *values = bf_arena_calloc(arena, n_teams + 1, sizeof *values);
    for (unsigned i = 0; i < n_teams; i++)
        values[i] = (struct bf_value){.type = BF_T_UUID, .uuid = teams[i]};
    struct bf_cond cond = {.row = BF_USER_TEAM, .op = BF_IN, .values = values, .n = n_teams};
    struct bf_query query = {.coll = &bf_users,
                             .tenant = s->tenant,
                             .conds = &cond,
                             .n_conds = n_teams > 0,
                             .index = n_teams > 0 ? &bf_users_by_team : &bf_users_by_login};
    enum bf_status status = each(s, &query, add_member, UINT32_MAX, e);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status load_teams(struct bf_staff *s, struct bf_error *e)
{
    struct bf_query query = {.coll = &bf_teams, .tenant = s->tenant};
    s->teams = bf_arena_calloc(s->arena, BF_IN_MAX, sizeof *s->teams);
    return each(s, &query, add_team, BF_IN_MAX, e);
}

static struct bf__staff_ask ask_of(const struct bf_staff *s, struct bf_uuid person)
{
    return (struct bf__staff_ask){.store = s->store, .tenant = s->tenant, .person = person, .now_ms = s->now_ms};
}

/* D-02: who came when is not idle yet, and whom nobody lets work is not. */
static void judge_idle(const struct bf_staff *s, struct member *m)
{
    int64_t since = m->last_valid_at > m->created_at ? m->last_valid_at : m->created_at;
    if (m->role != BF_ROLE_IS_REP || !m->active || since == 0 || s->now_ms - since < (int64_t)s->idle_days * DAY_MS)
        return;
    m->exceptions[BF_DIGEST_LINE_KIND_IS_IDLE] = (struct bf_digest_count){.n = (s->now_ms - since) / DAY_MS, .oldest = since};
}

static enum bf_status count_exceptions(struct bf_staff *s, struct member *m, struct bf_error *e)
{
    static const int kinds[] = {BF_DIGEST_LINE_KIND_IS_FOLLOW_UP, BF_DIGEST_LINE_KIND_IS_TASKS, BF_DIGEST_LINE_KIND_IS_SENT_BACK,
                                BF_DIGEST_LINE_KIND_IS_UNREVIEWED};
    struct bf__staff_ask ask = ask_of(s, m->id);
    enum bf_status status = BF_OK;
    unsigned n;
    bf_arena_reset(s->scratch);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds && status == BF_OK; i++)
        status = bf__staff_records(&ask, kinds[i], 0, s->scratch, NULL, &n, &m->exceptions[kinds[i]], e);
    if (status == BF_OK && m->role == BF_ROLE_IS_REP && m->active)
        status = bf__staff_last_valid(&ask, s->scratch, &m->last_valid_at, e);
    judge_idle(s, m);
    return status;
}

static const struct team *team_of(const struct bf_staff *s, const struct bf_uuid *id)
{
    for (unsigned i = 0; i < s->n_teams; i++)
        if (bf_uuid_eq(&s->teams[i].id, id))
            return &s->teams[i];
    return NULL;
}

/* Those who lead: a company has few of them. */
struct leaders {
    const struct member **of;
    unsigned n;
};

static struct leaders find_leaders(const struct bf_staff *s)
{
    struct leaders leaders = {.of = bf_arena_calloc(s->arena, s->n + 1, sizeof *leaders.of)};
    for (unsigned i = 0; i < s->n; i++)
        if (s->members[i].active && s->members[i].role != BF_ROLE_IS_REP)
            leaders.of[leaders.n++] = &s->members[i];
    return leaders;
}

/* Of several the first by id, so that all readers agree. `team` NULL: of any. */
static const struct member *first_leader(const struct leaders *leaders, int role, const struct bf_uuid *team)
{
    const struct member *found = NULL;
    for (unsigned i = 0; i < leaders->n; i++) {
        const struct member *m = leaders->of[i];
        if (m->role == role && (team == NULL || bf_uuid_eq(&m->team, team)) && (found == NULL || memcmp(&m->id, &found->id, sizeof found->id) < 0))
            found = m;
    }
    return found;
}

/* The nearest active supervisor, else a manager. */
static void find_talks(const struct bf_staff *s)
{
    struct leaders leaders = find_leaders(s);
    for (unsigned i = 0; i < s->n; i++) {
        struct member *m = &s->members[i];
        const struct member *found = NULL;
        if (m->exceptions[BF_DIGEST_LINE_KIND_IS_IDLE].n == 0)
            continue;
        for (unsigned k = 0; m->in != NULL && k < m->in->n_path && found == NULL; k++)
            found = first_leader(&leaders, BF_ROLE_IS_SUPERVISOR, &m->in->path[k]);
        if (found == NULL)
            found = first_leader(&leaders, BF_ROLE_IS_MANAGER, NULL);
        if (found != NULL)
            m->talks_to = found->id;
    }
}

enum bf_status bf_staff_load(struct bf_store *store, const struct bf_digest_company *company, const struct bf_uuid *teams, unsigned n_teams, int64_t now_ms,
                             struct bf_staff **ret, struct bf_error *e)
{
    struct bf_staff *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    *s = (struct bf_staff){.store = store,
                           .tenant = company->tenant,
                           .now_ms = now_ms,
                           .idle_days = (int)bf_get_int(company->policy, BF_POLICY_IDLE_REP_DAYS),
                           .whole = n_teams == 0,
                           .arena = bf_arena_create(),
                           .scratch = bf_arena_create()};
    enum bf_status status = load_people(s, teams, n_teams, e);
    if (status == BF_OK)
        status = load_teams(s, e);
    for (unsigned i = 0; i < s->n && status == BF_OK; i++) {
        s->members[i].in = team_of(s, &s->members[i].team);
        status = count_exceptions(s, &s->members[i], e);
    }
    bf_arena_reset(s->scratch);
    if (status == BF_OK && s->whole)
        find_talks(s);
    if (status == BF_OK)
        *ret = s;
    else
        bf_staff_free(&s);
    return status;
}

void bf_staff_free(struct bf_staff **staff)
{
    struct bf_staff *s = *staff;
    if (s == NULL)
        return;
    for (unsigned i = 0; i < WINDOWS_MAX; i++)
        free(s->seen[i].of);
    free(s->members);
    bf_arena_destroy(&s->scratch);
    bf_arena_destroy(&s->arena);
    free(s);
    *staff = NULL;
}

int64_t bf_staff_at(const struct bf_staff *staff) { return staff->now_ms; }

/* ---- who is told of whom ---- */

/* The teams below the reader's, as a mark on each: a company has fewer teams than people. */
static void mark_teams(const struct bf_staff *s, const struct bf_uuid *reader_team, bool *marks)
{
    for (unsigned i = 0; i < s->n_teams; i++)
        for (unsigned k = 0; k < s->teams[i].n_path && !marks[i]; k++)
            marks[i] = bf_uuid_eq(&s->teams[i].path[k], reader_team);
}

static bool is_told_of(const struct bf_staff *s, const struct bf_digest_reader *reader, const bool *marks, const struct member *m)
{
    if (reader->role == BF_ROLE_IS_MANAGER || bf_uuid_eq(&m->id, &reader->user))
        return true;
    return reader->role == BF_ROLE_IS_SUPERVISOR && m->in != NULL && marks[m->in - s->teams];
}

unsigned bf_staff_idle(const struct bf_staff *staff, struct bf_uuid reader, struct bf_staff_idle *ret, unsigned max)
{
    unsigned n = 0;
    for (unsigned i = 0; i < staff->n && n < max && staff->whole; i++) {
        const struct member *m = &staff->members[i];
        if (m->exceptions[BF_DIGEST_LINE_KIND_IS_IDLE].n == 0 || !bf_uuid_eq(&m->talks_to, &reader))
            continue;
        ret[n++] = (struct bf_staff_idle){
            .rep = m->id, .name = m->name, .since = m->exceptions[BF_DIGEST_LINE_KIND_IS_IDLE].oldest, .last_valid_at = m->last_valid_at};
    }
    return n;
}

/* ---- what is of a window ---- */

static bool same_window(const struct bf_digest_window *a, const struct bf_digest_window *b)
{
    return a->before_at == b->before_at && a->from_at == b->from_at && a->to_at == b->to_at;
}

static enum bf_status read_window(struct bf_staff *s, const struct bf_digest_window *window, struct bf__staff_visits *of, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < s->n && status == BF_OK; i++) {
        struct bf__staff_ask ask = ask_of(s, s->members[i].id);
        ask.window = window;
        bf_arena_reset(s->scratch);
        status = bf__staff_visits(&ask, s->scratch, NULL, 0, NULL, &of[i], e);
    }
    bf_arena_reset(s->scratch);
    return status;
}

/* One that was read, or it is read for everybody. People are in several zones, but not in many. */
static enum bf_status see_window(struct bf_staff *s, const struct bf_digest_window *window, const struct bf__staff_visits **ret, struct bf_error *e)
{
    for (unsigned i = 0; i < WINDOWS_MAX; i++)
        if (s->seen[i].of != NULL && same_window(&s->seen[i].window, window)) {
            *ret = s->seen[i].of;
            return BF_OK;
        }
    struct bf__staff_visits *of = calloc(s->n + 1, sizeof *of);
    if (of == NULL)
        abort();
    enum bf_status status = read_window(s, window, of, e);
    if (status != BF_OK) {
        free(of);
        return status;
    }
    struct seen *place = &s->seen[s->next_seen++ % WINDOWS_MAX];
    free(place->of);
    *place = (struct seen){.window = *window, .of = of};
    *ret = of;
    return BF_OK;
}

/* ---- the digest ---- */

static struct bf_digest_person person_of(const struct member *m, const struct bf__staff_visits *v)
{
    struct bf_digest_person p = {.id = m->id,
                                 .name = m->name,
                                 .visits = v->visits,
                                 .valid = v->valid,
                                 .visits_before = v->visits_before,
                                 .valid_before = v->valid_before};
    memcpy(p.exceptions, m->exceptions, sizeof p.exceptions);
    p.exceptions[BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP] = v->no_next_step;
    return p;
}

static unsigned pick_people(const struct bf_staff *s, const struct bf_digest_reader *reader, const struct bf__staff_visits *visits, struct bf_arena *arena,
                            const struct bf_digest_person ***ret)
{
    bool *marks = bf_arena_calloc(arena, s->n_teams + 1, sizeof *marks);
    unsigned n = 0, all = 0;
    mark_teams(s, &reader->team, marks);
    for (unsigned i = 0; i < s->n; i++)
        all += is_told_of(s, reader, marks, &s->members[i]);
    struct bf_digest_person *people = bf_arena_calloc(arena, all + 1, sizeof *people);
    *ret = bf_arena_calloc(arena, all + 1, sizeof **ret);
    for (unsigned i = 0; i < s->n; i++) {
        if (!is_told_of(s, reader, marks, &s->members[i]))
            continue;
        people[n] = person_of(&s->members[i], &visits[i]);
        (*ret)[n] = &people[n];
        n++;
    }
    return n;
}

static enum bf_status add_records(struct bf_staff *s, const struct bf_digest_window *window, struct bf_object *line, unsigned max, struct bf_arena *arena,
                                  struct bf_error *e)
{
    int kind = bf_get_enum(line, BF_DIGEST_LINE_KIND);
    struct bf_staff_record *records = bf_arena_calloc(arena, max + 1, sizeof *records);
    struct bf__staff_ask ask = ask_of(s, bf_get_uuid(line, BF_DIGEST_LINE_PERSON));
    struct bf__staff_visits visits;
    struct bf_digest_count count;
    unsigned n = 0;
    ask.window = window;
    enum bf_status status = kind == BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP ? bf__staff_visits(&ask, arena, records, max, &n, &visits, e)
                                                                        : bf__staff_records(&ask, kind, max, arena, records, &n, &count, e);
    struct bf_value *items = bf_arena_calloc(arena, n + 1, sizeof *items);
    for (unsigned i = 0; i < n; i++)
        items[i] = (struct bf_value){.type = BF_T_UUID, .uuid = records[i].id};
    bf_set_array(line, BF_DIGEST_LINE_RECORDS, items, n);
    return status;
}

static enum bf_status add_all_records(struct bf_staff *s, const struct bf_digest_window *window, const struct bf_object *digest, unsigned max,
                                      struct bf_arena *arena, struct bf_error *e)
{
    struct bf_array lines = bf_get_array(digest, BF_DIGEST_LINES);
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < lines.n && status == BF_OK; i++)
        if (bf_has(lines.items[i].object, BF_DIGEST_LINE_PERSON) && bf_get_enum(lines.items[i].object, BF_DIGEST_LINE_KIND) != BF_DIGEST_LINE_KIND_IS_IDLE)
            status = add_records(s, window, lines.items[i].object, max, arena, e);
    return status;
}

enum bf_status bf_staff_digest(struct bf_staff *staff, const struct bf_digest_reader *reader, const struct bf_digest_extent *extent, struct bf_arena *arena,
                               struct bf_doc **ret, struct bf_error *e)
{
    const struct bf_digest_window *window = extent->kind == BF_NOTIFICATION_KIND_IS_DIGEST_WEEKLY ? &extent->day->week : &extent->day->day;
    const struct bf__staff_visits *visits;
    const struct bf_digest_person **people;
    *ret = NULL;
    enum bf_status status = see_window(staff, window, &visits, e);
    if (status != BF_OK)
        return status;
    struct bf_arena *mine = bf_arena_create(); /* a manager's people are many, what is told of them is short */
    unsigned n = pick_people(staff, reader, visits, mine, &people);
    struct bf_digest_input in = {.kind = extent->kind,
                                 .english = reader->english,
                                 .zone = reader->zone,
                                 .day = extent->day,
                                 .people = people,
                                 .n_people = n,
                                 .shown_max = extent->people_max,
                                 .idle_days = staff->idle_days};
    struct bf_object *digest = bf_digest_compose(mine, &in);
    if (digest != NULL)
        status = add_all_records(staff, window, digest, extent->records_max, mine, e);
    if (digest != NULL && status == BF_OK)
        *ret = bf_doc_copy(arena, bf_digest_notification(mine, staff->tenant, &reader->user, &in, digest, staff->now_ms));
    bf_arena_destroy(&mine);
    return status;
}
