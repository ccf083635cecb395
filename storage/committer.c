/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A committer: one thread. With one_transaction there is one, the only thread that writes; else there are several, each with its own tenants. It takes everything that waits (up to group_max; of the
 * work that nobody waits for a little, while there is other), settles it in one transaction, makes that durable with one sync, wakes the watchers, and only then posts the answers.
 *
 *   submit, write, call -> queue -> group -> begin, writes, batch per tenant, commit -> watchers -> answers -> tidy
 *
 * Under a driver without one_transaction each batch stands alone: what it commits is committed, whatever becomes of the others (storage/batch.c).
 *
 * When a group fails and nothing of it was committed (full disk, one document that cannot be read), its items run again one by one, so that
 * only the one at fault gets the error. When it is not known whether it was committed (a failed sync: the kernel may have dropped the dirty
 * pages, and a second sync that succeeds would prove nothing), all get BF_E_UNKNOWN_OUTCOME, then the store's `broken` is called, and every further
 * write is refused with BF_E_UNAVAILABLE until the store was opened anew.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "core/thread.h"
#include "storage/committer.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { APART = 8 }; /* committers, where each batch stands alone; at most BF__COMMITTERS_MAX */

/* While somebody waits, of the work that nobody waits for so many share a group: each group is one more thing to wait for. */
enum { BEHIND_MAX = 8, PEACE_MS = 1000, RESTS_MAX = 32 };

struct queue {
    struct bf__item *head, **tail;
};

struct bf_committer {
    struct bf_store *store;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue front, behind;
    unsigned queued;
    int64_t front_ms; /* when somebody waited last */
    struct rest {
        struct bf_uuid tenant;
        int64_t until_us; /* of now_us */
    } rests[RESTS_MAX]; /* tenants that others get a turn at; the thread's own */
    unsigned n_rests;
    bool stopping;
    /* the thread's own */
    struct bf__part_sealer sealer;
    struct bf_error poison; /* status BF_OK: healthy */
    bool told;              /* `broken` was called */
};

/* ---- the queue ---- */

static void append(struct queue *q, struct bf__item *item)
{
    item->next = NULL;
    *q->tail = item;
    q->tail = &item->next;
}

/* The items of one call have one committer: only submits of one tenant are split among several. */
static struct bf_committer *committer_of(const struct bf_store *store, const struct bf__item *item)
{
    uint32_t dice;
    if (item->kind != ITEM_SUBMIT)
        return store->committers[0];
    memcpy(&dice, item->submission.tenant.b + sizeof item->submission.tenant.b - sizeof dice, sizeof dice); /* its random end */
    return store->committers[dice % store->n_committers];
}

enum bf_status bf__committer_enqueue(struct bf_store *store, struct bf__item *const *items, unsigned n, struct bf_error *e)
{
    struct bf_committer *c = committer_of(store, items[0]);
    struct queue *q = items[0]->behind ? &c->behind : &c->front;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&c->lock);
    if (c->stopping)
        status = bf_fail(e, BF_E_CANCELLED, "the store is closing");
    else if (items[0]->kind != ITEM_CALL && c->queued + n > c->store->config.queue_max)
        status = bf_fail(e, BF_E_UNAVAILABLE, "%u writes are waiting", c->queued);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        append(q, items[i]);
        c->queued++;
    }
    if (status == BF_OK && q == &c->front)
        c->front_ms = items[0]->queued_ms;
    if (status == BF_OK)
        pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* ---- tenants that rest ---- */

/*
 * Where several processes write to one tenant's log, whoever wrote last knows it best and would go on and on. So each leaves the tenant to the others for
 * as long as one try takes: what is submitted meanwhile waits, and goes together. Other tenants do not wait for it.
 */
static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void rest(struct bf_committer *c, struct bf_uuid tenant, int64_t us)
{
    if (us > 0 && c->n_rests < RESTS_MAX)
        c->rests[c->n_rests++] = (struct rest){tenant, now_us() + us};
}

