/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: one job a notification tells all devices of the person that have an active channel and on which the person is signed in. Each
 * (notification, device) has one attempt record with a stable id, written before the message goes out and settled after; a run that is
 * repeated, after a crash or because a push service was away, sends only to those not settled, to each at its own time. What fails for a
 * reason that may pass is tried again until the grace is over. A device whose push service says that it is gone is retired by a commit.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "push/internal.h"
#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>

enum {
    DEVICES_MAX = 50,
    LEASE_MS = 10000,
    PAUSE_MS = 2000,
    PAUSE_MS_MAX = 300000,
    WAIT_MS_MAX = 3600000, /* of what a push service asks for */
    TTL_S = 86400,
};

static const char job_kind[] = "push";

/* ---- from the log to the job ---- */

/* Nobody is woken for what is due later: the runner looks for that by itself. */
enum bf_status bf__jobs_add(struct bf_push *push, const struct bf_job *jobs, unsigned n, struct bf_error *e)
{
    int64_t now_ms = bf_now_ms(push->ctx->env);
    bool is_due = false;
    enum bf_status status = n == 0 ? BF_OK : bf_job_add(push->ctx->store, jobs, n, e);
    for (unsigned i = 0; i < n && !is_due; i++)
        is_due = jobs[i].due_ms <= now_ms;
    if (status == BF_OK && is_due)
        bf_job_runner_wake(push->runner);
    return status;
}

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_push *push = ctx;
    struct bf_job *jobs = bf_arena_alloc(arena, entry->n_ops * sizeof *jobs);
    unsigned n = 0;
    for (unsigned i = 0; i < entry->n_ops; i++) {
        const struct bf_log_op *op = &entry->ops[i];
        if (op->coll != &bf_notifications || op->rev != 1 || op->tombstone)
            continue;
        jobs[n++] = (struct bf_job){.id = bf_job_id(tenant, entry->n, op->k, job_kind),
                                    .tenant = tenant,
                                    .kind = job_kind,
                                    .ref = op->id,
                                    .due_ms = bf_now_ms(push->ctx->env), /* not the time of the entry, which does not go back with the clock */
                                    .n = entry->n};
    }
    return bf__jobs_add(push, jobs, n, e);
}

struct bf_consumer bf__delivery_consumer(struct bf_push *push)
{
    return (struct bf_consumer){.name = "push.delivery", .detail = BF_LOG_HEADERS, .consume = consume, .ctx = push};
}

/* ---- one run ---- */

/* settled ("over"), or to be told now, or at its time ("waits"). */
struct target {
    struct run *run;
    bool signed_out; /* or the account is not active */
    bool changed;    /* the record is to be written */
    bool over;       /* settled in this run */
    bool waits;      /* its next try is later than this run */
    struct bf_doc *device, *attempt;
    int64_t rev; /* of the record as stored; 0: not yet */
    struct bf_push_attempt message;
};

struct run {
    struct bf_push *push;
    const struct bf_job *job;
    struct bf_arena *arena;
    int64_t now_ms; /* when the run began; when the outcomes are known, then */
    struct bf_doc *notification;
    struct target targets[DEVICES_MAX];
    unsigned n;
    struct bf_str payload;
    unsigned under_way;     /* messages sent whose outcome is not known */
    struct bf_mailbox home; /* the run's own: what is posted runs on its thread, in send_all */
    pthread_mutex_t lock;
    pthread_cond_t posted;
    struct bf_task *tasks; /* under the lock */
};

/* Leaves out those that cannot be told, and those that are there already. */
static void add_target(struct run *r, struct bf_doc *device, bool signed_out)
{
    const struct bf_object *o = device == NULL ? NULL : &device->object;
    if (o == NULL || device->tombstone || r->n == DEVICES_MAX || bf_get_enum(o, BF_DEVICE_PUSH) != BF_PUSH_STATE_IS_ACTIVE ||
        bf_get_object(o, BF_DEVICE_SUBSCRIPTION) == NULL)
        return;
    struct bf_uuid owner = bf_get_uuid(o, BF_DEVICE_USER), user = bf_get_uuid(&r->notification->object, BF_NOTIFICATION_USER);
    bool is_new = bf_uuid_eq(&owner, &user);
    for (unsigned i = 0; i < r->n; i++)
        is_new = is_new && !bf_uuid_eq(&r->targets[i].device->id, &device->id);
    if (is_new)
        r->targets[r->n++] = (struct target){.run = r, .device = device, .signed_out = signed_out};
}

