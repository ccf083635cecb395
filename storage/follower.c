/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log follower: hands every entry to every consumer, in order, at least once.
 *
 * One lane per (consumer, tenant): the next entry to hand over, how far the tenant's log is known to go, and when to try again after a
 * failure. The committer's watch tells the heads; the thread sleeps until it does, until a pause is over, or until a cursor is to be saved.
 * Cursors are saved when a lane has moved far or a while ago, and at the end: what a crash takes back is handed over again, which consumers
 * bear (job ids are deterministic).
 *
 * Where other processes follow the same log, a consumer is served by the one that holds its lease (storage/lease.h). Who takes it goes on from the
 * cursors. A cursor is written only where it is as it was read, so that it never goes back: who finds it changed reads it again, and goes on from
 * whichever is further on, since what either has handed over was handed over.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/thread.h"
#include "storage/committer.h"
#include "storage/jobs.h"
#include "storage/lease.h"
#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <uthash.h>

enum { CONSUMERS_MAX = BF__LEASES_MAX, DOCS_MAX = 32, READ_LIMIT = 64, SAVE_ENTRIES = 512, SAVE_MS = 500, PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 10000, GATHER_MS = 5 };

/* ---- cursors ---- */

enum row { CUR_CONSUMER, CUR_TENANT, CUR_N, CUR_ROWS };

static const struct bf_field fields[CUR_ROWS] = {
    [CUR_CONSUMER] = BF_FIELD("consumer", STRING, BF_F_SERVER, 0, 40, NORMAL, "消费者", "Consumer"),
    [CUR_TENANT] = BF_FIELD("tenant", UUID, BF_F_SERVER, 0, 0, NORMAL, "公司", "Tenant"),
    [CUR_N] = BF_FIELD("n", INT, BF_F_SERVER, 0, 0, NORMAL, "日志序号", "Log entry"),
};
static const struct bf_schema schema = {
    .name = "cursor", .zh = "游标", .en = "Cursor", .version = 1, .fields = fields, .n_fields = CUR_ROWS};
const struct bf_collection bf__coll_cursors = {
    .name = "cursors", .schema = &schema, .cls = BF_SYSTEM_COLLECTION, .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE};

struct bf_uuid bf__cursor_id(const char *consumer, struct bf_uuid tenant)
{
    char name[16 + 40];
    size_t n = strlen(consumer);
    assert(n <= 40);
    memcpy(name, tenant.b, 16);
    memcpy(name + 16, consumer, n);
    return bf_uuid_from_name(name, 16 + n);
}

/* ---- lanes ---- */

struct lane {
    int64_t passed; /* handed over; read by bf_follower_passed, so written under the lock */
    int64_t saved, rev; /* the cursor as it was read or written last; rev 0: there is none */
    int64_t save_at_ms;             /* while it passed more than is saved; monotonic */
    int64_t pause_ms, resume_at_ms; /* after a failure; monotonic */
    bool loaded;
};

struct tenant {
    struct bf_uuid id;
    int64_t head; /* under the lock */
    UT_hash_handle hh;
    struct lane lanes[CONSUMERS_MAX]; /* by consumer */
    int64_t passed, passed_ms; /* every cursor of the installation was durable there since then: see forget_jobs */
};

struct bf_follower {
    const struct bf_env *env;
    struct bf_store *store;
    struct bf_consumer consumers[CONSUMERS_MAX];
    unsigned n_consumers;
    const struct bf_collection *docs[DOCS_MAX]; /* of all consumers */
    unsigned n_docs;
    const char *names[BF_CONSUMERS_MAX]; /* of the installation's consumers */
    unsigned n_names;
    struct bf__leases leases; /* by consumer */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tenant *tenants; /* one per tenant of the store; rows are added, never removed */
    bool rung, stopping;
};

static struct tenant *tenant_row(struct bf_follower *f, struct bf_uuid id)
{
    struct tenant *t;
    HASH_FIND(hh, f->tenants, &id, sizeof id, t);
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            abort();
        t->id = id;
        HASH_ADD(hh, f->tenants, id, sizeof t->id, t);
    }
    return t;
}

static void woken(void *ctx, struct bf_uuid tenant, int64_t n)
{
    struct bf_follower *f = ctx;
    pthread_mutex_lock(&f->lock);
    struct tenant *t = tenant_row(f, tenant);
    if (n > t->head)
        t->head = n;
    if (!f->rung)
        pthread_cond_signal(&f->wake);
    f->rung = true;
    pthread_mutex_unlock(&f->lock);
}