/* Drops those that are over. The end of the one that is over next; INT64_MAX: there is none. */
static int64_t tend_rests(struct bf_committer *c)
{
    int64_t next = INT64_MAX, now = c->n_rests == 0 ? 0 : now_us();
    for (unsigned i = 0; i < c->n_rests;) {
        if (c->rests[i].until_us <= now) {
            c->rests[i] = c->rests[--c->n_rests];
            continue;
        }
        next = c->rests[i].until_us < next ? c->rests[i].until_us : next;
        i++;
    }
    return next;
}

static bool rests(const struct bf_committer *c, const struct bf__item *item)
{
    for (unsigned i = 0; i < c->n_rests && item->kind == ITEM_SUBMIT; i++)
        if (bf_uuid_eq(&c->rests[i].tenant, &item->submission.tenant))
            return true;
    return false;
}

/* ---- taking a group ---- */

static bool has_work(const struct bf_committer *c, const struct queue *q)
{
    const struct bf__item *item = q->head;
    while (item != NULL && rests(c, item))
        item = item->next;
    return item != NULL;
}

static unsigned take_from(struct bf_committer *c, struct queue *q, struct bf__item **items, unsigned n, unsigned max)
{
    struct bf__item **at = &q->head;
    while (*at != NULL && n < max && (n == 0 || (items[0]->kind != ITEM_CALL && (*at)->kind != ITEM_CALL))) {
        if (rests(c, *at)) {
            at = &(*at)->next;
            continue;
        }
        items[n] = *at;
        *at = items[n++]->next;
        c->queued--;
        if (*at == NULL)
            q->tail = at;
    }
    return n;
}

/* Nobody waits, nor did lately. Under the lock. */
static bool is_peace(const struct bf_committer *c) { return c->front.head == NULL && bf_mono_ms(c->store->env) - c->front_ms >= PEACE_MS; }

/* Under the lock. At the end nobody rests: what was submitted is finished first. */
static void wait_for_work(struct bf_committer *c)
{
    int64_t until_us = tend_rests(c);
    while (!has_work(c, &c->front) && !has_work(c, &c->behind) && !c->stopping) {
        struct timespec at = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
        if (until_us == INT64_MAX)
            pthread_cond_wait(&c->wake, &c->lock);
        else
            pthread_cond_timedwait(&c->wake, &c->lock, &at);
        until_us = tend_rests(c);
    }
    if (c->stopping)
        c->n_rests = 0;
}

/* Waits for work; a call comes alone, the rest in groups. 0 at the end. */
static unsigned take_group(struct bf_committer *c, struct bf__item **items)
{
    unsigned max = c->store->config.group_max;
    pthread_mutex_lock(&c->lock);
    wait_for_work(c);
    unsigned n = take_from(c, &c->front, items, 0, max - (c->behind.head == NULL || max <= BEHIND_MAX ? 0 : BEHIND_MAX)); /* neither holds up the other */
    n = take_from(c, &c->behind, items, n, (n == 0 && is_peace(c)) || max - n < BEHIND_MAX ? max : n + BEHIND_MAX);
    pthread_mutex_unlock(&c->lock);
    return n;
}

static enum bf_tidy_when tidy_when(struct bf_committer *c)
{
    pthread_mutex_lock(&c->lock);
    enum bf_tidy_when when = c->front.head != NULL ? BF_TIDY_WANTED : c->behind.head != NULL && !is_peace(c) ? BF_TIDY_BEHIND : BF_TIDY_FREE;
    pthread_mutex_unlock(&c->lock);
    return when;
}

/* ---- answering ---- */

void bf__group_leave(struct bf__group *group)
{
    if (atomic_fetch_sub_explicit(&group->refs, 1, memory_order_acq_rel) != 1)
        return;
    bf_arena_destroy(&group->arena);
    free(group);
}

/* The items of a group that have one home, in order. */
static void deliver(struct bf_task *task)
{
    struct bf__item *next;
    for (struct bf__item *item = BF_CONTAINER(task, struct bf__item, task); item != NULL; item = next) {
        next = item->next;
        item->submission.done(&item->receipt, item->submission.ctx);
        bf__group_leave(item->group);
        free(item);
    }
}