static enum bf_status find_signed_in(struct run *r, struct bf_uuid user, struct bf_error *e)
{
    struct bf_store *store = r->push->ctx->store;
    struct bf_doc *devices[DEVICES_MAX];
    struct bf_uuid *ids;
    unsigned n = 0;
    enum bf_status status = bf_access_installations(r->push->api.access, r->job->tenant, user, r->arena, &ids, &n, e);
    n = n > DEVICES_MAX ? DEVICES_MAX : n;
    if (status == BF_OK && n > 0)
        status = bf_store_get_many(store, &bf_devices, r->job->tenant, ids, n, r->arena, devices, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++)
        add_target(r, devices[i], /* signed_out= */ false);
    return status;
}

/* Those first on which the person is signed in, so that they are told however many others there were over the years; of those the first are on record
 * as skipped. */
static enum bf_status find_devices(struct run *r, struct bf_error *e)
{
    struct bf_value user = {.type = BF_T_UUID, .uuid = bf_get_uuid(&r->notification->object, BF_NOTIFICATION_USER)};
    struct bf_value active = {.type = BF_T_ENUM, .i = BF_PUSH_STATE_IS_ACTIVE};
    struct bf_cond conds[2] = {{.row = BF_DEVICE_USER, .op = BF_EQ, .values = &user, .n = 1},
                               {.row = BF_DEVICE_PUSH, .op = BF_EQ, .values = &active, .n = 1}};
    struct bf_query query = {
        .coll = &bf_devices, .tenant = r->job->tenant, .conds = conds, .n_conds = 2, .index = &bf_devices_by_user, .limit = DEVICES_MAX};
    struct bf_page page;
    enum bf_status status = find_signed_in(r, user.uuid, e);
    if (status == BF_OK)
        status = bf_store_find(r->push->ctx->store, &query, r->arena, &page, e);
    for (unsigned i = 0; status == BF_OK && i < page.n; i++)
        add_target(r, page.docs[i], /* signed_out= */ true);
    return status;
}

/* Leaves those whose attempt was settled by an earlier run; the others get a record. */
static enum bf_status find_attempts(struct run *r, struct bf_error *e)
{
    struct bf_uuid ids[DEVICES_MAX];
    struct bf_doc *before[DEVICES_MAX];
    unsigned kept = 0;
    for (unsigned i = 0; i < r->n; i++)
        ids[i] = bf__attempt_id(r->job->tenant, r->notification->id, r->targets[i].device->id);
    enum bf_status status = bf_store_get_many(r->push->ctx->store, &bf__attempts, r->job->tenant, ids, r->n, r->arena, before, e);
    for (unsigned i = 0; status == BF_OK && i < r->n; i++) {
        if (bf__attempt_is_settled(before[i]))
            continue;
        struct target *t = &r->targets[kept++];
        *t = r->targets[i];
        t->attempt = before[i] != NULL ? before[i] : bf__attempt_create(r->arena, r->notification, t->device->id);
        t->rev = before[i] != NULL ? before[i]->rev : 0;
    }
    r->n = kept;
    return status;
}

/* BF_E_STALE when another run, which took the job over meanwhile, has written one: the record is its by then, and it counted this run's try. */
static enum bf_status write_attempts(struct run *r, struct bf_error *e)
{
    struct bf_write writes[DEVICES_MAX];
    enum bf_status rets[DEVICES_MAX];
    struct target *of[DEVICES_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < r->n; i++) {
        struct target *t = &r->targets[i];
        if (!t->changed)
            continue;
        t->changed = false;
        of[n] = t;
        writes[n++] = (struct bf_write){
            .kind = t->rev == 0 ? BF_W_INSERT : BF_W_REPLACE, .coll = &bf__attempts, .doc = t->attempt, .rev = t->rev};
    }
    enum bf_status status = n == 0 ? BF_OK : bf_store_write(r->push->ctx->store, writes, n, rets, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        if (rets[i] == BF_OK)
            of[i]->rev++;
        else
            return bf_fail(e, BF_E_STALE, "another run has taken the message over");
    }
    return status;
}

