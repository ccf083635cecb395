/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/digest.h"
#include "core/arena.h"
#include "crm/entities.h"
#include "crm/ids.h"
#include <stdlib.h>

enum { NAMED_MAX = 3, TURNS_NAMED_MAX = 8, BODY_BYTES = 4096, NAME_BYTES = 60 };

/* ---- lines ---- */

/* Those of one kind, the worst first. */
struct ranking {
    const struct bf_digest_person **of;
    unsigned n;
    int64_t total, oldest;
};

static const struct bf_digest_count *count_of(const struct bf_digest_person *person, int kind) { return &person->exceptions[kind]; }

/* qsort has no context: the kind stands beside the person. */
struct place {
    const struct bf_digest_person *person;
    const struct bf_digest_count *count;
};

static int worse(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->count->n != y->count->n)
        return x->count->n > y->count->n ? -1 : 1;
    if (x->count->oldest != y->count->oldest)
        return x->count->oldest < y->count->oldest ? -1 : 1;
    return memcmp(&x->person->id, &y->person->id, sizeof x->person->id);
}

static struct ranking rank(struct bf_arena *arena, const struct bf_digest_input *in, int kind)
{
    struct ranking r = {.of = bf_arena_calloc(arena, in->n_people + 1, sizeof *r.of)};
    struct place *places = bf_arena_calloc(arena, in->n_people + 1, sizeof *places);
    for (unsigned i = 0; i < in->n_people; i++) {
        const struct bf_digest_count *c = count_of(in->people[i], kind);
        if (c->n == 0)
            continue;
        places[r.n++] = (struct place){in->people[i], c};
        r.total += kind == BF_DIGEST_LINE_KIND_IS_IDLE ? 1 : c->n;
        if (c->oldest != 0 && (r.oldest == 0 || c->oldest < r.oldest))
            r.oldest = c->oldest;
    }
    qsort(places, r.n, sizeof *places, worse);
    for (unsigned i = 0; i < r.n; i++)
        r.of[i] = places[i].person;
    return r;
}

struct lines {
    struct bf_arena *arena;
    struct bf_value *items;
    unsigned n;
};

static struct bf_object *add_line(struct lines *lines, int kind, int64_t count, int64_t oldest)
{
    if (lines->n == BF_DIGEST_LINES_MAX)
        return NULL;
    struct bf_object *o = bf_object_create(lines->arena, &bf_digest_line_schema);
    bf_set_enum(o, BF_DIGEST_LINE_KIND, kind);
    bf_set_int(o, BF_DIGEST_LINE_COUNT, count);
    if (oldest != 0)
        bf_set_int(o, BF_DIGEST_LINE_OLDEST, oldest);
    lines->items[lines->n++] = (struct bf_value){.type = BF_T_OBJECT, .object = o};
    return o;
}

static void add_exceptions(struct lines *lines, const struct bf_digest_input *in, int kind)
{
    struct ranking r = rank(lines->arena, in, kind);
    struct bf_object *o = r.n == 0 ? NULL : add_line(lines, kind, r.total, r.oldest);
    if (o == NULL)
        return;
    bf_set_int(o, BF_DIGEST_LINE_PEOPLE, r.n);
    for (unsigned i = 0; i < r.n && i < in->shown_max; i++) {
        const struct bf_digest_count *c = count_of(r.of[i], kind);
        o = add_line(lines, kind, c->n, c->oldest);
        if (o == NULL)
            return;
        bf_set_uuid(o, BF_DIGEST_LINE_PERSON, r.of[i]->id);
        bf_set_str(o, BF_DIGEST_LINE_NAME, bf_str_dup(lines->arena, r.of[i]->name));
    }
}

static void add_total(struct lines *lines, int kind, int64_t count, int64_t before)
{
    struct bf_object *o = add_line(lines, kind, count, 0);
    if (o != NULL)
        bf_set_int(o, BF_DIGEST_LINE_BEFORE, before);
}

static struct bf_object *new_digest(struct lines *lines, struct bf_arena *arena, const struct bf_digest_day *day, struct bf_str zone)
{
    struct bf_object *digest = bf_object_create(arena, &bf_digest_schema);
    *lines = (struct lines){.arena = arena, .items = bf_arena_calloc(arena, BF_DIGEST_LINES_MAX, sizeof *lines->items)};
    bf_set_str(digest, BF_DIGEST_ON, bf_str_dup(arena, bf_strz(day->date)));
    bf_set_str(digest, BF_DIGEST_TZ, bf_str_dup(arena, zone));
    if (day->missing_year != 0)
        bf_set_int(digest, BF_DIGEST_MISSING_YEAR, day->missing_year);
    return digest;
}

