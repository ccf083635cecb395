/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels: the ways a message leaves for a person, behind one table. (Event streams are no channel: the gateway reads them from the log.)
 *
 * A channel carries one attempt, once. Attempts are recorded before they are sent and settled after; when the next one is made, and whether
 * a device is retired, follows from the outcome alike for all channels. Sending is at least once: an attempt whose answer got lost
 * is made again under the same id, by which the peer or the device knows it.
 */
#pragma once
#include "core/error.h"
#include "core/mailbox.h"
#include "core/uuid.h"
#include "push/webpush.h"

struct bf_client;
struct bf_env;

/* What the channels are opened with; a channel reads what is its own. Its strings stay as long as the channel is open. */
struct bf_channel_ctx {
    const struct bf_env *env;
    struct bf_client *client;
    struct bf_str key_file, subject; /* Web Push: of bf_webpush_open; NUL behind them */
    const struct bf_key *key;        /* NULL: that of the file */
    struct bf_str mail_server;       /* SMTP: smtp:// or smtps://host:port; all four with a NUL behind them */
    struct bf_str mail_from;         /* the address that it sends from */
    struct bf_str mail_user, mail_password;
    bool mail_plain;        /* without TLS */
    struct bf_str wecom_url; /* where robots are spoken to, without their key */
};

enum bf_push_outcome {
    BF_PUSH_ACCEPTED, /* the peer took it: it will deliver, or has */
    BF_PUSH_LATER,    /* the same again, after `wait_ms` at least */
    BF_PUSH_RETIRE,   /* this target is over: no message will reach it any more */
    BF_PUSH_DENIED,   /* our set-up is wrong, not the message: the same again, and somebody must mend it */
    BF_PUSH_REFUSED,  /* this message does not go through; the target stays */
};

enum { BF_PUSH_DETAIL_MAX = 200 };

struct bf_push_attempt {
    /* The request; kept by reference until `done`. */
    struct bf_uuid id; /* stable over repetitions: (what, when, where) */
    struct bf_webpush_subscription target; /* Web Push: where; the others: */
    struct bf_str address;                 /* SMTP: whom; webhook: its URL; WeCom: the robot's key. URL and key are secrets */
    struct bf_str secret;                  /* webhook: what it is signed with, BF_KEY_BYTES */
    struct bf_str payload;                 /* as the channel carries it: JSON; of SMTP a message as of RFC 5322; of WeCom markdown */
    unsigned ttl_s;
    enum bf_webpush_urgency urgency;
    struct bf_mailbox *home;
    struct bf_task done; /* `run` is the caller's; runs at home exactly once */

    /* The outcome. */
    enum bf_push_outcome outcome;
    int http_status;                 /* or SMTP's code; 0: there was no answer */
    int64_t wait_ms;                 /* LATER, DENIED: 0 when the peer does not say */
    bool maybe_arrived;              /* LATER: it may have been delivered all the same */
    char detail[BF_PUSH_DETAIL_MAX]; /* why not; without the endpoint's secret path */
};

struct bf_channel {
    const char *name; /* as in stored attempts: it never changes */
    enum bf_status (*open)(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e);
    /* Any thread that may compute for 0.1 ms; does not wait. On anything but BF_OK the attempt was not taken and outcome and detail are
     * set: `done` is not posted. */
    enum bf_status (*send)(void *impl, struct bf_push_attempt *attempt);
    /* No attempt may be under way. */
    void (*close)(void *impl);
};

/* Web Push (RFC 8030); mail (RFC 5321); a POST signed by HMAC (docs/CHANNELS.md); WeCom's group robots (work.weixin.qq.com, document 91770). */
extern const struct bf_channel bf_channel_webpush, bf_channel_smtp, bf_channel_webhook, bf_channel_wecom;
enum { BF_WECOM_BYTES_MAX = 4096, BF_WECOM_KEY_MAX = 100 };
/* The key that browsers subscribe with. `impl` is what bf_channel_webpush opened. */
const char *bf_channel_webpush_key(void *impl);