static void settle(struct run *r, struct target *t, enum bf_attempt_state state, const char *cause)
{
    bf__attempt_set(r->arena, t->attempt, state, cause, r->now_ms);
    t->changed = true;
    t->over = state != BF_ATTEMPT_IS_SENDING;
}

static bool is_to_be_told(const struct target *t) { return !t->over && !t->waits; }

/* ---- is it still worth telling? ---- */

/* What was done, cancelled or put off meanwhile needs no reminder any more; put off, it has a notification of its own by then. `due` says when the
 * rest should have been told. */
static enum bf_status is_needed(struct run *r, bool *ret, struct bf__due *due, struct bf_error *e)
{
    const struct bf_object *o = &r->notification->object;
    struct bf_array reminders = bf_get_array(o, BF_NOTIFICATION_REMINDERS);
    struct bf_uuid *ids = bf_arena_calloc(r->arena, reminders.n + 1, sizeof *ids);
    struct bf_doc **docs = bf_arena_calloc(r->arena, reminders.n + 1, sizeof *docs);
    *ret = reminders.n == 0;
    *due = (struct bf__due){.tenant = r->job->tenant,
                            .user = bf_get_uuid(o, BF_NOTIFICATION_USER),
                            .send_at = reminders.n == 0 ? bf_get_int(o, BF_NOTIFICATION_CREATED_AT) : 0};
    for (unsigned i = 0; i < reminders.n; i++)
        ids[i] = reminders.items[i].uuid;
    enum bf_status status = bf_store_get_many(r->push->ctx->store, &bf_reminders, r->job->tenant, ids, reminders.n, r->arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < reminders.n; i++) {
        if (docs[i] == NULL || bf_get_enum(&docs[i]->object, BF_REMINDER_STATE) != BF_REMINDER_STATE_IS_SENT ||
            bf_get_int(&docs[i]->object, BF_REMINDER_SENT_AT) != bf_get_int(o, BF_NOTIFICATION_CREATED_AT))
            continue;
        int64_t send_at = bf_get_int(&docs[i]->object, BF_REMINDER_SEND_AT);
        due->send_at = send_at > due->send_at ? send_at : due->send_at;
        due->wake = due->wake || bf_get_bool(&docs[i]->object, BF_REMINDER_WAKE);
        *ret = true;
    }
    return status;
}

/* ---- sending ---- */

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct run *r = BF_CONTAINER(mailbox, struct run, home);
    pthread_mutex_lock(&r->lock);
    task->next = r->tasks;
    r->tasks = task;
    pthread_cond_signal(&r->posted);
    pthread_mutex_unlock(&r->lock);
}

static void landed(struct bf_task *task)
{
    struct target *t = BF_CONTAINER(BF_CONTAINER(task, struct bf_push_attempt, done), struct target, message);
    t->run->under_way--;
}

static void send_one(struct run *r, struct target *t)
{
    const struct bf_object *subscription = bf_get_object(&t->device->object, BF_DEVICE_SUBSCRIPTION);
    struct bf_str p256dh = bf_get_str(subscription, BF_SUBSCRIPTION_P256DH), auth = bf_get_str(subscription, BF_SUBSCRIPTION_AUTH);
    t->message = (struct bf_push_attempt){.id = t->attempt->id,
                                          .target.endpoint = bf_get_str(subscription, BF_SUBSCRIPTION_ENDPOINT),
                                          .payload = r->payload,
                                          .ttl_s = TTL_S,
                                          .urgency = BF_URGENCY_HIGH,
                                          .home = &r->home,
                                          .done.run = landed};
    assert(p256dh.n == BF_P256_POINT && auth.n == BF_WEBPUSH_AUTH);
    memcpy(t->message.target.p256dh, p256dh.p, p256dh.n);
    memcpy(t->message.target.auth, auth.p, auth.n);
    r->under_way++;
    if (bf_channel_webpush.send(r->push->web_push, &t->message, NULL) != BF_OK)
        landed(&t->message.done);
}

