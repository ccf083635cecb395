/* SPDX-License-Identifier: Apache-2.0 */
/* Whom to tell: read for all that begins together, each person once, each kind of document with one call. */
#include "core/arena.h"
#include "crm/preference.h"
#include "push/delivery.h"

/* ---- people and their devices ---- */

struct device {
    const struct bf_doc *doc;
    bool signed_out;
};

struct person {
    struct bf_uuid id;
    const struct bf_doc *user, *preferences; /* or NULL */
    bool is_tidy;                            /* old records were deleted */
    struct device devices[BF__DEVICES_MAX];
    unsigned n;
};

static bool is_active(const struct bf_doc *device, struct bf_uuid user)
{
    const struct bf_object *o = device == NULL ? NULL : &device->object;
    if (o == NULL || device->tombstone || bf_get_enum(o, BF_DEVICE_PUSH) != BF_PUSH_STATE_IS_ACTIVE ||
        bf_get_object(o, BF_DEVICE_SUBSCRIPTION) == NULL)
        return false;
    struct bf_uuid owner = bf_get_uuid(o, BF_DEVICE_USER);
    return bf_uuid_eq(&owner, &user);
}

/* Leaves out those that cannot be told, and those that are there already. */
static void add_device(struct person *p, const struct bf_doc *device, bool signed_out)
{
    bool is_new = p->n < BF__DEVICES_MAX && is_active(device, p->id);
    for (unsigned i = 0; is_new && i < p->n; i++)
        is_new = !bf_uuid_eq(&p->devices[i].doc->id, &device->id);
    if (is_new)
        p->devices[p->n++] = (struct device){.doc = device, .signed_out = signed_out};
}

static enum bf_status find_active(struct bf__batch *b, struct bf_uuid user, struct bf_page *ret, struct bf_error *e)
{
    struct bf_value who = {.type = BF_T_UUID, .uuid = user}, active = {.type = BF_T_ENUM, .i = BF_PUSH_STATE_IS_ACTIVE};
    struct bf_cond conds[2] = {{.row = BF_DEVICE_USER, .op = BF_EQ, .values = &who, .n = 1},
                               {.row = BF_DEVICE_PUSH, .op = BF_EQ, .values = &active, .n = 1}};
    struct bf_query query = {
        .coll = &bf_devices, .tenant = b->tenant, .conds = conds, .n_conds = 2, .index = &bf_devices_by_user, .limit = BF__DEVICES_MAX};
    return bf_store_find(b->push->ctx->store, &query, b->arena, ret, e);
}

static const struct bf_doc *find_in(const struct bf_page *page, struct bf_uuid id)
{
    for (unsigned i = 0; i < page->n; i++)
        if (bf_uuid_eq(&page->docs[i]->id, &id))
            return page->docs[i];
    return NULL;
}

/* Those that are not among the active devices that were found are only looked for when there are more of these. */
static enum bf_status add_signed_in(struct bf__batch *b, struct person *p, const struct bf_page *active, struct bf_error *e)
{
    struct bf_uuid *ids;
    struct bf_doc *devices[BF__DEVICES_MAX];
    unsigned n = 0;
    bool is_all = active->next.n == 0;
    enum bf_status status = bf_access_installations(b->push->api.access, b->tenant, p->id, b->arena, &ids, &n, e);
    n = n > BF__DEVICES_MAX ? BF__DEVICES_MAX : n;
    if (status == BF_OK && !is_all)
        status = bf_store_get_many(b->push->ctx->store, &bf_devices, b->tenant, ids, n, b->arena, devices, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++)
        add_device(p, is_all ? find_in(active, ids[i]) : devices[i], /* signed_out= */ false);
    return status;
}

/* Those first on which the person is signed in, so that they are told however many others there were over the years; of those the first are on record
 * as skipped. */
static enum bf_status read_person(struct bf__batch *b, struct person *p, struct bf_error *e)
{
    struct bf_page active = {.n = 0};
    enum bf_status status = find_active(b, p->id, &active, e);
    if (status == BF_OK)
        status = add_signed_in(b, p, &active, e);
    for (unsigned i = 0; status == BF_OK && i < active.n; i++)
        add_device(p, active.docs[i], /* signed_out= */ true);
    return status;
}

