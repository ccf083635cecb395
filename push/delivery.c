/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: one job a notification tells the person wherever it is wanted: on all devices that have an active channel and on which the person is signed
 * in, by mail, by the channels that the company has set up. Each (notification, place) has one attempt record with a stable id, written before the message goes out and settled after; a run that is
 * repeated, after a crash or because a push service was away, sends only to those not settled, to each at its own time. What fails for a
 * reason that may pass is tried again until the grace is over. A place of which the peer says that it is gone is retired by a commit.
 *
 * Jobs that were claimed together begin together: a few reads for all, one write for all their attempt records, then all messages are handed to the
 * channel, which does not wait. Each answer is posted home and releases its delivery; what has ended by then is settled, outcomes and jobs, with one write.
 */
#include "push/delivery.h"
#include "core/arena.h"
#include "core/env.h"
#include "push/mail.h"
#include <assert.h>
#include <limits.h>

enum {
    LEASE_MS = 10000,
    TTL_S = 86400,
    WRITES_AT_ONCE = 256, /* attempt records; and those of one more delivery */
};

static const char job_kind[] = "push";

/* ---- from the log to the job ---- */

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
    return (struct bf_consumer){.name = "push.delivery", .consume = consume, .ctx = push};
}

/* ---- what is to be told, and when ---- */

static void settle(struct bf__target *t, enum bf_attempt_state state, const char *cause)
{
    bf__attempt_set(t->of->arena, t->attempt, state, cause, t->of->now_ms);
    t->changed = true;
    t->over = true;
}

static void settle_all(struct bf__delivery *d, enum bf_attempt_state state, const char *cause)
{
    for (unsigned i = 0; i < d->n; i++)
        settle(&d->targets[i], state, cause);
}

/* A lost phone whose session was ended, and one of an account that was frozen, are told nothing more; nor is what is not wanted there. */
static void settle_skipped(struct bf__delivery *d)
{
    for (unsigned i = 0; i < d->n; i++)
        if (d->targets[i].skip != NULL)
            settle(&d->targets[i], BF_ATTEMPT_IS_SKIPPED, d->targets[i].skip);
}

/* Settles whom nothing is to be told any more. */
static void settle_the_rest(struct bf__delivery *d, bool is_over)
{
    if (!d->needed)
        settle_all(d, BF_ATTEMPT_IS_SKIPPED, BF__CAUSE_SETTLED);
    else if (is_over)
        settle_all(d, BF_ATTEMPT_IS_FAILED, BF__CAUSE_OVER);
    settle_skipped(d);
}

/* A time further off than any that is set was set by a clock that went back since. */
static void find_waiting(struct bf__delivery *d)
{
    for (unsigned i = 0; i < d->n; i++) {
        int64_t left_ms = bf_get_int(&d->targets[i].attempt->object, BF_ATTEMPT_NEXT_AT) - d->now_ms;
        d->targets[i].waits = left_ms > 0 && left_ms <= BF__PUSH_WAIT_MS_MAX;
    }
}

static bool is_all_over(const struct bf__delivery *d)
{
    bool all = true;
    for (unsigned i = 0; i < d->n; i++)
        all = all && d->targets[i].over;
    return all;
}

/* The tries that begin now. */
static unsigned begin_tries(struct bf__delivery *d)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->n; i++) {
        struct bf__target *t = &d->targets[i];
        t->told = !t->over && !t->waits;
        if (!t->told)
            continue;
        bf__attempt_try(d->arena, t->attempt, d->now_ms);
        t->changed = true;
        n++;
    }
    return n;
}

/* True when somebody is told now; else the run has ended. A message that comes late does not ring in the quiet hours. */
static bool prepare(struct bf__batch *b, struct bf__delivery *d)
{
    struct bf_error e = {0};
    int64_t rings_at = d->now_ms;
    bool is_over;
    enum bf_status status = d->n == 0 ? BF_OK : bf__is_over(d->push, &d->due, d->now_ms, &b->nights, b->arena, &is_over, &e);
    if (status == BF_OK && d->n > 0) {
        settle_the_rest(d, is_over);
        find_waiting(d);
        status = is_all_over(d) ? BF_OK : bf__rings_at(d->push, &d->due, d->now_ms, &b->nights, b->arena, &rings_at, &e);
    }
    if (status == BF_OK && rings_at > d->now_ms) {
        d->run->again.pause_ms = rings_at - d->now_ms;
        d->run->again.put_off = true;
        status = bf_fail(&e, BF_E_UNAVAILABLE, "the person's quiet hours have begun: told at their end");
    }
    if (status != BF_OK)
        bf__delivery_fail(d, &e);
    else if (begin_tries(d) == 0)
        bf__delivery_end(d);
    else
        return true;
    return false;
}

/* ---- sending ---- */

static void landed(struct bf_task *task)
{
    bf__delivery_release(BF_CONTAINER(BF_CONTAINER(task, struct bf_push_attempt, done), struct bf__target, message)->of);
}

