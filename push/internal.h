/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of push/ share. Not for other modules.
 *
 * The way of a reminder:
 *
 *   log: reminder planned --consume--> job "reminder", due at send_at
 *        job "reminder"   --commit---> reminder sent + notification, one decision
 *   log: notification     --consume--> job "push"
 *        job "push"       ------------> for each place where the person wants it told (a device, the mailbox, a channel of the company):
 *                                       attempt recorded, message sent, outcome recorded
 *
 * Both kinds of jobs go many at a time (storage/job_runner.h), and share what they read and write:
 *
 *   claim N | read of all | reminders: a decision each, which meet in few entries | settle N
 *   claim N | read of all | delivery: attempts of all recorded | all sent, none waits for another's answer | outcomes and settle of those that have theirs
 *
 * Event streams need no job: they read the notification from the log.
 */
#pragma once
#include "access/access.h"
#include "access/call.h"
#include "access/collections.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/service.h"
#include "push/channel.h"
#include "storage/job_runner.h"
#include <pthread.h>

enum { BF__CONSUMERS = 3 };

/* ---- turns (push/turns.c): a person whose push service is slow holds up nobody else ---- */

/* Notifications that are delivered at the same time, of all threads together; of those for one person. */
enum { BF__PLACES = 256, BF__TURNS_EACH = 16, BF__THREADS_MAX = 8 };

struct bf__turn; /* a person with messages under way */

struct bf__turns {
    pthread_mutex_t lock;
    struct bf__turn *people;
};

void bf__turns_init(struct bf__turns *turns);
void bf__turns_finish(struct bf__turns *turns);
/* False when enough of the person's messages are under way: then come again after *ret_wait_ms, one after the other. Any thread. */
bool bf__turn_begin(struct bf__turns *turns, struct bf_uuid person, int64_t now_ms, int64_t *ret_wait_ms);
void bf__turn_end(struct bf__turns *turns, struct bf_uuid person);

/* ---- ways: the channels, by number (push/ways.c) ---- */

enum bf__way { BF__WEBPUSH, BF__SMTP, BF__WEBHOOK, BF__WECOM, BF__WAYS };
extern const struct bf_channel *const bf__channels[BF__WAYS];

struct bf_push {
    struct bf_api api;
    const struct bf_service_ctx *ctx;
    void *ways[BF__WAYS]; /* what each channel opened; NULL: it is not set up */
    struct bf_str public_url, mail_from, mail_name;
    struct bf_key unsubscribe_key;
    struct bf_job_runner *runner;
    struct bf_consumer consumers[BF__CONSUMERS];
    struct bf__turns turns;
    struct bf__digest_desk *desk; /* of the thread of digests */
    int64_t grace_ms; /* what could not be told within this is not told any more */
};

/* ---- what is late (push/late.c) ---- */
struct bf__due {
    struct bf_uuid tenant, user;
    int64_t send_at;
    bool wake; /* within the quiet hours, too (G-23) */
};
/* Whose quiet hours were read already, for what is judged together: {NULL} at first, in the arena of the calls. */
struct bf__nights {
    struct bf__night *first;
};
/* *ret: it is too late to tell it: the grace is over, which begins anew in the morning when it would end in the quiet hours. Blocks. */
enum bf_status bf__is_over(struct bf_push *push, const struct bf__due *due, int64_t now_ms, struct bf__nights *nights, struct bf_arena *arena,
                           bool *ret, struct bf_error *e);
/* *ret: when it may ring, now or at the end of the person's quiet hours. Blocks. */
enum bf_status bf__rings_at(struct bf_push *push, const struct bf__due *due, int64_t now_ms, struct bf__nights *nights, struct bf_arena *arena,
                            int64_t *ret, struct bf_error *e);

/* Opens the channels that the configuration sets up; closes them. */
enum bf_status bf__ways_open(struct bf_push *push, struct bf_error *e);
void bf__ways_close(struct bf_push *push);
/* What of the configuration forbids a start. */
enum bf_status bf__ways_check(const struct bf_config *config, struct bf_error *e);
extern const struct bf_config_row bf__mail_rows[];
extern const unsigned bf__mail_n_rows;

/* ---- a lost key (push/vapid_key.c) ---- */
bool bf__vapid_key_is_missing(const char *key_file);
/* After one was made: says so in the log when the store has phones that subscribed under another one. */
enum bf_status bf__vapid_key_made(const struct bf_service_ctx *ctx, const char *key_file, struct bf_error *e);

/* ---- reminders (push/reminders.c) ---- */
struct bf_consumer bf__reminders_consumer(struct bf_push *push);
struct bf_job_work bf__reminders_work(struct bf_push *push);
extern const struct bf_derivation bf__reminders_derivation;