static const struct bf_digest_window *window_of(const struct bf_digest_input *in)
{
    return in->kind == BF_NOTIFICATION_KIND_IS_DIGEST_WEEKLY ? &in->day->week : &in->day->day;
}

struct bf_object *bf_digest_compose(struct bf_arena *arena, const struct bf_digest_input *in)
{
    struct lines lines;
    struct bf_object *digest = new_digest(&lines, arena, in->day, in->zone);
    int64_t visits = 0, valid = 0, visits_before = 0, valid_before = 0;
    for (unsigned i = 0; i < in->n_people; i++) {
        visits += in->people[i]->visits;
        valid += in->people[i]->valid;
        visits_before += in->people[i]->visits_before;
        valid_before += in->people[i]->valid_before;
    }
    for (int kind = 0; kind < BF_DIGEST_EXCEPTIONS; kind++)
        add_exceptions(&lines, in, kind);
    if (lines.n == 0 && visits == 0 && valid == 0)
        return NULL;
    add_total(&lines, BF_DIGEST_LINE_KIND_IS_VISITS, visits, visits_before);
    add_total(&lines, BF_DIGEST_LINE_KIND_IS_VALID_VISITS, valid, valid_before);
    bf_set_int(digest, BF_DIGEST_FROM, window_of(in)->from_at);
    bf_set_int(digest, BF_DIGEST_TO, window_of(in)->to_at);
    bf_set_array(digest, BF_DIGEST_LINES, lines.items, lines.n);
    return digest;
}

static void set_records(struct bf_arena *arena, struct bf_object *line, const struct bf_uuid *ids, unsigned n)
{
    struct bf_value *items = bf_arena_calloc(arena, n + 1, sizeof *items);
    if (n > BF_DIGEST_RECORDS_MAX)
        n = BF_DIGEST_RECORDS_MAX;
    for (unsigned i = 0; i < n; i++)
        items[i] = (struct bf_value){.type = BF_T_UUID, .uuid = ids[i]};
    bf_set_array(line, BF_DIGEST_LINE_RECORDS, items, n);
}

struct bf_object *bf_digest_compose_turns(struct bf_arena *arena, const struct bf_digest_turns *in)
{
    struct lines lines;
    struct bf_object *digest = new_digest(&lines, arena, in->day, in->zone);
    if (in->customers.n == 0 && in->tasks.n == 0)
        return NULL;
    if (in->customers.n > 0)
        set_records(arena, add_line(&lines, BF_DIGEST_LINE_KIND_IS_TURN, in->customers.n, in->customers.oldest), in->customer_ids, in->n_customers);
    if (in->tasks.n > 0)
        set_records(arena, add_line(&lines, BF_DIGEST_LINE_KIND_IS_TASKS, in->tasks.n, in->tasks.oldest), in->task_ids, in->n_tasks);
    bf_set_array(digest, BF_DIGEST_LINES, lines.items, lines.n);
    return digest;
}

/* ---- words ---- */

struct words {
    const char *one, *more; /* English has two */
    const char *zh;
};
static const struct words exceptions[BF_DIGEST_EXCEPTIONS] = {
    [BF_DIGEST_LINE_KIND_IS_FOLLOW_UP] = {"%lld customer overdue for a follow-up", "%lld customers overdue for a follow-up", "%lld 位客户逾期未跟进"},
    [BF_DIGEST_LINE_KIND_IS_IDLE] = {"%lld rep without a valid record for %d days", "%lld reps without a valid record for %d days", "%lld 人连续 %d 天无有效记录"},
    [BF_DIGEST_LINE_KIND_IS_TASKS] = {"%lld task overdue", "%lld tasks overdue", "%lld 项任务逾期"},
    [BF_DIGEST_LINE_KIND_IS_SENT_BACK] = {"%lld contract sent back and not answered", "%lld contracts sent back and not answered", "%lld 份合同退回未补"},
    [BF_DIGEST_LINE_KIND_IS_UNREVIEWED] = {"%lld contract overdue in review", "%lld contracts overdue in review", "%lld 份合同超期未审核"},
    [BF_DIGEST_LINE_KIND_IS_NO_NEXT_STEP] = {"%lld visit without a next step", "%lld visits without a next step", "%lld 条跟进未填下一步"},
};

/* Between characters. */
static struct bf_str cut(struct bf_str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return bf_str(s.p, max);
}