static struct bf_task *wait_for_tasks(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->tasks == NULL)
        pthread_cond_wait(&r->posted, &r->lock);
    struct bf_task *tasks = r->tasks;
    r->tasks = NULL;
    pthread_mutex_unlock(&r->lock);
    return tasks;
}

static void send_all(struct run *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (is_to_be_told(&r->targets[i]))
            send_one(r, &r->targets[i]);
    while (r->under_way > 0) {
        struct bf_task *next;
        for (struct bf_task *task = wait_for_tasks(r); task != NULL; task = next) {
            next = task->next;
            task->run(task);
        }
    }
}

/* ---- retiring a device ---- */

struct retirement {
    const struct bf_doc *seen;
    bool is_renewed; /* it subscribed anew meanwhile */
};

static enum bf_status decide_retire(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct retirement *retirement = ctx;
    const struct bf_doc *seen = retirement->seen, *now = bf_view_get(view, &bf_devices, seen->id);
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), bf_get_uuid(&seen->object, BF_DEVICE_USER));
    bool is_active = now != NULL && !now->tombstone && bf_get_enum(&now->object, BF_DEVICE_PUSH) == BF_PUSH_STATE_IS_ACTIVE;
    retirement->is_renewed =
        is_active && !bf_value_eq(&now->object.v[BF_DEVICE_SUBSCRIPTION], &seen->object.v[BF_DEVICE_SUBSCRIPTION]);
    if (!is_active || retirement->is_renewed)
        return BF_OK;
    struct bf_doc *device = bf_doc_copy(arena, now);
    bf_set_enum(&device->object, BF_DEVICE_PUSH, BF_PUSH_STATE_IS_RETIRED);
    bf_unset(&device->object, BF_DEVICE_SUBSCRIPTION);
    bf_decision_put(d, &bf_devices, device);
    return BF_OK;
}

/* BF_E_STALE when it subscribed anew meanwhile, so that it is to be told by its new subscription. */
static enum bf_status retire(struct run *r, struct target *t, struct bf_error *e)
{
    struct bf_read read = {.coll = &bf_devices, .id = t->device->id};
    struct retirement retirement = {.seen = t->device};
    struct bf_submission submission = {.tenant = r->job->tenant, .reads = &read, .n_reads = 1, .decide = decide_retire, .ctx = &retirement};
    struct bf_receipt receipt;
    bf_random(r->push->ctx->env, &submission.request, sizeof submission.request);
    enum bf_status status = bf_submit_wait(r->push->ctx->store, &submission, r->arena, &receipt, e);
    if (status == BF_OK && retirement.is_renewed)
        status = bf_fail(e, BF_E_STALE, "the device subscribed anew");
    if (status == BF_OK)
        bf_metric_add(r->push->ctx->env->metrics, BF_M_PUSH_RETIRED, 1);
    return status;
}

/* ---- outcomes ---- */

int64_t bf__pause_ms(const struct bf_env *env, int64_t age_ms, int64_t least_ms, int64_t most_ms)
{
    uint16_t dice;
    int64_t pause_ms = age_ms < least_ms ? least_ms : age_ms > most_ms ? most_ms : age_ms;
    bf_random(env, &dice, sizeof dice);
    return pause_ms - pause_ms / 4 * dice / UINT16_MAX;
}

/* Told again: after a pause that grows with the time since the first try, or when the push service asks for it. */
static void postpone(struct run *r, struct target *t, const char *cause)
{
    int64_t age_ms = r->now_ms - bf_get_int(&t->attempt->object, BF_ATTEMPT_FIRST_AT);
    int64_t pause_ms = bf__pause_ms(r->push->ctx->env, age_ms, PAUSE_MS, PAUSE_MS_MAX);
    int64_t asked_ms = t->message.wait_ms < WAIT_MS_MAX ? t->message.wait_ms : WAIT_MS_MAX;
    bf__attempt_postpone(r->arena, t->attempt, cause, r->now_ms, r->now_ms + (asked_ms > pause_ms ? asked_ms : pause_ms));
    t->changed = true;
}