/* ---- where else ---- */

/* The mailbox is a place of its own, whatever the address is. */
static struct bf_uuid mailbox_of(struct bf_uuid user)
{
    static const char what[] = "mail";
    uint8_t name[sizeof user + sizeof what];
    memcpy(name, &user, sizeof user);
    memcpy(name + sizeof user, what, sizeof what);
    return bf_uuid_from_name(name, sizeof name);
}

static bool is_account_active(const struct person *p)
{
    return p->user != NULL && !p->user->tombstone && bf_get_enum(&p->user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE;
}

static const struct bf_object *preferences_of(const struct person *p)
{
    return p->preferences == NULL || p->preferences->tombstone ? NULL : &p->preferences->object;
}

/* A kind that this build does not know is told by push. */
static bool wants(const struct person *p, int kind, enum bf_ways_row way)
{
    int role = p->user == NULL ? BF_ROLE_IS_REP : bf_get_enum(&p->user->object, BF_USER_ROLE);
    return kind < 0 ? way == BF_WAYS_PUSH : bf_preference_wants(preferences_of(p), role, kind, way);
}

static void add_devices(struct bf__delivery *d, const struct person *p, int kind)
{
    bool wanted = wants(p, kind, BF_WAYS_PUSH);
    for (unsigned i = 0; i < p->n; i++)
        d->targets[d->n++] = (struct bf__target){.of = d,
                                                 .way = BF__WEBPUSH,
                                                 .place = p->devices[i].doc->id,
                                                 .record = p->devices[i].doc,
                                                 .skip = p->devices[i].signed_out ? BF__CAUSE_SIGNED_OUT : wanted ? NULL : BF__CAUSE_UNWANTED};
}

static void add_mailbox(struct bf__delivery *d, const struct person *p, int kind)
{
    struct bf_str email = bf_get_str(&p->user->object, BF_USER_EMAIL);
    if (d->push->ways[BF__SMTP] != NULL && wants(p, kind, BF_WAYS_MAIL) && bf_preference_mail_goes(preferences_of(p), email))
        d->targets[d->n++] = (struct bf__target){.of = d, .way = BF__SMTP, .place = mailbox_of(p->id), .record = p->user};
}

static bool carries(const struct bf_object *channel, struct bf_uuid user, int kind)
{
    struct bf_array kinds = bf_get_array(channel, BF_CHANNEL_TARGET_KINDS);
    struct bf_uuid of = bf_get_uuid(channel, BF_CHANNEL_TARGET_USER);
    bool is_among = false;
    for (unsigned i = 0; i < kinds.n; i++)
        is_among = is_among || kinds.items[i].i == kind;
    return is_among && bf_uuid_eq(&of, &user);
}

static void add_channels(struct bf__delivery *d, const struct person *p, int kind, const struct bf_page *channels)
{
    unsigned room = BF__CHANNELS_OF_PERSON;
    for (unsigned i = 0; i < channels->n && room > 0; i++) {
        const struct bf_doc *channel = channels->docs[i];
        if (!carries(&channel->object, p->id, kind))
            continue;
        bool robot = bf_get_enum(&channel->object, BF_CHANNEL_TARGET_KIND) == BF_CHANNEL_KIND_IS_WECOM;
        d->targets[d->n++] = (struct bf__target){.of = d, .way = robot ? BF__WECOM : BF__WEBHOOK, .place = channel->id, .record = channel};
        room--;
    }
}

static void set_targets(struct bf__delivery *d, const struct person *p, const struct bf_page *channels)
{
    int kind = bf_get_enum(&d->notification->object, BF_NOTIFICATION_KIND);
    unsigned others = channels->n < BF__CHANNELS_OF_PERSON ? channels->n : BF__CHANNELS_OF_PERSON;
    d->targets = bf_arena_calloc(d->arena, p->n + 1 + others, sizeof *d->targets);
    add_devices(d, p, kind);
    if (!is_account_active(p))
        return;
    d->english = bf_get_enum(&p->user->object, BF_USER_LANG) == BF_LANG_IS_EN;
    add_mailbox(d, p, kind);
    add_channels(d, p, kind, channels);
}

/* ---- all of a batch ---- */

static enum bf_status find_channels(struct bf__batch *b, struct bf_page *ret, struct bf_error *e)
{
    struct bf_value active = {.type = BF_T_ENUM, .i = BF_PUSH_STATE_IS_ACTIVE};
    struct bf_cond cond = {.row = BF_CHANNEL_TARGET_STATE, .op = BF_EQ, .values = &active, .n = 1};
    struct bf_query query = {.coll = &bf_channel_targets,
                             .tenant = b->tenant,
                             .conds = &cond,
                             .n_conds = 1,
                             .index = &bf_channel_targets_by_state,
                             .limit = BF__CHANNELS_OF_TENANT};
    return bf_store_find(b->push->ctx->store, &query, b->arena, ret, e);
}

static struct person *person_of(struct person *people, unsigned n, struct bf_uuid id)
{
    struct person *p = people;
    while (p < people + n && !bf_uuid_eq(&p->id, &id))
        p++;
    return p;
}

/* Each one's account and preferences, then the devices. */
static enum bf_status read_people(struct bf__batch *b, struct person *people, unsigned n, struct bf_error *e)
{
    struct bf_store *store = b->push->ctx->store;
    struct bf_uuid *ids = bf_arena_calloc(b->arena, n, sizeof *ids);
    struct bf_doc **users = bf_arena_calloc(b->arena, n, sizeof(struct bf_doc *));
    struct bf_doc **preferences = bf_arena_calloc(b->arena, n, sizeof(struct bf_doc *));
    for (unsigned i = 0; i < n; i++)
        ids[i] = people[i].id;
    enum bf_status status = bf__get_all(store, &bf_users, b->tenant, ids, n, b->arena, users, e);
    if (status == BF_OK)
        status = bf__get_all(store, &bf_preferences, b->tenant, ids, n, b->arena, preferences, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        people[i].user = users[i];
        people[i].preferences = preferences[i];
        status = read_person(b, &people[i], e);
    }
    return status;
}

static enum bf_status find_places(struct bf__batch *b, struct bf_error *e)
{
    struct person *people = bf_arena_calloc(b->arena, b->n, sizeof *people);
    struct bf_page channels = {.n = 0};
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        struct person *p = person_of(people, n, b->of[i]->person);
        if (p == people + n)
            people[n++].id = b->of[i]->person;
    }
    enum bf_status status = n == 0 ? BF_OK : find_channels(b, &channels, e);
    if (status == BF_OK && n > 0)
        status = read_people(b, people, n, e);
    for (unsigned i = 0; status == BF_OK && i < b->n; i++) {
        struct person *p = person_of(people, n, b->of[i]->person);
        set_targets(b->of[i], p, &channels);
        if (b->of[i]->n > 0 && !p->is_tidy)
            status = bf__attempts_forget(b->push->ctx->store, b->tenant, p->id, b->of[i]->now_ms, b->arena, e);
        p->is_tidy = p->is_tidy || b->of[i]->n > 0;
    }
    return status;
}

