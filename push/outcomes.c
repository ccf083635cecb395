/* SPDX-License-Identifier: Apache-2.0 */
/* What came of the messages of a delivery: settled, or told again at its time; a place of which the peer says that it is gone is retired by a commit. */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "crm/preference.h"
#include "push/delivery.h"

/* Told again: after a pause that grows with the time since the first try, or when the push service asks for it. */
static void postpone(struct bf__target *t, const char *cause)
{
    struct bf__delivery *d = t->of;
    int64_t age_ms = d->now_ms - bf_get_int(&t->attempt->object, BF_ATTEMPT_FIRST_AT);
    int64_t pause_ms = bf__pause_ms(d->push->ctx->env, age_ms, BF__PUSH_PAUSE_MS, BF__PUSH_PAUSE_MS_MAX);
    int64_t asked_ms = t->message.wait_ms < BF__PUSH_WAIT_MS_MAX ? t->message.wait_ms : BF__PUSH_WAIT_MS_MAX;
    bf__attempt_postpone(d->arena, t->attempt, cause, d->now_ms + (asked_ms > pause_ms ? asked_ms : pause_ms));
    t->changed = true;
}

static void settle(struct bf__target *t, enum bf_attempt_state state, const char *cause)
{
    bf__attempt_judge(t->of->arena, t->attempt, state, cause);
    t->changed = true;
    t->over = true;
}

/* ---- retiring a place ---- */

struct retirement {
    struct bf__target *target;
    bool is_renewed; /* it is another by now: a new subscription, a new address */
};

static void retire_device(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, struct retirement *retirement)
{
    const struct bf_doc *seen = retirement->target->record, *now = bf_view_get(view, &bf_devices, seen->id);
    bool is_active = now != NULL && !now->tombstone && bf_get_enum(&now->object, BF_DEVICE_PUSH) == BF_PUSH_STATE_IS_ACTIVE;
    retirement->is_renewed =
        is_active && !bf_value_eq(&now->object.v[BF_DEVICE_SUBSCRIPTION], &seen->object.v[BF_DEVICE_SUBSCRIPTION]);
    if (!is_active || retirement->is_renewed)
        return;
    struct bf_doc *device = bf_doc_copy(arena, now);
    bf_set_enum(&device->object, BF_DEVICE_PUSH, BF_PUSH_STATE_IS_RETIRED);
    bf_unset(&device->object, BF_DEVICE_SUBSCRIPTION);
    bf_decision_put(d, &bf_devices, device);
}

/* The address stays the person's to read and mend; only no mail goes there any more. */
static void retire_mailbox(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, struct retirement *retirement)
{
    const struct bf_doc *seen = retirement->target->record, *now = bf_view_get(view, &bf_users, seen->id);
    const struct bf_doc *stored = bf_view_get(view, &bf_preferences, seen->id);
    retirement->is_renewed = now != NULL && !bf_value_eq(&now->object.v[BF_USER_EMAIL], &seen->object.v[BF_USER_EMAIL]);
    if (now == NULL || now->tombstone || retirement->is_renewed)
        return;
    struct bf_doc *doc = stored != NULL ? bf_doc_copy(arena, stored) : bf_doc_create(arena, &bf_preference_schema, seen->tenant, seen->id);
    bf_set_str(&doc->object, BF_PREFERENCE_MAIL_RETIRED, bf_str_dup(arena, bf_get_str(&seen->object, BF_USER_EMAIL)));
    bf_decision_put(d, &bf_preferences, doc);
}

static void retire_channel(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, struct retirement *retirement)
{
    const struct bf_doc *now = bf_view_get(view, &bf_channel_targets, retirement->target->record->id);
    if (now == NULL || now->tombstone || bf_get_enum(&now->object, BF_CHANNEL_TARGET_STATE) != BF_PUSH_STATE_IS_ACTIVE)
        return;
    struct bf_doc *channel = bf_doc_copy(arena, now);
    bf_set_enum(&channel->object, BF_CHANNEL_TARGET_STATE, BF_PUSH_STATE_IS_RETIRED);
    bf_decision_put(d, &bf_channel_targets, channel);
}

/* The first read is of the place itself. */
static unsigned retirement_reads(const struct bf__target *t, struct bf_read reads[2])
{
    const struct bf_collection *coll = t->way == BF__WEBPUSH ? &bf_devices : t->way == BF__SMTP ? &bf_users : &bf_channel_targets;
    reads[0] = (struct bf_read){.coll = coll, .id = t->record->id};
    reads[1] = (struct bf_read){.coll = &bf_preferences, .id = t->record->id};
    return t->way == BF__SMTP ? 2 : 1;
}

static enum bf_status decide_retire(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct retirement *retirement = ctx;
    enum bf__way way = retirement->target->way;
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), retirement->target->of->person);
    if (way == BF__WEBPUSH)
        retire_device(view, d, arena, retirement);
    else if (way == BF__SMTP)
        retire_mailbox(view, d, arena, retirement);
    else
        retire_channel(view, d, arena, retirement);
    return BF_OK;
}

/* What is another by now is to be told there. */
static void retired(const struct bf_receipt *receipt, void *ctx)
{
    const struct retirement *retirement = ctx;
    struct bf__target *t = retirement->target;
    if (receipt->status != BF_OK) {
        postpone(t, receipt->error.cause);
    } else if (retirement->is_renewed) {
        postpone(t, "its address is another by now");
    } else {
        bf_metric_add(t->of->push->ctx->env->metrics, BF_M_PUSH_RETIRED, 1);
        settle(t, BF_ATTEMPT_IS_RETIRED, t->message.detail);
    }
    bf__delivery_release(t->of);
}