/* The message as each way carries it, made when the first place wants it. */
struct payloads {
    struct bf_str of[BF__WAYS];
};

static struct bf_str mail_for(const struct bf__target *t)
{
    struct bf__delivery *d = t->of;
    int kind = bf_get_enum(&d->notification->object, BF_NOTIFICATION_KIND);
    struct bf__mail mail = {.id = t->attempt->id,
                            .notification = d->notification,
                            .to = t->message.address,
                            .from = d->push->mail_from,
                            .from_name = d->push->mail_name,
                            .unsubscribe = bf_strz(bf__unsubscribe_url(d->push, d->notification->tenant, d->person, kind, d->arena)),
                            .english = d->english};
    return bf__mail_write(&mail, d->arena);
}

static struct bf_str payload_for(const struct bf__target *t, struct payloads *payloads)
{
    struct bf__delivery *d = t->of;
    struct bf_str *payload = &payloads->of[t->way];
    if (payload->p != NULL)
        return *payload;
    switch (t->way) {
    case BF__SMTP:
        return mail_for(t);
    case BF__WEBHOOK:
        *payload = bf__webhook_message(d->notification, d->arena);
        break;
    case BF__WECOM:
        *payload = bf__markdown(d->notification, d->arena);
        break;
    case BF__WEBPUSH:
    case BF__WAYS:
        *payload = bf__message(d->notification, d->arena);
        break;
    }
    return *payload;
}

static void address_device(struct bf_push_attempt *message, const struct bf_object *device)
{
    const struct bf_object *subscription = bf_get_object(device, BF_DEVICE_SUBSCRIPTION);
    struct bf_str p256dh = bf_get_str(subscription, BF_SUBSCRIPTION_P256DH), auth = bf_get_str(subscription, BF_SUBSCRIPTION_AUTH);
    assert(p256dh.n == BF_P256_POINT && auth.n == BF_WEBPUSH_AUTH);
    message->target.endpoint = bf_get_str(subscription, BF_SUBSCRIPTION_ENDPOINT);
    memcpy(message->target.p256dh, p256dh.p, p256dh.n);
    memcpy(message->target.auth, auth.p, auth.n);
}

static void address(struct bf_push_attempt *message, const struct bf__target *t)
{
    const struct bf_object *o = &t->record->object;
    switch (t->way) {
    case BF__SMTP:
        message->address = bf_get_str(o, BF_USER_EMAIL);
        return;
    case BF__WEBHOOK:
    case BF__WECOM:
        message->address = bf_get_str(o, BF_CHANNEL_TARGET_ADDRESS);
        message->secret = bf_get_str(o, BF_CHANNEL_TARGET_SECRET);
        return;
    case BF__WEBPUSH:
    case BF__WAYS:
        address_device(message, o);
    }
}

static void send_one(struct bf__target *t, struct payloads *payloads)
{
    struct bf__delivery *d = t->of;
    t->message = (struct bf_push_attempt){
        .id = t->attempt->id, .ttl_s = TTL_S, .urgency = BF_URGENCY_HIGH, .home = d->run->home, .done.run = landed};
    address(&t->message, t);
    t->message.payload = payload_for(t, payloads);
    d->under_way++;
    if (bf__channels[t->way]->send(d->push->ways[t->way], &t->message) != BF_OK)
        bf__delivery_release(d);
}

static void send_all(struct bf__delivery *d)
{
    struct payloads payloads = {0};
    d->under_way = 1; /* so that it does not end while messages are still to be handed over */
    for (unsigned i = 0; i < d->n; i++)
        if (d->targets[i].told)
            send_one(&d->targets[i], &payloads);
    bf__delivery_release(d);
}

/* ---- attempts on record ---- */

struct records {
    struct bf_write writes[WRITES_AT_ONCE + BF__TARGETS_MAX];
    enum bf_status rets[WRITES_AT_ONCE + BF__TARGETS_MAX];
    struct bf__target *of[WRITES_AT_ONCE + BF__TARGETS_MAX];
    unsigned n;
};

/* From *at on. BF_E_STALE when another run, which took the job over meanwhile, has written one: the record is its by then, and it counted this run's
 * try. */
static enum bf_status judge_records(const struct bf__delivery *d, const struct records *records, unsigned *at, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (; *at < records->n && records->of[*at]->of == d; ++*at) {
        if (records->rets[*at] == BF_OK)
            records->of[*at]->rev++;
        else
            status = bf_fail(e, BF_E_STALE, "another run has taken the message over");
    }
    return status;
}