static void pass(struct bf_follower *f, struct lane *lane, int64_t n)
{
    pthread_mutex_lock(&f->lock);
    lane->passed = n;
    pthread_mutex_unlock(&f->lock);
}

static void fail_lane(struct bf_follower *f, unsigned consumer, struct lane *lane, const struct bf_error *e)
{
    lane->pause_ms = lane->pause_ms == 0 ? PAUSE_MIN_MS : lane->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : lane->pause_ms * 2;
    lane->resume_at_ms = bf_real_ms() + lane->pause_ms;
    bf_log(f->env, BF_LOG_WARN, "follower.retry", "a log entry could not be handed over", BF_L_STR("consumer", f->consumers[consumer].name),
           BF_L_INT("n", lane->passed + 1), BF_L_STR("code", bf_status_code(e->status)), BF_L_STR("cause", e->cause), BF_L_END);
}

/* ---- saving ---- */

static enum bf_status load_lane(struct bf_follower *f, const struct tenant *t, unsigned consumer, struct lane *lane, struct bf_error *e)
{
    struct bf_doc *doc = NULL;
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid none = {{0}}, id = bf__cursor_id(f->consumers[consumer].name, t->id);
    enum bf_status status = bf_store_get(f->store, &bf__coll_cursors, none, id, arena, &doc, e);
    if (status == BF_OK) {
        lane->saved = doc == NULL ? 0 : bf_get_int(&doc->object, CUR_N);
        lane->rev = doc == NULL ? 0 : doc->rev;
        lane->loaded = true;
        if (lane->saved > lane->passed)
            pass(f, lane, lane->saved);
        lane->save_at_ms = bf_real_ms(); /* of what was handed over before another wrote the cursor */
    }
    bf_arena_destroy(&arena);
    return status;
}

/* How far every cursor of the installation is durable. */
static enum bf_status least_cursor(const struct bf_follower *f, const struct tenant *t, int64_t *ret)
{
    struct bf_uuid ids[BF_CONSUMERS_MAX], none = {{0}};
    struct bf_doc *docs[BF_CONSUMERS_MAX];
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < f->n_names; i++)
        ids[i] = bf__cursor_id(f->names[i], t->id);
    enum bf_status status = bf_store_get_many(f->store, &bf__coll_cursors, none, ids, f->n_names, arena, docs, NULL);
    *ret = INT64_MAX;
    for (unsigned i = 0; i < f->n_names && status == BF_OK; i++) {
        int64_t n = docs[i] == NULL ? 0 : bf_get_int(&docs[i]->object, CUR_N);
        *ret = n < *ret ? n : *ret;
    }
    bf_arena_destroy(&arena);
    return status;
}

/*
 * Done jobs are dropped up to where every cursor is durable; the cursors of other processes' consumers count as well, since an entry that comes again
 * shall find the job done. Where others write, only what has been so for a while: one of them may have been stopped in the middle of a step.
 */
static void forget_jobs(const struct bf_follower *f, struct tenant *t)
{
    int64_t least, now = bf_real_ms(), keep_ms = f->store->heads == NULL ? 0 : f->store->config.keep_done_ms;
    if (least_cursor(f, t, &least) != BF_OK || (t->passed > 0 && now - t->passed_ms < keep_ms))
        return;
    int64_t n = keep_ms == 0 ? least : t->passed;
    if (n > 0)
        bf__jobs_forget(f->store, t->id, n, NULL);
    t->passed = least;
    t->passed_ms = now;
}

static enum bf_status write_cursor(const struct bf_follower *f, const struct tenant *t, unsigned consumer, const struct lane *lane, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid none = {{0}};
    struct bf_doc *doc = bf_doc_create(arena, &schema, none, bf__cursor_id(f->consumers[consumer].name, t->id));
    bf_set_str(&doc->object, CUR_CONSUMER, bf_strz(f->consumers[consumer].name));
    bf_set_uuid(&doc->object, CUR_TENANT, t->id);
    bf_set_int(&doc->object, CUR_N, lane->passed);
    struct bf_write w = {.kind = lane->rev == 0 ? BF_W_INSERT : BF_W_REPLACE, .coll = &bf__coll_cursors, .doc = doc, .rev = lane->rev};
    enum bf_status status = bf_store_write_behind(f->store, &w, 1, NULL, e);
    bf_arena_destroy(&arena);
    return status;
}