static void wake_waiter(struct bf__waiter *w)
{
    pthread_mutex_lock(&w->lock);
    if (--w->left == 0)
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* Takes the item's companions with the same home behind it: one task wakes a home once, where one each would wake it for each. */
static void chain(struct bf__item *first, struct bf__item **rest, unsigned n)
{
    struct bf__item *last = first;
    for (unsigned i = 0; i < n; i++) {
        if (rest[i] == NULL || rest[i]->waiter != NULL || rest[i]->submission.home != first->submission.home)
            continue;
        last->next = rest[i];
        last = rest[i];
        rest[i] = NULL;
    }
    last->next = NULL;
}

/* Who was answered is no longer looked at. */
static void answer_all(struct bf__item **items, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (items[i] == NULL)
            continue;
        if (items[i]->waiter != NULL) {
            wake_waiter(items[i]->waiter);
            continue;
        }
        chain(items[i], items + i + 1, n - i - 1);
        items[i]->task.run = deliver;
        bf_post(items[i]->submission.home, &items[i]->task);
    }
}

bool bf__is_own_answer(enum bf_status status)
{
    return status == BF_OK || status == BF_E_EXISTS || status == BF_E_STALE || status == BF_E_NOT_FOUND;
}

/* The writes of one caller share its error: the first failure stays, but for one that was a write's own. */
static void tell(struct bf__item *item, const struct bf_error *e)
{
    item->status = e->status;
    if (!bf__is_own_answer(item->error->status))
        return;
    if (e->status != BF_OK)
        *item->error = *e;
    item->error->status = e->status;
}

static void fail_item(struct bf__item *item, const struct bf_error *e)
{
    if (item->kind == ITEM_SUBMIT)
        bf__receipt_refuse(&item->receipt, e->status, e);
    else
        tell(item, e);
}

/* ---- a group ---- */

struct written {
    struct bf_uuid tenant;
    int64_t n;
};

struct run {
    struct bf_committer *c;
    struct bf_session *s;
    struct bf__bench bench;
    struct bf__group *group;
    struct bf__item **items;
    unsigned n;
    struct written *written; /* a row per tenant whose log grew */
    unsigned n_written;
};

/* What follows something that was not done is not done either, whichever group that was in. */
static enum bf_status run_write(struct run *r, const struct bf__item *item, struct bf_error *e)
{
    if (item->leader != NULL && item->leader->status != BF_OK)
        return bf_fail(e, BF_E_STALE, "what this write follows was not done");
    return r->c->store->driver->vt->write(r->s, item->write, r->group->arena, e);
}

static enum bf_status run_writes(struct run *r, struct bf_error *e)
{
    for (unsigned i = 0; i < r->n; i++) {
        struct bf__item *item = r->items[i];
        struct bf_error why = {0};
        if (item->kind != ITEM_WRITE)
            continue;
        why.status = run_write(r, item, &why);
        if (!bf__is_own_answer(why.status)) {
            *e = why;
            return why.status;
        }
        tell(item, &why);
    }
    return BF_OK;
}

/* The submits of the tenant of items[at], in order, each once; *ret_n = 0 when they were taken before. */
static void take_tenant(const struct run *r, unsigned at, bool *taken, struct bf__item **ret, unsigned *ret_n)
{
    *ret_n = 0;
    if (taken[at] || r->items[at]->kind != ITEM_SUBMIT)
        return;
    for (unsigned j = at; j < r->n; j++) {
        if (r->items[j]->kind != ITEM_SUBMIT || taken[j] || !bf_uuid_eq(&r->items[j]->submission.tenant, &r->items[at]->submission.tenant))
            continue;
        taken[j] = true;
        ret[(*ret_n)++] = r->items[j];
    }
}

static enum bf_status run_batch(struct run *r, struct bf__item **items, unsigned n, struct bf_error *e)
{
    int64_t entry = 0;
    enum bf_status status = bf__batch_run(&r->bench, r->group->arena, items, n, &entry, e);
    rest(r->c, items[0]->submission.tenant, r->bench.rest_us);
    if (entry > 0)
        r->written[r->n_written++] = (struct written){.tenant = items[0]->submission.tenant, .n = entry};
    return status;
}

