/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of the tenants' logs, and the poller that learns of what other processes wrote. */
#include "storage/heads.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/thread.h"
#include "storage/committer.h"
#include "storage/erasing.h"
#include "storage/nudges.h"
#include <stdlib.h>
#include <time.h>
#include <uthash.h>

/* SKEW_MS: so far may the clocks of two processes be apart before a hint is overlooked until the next sweep. */
enum { POLL_MS = 150, SWEEP_MS = 15000, SKEW_MS = 10000, TELL_MAX = 256, NUDGE_TRIES = 8 };

enum row { HEAD_N, HEAD_APPLIED, HEAD_MOVED, HEAD_NUDGES, HEAD_ROWS };

static const struct bf_field fields[HEAD_ROWS] = {
    [HEAD_N] = BF_FIELD("n", INT, BF_F_SERVER, 0, 0, NORMAL, "日志序号", "Last entry"),
    [HEAD_APPLIED] = BF_FIELD("applied", INT, BF_F_SERVER, 0, 0, NORMAL, "已应用至", "Applied up to"),
    [HEAD_MOVED] = BF_FIELD("moved", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Moved at"),
    [HEAD_NUDGES] = BF_FIELD("nudges", INT, BF_F_SERVER, 0, 0, NORMAL, "日志外变更次数", "Changes outside the log"),
};
static const struct bf_schema schema = {.name = "head", .zh = "日志末端", .en = "Head of a log", .version = 1, .fields = fields, .n_fields = HEAD_ROWS};
static const struct bf_index by_moved = {.name = "moved", .fields = {HEAD_MOVED}, .n_fields = 1};
static const struct bf_index *const indexes[] = {&by_moved};
const struct bf_collection bf__coll_heads = {.name = "heads",
                                             .schema = &schema,
                                             .cls = BF_SYSTEM_COLLECTION,
                                             .subject = BF_ROW_NONE,
                                             .owner = BF_ROW_NONE,
                                             .team = BF_ROW_NONE,
                                             .indexes = indexes,
                                             .n_indexes = 1};

struct row_of_tenant {
    struct bf_uuid tenant;
    struct bf__head head;
    bool own; /* moved on by this process, and the others were not told yet */
    UT_hash_handle hh;
};

struct bf__heads {
    struct bf_store *store;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct row_of_tenant *rows; /* one per tenant of the store; never removed */
    struct bf__nudges *nudges;
    pthread_t thread;
    bool started, stopping;
    struct bf__erasing *erasing;
    int64_t seen_ms; /* the newest hint read; 0: none yet, so the first look takes all */
};

/* ---- what is known ---- */

static struct row_of_tenant *row_locked(struct bf__heads *heads, struct bf_uuid tenant)
{
    struct row_of_tenant *row;
    HASH_FIND(hh, heads->rows, &tenant, sizeof tenant, row);
    return row;
}

bool bf__head_known(struct bf_store *store, struct bf_uuid tenant, struct bf__head *ret)
{
    struct bf__heads *heads = store->heads;
    pthread_mutex_lock(&heads->lock);
    const struct row_of_tenant *row = row_locked(heads, tenant);
    if (row != NULL)
        *ret = row->head;
    pthread_mutex_unlock(&heads->lock);
    return row != NULL;
}

void bf__head_note(struct bf_store *store, struct bf_uuid tenant, const struct bf__head *head, bool own)
{
    struct bf__heads *heads = store->heads;
    pthread_mutex_lock(&heads->lock);
    struct row_of_tenant *row = row_locked(heads, tenant);
    if (row == NULL) {
        row = calloc(1, sizeof *row);
        if (row == NULL)
            abort();
        row->tenant = tenant;
        HASH_ADD(hh, heads->rows, tenant, sizeof row->tenant, row);
    }
    if (head->n > row->head.n) {
        row->head.n = head->n;
        row->head.at_ms = head->at_ms;
    }
    if (head->applied > row->head.applied)
        row->head.applied = head->applied;
    if (head->sure > row->head.sure)
        row->head.sure = head->sure;
    if (own && head->own_n > row->head.own_n)
        row->head.own_n = head->own_n;
    row->own |= own;
    pthread_mutex_unlock(&heads->lock);
}

void bf__head_share(struct bf_store *store, struct bf_uuid tenant, bool is_shared)
{
    pthread_mutex_lock(&store->heads->lock);
    struct row_of_tenant *row = row_locked(store->heads, tenant);
    if (row != NULL)
        row->head.is_shared = is_shared;
    pthread_mutex_unlock(&store->heads->lock);
}

/* `stored` (NULL: none): as it is now. */
static struct bf_doc *head_doc(const struct bf_store *store, struct bf_uuid tenant, const struct bf__head *head, const struct bf_doc *stored,
                               struct bf_arena *arena)
{
    static const struct bf_uuid none;
    struct bf_doc *doc = stored != NULL ? bf_doc_copy(arena, stored) : bf_doc_create(arena, &schema, none, tenant);
    bf_set_int(&doc->object, HEAD_N, head->n);
    bf_set_int(&doc->object, HEAD_APPLIED, head->sure);
    bf_set_int(&doc->object, HEAD_MOVED, bf_now_ms(store->env));
    return doc;
}

/* What the store has of a tenant that this process has not met yet. */
static enum bf_status meet(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf__head *ret,
                           struct bf_error *e)
{
    static const struct bf_uuid none;
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_doc *doc = NULL;
    *ret = (struct bf__head){0};
    enum bf_status status = vt->get_many(s, &bf__coll_heads, none, &tenant, 1, arena, &doc, e);
    /* One less: the last entry is read in any case, for its time. */
    if (status == BF_OK && doc != NULL && bf_get_int(&doc->object, HEAD_APPLIED) > 0)
        ret->n = ret->applied = ret->sure = bf_get_int(&doc->object, HEAD_APPLIED) - 1;
    return status;
}

enum bf_status bf__head_found(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_error *e)
{
    struct bf__head none = {0};
    struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf__coll_heads, .doc = head_doc(store, tenant, &none, NULL, arena)};
    enum bf_status status = store->driver->vt->write(s, &w, arena, e);
    if (status == BF_E_UNKNOWN_OUTCOME) /* of the head; the entry was not sent */
        return bf_fail(e, BF_E_UNAVAILABLE, "it is not known whether a company's head was written");
    return status == BF_E_EXISTS ? BF_OK : status;
}