static void save_lane(struct bf_follower *f, struct tenant *t, unsigned consumer, struct lane *lane)
{
    struct bf_error e = {0};
    enum bf_status status = write_cursor(f, t, consumer, lane, &e);
    if (status == BF_OK) {
        lane->saved = lane->passed;
        lane->rev++;
        forget_jobs(f, t);
    } else if (bf__is_own_answer(status)) {
        lane->loaded = false; /* another wrote it */
    } else {
        lane->save_at_ms = bf_real_ms() + PAUSE_MAX_MS;
        bf_log_error(f->env, BF_LOG_WARN, "follower.cursor", &e);
    }
}

/* ---- handing over ---- */

/* What was read of a tenant's log for one consumer; the others mostly stand at the same place, and take it from here. */
struct piece {
    struct bf_arena *arena;
    int64_t after;
    struct bf_log_entry *entries;
    unsigned n;
};

static unsigned count_docs(const struct bf_consumer *consumer)
{
    unsigned n = 0;
    while (consumer->docs != NULL && consumer->docs[n] != NULL)
        n++;
    return n;
}

/* An after-image that cannot be read stops the consumers that look at it, and no other: they read for themselves. */
static enum bf_status read_piece(struct bf_follower *f, const struct tenant *t, unsigned consumer, int64_t after, struct piece *ret,
                                 struct bf_error *e)
{
    const struct bf_consumer *c = &f->consumers[consumer];
    bf_arena_reset(ret->arena);
    ret->n = 0;
    ret->after = after;
    enum bf_status status = bf__log_read_some(f->store, t->id, after, READ_LIMIT, f->docs, f->n_docs, ret->arena, &ret->entries, &ret->n, NULL);
    if (status == BF_OK)
        return BF_OK;
    ret->after = -1;
    return bf__log_read_some(f->store, t->id, after, READ_LIMIT, c->docs, count_docs(c), ret->arena, &ret->entries, &ret->n, e);
}

static enum bf_status consume(struct bf_follower *f, const struct tenant *t, unsigned consumer, struct lane *lane, struct piece *piece,
                              struct bf_error *e)
{
    const struct bf_consumer *to = &f->consumers[consumer];
    enum bf_status status = piece->after == lane->passed ? BF_OK : read_piece(f, t, consumer, lane->passed, piece, e);
    if (status == BF_OK && piece->n == 0)
        status = bf_fail(e, BF_E_CORRUPT, "the log has a hole");
    for (unsigned i = 0; i < piece->n && status == BF_OK && bf__lease_is_held(&f->leases, consumer); i++) {
        struct bf_arena *scratch = bf_arena_create();
        status = to->consume(to->ctx, t->id, &piece->entries[i], scratch, e);
        bf_arena_destroy(&scratch);
        if (status != BF_OK)
            break;
        if (lane->saved == lane->passed)
            lane->save_at_ms = bf_real_ms() + SAVE_MS;
        pass(f, lane, piece->entries[i].n);
        lane->pause_ms = 0;
        if (lane->passed - lane->saved == SAVE_ENTRIES)
            lane->save_at_ms = bf_real_ms();
    }
    return status;
}

/* True when there is more to hand over at once. */
static bool hand_over(struct bf_follower *f, struct tenant *t, unsigned consumer, int64_t head, struct piece *piece)
{
    struct lane *lane = &t->lanes[consumer];
    struct bf_error e = {0};
    enum bf_status status = BF_OK;
    if (!lane->loaded)
        status = load_lane(f, t, consumer, lane, &e);
    if (status == BF_OK && lane->passed < head)
        status = consume(f, t, consumer, lane, piece, &e);
    if (status != BF_OK) {
        e.status = status;
        fail_lane(f, consumer, lane, &e);
    }
    return status == BF_OK && lane->passed < head;
}

static bool is_save_due(const struct lane *lane, int64_t now) { return lane->loaded && lane->passed > lane->saved && lane->save_at_ms <= now; }