static enum bf_status run_batches(struct run *r, struct bf_error *e)
{
    struct bf__item **of_tenant = bf_arena_alloc(r->group->arena, r->n * sizeof(struct bf__item *));
    bool *taken = bf_arena_calloc(r->group->arena, r->n, sizeof *taken);
    enum bf_status status = BF_OK;
    r->written = bf_arena_alloc(r->group->arena, r->n * sizeof *r->written);
    r->n_written = 0;
    for (unsigned i = 0, n = 0; i < r->n && status == BF_OK; i++) {
        take_tenant(r, i, taken, of_tenant, &n);
        if (n > 0)
            status = run_batch(r, of_tenant, n, e);
    }
    return status;
}

static enum bf_status run_transaction(struct run *r, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = r->c->store->driver->vt;
    for (unsigned i = 0; i < r->n; i++)
        r->items[i]->settled = r->items[i]->proven = false;
    enum bf_status status = vt->begin(r->s, e);
    if (status != BF_OK)
        return status;
    status = run_writes(r, e);
    if (status == BF_OK)
        status = run_batches(r, e);
    if (status == BF_OK)
        status = vt->commit(r->s, e);
    else
        vt->rollback(r->s);
    bf__keys_settle(r->c->store, status == BF_OK);
    return status;
}

static void call_watchers(struct run *r)
{
    for (unsigned i = 0; i < r->n_written; i++)
        bf__store_wake(r->c->store, r->written[i].tenant, r->written[i].n);
}

static void note_times(const struct run *r)
{
    const struct bf_env *env = r->c->store->env;
    int64_t now = bf_mono_ms(env);
    for (unsigned i = 0; i < r->n; i++)
        if (r->items[i]->kind == ITEM_SUBMIT)
            bf_metric_time(env->metrics, BF_M_COMMIT_TIME, (now - r->items[i]->queued_ms) * 1000);
}

/* It is not known what reached the disk: nothing is written from here on. */
static void poison(struct bf_committer *c, enum bf_status status, const struct bf_error *e)
{
    struct bf_store *store = c->store;
    if (status != BF_E_UNKNOWN_OUTCOME || c->poison.status != BF_OK || store->heads != NULL)
        return;
    bf_fail(&c->poison, BF_E_UNAVAILABLE, "nothing is written until the store was opened anew: %s", e->cause);
    c->poison.retry_after_s = 1;
    atomic_store(&store->is_broken, true);
}

/* Behind the answers of the group that failed: who is told may stop the server at once. */
static void tell_broken(struct bf_committer *c)
{
    const struct bf_store_config *config = &c->store->config;
    if (c->poison.status == BF_OK || c->told)
        return;
    c->told = true;
    if (config->broken != NULL)
        config->broken(config->broken_ctx, &c->poison);
}

/* ---- a group that has no transaction ---- */

/* On a failure that is one request's (a document that cannot be read), each by itself: only the one at fault gets the error. */
static void run_apart(struct run *r, struct bf__item **items, unsigned n)
{
    struct bf_error e = {0};
    enum bf_status status = run_batch(r, items, n, &e);
    bool is_away = status == BF_E_UNAVAILABLE || status == BF_E_UNKNOWN_OUTCOME;
    e.status = status;
    for (unsigned i = 0; i < n && status != BF_OK; i++) {
        if (items[i]->proven)
            continue;
        if (n > 1 && !is_away)
            run_apart(r, &items[i], 1);
        else
            fail_item(items[i], &e);
    }
}

static void commit_apart(struct run *r)
{
    struct bf__item **of_tenant = bf_arena_alloc(r->group->arena, r->n * sizeof(struct bf__item *));
    bool *taken = bf_arena_calloc(r->group->arena, r->n, sizeof *taken);
    r->written = bf_arena_alloc(r->group->arena, 2 * r->n * sizeof *r->written);
    r->n_written = 0;
    for (unsigned i = 0, n = 0; i < r->n; i++) {
        take_tenant(r, i, taken, of_tenant, &n);
        if (n > 0)
            run_apart(r, of_tenant, n);
    }
    if (r->n_written > 0)
        atomic_store(&r->c->store->durable_ms, bf_mono_ms(r->c->store->env));
    call_watchers(r);
}

/* ---- a group in one transaction ---- */

