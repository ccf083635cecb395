/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/feed.h"
#include <assert.h>
#include <stddef.h>

enum { ENTRIES_AT_ONCE = 200, ITEMS_MAX = BF_PAGE_MAX + BF_ENTRY_OPS_MAX, PAGE_BYTES = 256 * 1024 };

/* An entry is never split, so its records must fit as they are by then. The largest are transcripts, as heard and as confirmed, in characters of up
 * to four bytes; each is begun in one entry with its medium. */
_Static_assert(BF_FEED_JSON_MAX >= BF_ENTRY_OPS_MAX / 2 * 2 * 4 * BF_TRANSCRIPT_TEXT_MAX, "an entry of transcripts is more than a page may be");

static const char purpose[] = "/v1/changes";

/* What the feed is made of. Cursors hold the number of a kind: new ones go to the end. `personal`: of the caller alone, whatever the role. `customer_row`: rights are those on the customer as it is now. */
static const struct kind {
    enum bf_subject subject;
    const struct bf_collection *coll;
    int customer_row;
    bool personal;
    const struct bf_index *own, *team, *all;
} kinds[] = {
    {BF_SUBJECT_POLICY, &bf_policies, BF_ROW_NONE, false, NULL, NULL, NULL},
    {BF_SUBJECT_CUSTOMER, &bf_customers, BF_ROW_NONE, false, &bf_customers_by_owner, &bf_customers_by_team, &bf_customers_by_sort},
    {BF_SUBJECT_CONTACT, &bf_contacts, BF_CONTACT_CUSTOMER, false, &bf_contacts_by_owner, &bf_contacts_by_team, NULL},
    {BF_SUBJECT_VISIT, &bf_visits, BF_VISIT_CUSTOMER, false, &bf_visits_by_owner, &bf_visits_by_team, &bf_visits_by_time},
    {BF_SUBJECT_VERDICT, &bf_verdicts, BF_VERDICT_CUSTOMER, false, &bf_verdicts_by_owner, &bf_verdicts_by_team, NULL},
    {BF_SUBJECT_SUPPLEMENT, &bf_supplements, BF_SUPPLEMENT_CUSTOMER, false, &bf_supplements_by_owner, &bf_supplements_by_team, NULL},
    {BF_SUBJECT_MEDIA, &bf_media, BF_MEDIA_CUSTOMER, false, &bf_media_by_owner, &bf_media_by_team, NULL},
    {BF_SUBJECT_TRANSCRIPT, &bf_transcripts, BF_TRANSCRIPT_CUSTOMER, false, &bf_transcripts_by_owner, &bf_transcripts_by_team, NULL},
    {BF_SUBJECT_DEVICE, &bf_devices, BF_ROW_NONE, true, &bf_devices_by_user, NULL, NULL},
    {BF_SUBJECT_REMINDER, &bf_reminders, BF_ROW_NONE, true, &bf_reminders_by_user, NULL, NULL},
    {BF_SUBJECT_NOTIFICATION, &bf_notifications, BF_ROW_NONE, true, &bf_notifications_by_user, NULL, NULL},
    {BF_SUBJECT_CONTRACT, &bf_contracts, BF_CONTRACT_CUSTOMER, false, &bf_contracts_by_owner, &bf_contracts_by_team, &bf_contracts_by_time},
    {BF_SUBJECT_TASK, &bf_tasks, BF_ROW_NONE, false, &bf_tasks_by_assignee, &bf_tasks_by_team, &bf_tasks_by_due},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *kind_of(const struct bf_collection *coll)
{
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds[i].coll == coll)
            return &kinds[i];
    return NULL;
}

static const struct kind *kind_of_subject(enum bf_subject subject)
{
    unsigned i = 0;
    while (kinds[i].subject != subject)
        i++;
    return &kinds[i];
}

static enum bf_scope scope_of(const struct bf_caller *caller, const struct kind *kind)
{
    enum bf_scope scope = bf_permission_of(caller->role, kind->subject, BF_ACTION_LIST).scope;
    return kind->personal && scope != BF_SCOPE_NONE ? BF_SCOPE_OWN : scope;
}

/* ---- positions ---- */