static void retire(struct bf__target *t)
{
    struct bf__delivery *d = t->of;
    struct bf_error e = {0};
    struct bf_read reads[2];
    struct retirement *retirement = bf_arena_calloc(d->arena, 1, sizeof *retirement);
    *retirement = (struct retirement){.target = t};
    struct bf_submission submission = {.tenant = t->record->tenant,
                                       .reads = reads,
                                       .n_reads = retirement_reads(t, reads),
                                       .decide = decide_retire,
                                       .ctx = retirement,
                                       .behind = true,
                                       .home = d->run->home,
                                       .done = retired};
    bf_random(d->push->ctx->env, &submission.request, sizeof submission.request);
    if (bf_submit(d->push->ctx->store, &submission, &e) == BF_OK)
        d->under_way++;
    else
        postpone(t, e.cause);
}

/* ---- outcomes ---- */

/* For the operator: what only he can mend, or should know. A URL's path is a secret, an address of mail a person's. */
static void log_refused(const struct bf__target *t, const char *words)
{
    char host[300] = "";
    if (t->way == BF__WEBPUSH || t->way == BF__WEBHOOK)
        bf__webpush_origin(t->way == BF__WEBPUSH ? t->message.target.endpoint : t->message.address, host, sizeof host);
    bf_log(t->of->push->ctx->env, BF_LOG_WARN, "push.refused", words, BF_L_STR("channel", bf__channels[t->way]->name), BF_L_STR("host", host),
           BF_L_INT("status", t->message.http_status), BF_L_END);
}

/* What the peer said to it may hold more than belongs into the log; it is in the attempt's record. */
static void deny(struct bf__target *t)
{
    static const char *const words[BF__WAYS] = {
        [BF__WEBPUSH] = "a push service does not take our signature: look at clock, vapid_key_file and vapid_subject; the message is tried again",
        [BF__SMTP] = "the mail server does not let us in: look at [mail] user and password; the message is tried again",
        [BF__WEBHOOK] = "a webhook's receiver does not take our signature; the message is tried again",
        [BF__WECOM] = "WeCom does not take a robot's key: retire the channel, or let the robot into its group; the message is tried again"};
    log_refused(t, words[t->way]);
    postpone(t, t->way == BF__WEBPUSH ? "the push service does not take our signature" : t->message.detail);
}

static void judge(struct bf__target *t)
{
    const struct bf_push_attempt *m = &t->message;
    bf_metric_add(t->of->push->ctx->env->metrics, m->outcome == BF_PUSH_ACCEPTED ? BF_M_PUSH_SENT : BF_M_PUSH_FAILED, 1);
    bf__attempt_outcome(t->of->arena, t->attempt, m->http_status, m->detail);
    switch (m->outcome) {
    case BF_PUSH_ACCEPTED:
        settle(t, BF_ATTEMPT_IS_ACCEPTED, "");
        return;
    case BF_PUSH_REFUSED:
        log_refused(t, "a peer refuses a message; it is given up");
        settle(t, BF_ATTEMPT_IS_FAILED, m->detail);
        return;
    case BF_PUSH_RETIRE:
        retire(t);
        return;
    case BF_PUSH_DENIED:
        deny(t);
        return;
    case BF_PUSH_LATER:
        postpone(t, m->detail);
        return;
    }
}

/* ---- the end of a run ---- */

/* BF_E_UPSTREAM when somebody is to be told again, then at the earliest time of those. */
static enum bf_status what_is_left(const struct bf__delivery *d, struct bf_job_again *again, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    int64_t pause_ms = BF__PUSH_WAIT_MS_MAX;
    for (unsigned i = 0; i < d->n; i++) {
        const struct bf_object *o = &d->targets[i].attempt->object;
        if (d->targets[i].over)
            continue;
        int64_t left_ms = bf_get_int(o, BF_ATTEMPT_NEXT_AT) - d->now_ms;
        pause_ms = left_ms < pause_ms ? left_ms : pause_ms;
        /* This goes to the log. A mail server's words may name the person's address: they are in the record. */
        struct bf_str cause = d->targets[i].way == BF__SMTP ? BF_STR("the mail is tried again") : bf_get_str(o, BF_ATTEMPT_CAUSE);
        status = bf_fail(e, BF_E_UPSTREAM, "%.*s", BF_FMT(cause));
    }
    again->pause_ms = pause_ms > 0 ? pause_ms : 0;
    return status;
}

static void end(struct bf__delivery *d, enum bf_status status)
{
    struct bf_write *writes = bf_arena_calloc(d->arena, d->n, sizeof *writes);
    d->run->n_writes = bf__targets_changed(d, writes, NULL);
    d->run->writes = writes;
    bf__turn_end(&d->push->turns, d->person);
    bf_job_run_end(d->run, status);
}

void bf__delivery_end(struct bf__delivery *d) { end(d, what_is_left(d, &d->run->again, &d->run->error)); }

void bf__delivery_fail(struct bf__delivery *d, const struct bf_error *e)
{
    d->run->error = *e;
    end(d, e->status);
}

static void judge_all(struct bf__delivery *d)
{
    d->judged = true;
    d->now_ms = bf_now_ms(d->push->ctx->env);
    d->under_way = 1;
    for (unsigned i = 0; i < d->n; i++)
        if (d->targets[i].told)
            judge(&d->targets[i]);
    bf__delivery_release(d);
}

void bf__delivery_release(struct bf__delivery *d)
{
    if (--d->under_way > 0)
        return;
    if (d->judged)
        bf__delivery_end(d);
    else
        judge_all(d);
}