/* ---- attempts ---- */

/* Leaves those whose attempt was settled by an earlier run; the others get a record, and keep what is needed when the answers come. */
static void keep_open(struct bf__delivery *d, struct bf_doc *const *attempts)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < d->n; i++) {
        const struct bf_doc *before = attempts[i];
        if (bf__attempt_is_settled(before))
            continue;
        struct bf__target *t = &d->targets[kept++];
        *t = d->targets[i];
        t->record = bf_doc_copy(d->arena, t->record);
        t->attempt = before != NULL ? bf_doc_copy(d->arena, before) : bf__attempt_create(d->arena, d->notification, t->place, t->way);
        t->rev = before != NULL ? before->rev : 0;
    }
    d->n = kept;
}

static enum bf_status find_attempts(struct bf__batch *b, struct bf_error *e)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++)
        n += b->of[i]->n;
    struct bf_uuid *ids = bf_arena_calloc(b->arena, n, sizeof *ids);
    struct bf_doc **attempts = bf_arena_calloc(b->arena, n, sizeof(struct bf_doc *));
    n = 0;
    for (unsigned i = 0; i < b->n; i++)
        for (unsigned k = 0; k < b->of[i]->n; k++)
            ids[n++] = bf__attempt_id(b->tenant, b->of[i]->notification->id, b->of[i]->targets[k].place);
    enum bf_status status = bf__get_all(b->push->ctx->store, &bf__attempts, b->tenant, ids, n, b->arena, attempts, e);
    for (unsigned i = 0; status == BF_OK && i < b->n; i++) {
        unsigned of_this = b->of[i]->n;
        keep_open(b->of[i], attempts);
        attempts += of_this;
    }
    return status;
}