enum bf_status bf__feed_now(struct bf_call *call, struct bf_feed_pos *pos, struct bf_error *e)
{
    *pos = (struct bf_feed_pos){.kind = KINDS};
    return bf_log_head(call->store, call->caller.tenant, &pos->n, e);
}

enum bf_status bf__feed_start(struct bf_call *call, struct bf_feed_pos *pos, struct bf_error *e)
{
    enum bf_status status = bf__feed_now(call, pos, e);
    pos->kind = 0;
    return status;
}

size_t bf__feed_pos_bytes(const struct bf_feed_pos *pos) { return offsetof(struct bf_feed_pos, key) + pos->key_n; }

struct bf_str bf__feed_seal(struct bf_call *call, const struct bf_feed_pos *pos)
{
    return bf_cursor_seal(call, purpose, bf_str((const char *)pos, bf__feed_pos_bytes(pos)));
}

enum bf_status bf__feed_open(struct bf_call *call, struct bf_str text, struct bf_feed_pos *ret, struct bf_error *e)
{
    struct bf_str plain;
    enum bf_status status = bf_cursor_open(call, purpose, text, &plain, e);
    if (status != BF_OK)
        return status;
    *ret = (struct bf_feed_pos){.n = 0};
    if (plain.n < offsetof(struct bf_feed_pos, key) || plain.n > sizeof *ret)
        return bf_fail_field(e, BF_E_INVALID_QUERY, "after", "bad_cursor", "a cursor as it was given to this user");
    memcpy(ret, plain.p, plain.n);
    if (bf__feed_pos_bytes(ret) != plain.n || ret->kind > KINDS)
        return bf_fail_field(e, BF_E_INVALID_QUERY, "after", "bad_cursor", "a cursor as it was given to this user");
    return BF_OK;
}

/* ---- rights, as they are now ---- */

/* Sets doc to NULL in the items that the caller may no longer see: by the record itself, or by its customer. */
static enum bf_status judge_items(struct bf_call *call, struct bf_feed_item *items, unsigned n, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, n + 1, sizeof *ids);
    struct bf_doc **customers = bf_arena_calloc(call->arena, n + 1, sizeof *customers);
    unsigned *of = bf_arena_calloc(call->arena, n + 1, sizeof *of), n_children = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct kind *kind = kind_of_subject(items[i].subject);
        if (items[i].doc == NULL)
            continue;
        if (items[i].doc->tombstone) {
            items[i].doc = NULL;
        } else if (kind->customer_row != BF_ROW_NONE) {
            ids[n_children] = bf_get_uuid(&items[i].doc->object, (unsigned)kind->customer_row);
            of[n_children++] = i;
        } else if (bf_authorize(&call->caller, kind->subject, BF_ACTION_READ, kind->coll, items[i].doc, NULL) != BF_OK) {
            items[i].doc = NULL;
        }
    }
    enum bf_status status = bf_store_get_many(call->store, &bf_customers, call->caller.tenant, ids, n_children, call->arena, customers, e);
    for (unsigned i = 0; status == BF_OK && i < n_children; i++)
        if (bf_authorize(&call->caller, items[of[i]].subject, BF_ACTION_READ, &bf_customers, customers[i], NULL) != BF_OK)
            items[of[i]].doc = NULL;
    return status;
}

/* ---- the first passage ---- */

static enum bf_status read_kind(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, struct bf_feed_page *ret, struct bf_error *e)
{
    const struct kind *kind = &kinds[pos->kind];
    struct bf_scope_query scope;
    struct bf_page page;
    if (scope_of(&call->caller, kind) == BF_SCOPE_NONE) {
        pos->kind++;
        return BF_OK;
    }
    enum bf_status status = bf_scope_query(&call->caller, kind->subject, kind->coll, kind->own, kind->team, kind->all, call->arena, &scope, e);
    if (status != BF_OK)
        return status;
    struct bf_value self = {.type = BF_T_UUID, .uuid = call->caller.user};
    if (kind->personal)
        scope = (struct bf_scope_query){
            .cond = {.row = kind->coll->owner, .op = BF_EQ, .values = &self, .n = 1}, .n_conds = 1, .index = kind->own};
    struct bf_query query = {.coll = kind->coll,
                             .tenant = call->caller.tenant,
                             .conds = &scope.cond,
                             .n_conds = scope.n_conds,
                             .index = scope.index,
                             .after = bf_str(pos->key, pos->key_n),
                             .limit = limit};
    status = bf_store_find(call->store, &query, call->arena, &page, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < page.n; i++)
        ret->items[ret->n++] = (struct bf_feed_item){.subject = kind->subject, .id = page.docs[i]->id, .doc = page.docs[i]};
    assert(page.next.n <= BF_FEED_KEY_MAX);
    pos->key_n = (uint16_t)page.next.n;
    memcpy(pos->key, page.next.p == NULL ? "" : page.next.p, page.next.n);
    pos->kind += page.next.n == 0;
    return BF_OK;
}