enum bf_status bf__head_put(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, int64_t n, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__head head = {.n = n, .applied = n, .sure = n};
    struct bf_write w = {.kind = BF_W_PUT, .coll = &bf__coll_heads, .doc = head_doc(store, tenant, &head, NULL, arena)};
    enum bf_status status = store->driver->vt->write(s, &w, arena, e);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__head_tenants(struct bf_store *store, struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n,
                                struct bf_error *e)
{
    struct bf_query query = {.coll = &bf__coll_heads, .limit = BF_PAGE_MAX};
    struct bf_buf ids;
    struct bf_page page = {0};
    enum bf_status status = BF_OK;
    bf_buf_init(&ids, SIZE_MAX / 2);
    do {
        query.after = page.next;
        status = store->driver->vt->find(s, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            bf_buf_add(&ids, &page.docs[i]->id, sizeof page.docs[i]->id);
    } while (status == BF_OK && page.next.n > 0);
    *ret = bf_arena_dup(arena, ids.p, ids.n);
    *ret_n = (unsigned)(ids.n / sizeof(struct bf_uuid));
    bf_buf_finish(&ids);
    return status;
}

/* ---- telling the others ---- */

static unsigned take_own(struct bf__heads *heads, struct row_of_tenant *ret)
{
    unsigned n = 0;
    pthread_mutex_lock(&heads->lock);
    for (struct row_of_tenant *row = heads->rows; row != NULL && n < TELL_MAX; row = row->hh.next)
        if (row->own) {
            ret[n++] = *row;
            row->own = false;
        }
    pthread_mutex_unlock(&heads->lock);
    return n;
}

/* A hint never goes back, whoever wrote it: it is replaced only where it is as it was read. BF_E_STALE: to be told again. */
static enum bf_status tell(struct bf__heads *heads, struct bf_session *s, const struct row_of_tenant *row, const struct bf_doc *stored,
                           struct bf_arena *arena, struct bf_error *e)
{
    struct bf__head head = row->head;
    if (stored != NULL && bf_get_int(&stored->object, HEAD_N) >= head.n && bf_get_int(&stored->object, HEAD_APPLIED) >= head.sure)
        return BF_OK;
    if (stored != NULL && bf_get_int(&stored->object, HEAD_N) > head.n)
        head.n = bf_get_int(&stored->object, HEAD_N);
    if (stored != NULL && bf_get_int(&stored->object, HEAD_APPLIED) > head.sure)
        head.sure = bf_get_int(&stored->object, HEAD_APPLIED);
    struct bf_write w = {.kind = stored == NULL ? BF_W_INSERT : BF_W_REPLACE,
                         .coll = &bf__coll_heads,
                         .doc = head_doc(heads->store, row->tenant, &head, stored, arena),
                         .rev = stored == NULL ? 0 : stored->rev};
    return heads->store->driver->vt->write(s, &w, arena, e);
}

static enum bf_status tell_others(struct bf__heads *heads, struct bf_session *s, struct bf_arena *arena, struct bf_error *e)
{
    static const struct bf_uuid none;
    struct row_of_tenant own[TELL_MAX];
    struct bf_uuid ids[TELL_MAX];
    struct bf_doc *stored[TELL_MAX];
    unsigned n = take_own(heads, own);
    for (unsigned i = 0; i < n; i++)
        ids[i] = own[i].tenant;
    enum bf_status status = n == 0 ? BF_OK : heads->store->driver->vt->get_many(s, &bf__coll_heads, none, ids, n, arena, stored, e);
    for (unsigned i = 0; i < n; i++) {
        enum bf_status told = status == BF_OK ? tell(heads, s, &own[i], stored[i], arena, e) : status;
        if (told != BF_OK)
            bf__head_note(heads->store, own[i].tenant, &own[i].head, /* own= */ true);
        if (!bf__is_own_answer(told))
            status = told;
    }
    return status;
}

void bf__head_nudge(struct bf_store *store, struct bf_uuid tenant) { bf__nudges_add(store->heads->nudges, tenant, 1); }

static void hear(struct bf__heads *heads, const struct bf_doc *head)
{
    if (bf__nudges_hear(heads->nudges, head->id, bf_get_int(&head->object, HEAD_NUDGES)))
        bf__store_wake(heads->store, head->id, /* n= */ 0);
}

/* BF_E_STALE: somebody else wrote the head meanwhile. A tenant without one has no process that could wait for the news. */
static enum bf_status tell_nudges_of(struct bf__heads *heads, struct bf_session *s, struct bf_uuid tenant, unsigned n, struct bf_arena *arena,
                                     struct bf_error *e)
{
    static const struct bf_uuid none;
    struct bf_doc *head = NULL;
    enum bf_status status = heads->store->driver->vt->get_many(s, &bf__coll_heads, none, &tenant, 1, arena, &head, e);
    if (status != BF_OK || head == NULL)
        return status;
    hear(heads, head);
    int64_t count = bf_get_int(&head->object, HEAD_NUDGES) + n;
    bf_set_int(&head->object, HEAD_NUDGES, count);
    bf_set_int(&head->object, HEAD_MOVED, bf_now_ms(heads->store->env));
    struct bf_write w = {.kind = BF_W_REPLACE, .coll = &bf__coll_heads, .doc = head, .rev = head->rev};
    status = heads->store->driver->vt->write(s, &w, arena, e);
    if (status == BF_OK)
        (void)bf__nudges_hear(heads->nudges, tenant, count); /* here everybody knows */
    return status;
}

/* What could not be told is told with the next look. */
static enum bf_status tell_nudges(struct bf__heads *heads, struct bf_session *s, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    struct bf_uuid tenant;
    unsigned n;
    while (status == BF_OK && bf__nudges_take(heads->nudges, &tenant, &n)) {
        status = BF_E_STALE;
        for (unsigned tries = 0; tries < NUDGE_TRIES && status == BF_E_STALE; tries++)
            status = tell_nudges_of(heads, s, tenant, n, arena, e);
        if (status != BF_OK)
            bf__nudges_add(heads->nudges, tenant, n);
    }
    return bf__is_own_answer(status) ? BF_OK : status;
}

/* ---- learning from them ---- */

enum bf_status bf__head_catch_up(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf__head *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    bool known = bf__head_known(store, tenant, ret);
    enum bf_status status = known ? BF_OK : meet(store, s, tenant, arena, ret, e);
    int64_t before = known ? ret->n : 0;
    if (status == BF_OK)
        status = bf__head_follow(store, s, tenant, ret, e);
    if (status == BF_OK)
        bf__head_note(store, tenant, ret, /* own= */ false);
    if (status == BF_OK && ret->n > before)
        bf__store_wake(store, tenant, ret->n);
    bf_arena_destroy(&arena);
    return status;
}

static bool is_news(struct bf__heads *heads, struct bf_uuid tenant, int64_t n)
{
    struct bf__head head;
    return !bf__head_known(heads->store, tenant, &head) || head.n < n;
}

/* The tenants whose hint is not older than `since_ms`; `all`: whether or not their hint tells something new. */
static enum bf_status learn(struct bf__heads *heads, struct bf_session *s, int64_t since_ms, bool all, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_value since = {.type = BF_T_TIME, .i = since_ms};
    struct bf_cond cond = {HEAD_MOVED, BF_GE, &since, 1};
    struct bf_query query = {.coll = &bf__coll_heads, .conds = &cond, .n_conds = 1, .index = &by_moved, .limit = BF_PAGE_MAX};
    struct bf_page page;
    enum bf_status status = BF_OK;
    do {
        status = heads->store->driver->vt->find(s, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++) {
            const struct bf_object *head = &page.docs[i]->object;
            hear(heads, page.docs[i]);
            if (bf_get_int(head, HEAD_MOVED) > heads->seen_ms)
                heads->seen_ms = bf_get_int(head, HEAD_MOVED);
            if (all || is_news(heads, page.docs[i]->id, bf_get_int(head, HEAD_N)))
                status = bf__head_catch_up(heads->store, s, page.docs[i]->id, &(struct bf__head){0}, e);
        }
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0);
    return status;
}

/* ---- the poller ---- */

/* A hint from a clock that is far ahead, or was, must not hide those of the others. */
static int64_t seen_since(const struct bf__heads *heads)
{
    int64_t now_ms = bf_now_ms(heads->store->env);
    return heads->seen_ms < now_ms ? heads->seen_ms : now_ms;
}

static enum bf_status poll_once(struct bf__heads *heads, bool sweep)
{
    const struct bf_driver_vtable *vt = heads->store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    struct bf_error e = {0};
    struct bf_session *s = vt->reader(heads->store->driver);
    enum bf_status status = tell_others(heads, s, arena, &e);
    if (status == BF_OK)
        status = tell_nudges(heads, s, arena, &e);
    if (status == BF_OK)
        status = learn(heads, s, sweep ? 0 : seen_since(heads) - SKEW_MS, sweep, arena, &e);
    if (status == BF_OK && sweep)
        status = bf__erasing_sweep(heads->erasing, s, bf_real_ms(), &e);
    vt->release(heads->store->driver, s);
    bf_arena_destroy(&arena);
    if (status != BF_OK)
        bf_log_error(heads->store->env, BF_LOG_WARN, "heads.poll", &e);
    return status;
}

/* False when it is time to stop. */
static bool wait_ms(struct bf__heads *heads, int64_t ms)
{
    struct timespec until = bf_real_moment(bf_real_ms() + ms);
    int rc = 0;
    pthread_mutex_lock(&heads->lock);
    while (!heads->stopping && rc == 0)
        rc = pthread_cond_timedwait(&heads->wake, &heads->lock, &until);
    bool go_on = !heads->stopping;
    pthread_mutex_unlock(&heads->lock);
    return go_on;
}

static void *poller_main(void *arg)
{
    struct bf__heads *heads = arg;
    int64_t sweep_at = bf_real_ms() + SWEEP_MS;
    while (wait_ms(heads, POLL_MS)) {
        bool sweep = bf_real_ms() >= sweep_at;
        if (poll_once(heads, sweep) == BF_OK && sweep)
            sweep_at = bf_real_ms() + SWEEP_MS;
    }
    poll_once(heads, /* sweep= */ false); /* what was committed last is told */
    return NULL;
}

enum bf_status bf__heads_open(struct bf_store *store, struct bf_error *e)
{
    struct bf__heads *heads = calloc(1, sizeof *heads);
    if (heads == NULL)
        abort();
    heads->store = store;
    heads->nudges = bf__nudges_create();
    heads->erasing = bf__erasing_create(store);
    pthread_mutex_init(&heads->lock, NULL);
    bf_real_cond_init(&heads->wake);
    store->heads = heads;
    int failed = bf_thread_start(&heads->thread, "heads", poller_main, heads);
    heads->started = failed == 0;
    return heads->started ? BF_OK : bf_fail_errno(e, BF_E_INTERNAL, failed, "starting the poller of heads");
}

void bf__heads_close(struct bf_store *store)
{
    struct bf__heads *heads = store->heads;
    struct row_of_tenant *row, *next;
    if (heads == NULL)
        return;
    pthread_mutex_lock(&heads->lock);
    heads->stopping = true;
    pthread_cond_signal(&heads->wake);
    pthread_mutex_unlock(&heads->lock);
    if (heads->started)
        pthread_join(heads->thread, NULL);
    HASH_ITER(hh, heads->rows, row, next) {
        HASH_DEL(heads->rows, row);
        free(row);
    }
    bf__nudges_destroy(&heads->nudges);
    bf__erasing_destroy(&heads->erasing);
    pthread_cond_destroy(&heads->wake);
    pthread_mutex_destroy(&heads->lock);
    free(heads);
    store->heads = NULL;
}