/* ---- is it still worth telling? ---- */

/* What was done, cancelled or put off meanwhile needs no reminder any more; put off, it has a notification of its own by then. The latest of the rest
 * says when it should have been told. */
static void judge_need(struct bf__delivery *d, struct bf_doc *const *reminders, unsigned n)
{
    int64_t created_at = bf_get_int(&d->notification->object, BF_NOTIFICATION_CREATED_AT);
    d->needed = n == 0;
    d->due = (struct bf__due){.tenant = d->notification->tenant, .user = d->person, .send_at = n == 0 ? created_at : 0};
    for (unsigned i = 0; i < n; i++) {
        const struct bf_object *o = reminders[i] == NULL ? NULL : &reminders[i]->object;
        if (o == NULL || bf_get_enum(o, BF_REMINDER_STATE) != BF_REMINDER_STATE_IS_SENT || bf_get_int(o, BF_REMINDER_SENT_AT) != created_at)
            continue;
        int64_t send_at = bf_get_int(o, BF_REMINDER_SEND_AT);
        d->due.send_at = send_at > d->due.send_at ? send_at : d->due.send_at;
        d->due.wake = d->due.wake || bf_get_bool(o, BF_REMINDER_WAKE);
        d->needed = true;
    }
}

static struct bf_array reminders_of(const struct bf__delivery *d) { return bf_get_array(&d->notification->object, BF_NOTIFICATION_REMINDERS); }

static enum bf_status find_reminders(struct bf__batch *b, struct bf_error *e)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++)
        n += reminders_of(b->of[i]).n;
    struct bf_uuid *ids = bf_arena_calloc(b->arena, n, sizeof *ids);
    struct bf_doc **reminders = bf_arena_calloc(b->arena, n, sizeof(struct bf_doc *));
    n = 0;
    for (unsigned i = 0; i < b->n; i++)
        for (unsigned k = 0; k < reminders_of(b->of[i]).n; k++)
            ids[n++] = reminders_of(b->of[i]).items[k].uuid;
    enum bf_status status = bf__get_all(b->push->ctx->store, &bf_reminders, b->tenant, ids, n, b->arena, reminders, e);
    for (unsigned i = 0; status == BF_OK && i < b->n; i++) {
        judge_need(b->of[i], reminders, reminders_of(b->of[i]).n);
        reminders += reminders_of(b->of[i]).n;
    }
    return status;
}

enum bf_status bf__targets_find(struct bf__batch *batch, struct bf_error *e)
{
    enum bf_status status = find_places(batch, e);
    if (status == BF_OK)
        status = find_attempts(batch, e);
    return status == BF_OK ? find_reminders(batch, e) : status;
}

/* ---- records ---- */

unsigned bf__targets_changed(struct bf__delivery *d, struct bf_write *writes, struct bf__target **of)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->n; i++) {
        struct bf__target *t = &d->targets[i];
        if (!t->changed)
            continue;
        t->changed = false;
        if (of != NULL)
            of[n] = t;
        writes[n++] = (struct bf_write){
            .kind = t->rev == 0 ? BF_W_INSERT : BF_W_REPLACE, .coll = &bf__attempts, .doc = t->attempt, .rev = t->rev};
    }
    return n;
}