static enum bf_status read_records(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, struct bf_feed_page *ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    while (status == BF_OK && pos->kind < KINDS && ret->n < limit)
        status = read_kind(call, pos, limit - ret->n, ret, e);
    if (status == BF_OK)
        status = judge_items(call, ret->items, ret->n, e);
    /* What may not be seen was never told, so it is not told as gone either. */
    unsigned kept = 0;
    for (unsigned i = 0; i < ret->n; i++)
        if (ret->items[i].doc != NULL)
            ret->items[kept++] = ret->items[i];
    ret->n = kept;
    ret->more = true;
    return status;
}

/* ---- the log ---- */

/* Is the operation about something that the caller could see before it, or can see after it? */
static bool concerns(const struct bf_caller *caller, const struct kind *kind, const struct bf_log_op *op)
{
    enum bf_scope scope = scope_of(caller, kind);
    return bf_in_scope(caller, scope, op->owner_after, op->team_after) || bf_in_scope(caller, scope, op->owner_before, op->team_before);
}

static void add_op(struct bf_feed_page *page, const struct kind *kind, const struct bf_log_op *op)
{
    for (unsigned i = 0; i < page->n; i++)
        if (page->items[i].subject == kind->subject && bf_uuid_eq(&page->items[i].id, &op->id))
            return;
    page->items[page->n++] = (struct bf_feed_item){.subject = kind->subject, .id = op->id};
}

/* The records of the items as they are now, one read a collection. */
static enum bf_status load_items(struct bf_call *call, struct bf_feed_page *page, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, page->n + 1, sizeof *ids);
    struct bf_doc **docs = bf_arena_calloc(call->arena, page->n + 1, sizeof *docs);
    unsigned *of = bf_arena_calloc(call->arena, page->n + 1, sizeof *of);
    enum bf_status status = BF_OK;
    for (unsigned k = 0; k < KINDS && status == BF_OK; k++) {
        unsigned n = 0;
        for (unsigned i = 0; i < page->n; i++) {
            if (page->items[i].subject != kinds[k].subject)
                continue;
            ids[n] = page->items[i].id;
            of[n++] = i;
        }
        if (n == 0)
            continue;
        status = bf_store_get_many(call->store, kinds[k].coll, call->caller.tenant, ids, n, call->arena, docs, e);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            page->items[of[i]].doc = docs[i];
    }
    return status == BF_OK ? judge_items(call, page->items, page->n, e) : status;
}

static enum bf_status read_log(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, struct bf_feed_page *ret, struct bf_error *e)
{
    struct bf_log_entry *entries;
    unsigned n, i = 0;
    enum bf_status status = bf_log_read(call->store, call->caller.tenant, pos->n, ENTRIES_AT_ONCE, BF_LOG_HEADERS, call->arena, &entries, &n, e);
    if (status != BF_OK)
        return status;
    for (; i < n && ret->n < limit; i++) {
        unsigned before = ret->n;
        for (unsigned k = 0; k < entries[i].n_ops; k++) {
            const struct kind *kind = kind_of(entries[i].ops[k].coll);
            if (kind != NULL && concerns(&call->caller, kind, &entries[i].ops[k]))
                add_op(ret, kind, &entries[i].ops[k]);
        }
        ret->n_entries += ret->n > before;
        pos->n = entries[i].n;
    }
    ret->more = i < n;
    if (!ret->more && n > 0) { /* the log gives fewer than were asked for when they are large */
        int64_t head;
        status = bf_log_head(call->store, call->caller.tenant, &head, e);
        ret->more = status == BF_OK && pos->n < head;
    }
    return status == BF_OK ? load_items(call, ret, e) : status;
}