/* One step of a lane: true when there is more to do at once. What was handed over is saved in a pause too. */
static bool step(struct bf_follower *f, struct tenant *t, unsigned consumer, int64_t head, struct piece *piece)
{
    struct lane *lane = &t->lanes[consumer];
    int64_t now = bf_real_ms();
    if (is_save_due(lane, now))
        save_lane(f, t, consumer, lane);
    return lane->resume_at_ms <= now && hand_over(f, t, consumer, head, piece);
}

/* When the thread must look again although nobody rings: INT64_MAX, or the end of a pause or a cursor's time to be saved. */
static int64_t next_look(const struct lane *lane, int64_t head)
{
    int64_t at = INT64_MAX;
    if (lane->resume_at_ms > 0 && (!lane->loaded || lane->passed < head))
        at = lane->resume_at_ms;
    if (lane->passed > lane->saved && lane->save_at_ms < at)
        at = lane->save_at_ms;
    return at;
}

struct round {
    struct tenant *t;
    bool again, stopping;
    int64_t look_at_ms;
};

static struct tenant *next_tenant(struct bf_follower *f, struct tenant *t, int64_t *ret_head, bool *ret_stopping)
{
    pthread_mutex_lock(&f->lock);
    t = t == NULL ? f->tenants : t->hh.next;
    *ret_head = t == NULL ? 0 : t->head;
    *ret_stopping = f->stopping;
    pthread_mutex_unlock(&f->lock);
    return t;
}

static void step_tenant(struct bf_follower *f, struct round *r, int64_t head)
{
    struct piece piece = {.arena = bf_arena_create(), .after = -1};
    for (unsigned i = 0; i < f->n_consumers; i++) {
        if (!bf__lease_is_held(&f->leases, i))
            continue;
        r->again |= step(f, r->t, i, head, &piece);
        int64_t at = next_look(&r->t->lanes[i], head);
        if (at < r->look_at_ms)
            r->look_at_ms = at;
    }
    bf_arena_destroy(&piece.arena);
}

/* Who has a consumer anew goes on from where the other left its cursors. */
static void tend_leases(struct bf_follower *f)
{
    int64_t head;
    bool stopping;
    unsigned taken = bf__leases_tend(&f->leases);
    if (taken == 0)
        return;
    for (struct tenant *t = next_tenant(f, NULL, &head, &stopping); t != NULL; t = next_tenant(f, t, &head, &stopping))
        for (unsigned i = 0; i < f->n_consumers; i++)
            if ((taken >> i & 1) != 0)
                t->lanes[i].loaded = false;
}

/* One step of each lane, so that no consumer and no tenant starves another. */
static void run_round(struct bf_follower *f, struct round *r)
{
    int64_t head;
    r->again = false;
    r->look_at_ms = INT64_MAX;
    tend_leases(f);
    for (r->t = next_tenant(f, NULL, &head, &r->stopping); r->t != NULL && !r->stopping; r->t = next_tenant(f, r->t, &head, &r->stopping)) {
        step_tenant(f, r, head);
        tend_leases(f);
    }
    if (f->leases.look_ms < r->look_at_ms)
        r->look_at_ms = f->leases.look_ms;
}

/*
 * False when it is time to stop. Who is rung waits a moment more: what is committed meanwhile is handed over together, and the jobs that come of it find
 * other writers to share a transaction with, instead of the empty queue right behind a group.
 */
