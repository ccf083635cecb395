/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/lease.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/thread.h"
#include "storage/internal.h"
#include <assert.h>

enum { LEASE_MS = 5000, RENEW_MS = 1500, LOOK_MS = 500 };

enum row { LEASE_NAME, LEASE_HOLDER, LEASE_ROWS };

static const struct bf_field fields[LEASE_ROWS] = {
    [LEASE_NAME] = BF_FIELD("name", STRING, BF_F_SERVER, 0, 40, NORMAL, "名称", "Name"),
    [LEASE_HOLDER] = BF_FIELD("holder", UUID, BF_F_SERVER, 0, 0, NORMAL, "持有者", "Holder"),
};
static const struct bf_schema schema = {.name = "follower_lease", .zh = "消费者租约", .en = "Lease of a consumer", .version = 1, .fields = fields, .n_fields = LEASE_ROWS};
const struct bf_collection bf__coll_leases = {
    .name = "follower_leases", .schema = &schema, .cls = BF_SYSTEM_COLLECTION, .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE};

static const struct bf_uuid nobody;

static bool is_alone(const struct bf__leases *l) { return l->store->driver->vt->one_transaction; }

void bf__leases_init(struct bf__leases *l, struct bf_store *store)
{
    *l = (struct bf__leases){.store = store, .look_ms = is_alone(&(struct bf__leases){.store = store}) ? INT64_MAX : 0};
    bf_random(store->env, &l->self, sizeof l->self);
}

void bf__leases_add(struct bf__leases *l, const char *name)
{
    assert(l->n < BF__LEASES_MAX && strlen(name) <= 40);
    l->of[l->n++] = (struct bf__lease){.name = name, .until_ms = is_alone(l) ? INT64_MAX : 0};
}

bool bf__lease_is_held(const struct bf__leases *l, unsigned number)
{
    assert(number < l->n);
    return l->of[number].until_ms == INT64_MAX || bf_real_ms() < l->of[number].until_ms;
}

/* ---- reading and writing them ---- */

static struct bf_uuid id_of(const struct bf__lease *lease) { return bf_uuid_from_name(lease->name, strlen(lease->name)); }

static struct bf_write hold(const struct bf__lease *lease, const struct bf_doc *stored, struct bf_uuid holder, struct bf_arena *arena)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, nobody, id_of(lease));
    bf_set_str(&doc->object, LEASE_NAME, bf_strz(lease->name));
    bf_set_uuid(&doc->object, LEASE_HOLDER, holder);
    return (struct bf_write){
        .kind = stored == NULL ? BF_W_INSERT : BF_W_REPLACE, .coll = &bf__coll_leases, .doc = doc, .rev = stored == NULL ? 0 : stored->rev};
}

static enum bf_status read_all(const struct bf__leases *l, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    struct bf_uuid ids[BF__LEASES_MAX];
    for (unsigned i = 0; i < l->n; i++)
        ids[i] = id_of(&l->of[i]);
    return bf_store_get_many(l->store, &bf__coll_leases, nobody, ids, l->n, arena, ret, e);
}

static struct bf_uuid holder_of(const struct bf_doc *doc) { return doc == NULL ? nobody : bf_get_uuid(&doc->object, LEASE_HOLDER); }

static bool is_own(const struct bf__leases *l, const struct bf_doc *doc)
{
    struct bf_uuid holder = holder_of(doc);
    return bf_uuid_eq(&holder, &l->self);
}

/* Another's is watched until it stands still for too long. */
static bool is_to_be_written(const struct bf__leases *l, struct bf__lease *lease, const struct bf_doc *doc, int64_t now)
{
    struct bf_uuid holder = holder_of(doc);
    if (is_own(l, doc))
        return lease->until_ms == 0 || lease->renew_ms <= now;
    lease->until_ms = 0;
    if (bf_uuid_is_zero(&holder))
        return true;
    if (lease->seen_rev != doc->rev) {
        lease->seen_rev = doc->rev;
        lease->seen_ms = now;
    }
    return now - lease->seen_ms >= LEASE_MS;
}

/* ---- tending them ---- */

struct tending {
    struct bf_write writes[BF__LEASES_MAX];
    enum bf_status rets[BF__LEASES_MAX];
    unsigned of[BF__LEASES_MAX], n;
};

static enum bf_status look(struct bf__leases *l, struct tending *t, int64_t now, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *docs[BF__LEASES_MAX];
    enum bf_status status = read_all(l, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < l->n; i++) {
        if (!is_to_be_written(l, &l->of[i], docs[i], now))
            continue;
        t->of[t->n] = i;
        t->writes[t->n++] = hold(&l->of[i], docs[i], l->self, arena);
    }
    return status;
}

/* `now`: from before the documents were read. What has no clear answer is looked at again. */
static unsigned take(struct bf__leases *l, const struct tending *t, int64_t now)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < t->n; i++) {
        struct bf__lease *lease = &l->of[t->of[i]];
        bool done = t->rets[i] == BF_OK;
        if (done && lease->until_ms == 0)
            taken |= 1U << t->of[i];
        lease->until_ms = done ? now + LEASE_MS : 0; /* another was faster */
        lease->renew_ms = now + RENEW_MS;
    }
    return taken;
}

static int64_t next_look(const struct bf__leases *l, int64_t now)
{
    int64_t at = INT64_MAX;
    for (unsigned i = 0; i < l->n; i++) {
        int64_t due = l->of[i].until_ms == 0 || l->of[i].renew_ms <= now ? now + LOOK_MS : l->of[i].renew_ms;
        at = due < at ? due : at;
    }
    return at;
}

unsigned bf__leases_tend(struct bf__leases *l)
{
    struct tending t = {.n = 0};
    struct bf_error e = {0};
    int64_t now = bf_real_ms();
    unsigned taken = 0;
    if (now < l->look_ms)
        return 0;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = look(l, &t, now, arena, &e);
    if (status == BF_OK && t.n > 0)
        status = bf_store_write(l->store, t.writes, t.n, t.rets, &e);
    if (status == BF_OK)
        taken = take(l, &t, now);
    else
        bf_log_error(l->store->env, BF_LOG_WARN, "follower.lease", &e);
    l->look_ms = next_look(l, now);
    bf_arena_destroy(&arena);
    return taken;
}

void bf__leases_release(struct bf__leases *l)
{
    struct bf_doc *docs[BF__LEASES_MAX];
    struct tending t = {.n = 0};
    struct bf_error e = {0};
    if (is_alone(l))
        return;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = read_all(l, arena, docs, &e);
    for (unsigned i = 0; status == BF_OK && i < l->n; i++)
        if (is_own(l, docs[i]))
            t.writes[t.n++] = hold(&l->of[i], docs[i], nobody, arena);
    if (status == BF_OK && t.n > 0)
        status = bf_store_write(l->store, t.writes, t.n, t.rets, &e);
    if (status != BF_OK)
        bf_log_error(l->store->env, BF_LOG_WARN, "follower.lease", &e);
    for (unsigned i = 0; i < l->n; i++)
        l->of[i].until_ms = 0;
    bf_arena_destroy(&arena);
}