/* Commits the items as one group; on a failure that left nothing behind, each by itself. */
static void commit_group(struct run *r)
{
    struct bf_error e = r->c->poison;
    enum bf_status status = e.status;
    if (status == BF_OK)
        status = run_transaction(r, &e);
    bf__store_touched(r->c->store);
    if (status == BF_OK) {
        if (r->n_written > 0)
            atomic_store(&r->c->store->durable_ms, bf_mono_ms(r->c->store->env));
        call_watchers(r);
        return;
    }
    e.status = status;
    poison(r->c, status, &e);
    for (unsigned i = 0; i < r->n; i++) {
        struct run alone = *r;
        alone.items = &r->items[i];
        alone.n = 1;
        if (r->n > 1 && status != BF_E_UNKNOWN_OUTCOME && r->c->poison.status == BF_OK)
            commit_group(&alone);
        else
            fail_item(r->items[i], &e);
    }
}

static struct bf__group *new_group(unsigned n)
{
    struct bf__group *group = malloc(sizeof *group);
    if (group == NULL)
        abort();
    group->arena = bf_arena_create();
    atomic_init(&group->refs, n + 1);
    return group;
}

static void commit_items(struct bf_committer *c, struct bf_session *s, struct bf__group *group, struct bf__item **items, unsigned n)
{
    struct run r = {.c = c, .s = s, .bench = {c->store, s, &c->sealer}, .items = items, .n = n, .group = group};
    if (c->store->heads == NULL)
        commit_group(&r);
    else
        commit_apart(&r);
    note_times(&r);
}

static void run_group(struct bf_committer *c, struct bf__item **items, unsigned n)
{
    struct bf_driver *driver = c->store->driver;
    struct bf_session *s = driver->vt->one_transaction ? driver->vt->writer(driver) : driver->vt->reader(driver);
    struct bf__group *group = new_group(n);
    for (unsigned i = 0; i < n; i++)
        items[i]->group = group;
    commit_items(c, s, group, items, n);
    answer_all(items, n);
    bf__group_leave(group);
    struct bf_error e = {0};
    if (!driver->vt->one_transaction)
        driver->vt->release(driver, s);
    else if (c->poison.status == BF_OK)
        poison(c, driver->vt->tidy(s, tidy_when(c), /* truncate= */ false, &e), &e);
}

static void run_call(struct bf_committer *c, struct bf__item *item)
{
    struct bf_error e = c->poison;
    if (e.status == BF_OK)
        e.status = item->call(item->call_ctx, c->store->driver->vt->writer(c->store->driver), &e);
    poison(c, e.status, &e);
    tell(item, &e);
    wake_waiter(item->waiter);
}

static void *committer_main(void *arg)
{
    struct bf_committer *c = arg;
    struct bf__item **items = calloc(c->store->config.group_max, sizeof(struct bf__item *));
    unsigned n;
    if (items == NULL)
        abort();
    while ((n = take_group(c, items)) > 0) {
        if (items[0]->kind == ITEM_CALL)
            run_call(c, items[0]);
        else
            run_group(c, items, n);
        tell_broken(c);
    }
    free(items);
    return NULL;
}

static enum bf_status start_one(struct bf_store *store, struct bf_error *e)
{
    struct bf_committer *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    assert(store->n_committers < BF__COMMITTERS_MAX);
    store->committers[store->n_committers++] = c;
    c->store = store;
    bf__part_sealer_init(&c->sealer, store->env);
    c->front.tail = &c->front.head;
    c->behind.tail = &c->behind.head;
    c->front_ms = INT64_MIN / 2;
    pthread_mutex_init(&c->lock, NULL);
    bf_real_cond_init(&c->wake);
    int failed = bf_thread_start(&c->thread, "committer", committer_main, c);
    if (failed != 0)
        return bf_fail_errno(e, BF_E_INTERNAL, failed, "starting the committer");
    c->started = true;
    return BF_OK;
}

enum bf_status bf__committers_start(struct bf_store *store, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned n = store->driver->vt->one_transaction ? 1 : APART; status == BF_OK && n > 0; n--)
        status = start_one(store, e);
    return status;
}

static void stop_one(struct bf_committer *c)
{
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (c->started)
        pthread_join(c->thread, NULL);
    bf__part_sealer_finish(&c->sealer);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void bf__committers_stop(struct bf_store *store)
{
    while (store->n_committers > 0)
        stop_one(store->committers[--store->n_committers]);
}