/* ---- digests (push/digests.h) ---- */
struct bf_consumer bf__digests_consumer(struct bf_push *push);
struct bf_job_work bf__digests_work(struct bf_push *push);
struct bf_job_work bf__digest_people_work(struct bf_push *push);
/* Sees to it, in the background, that everybody who is told digests has a job. */
enum bf_status bf__digests_look(struct bf_push *push, struct bf_error *e);
void bf__digest_desk_clear(struct bf__digest_desk **desk);

/* ---- delivery (push/delivery.c) ---- */
struct bf_consumer bf__delivery_consumer(struct bf_push *push);
struct bf_job_work bf__delivery_work(struct bf_push *push, unsigned threads);

/* ---- what both kinds of jobs need (push/jobs.c) ---- */
enum bf_status bf__jobs_add(struct bf_push *push, const struct bf_job *jobs, unsigned n, struct bf_error *e);
/* Before the next try of what has failed for `age_ms`: as long again, within the bounds, less up to a quarter at random. */
int64_t bf__pause_ms(const struct bf_env *env, int64_t age_ms, int64_t least_ms, int64_t most_ms);
/* Ends it for now, since it is not its time yet: it comes again after `pause_ms`. */
void bf__put_off(struct bf_job_run *run, int64_t pause_ms, const char *why);
void bf__fail(struct bf_job_run *run, const struct bf_error *e);
/* Calls `fn` for each tenant with the runs of its jobs. */
typedef void bf__of_tenant_fn(void *ctx, struct bf_uuid tenant, struct bf_job_run **runs, unsigned n);
void bf__each_tenant(struct bf_job_run *const *runs, unsigned n, bf__of_tenant_fn *fn, void *ctx);
/* As bf_store_get_many, of any number. */
enum bf_status bf__get_all(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n,
                           struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);

/* ---- attempts: a record for each (notification, place: a device, a mailbox, a channel of the company), outside the commit log (push/attempts.c) ---- */

/* One try; the last ones are kept in the record. No http_status: its outcome is not known, the process ended meanwhile. */
#define BF_TRY_FIELDS(F)                                                                                                                 \
    F(AT, "at", TIME, BF_F_SERVER, 0, 0, NORMAL, "时间", "When")                                                                         \
    F(HTTP_STATUS, "http_status", INT, BF_F_SERVER, 0, 999, NORMAL, "应答", "Answer; 0: there was none")                                 \
    F(CAUSE, "cause", STRING, BF_F_SERVER, 0, 240, NORMAL, "原因", "Why it failed")

#define BF_ATTEMPT_FIELDS(F)                                                                                                             \
    F(NOTIFICATION, "notification", UUID, BF_F_SERVER, 0, 0, NORMAL, "通知", "Notification")                                             \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "接收人", "Whom it tells")                                                          \
    F(DEVICE, "device", UUID, BF_F_SERVER, 0, 0, NORMAL, "设备或渠道", "Device, or where else")                                                               \
    F(CHANNEL, "channel", STRING, BF_F_SERVER, 0, 20, NORMAL, "渠道", "Channel")                                                         \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf__enum_attempt_state)                                \
    F(TRIES, "tries", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "次数", "Tries")                                                           \
    F(CAUSE, "cause", STRING, BF_F_SERVER, 0, 240, NORMAL, "原因", "Why it is in this state")                                            \
    F(FIRST_AT, "first_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "首次尝试", "First try")                                                    \
    F(LAST_AT, "last_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最近尝试", "Last try")                                                       \
    F(NEXT_AT, "next_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "下次尝试", "Next try, not before")                                           \
    F(HISTORY, "history", ARRAY, BF_F_SERVER, 0, BF__TRIES_KEPT, NORMAL, "各次尝试", "The last tries", .elem = BF_T_OBJECT,              \
      .sub = &bf__try_schema)
#define F(row, ...) BF_TRY_##row,
enum bf_try_row { BF_TRY_FIELDS(F) BF_TRY_ROWS };
#undef F
#define F(row, ...) BF_ATTEMPT_##row,
enum bf_attempt_row { BF_ATTEMPT_FIELDS(F) BF_ATTEMPT_ROWS };
#undef F

/* sending: a try is under way, or its outcome is not known, or there will be another; it may have arrived. */
#define BF_ATTEMPT_STATE_WORDS(X)                                                                                                        \
    X(SENDING, "sending", "发送中", "Sending")                                                                                           \
    X(ACCEPTED, "accepted", "对方已接收", "Accepted by the peer")                                                                                                                                   \
    X(FAILED, "failed", "失败", "Failed")                                                                                                \
    X(RETIRED, "retired", "地址已失效", "The address is gone")                                                                            \
    X(SKIPPED, "skipped", "无需发送", "Not needed any more")