/* ---- reading on ---- */

static enum bf_status note_views(struct bf_call *call, const struct bf_feed_page *page, const char *action, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, page->n + 1, sizeof *ids);
    unsigned n = 0;
    for (unsigned i = 0; i < page->n; i++)
        if (page->items[i].doc != NULL)
            ids[n++] = page->items[i].id;
    return bf_call_viewed(call, "feed", action, ids, n, e);
}

static void write_item(struct bf_jw *w, const struct bf_call *call, const struct bf_feed_item *item)
{
    bf_jw_object(w);
    bf_jw_key(w, "type");
    bf_jw_str(w, bf_strz(bf_subject_name(item->subject)));
    bf_jw_key(w, "id");
    bf_jw_uuid(w, &item->id);
    if (item->doc != NULL) {
        bf_jw_key(w, "doc");
        bf_jw_doc(w, item->doc, bf_shown(&call->caller, item->subject));
    } else {
        bf_jw_key(w, "gone");
        bf_jw_bool(w, true);
    }
    bf_jw_end_object(w);
}

/* Writes the items' JSON and tells its size. */
static enum bf_status write_items(struct bf_call *call, struct bf_feed_page *page, size_t *ret_bytes, struct bf_error *e)
{
    struct bf_buf out;
    enum bf_status status = BF_OK;
    bf_buf_init(&out, BF_FEED_JSON_MAX);
    for (unsigned i = 0; i < page->n; i++) {
        struct bf_jw w;
        size_t from = out.n;
        bf_jw_init(&w, &out);
        write_item(&w, call, &page->items[i]);
        page->items[i].json.n = out.n - from;
    }
    const char *p = bf_str_dup(call->arena, bf_buf_str(&out)).p;
    for (unsigned i = 0; i < page->n; p += page->items[i++].json.n)
        page->items[i].json.p = p;
    *ret_bytes = out.n;
    if (out.overflowed)
        status = bf_fail(e, BF_E_TOO_LARGE, "a page of the change feed is over %d bytes", BF_FEED_JSON_MAX);
    bf_buf_finish(&out);
    return status;
}

static enum bf_status read_from(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, struct bf_feed_page *ret, size_t *ret_bytes,
                                struct bf_error *e)
{
    *ret = (struct bf_feed_page){.items = bf_arena_calloc(call->arena, ITEMS_MAX, sizeof *ret->items)};
    enum bf_status status = pos->kind < KINDS ? read_records(call, pos, limit, ret, e) : read_log(call, pos, limit, ret, e);
    return status == BF_OK ? write_items(call, ret, ret_bytes, e) : status;
}

/* About as many items of that size as fill a page: at least one, and at most half as many as before, so that a page takes few passes. */
static unsigned fewer(unsigned limit, unsigned n, size_t bytes)
{
    size_t fit = (size_t)n * PAGE_BYTES / bytes;
    return fit > limit / 2 ? limit / 2 : fit == 0 ? 1 : (unsigned)fit;
}

enum bf_status bf__feed_read(struct bf_call *call, struct bf_feed_pos *pos, unsigned limit, const char *action, struct bf_feed_page *ret,
                             struct bf_error *e)
{
    struct bf_feed_pos at;
    size_t bytes = 0;
    enum bf_status status;
    assert(limit > 0 && limit <= BF_PAGE_MAX);
    for (;; limit = fewer(limit, ret->n, bytes)) {
        at = *pos;
        status = read_from(call, &at, limit, ret, &bytes, e);
        bool too_large = status == BF_E_TOO_LARGE || (status == BF_OK && bytes > PAGE_BYTES);
        if (!too_large || limit == 1 || ret->n_entries == 1)
            break;
    }
    if (status == BF_OK)
        status = note_views(call, ret, action, e);
    if (status == BF_OK)
        *pos = at;
    return status;
}