/* For the operator: what only he can mend, or should know. The endpoint's path is a secret. */
static void log_refused(struct run *r, const struct target *t, const char *words)
{
    char host[300] = "";
    bf__webpush_origin(t->message.target.endpoint, host, sizeof host);
    bf_log(r->push->ctx->env, BF_LOG_WARN, "push.refused", words, BF_L_STR("host", host), BF_L_INT("status", t->message.http_status), BF_L_END);
}

static void take_outcome(struct run *r, struct target *t)
{
    const struct bf_push_attempt *m = &t->message;
    struct bf_error e = {0};
    bf_metric_add(r->push->ctx->env->metrics, m->outcome == BF_PUSH_ACCEPTED ? BF_M_PUSH_SENT : BF_M_PUSH_FAILED, 1);
    bf__attempt_outcome(r->arena, t->attempt, m->http_status, m->detail);
    switch (m->outcome) {
    case BF_PUSH_ACCEPTED:
        settle(r, t, BF_ATTEMPT_IS_ACCEPTED, "");
        return;
    case BF_PUSH_REFUSED:
        log_refused(r, t, "a push service refuses a message; it is given up");
        settle(r, t, BF_ATTEMPT_IS_FAILED, m->detail);
        return;
    case BF_PUSH_RETIRE:
        if (retire(r, t, &e) == BF_OK)
            settle(r, t, BF_ATTEMPT_IS_RETIRED, m->detail);
        else
            postpone(r, t, e.cause);
        return;
    case BF_PUSH_DENIED:
        log_refused(r, t, "a push service does not take our signature: look at clock, vapid_key_file and vapid_subject; the message is tried again");
        postpone(r, t, "the push service does not take our signature");
        return;
    case BF_PUSH_LATER:
        postpone(r, t, m->detail);
        return;
    }
}

static enum bf_status tell(struct run *r, struct bf_error *e)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (!is_to_be_told(&r->targets[i]))
            continue;
        bf__attempt_try(r->arena, r->targets[i].attempt, r->now_ms);
        r->targets[i].changed = true;
    }
    enum bf_status status = write_attempts(r, e);
    if (status != BF_OK)
        return status;
    r->payload = bf__message(r->notification, r->arena);
    send_all(r);
    r->now_ms = bf_now_ms(r->push->ctx->env);
    for (unsigned i = 0; i < r->n; i++)
        if (is_to_be_told(&r->targets[i]))
            take_outcome(r, &r->targets[i]);
    return write_attempts(r, e);
}

static void settle_all(struct run *r, enum bf_attempt_state state, const char *cause)
{
    for (unsigned i = 0; i < r->n; i++)
        settle(r, &r->targets[i], state, cause);
}

/* A lost phone whose session was ended, and one of an account that was frozen, are told nothing more. */
static void settle_signed_out(struct run *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->targets[i].signed_out)
            settle(r, &r->targets[i], BF_ATTEMPT_IS_SKIPPED, "nobody is signed in there, or the account is frozen");
}

/* A time further off than any that is set was set by a clock that went back since. */
static void find_waiting(struct run *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        int64_t left_ms = bf_get_int(&r->targets[i].attempt->object, BF_ATTEMPT_NEXT_AT) - r->now_ms;
        r->targets[i].waits = left_ms > 0 && left_ms <= WAIT_MS_MAX;
    }
}

/* BF_E_UPSTREAM when somebody is to be told again, then at the earliest time of those. */
static enum bf_status what_is_left(struct run *r, struct bf_job_again *again, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    int64_t pause_ms = WAIT_MS_MAX;
    for (unsigned i = 0; i < r->n; i++) {
        const struct bf_object *o = &r->targets[i].attempt->object;
        if (r->targets[i].over)
            continue;
        int64_t left_ms = bf_get_int(o, BF_ATTEMPT_NEXT_AT) - r->now_ms;
        pause_ms = left_ms < pause_ms ? left_ms : pause_ms;
        status = bf_fail(e, BF_E_UPSTREAM, "%.*s", BF_FMT(bf_get_str(o, BF_ATTEMPT_CAUSE)));
    }
    again->pause_ms = pause_ms > 0 ? pause_ms : 0;
    return status;
}