static bool sleep_until(struct bf_follower *f, int64_t at_ms)
{
    struct timespec at = bf_real_moment(at_ms);
    int rc = 0;
    pthread_mutex_lock(&f->lock);
    while (!f->rung && !f->stopping && rc == 0)
        rc = at_ms == INT64_MAX ? pthread_cond_wait(&f->wake, &f->lock) : pthread_cond_timedwait(&f->wake, &f->lock, &at);
    at = bf_real_moment(bf_real_ms() + GATHER_MS);
    for (rc = 0; f->rung && !f->stopping && rc == 0;)
        rc = pthread_cond_timedwait(&f->wake, &f->lock, &at);
    f->rung = false;
    bool go_on = !f->stopping;
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

static void save_all(struct bf_follower *f)
{
    int64_t head;
    bool stopping;
    for (struct tenant *t = next_tenant(f, NULL, &head, &stopping); t != NULL; t = next_tenant(f, t, &head, &stopping))
        for (unsigned i = 0; i < f->n_consumers; i++)
            if (t->lanes[i].loaded && t->lanes[i].passed > t->lanes[i].saved && bf__lease_is_held(&f->leases, i))
                save_lane(f, t, i, &t->lanes[i]);
}

static void *follower_main(void *arg)
{
    struct bf_follower *f = arg;
    struct round r = {0};
    bool go_on = true;
    while (go_on) {
        run_round(f, &r);
        go_on = r.again && !r.stopping ? true : sleep_until(f, r.look_at_ms);
    }
    save_all(f);
    bf__leases_release(&f->leases);
    return NULL;
}

/* ---- starting and stopping ---- */

static enum bf_status learn_heads(struct bf_follower *f, struct bf_error *e)
{
    struct bf_uuid *ids;
    unsigned n;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_log_tenants(f->store, arena, &ids, &n, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        int64_t head;
        status = bf_log_head(f->store, ids[i], &head, e);
        if (status == BF_OK)
            woken(f, ids[i], head);
    }
    bf_arena_destroy(&arena);
    return status;
}

static void finish(struct bf_follower *f)
{
    struct tenant *t, *next;
    bf_log_unwatch(f->store, f);
    HASH_ITER(hh, f->tenants, t, next) {
        HASH_DEL(f->tenants, t);
        free(t);
    }
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void take_consumers(struct bf_follower *f, const struct bf_consumer *consumers, unsigned n)
{
    assert(n <= CONSUMERS_MAX);
    f->n_consumers = n;
    for (unsigned i = 0; i < n; i++) {
        unsigned n_docs = count_docs(&consumers[i]);
        f->consumers[i] = consumers[i];
        bf__leases_add(&f->leases, consumers[i].name);
        assert(f->n_docs + n_docs <= DOCS_MAX);
        for (unsigned k = 0; k < n_docs; k++)
            f->docs[f->n_docs++] = consumers[i].docs[k];
    }
}

static bool is_named(const struct bf_follower *f, const char *name)
{
    for (unsigned i = 0; i < f->n_names; i++)
        if (strcmp(f->names[i], name) == 0)
            return true;
    return false;
}

static void take_names(struct bf_follower *f)
{
    const struct bf_store *store = f->store;
    f->n_names = store->n_consumers > 0 ? store->n_consumers : f->n_consumers;
    for (unsigned i = 0; i < f->n_names; i++)
        f->names[i] = store->n_consumers > 0 ? store->consumers[i] : f->consumers[i].name;
    for (unsigned i = 0; i < f->n_consumers; i++)
        assert(is_named(f, f->consumers[i].name));
}

static enum bf_status start_thread(struct bf_follower *f, struct bf_error *e)
{
    int failed = bf_thread_start(&f->thread, "follower", follower_main, f);
    return failed == 0 ? BF_OK : bf_fail_errno(e, BF_E_INTERNAL, failed, "starting the log follower");
}

enum bf_status bf_follower_start(const struct bf_env *env, struct bf_store *store, const struct bf_consumer *consumers, unsigned n,
                                 struct bf_follower **ret, struct bf_error *e)
{
    struct bf_follower *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->env = env;
    f->store = store;
    bf__leases_init(&f->leases, store);
    take_consumers(f, consumers, n);
    take_names(f);
    pthread_mutex_init(&f->lock, NULL);
    bf_real_cond_init(&f->wake);
    bf_log_watch(store, woken, f); /* first, so that nothing falls between the heads read and the watch */
    enum bf_status status = learn_heads(f, e);
    if (status == BF_OK)
        status = start_thread(f, e);
    if (status != BF_OK)
        finish(f);
    else
        *ret = f;
    return status;
}

void bf_follower_name_all(struct bf_store *store, const char *const *names, unsigned n)
{
    assert(n <= BF_CONSUMERS_MAX);
    store->consumers = names;
    store->n_consumers = n;
}

bool bf_follower_passed(struct bf_follower *f, struct bf_uuid tenant, int64_t n)
{
    struct tenant *t;
    pthread_mutex_lock(&f->lock);
    HASH_FIND(hh, f->tenants, &tenant, sizeof tenant, t);
    bool passed = t != NULL || n == 0;
    for (unsigned i = 0; i < f->n_consumers && t != NULL; i++)
        passed &= t->lanes[i].passed >= n;
    pthread_mutex_unlock(&f->lock);
    return passed;
}

void bf_follower_stop(struct bf_follower **follower)
{
    struct bf_follower *f = follower == NULL ? NULL : *follower;
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    finish(f);
    *follower = NULL;
}