static struct bf_str taken(struct bf_arena *arena, struct bf_buf *b)
{
    struct bf_str s = bf_buf_str(b);
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    s = bf_str_dup(arena, s);
    bf_buf_finish(b);
    return s;
}

static void say_count(struct bf_buf *b, const struct words *w, bool english, int64_t n, int days)
{
    const char *format = !english ? w->zh : n == 1 ? w->one : w->more;
    if (w == &exceptions[BF_DIGEST_LINE_KIND_IS_IDLE])
        bf_buf_printf(b, format, (long long)n, days);
    else
        bf_buf_printf(b, format, (long long)n);
}

struct bf_str bf_digest_words(struct bf_arena *arena, const struct bf_object *line, bool english, int idle_days)
{
    struct bf_buf b;
    bf_buf_init(&b, BODY_BYTES);
    say_count(&b, &exceptions[bf_get_enum(line, BF_DIGEST_LINE_KIND)], english, bf_get_int(line, BF_DIGEST_LINE_COUNT), idle_days);
    return taken(arena, &b);
}

static void say_name(struct bf_buf *b, const struct bf_object *line, bool english, bool first)
{
    struct bf_str name = cut(bf_get_str(line, BF_DIGEST_LINE_NAME), NAME_BYTES);
    bf_buf_addz(b, first ? (english ? ": " : "：") : english ? ", " : "、");
    bf_buf_add(b, name.p, name.n);
    if (bf_get_enum(line, BF_DIGEST_LINE_KIND) != BF_DIGEST_LINE_KIND_IS_IDLE)
        bf_buf_printf(b, " %lld", (long long)bf_get_int(line, BF_DIGEST_LINE_COUNT));
}

/* The count, and whose the most are. Returns how many lines of the digest that took. */
static unsigned say_exception(struct bf_buf *b, struct bf_array lines, unsigned at, const struct bf_digest_input *in)
{
    const struct bf_object *o = lines.items[at].object;
    int kind = bf_get_enum(o, BF_DIGEST_LINE_KIND);
    int64_t people = bf_get_int(o, BF_DIGEST_LINE_PEOPLE);
    unsigned n = 0, named = 0;
    say_count(b, &exceptions[kind], in->english, bf_get_int(o, BF_DIGEST_LINE_COUNT), in->idle_days);
    for (unsigned i = at + 1; i < lines.n && bf_has(lines.items[i].object, BF_DIGEST_LINE_PERSON); i++, n++)
        if (named < NAMED_MAX)
            say_name(b, lines.items[i].object, in->english, named++ == 0);
    if (people > named && in->english)
        bf_buf_printf(b, " and %lld more", (long long)(people - named));
    else if (people > named)
        bf_buf_printf(b, " 等 %lld 人", (long long)people);
    bf_buf_addc(b, '\n');
    return n + 1;
}

static void say_total(struct bf_buf *b, const struct bf_object *line, bool english)
{
    bool valid = bf_get_enum(line, BF_DIGEST_LINE_KIND) == BF_DIGEST_LINE_KIND_IS_VALID_VISITS;
    long long n = bf_get_int(line, BF_DIGEST_LINE_COUNT), before = bf_get_int(line, BF_DIGEST_LINE_BEFORE);
    if (english)
        bf_buf_printf(b, "%s: %lld (%+lld, %lld before)\n", valid ? "Valid visits" : "Visits", n, n - before, before);
    else
        bf_buf_printf(b, "%s %lld 条（较上期 %+lld，上期 %lld）\n", valid ? "有效跟进" : "跟进记录", n, n - before, before);
}

static void say_missing_year(struct bf_buf *b, int year, bool english)
{
    if (year == 0)
        return;
    if (english)
        bf_buf_printf(b, "The holidays of %d are not known yet: Monday to Friday count as working days\n", year);
    else
        bf_buf_printf(b, "%d 年放假安排尚未录入，暂按周一至周五为工作日\n", year);
}

static struct bf_str body_of(struct bf_arena *arena, const struct bf_digest_input *in, const struct bf_object *digest)
{
    struct bf_array lines = bf_get_array(digest, BF_DIGEST_LINES);
    struct bf_buf b;
    bf_buf_init(&b, BODY_BYTES);
    for (unsigned i = 0; i < lines.n;) {
        if (bf_get_enum(lines.items[i].object, BF_DIGEST_LINE_KIND) < BF_DIGEST_EXCEPTIONS)
            i += say_exception(&b, lines, i, in);
        else
            say_total(&b, lines.items[i++].object, in->english);
    }
    say_missing_year(&b, in->day->missing_year, in->english);
    return taken(arena, &b);
}