#define X(WORD, ...) BF_ATTEMPT_IS_##WORD,
enum bf_attempt_state { BF_ATTEMPT_STATE_WORDS(X) BF_ATTEMPT_STATES };
#undef X

/* Beyond them the oldest tries give way; the record still says how many there were, and when the first was. A record is kept for so long
 * after its last change, or longer, until the person is told something again. */
enum { BF__TRIES_KEPT = 50, BF__ATTEMPT_DAYS = 90 };

extern const struct bf_enum bf__enum_attempt_state;
extern const struct bf_schema bf__try_schema, bf__attempt_schema;
extern const struct bf_collection bf__attempts;
extern const struct bf_index bf__attempts_by_user; /* (user, last_at) */

/* The stable id of telling this device (or other place) of this notification: the attempt's and the message's. */
struct bf_uuid bf__attempt_id(struct bf_uuid tenant, struct bf_uuid notification, struct bf_uuid device);
struct bf_doc *bf__attempt_create(struct bf_arena *arena, const struct bf_doc *notification, struct bf_uuid device, enum bf__way way);
/* Those of one notification, by their last try. Blocks. */
enum bf_status bf__attempts_of(struct bf_store *store, const struct bf_doc *notification, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e);
bool bf__attempt_is_settled(const struct bf_doc *attempt);
/* A try begins; what came of it. Strings are copied. */
void bf__attempt_try(struct bf_arena *arena, struct bf_doc *attempt, int64_t now_ms);
void bf__attempt_outcome(struct bf_arena *arena, struct bf_doc *attempt, int http_status, const char *cause);
/* The state that follows, after a try: the record keeps its time, which its index is ordered by. Not settled: the next try is not before `next_ms`. */
void bf__attempt_judge(struct bf_arena *arena, struct bf_doc *attempt, enum bf_attempt_state state, const char *cause);
void bf__attempt_postpone(struct bf_arena *arena, struct bf_doc *attempt, const char *cause, int64_t next_ms);
/* Settled without one. */
void bf__attempt_set(struct bf_arena *arena, struct bf_doc *attempt, enum bf_attempt_state state, const char *cause, int64_t now_ms);

/* Deletes records of the person that are old enough: more at once than one message makes. Blocks. */
enum bf_status bf__attempts_forget(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, int64_t now_ms, struct bf_arena *arena,
                                   struct bf_error *e);

/* ---- the message (push/message.c) ---- */
/* What a device is told, as JSON of at most BF_WEBPUSH_PAYLOAD_MAX bytes; of long words fewer go out. */
struct bf_str bf__message(const struct bf_doc *notification, struct bf_arena *arena);
/* The same for a webhook: whom it tells, and when it was made, stand with it. */
struct bf_str bf__webhook_message(const struct bf_doc *notification, struct bf_arena *arena);
/* As markdown of at most BF_WECOM_BYTES_MAX bytes, in which the words mean nothing but themselves. */
struct bf_str bf__markdown(const struct bf_doc *notification, struct bf_arena *arena);
/* At most `max` bytes, cut between characters. */
struct bf_str bf__cut(struct bf_str s, size_t max);

/* ---- the link that ends mail of a kind (push/unsubscribe.c) ---- */
const char *bf__unsubscribe_url(const struct bf_push *push, struct bf_uuid tenant, struct bf_uuid user, int kind, struct bf_arena *arena);
extern const struct bf_endpoint bf__unsubscribe_page, bf__unsubscribe;

/* ---- why it was told or not ---- */
/* What became of a notification, place by place: GET /v1/notifications/{id}/delivery (push/ledger.c). */
extern const struct bf_endpoint bf__delivery_read;
/* The same in words, for the administrator (push/explain.c). */
bf_admin_fn bf__explain;

/* Causes that are ours, in both languages. */
#define BF__CAUSE_MAP(X)                                                                                                                 \
    X(SIGNED_OUT, "nobody is signed in there, or the account is frozen", "那里无人登录，或账号已冻结")                                   \
    X(UNWANTED, "the person does not want this kind by push", "本人不要这类推送")                                                        \
    X(SETTLED, "settled before it was sent", "发送前已处理完毕")                                                                         \
    X(OVER, "it could not be told in time", "超过宽限期，不再发送")
#define X(NAME, en, zh) static const char BF__CAUSE_##NAME[] __attribute__((unused)) = en;
BF__CAUSE_MAP(X)
#undef X

/* ---- channels of a company (push/channels.c), and administration (push/admin.c) ---- */
enum { BF__CHANNELS_OF_TENANT = 100, BF__CHANNELS_OF_PERSON = 20 };
bf_admin_fn bf__channel_add, bf__channel_list, bf__channel_retire;
enum { BF__PUSH_COMMANDS = 5 };
extern const struct bf_admin_command bf__push_commands[BF__PUSH_COMMANDS];