/* Tells those of the deliveries whose records are there; the others have ended. Returns how many of them the write held. */
static unsigned record_and_send(struct bf_push *push, struct bf__delivery **of, unsigned n, struct records *records)
{
    struct bf_error failed = {0};
    unsigned held = 0, at = 0;
    records->n = 0;
    while (held < n && records->n < WRITES_AT_ONCE) {
        records->n += bf__targets_changed(of[held], records->writes + records->n, records->of + records->n);
        held++;
    }
    enum bf_status status = bf_store_write_behind(push->ctx->store, records->writes, records->n, records->rets, &failed);
    for (unsigned i = 0; i < held; i++) {
        struct bf_error e = failed;
        if (status == BF_OK && judge_records(of[i], records, &at, &e) == BF_OK)
            send_all(of[i]);
        else
            bf__delivery_fail(of[i], &e);
    }
    return held;
}

/* ---- a batch ---- */

/* What begins together, of all tenants. */
struct round {
    struct bf_push *push;
    struct bf_arena *arena; /* until all was handed over */
    int64_t now_ms;
    struct bf__delivery *told[BF_JOBS_MAX];
    unsigned n_told;
};

static struct bf__delivery *begin_one(struct round *round, struct bf_job_run *run, const struct bf_doc *notification)
{
    const struct bf_env *env = round->push->ctx->env;
    int64_t wait_ms, age_ms = round->now_ms - bf_get_int(&notification->object, BF_NOTIFICATION_CREATED_AT);
    struct bf_uuid person = bf_get_uuid(&notification->object, BF_NOTIFICATION_USER);
    run->again.pause_ms = bf__pause_ms(env, age_ms, BF__PUSH_PAUSE_MS, BF__PUSH_PAUSE_MS_MAX);
    if (!bf__turn_begin(&round->push->turns, person, bf_mono_ms(env), &wait_ms)) {
        bf__put_off(run, wait_ms, "other messages to the same person are under way");
        return NULL;
    }
    struct bf__delivery *d = bf_arena_calloc(run->arena, 1, sizeof *d);
    *d = (struct bf__delivery){
        .push = round->push, .run = run, .arena = run->arena, .person = person, .now_ms = round->now_ms, .notification = notification};
    return d;
}

/* Those whose notification is there and whose person has a turn left. */
static void begin_each(struct round *round, struct bf__batch *b, struct bf_job_run **runs, struct bf_doc *const *notifications, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (notifications[i] == NULL || notifications[i]->tombstone) {
            bf_job_run_end(runs[i], BF_OK);
            continue;
        }
        struct bf__delivery *d = begin_one(round, runs[i], notifications[i]);
        if (d != NULL)
            b->of[b->n++] = d;
    }
}

static void begin_tenant(void *ctx, struct bf_uuid tenant, struct bf_job_run **runs, unsigned n)
{
    struct round *round = ctx;
    struct bf__batch b = {.push = round->push, .tenant = tenant, .arena = round->arena};
    struct bf_uuid *ids = bf_arena_calloc(b.arena, n, sizeof *ids);
    struct bf_doc **notifications = bf_arena_calloc(b.arena, n, sizeof(struct bf_doc *));
    struct bf_error e = {0};
    b.of = bf_arena_calloc(b.arena, n, sizeof(struct bf__delivery *));
    for (unsigned i = 0; i < n; i++)
        ids[i] = runs[i]->job->ref;
    enum bf_status status = bf__get_all(b.push->ctx->store, &bf_notifications, tenant, ids, n, b.arena, notifications, &e);
    for (unsigned i = 0; status != BF_OK && i < n; i++)
        bf__fail(runs[i], &e);
    if (status != BF_OK)
        return;
    begin_each(round, &b, runs, notifications, n);
    status = bf__targets_find(&b, &e);
    for (unsigned i = 0; i < b.n; i++) {
        if (status != BF_OK)
            bf__delivery_fail(b.of[i], &e);
        else if (prepare(&b, b.of[i]))
            round->told[round->n_told++] = b.of[i];
    }
}

static void begin(void *ctx, struct bf_job_run *const *runs, unsigned n)
{
    struct bf_push *push = ctx;
    struct round round = {.push = push, .arena = bf_arena_create(), .now_ms = bf_now_ms(push->ctx->env)};
    struct records *records = bf_arena_alloc(round.arena, sizeof *records);
    for (unsigned i = 0; i < n; i++)
        runs[i]->again.count = false;
    bf__each_tenant(runs, n, begin_tenant, &round);
    for (unsigned at = 0; at < round.n_told;)
        at += record_and_send(push, round.told + at, round.n_told - at, records);
    bf_arena_destroy(&round.arena);
}

struct bf_job_work bf__delivery_work(struct bf_push *push, unsigned threads)
{
    return (struct bf_job_work){.kind = job_kind,
                                .threads = threads,
                                .places = BF__PLACES / threads,
                                .lease_ms = LEASE_MS,
                                .attempts_max = INT_MAX, /* the grace ends them */
                                .pause_ms = BF__PUSH_PAUSE_MS,
                                .pause_ms_max = BF__PUSH_PAUSE_MS_MAX,
                                .begin = begin,
                                .ctx = push};
}