static struct bf_str title_of(struct bf_arena *arena, const struct bf_digest_input *in)
{
    const struct bf_digest_window *w = window_of(in);
    bool weekly = in->kind == BF_NOTIFICATION_KIND_IS_DIGEST_WEEKLY;
    const char *name = in->english ? (weekly ? "Weekly digest" : "Daily digest") : weekly ? "每周简报" : "每日简报";
    char from[BF_DIGEST_DATE], last[BF_DIGEST_DATE];
    bf_digest_date(&w->from, from);
    bf_digest_date(&w->last, last);
    if (strcmp(from, last) == 0)
        return bf_strz(bf_arena_printf(arena, "%s %s", name, from));
    return bf_strz(bf_arena_printf(arena, in->english ? "%s %s to %s" : "%s %s 至 %s", name, from, last));
}

static struct bf_doc *notification(struct bf_arena *arena, struct bf_uuid tenant, const struct bf_uuid *user, int kind, const struct bf_digest_day *day,
                                   struct bf_object *digest, int64_t now_ms)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_notification_schema, tenant, bf_id_digest(tenant, *user, kind, bf_strz(day->date)));
    bf_set_uuid(&doc->object, BF_NOTIFICATION_USER, *user);
    bf_set_enum(&doc->object, BF_NOTIFICATION_KIND, kind);
    bf_set_object(&doc->object, BF_NOTIFICATION_DIGEST, digest);
    bf_set_int(&doc->object, BF_NOTIFICATION_CREATED_AT, now_ms);
    return doc;
}

struct bf_doc *bf_digest_notification(struct bf_arena *arena, struct bf_uuid tenant, const struct bf_uuid *user, const struct bf_digest_input *in,
                                      struct bf_object *digest, int64_t now_ms)
{
    struct bf_doc *doc = notification(arena, tenant, user, in->kind, in->day, digest, now_ms);
    bf_set_str(&doc->object, BF_NOTIFICATION_TITLE, title_of(arena, in));
    bf_set_str(&doc->object, BF_NOTIFICATION_BODY, body_of(arena, in, digest));
    return doc;
}

/* ---- the rep's ---- */

static struct bf_str turns_title(struct bf_arena *arena, const struct bf_digest_turns *in)
{
    long long customers = in->customers.n, tasks = in->tasks.n;
    if (tasks == 0)
        return bf_strz(bf_arena_printf(arena, in->english ? "To follow up today: %lld" : "今日待跟进 %lld 位客户", customers));
    if (customers == 0)
        return bf_strz(bf_arena_printf(arena, in->english ? "Tasks overdue: %lld" : "%lld 项任务逾期", tasks));
    return bf_strz(bf_arena_printf(arena, in->english ? "To follow up today: %lld; tasks overdue: %lld" : "今日待跟进 %lld 位客户，%lld 项任务逾期", customers, tasks));
}

static void say_list(struct bf_buf *b, const struct bf_str *words, unsigned n, int64_t all, bool english)
{
    unsigned named = n < TURNS_NAMED_MAX ? n : TURNS_NAMED_MAX;
    for (unsigned i = 0; i < named; i++) {
        struct bf_str word = cut(words[i], NAME_BYTES + 30);
        bf_buf_add(b, word.p, word.n);
        bf_buf_addc(b, '\n');
    }
    if (all > named)
        bf_buf_printf(b, english ? "and %lld more\n" : "……共 %lld 项\n", (long long)(english ? all - named : all));
}

struct bf_doc *bf_digest_turns_notification(struct bf_arena *arena, struct bf_uuid tenant, const struct bf_uuid *user, const struct bf_digest_turns *in,
                                            struct bf_object *digest, int64_t now_ms)
{
    struct bf_doc *doc = notification(arena, tenant, user, BF_NOTIFICATION_KIND_IS_FOLLOW_UP, in->day, digest, now_ms);
    struct bf_buf b;
    bf_buf_init(&b, BODY_BYTES);
    say_list(&b, in->customer_names, in->n_customers, in->customers.n, in->english);
    say_list(&b, in->task_titles, in->n_tasks, in->tasks.n, in->english);
    bf_set_str(&doc->object, BF_NOTIFICATION_TITLE, turns_title(arena, in));
    bf_set_str(&doc->object, BF_NOTIFICATION_BODY, taken(arena, &b));
    return doc;
}