/* Settles whom nothing is to be told any more. */
static enum bf_status settle_the_rest(struct run *r, bool needed, const struct bf__due *due, struct bf_error *e)
{
    bool is_over;
    enum bf_status status = bf__is_over(r->push, due, r->now_ms, r->arena, &is_over, e);
    if (status != BF_OK)
        return status;
    if (!needed)
        settle_all(r, BF_ATTEMPT_IS_SKIPPED, "settled before it was sent");
    else if (is_over)
        settle_all(r, BF_ATTEMPT_IS_FAILED, "it could not be told in time");
    settle_signed_out(r);
    return BF_OK;
}

static bool is_all_over(const struct run *r)
{
    bool all = true;
    for (unsigned i = 0; i < r->n; i++)
        all = all && r->targets[i].over;
    return all;
}

/* A message that comes late does not ring in the quiet hours. */
static enum bf_status tell_or_put_off(struct run *r, const struct bf__due *due, struct bf_job_again *again, struct bf_error *e)
{
    int64_t rings_at = r->now_ms;
    enum bf_status status = is_all_over(r) ? BF_OK : bf__rings_at(r->push, due, r->now_ms, r->arena, &rings_at, e);
    if (status == BF_OK && rings_at > r->now_ms) {
        again->pause_ms = rings_at - r->now_ms;
        again->put_off = true;
        status = write_attempts(r, e);
        return status == BF_OK ? bf_fail(e, BF_E_UNAVAILABLE, "the person's quiet hours have begun: told at their end") : status;
    }
    if (status == BF_OK)
        status = tell(r, e);
    if (status == BF_OK)
        status = bf__attempts_forget(r->push->ctx->store, due->tenant, due->user, r->now_ms, r->arena, e);
    return status == BF_OK ? what_is_left(r, again, e) : status;
}

static enum bf_status deliver(struct run *r, struct bf_job_again *again, struct bf_error *e)
{
    bool needed;
    struct bf__due due;
    int64_t age_ms = r->now_ms - bf_get_int(&r->notification->object, BF_NOTIFICATION_CREATED_AT);
    again->pause_ms = bf__pause_ms(r->push->ctx->env, age_ms, PAUSE_MS, PAUSE_MS_MAX);
    enum bf_status status = find_devices(r, e);
    if (status == BF_OK)
        status = find_attempts(r, e);
    if (status == BF_OK)
        status = is_needed(r, &needed, &due, e);
    if (status != BF_OK || r->n == 0)
        return status;
    status = settle_the_rest(r, needed, &due, e);
    if (status != BF_OK)
        return status;
    find_waiting(r);
    return tell_or_put_off(r, &due, again, e);
}

static enum bf_status deliver_in_turn(struct run *r, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_push *push = r->push;
    struct bf_uuid person = bf_get_uuid(&r->notification->object, BF_NOTIFICATION_USER);
    if (!bf__turn_begin(&push->turns, person, bf_mono_ms(push->ctx->env), &again->pause_ms)) {
        again->put_off = true;
        return bf_fail(e, BF_E_UNAVAILABLE, "other messages to the same person are under way");
    }
    enum bf_status status = deliver(r, again, e);
    bf__turn_end(&push->turns, person);
    return status;
}

static enum bf_status run(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct run *r = bf_arena_calloc(arena, 1, sizeof *r);
    *r = (struct run){.push = ctx, .job = job, .arena = arena, .home.post = post};
    r->now_ms = bf_now_ms(r->push->ctx->env);
    again->count = false;
    enum bf_status status = bf_store_get(r->push->ctx->store, &bf_notifications, job->tenant, job->ref, arena, &r->notification, e);
    if (status != BF_OK || r->notification == NULL || r->notification->tombstone)
        return status;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->posted, NULL);
    status = deliver_in_turn(r, again, e);
    pthread_cond_destroy(&r->posted);
    pthread_mutex_destroy(&r->lock);
    return status;
}

struct bf_job_work bf__delivery_work(struct bf_push *push, unsigned threads)
{
    return (struct bf_job_work){.kind = job_kind,
                                .threads = threads,
                                .lease_ms = LEASE_MS,
                                .attempts_max = INT_MAX, /* the grace ends them */
                                .pause_ms = PAUSE_MS,
                                .pause_ms_max = PAUSE_MS_MAX,
                                .run = run,
                                .ctx = push};
}
