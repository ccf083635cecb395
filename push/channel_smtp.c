/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mail channel: one recipient a message, over TLS unless the configuration says otherwise. A repetition carries the same Message-ID, by which mail
 * programs know it. What a reply means (RFC 5321 section 4.2, RFC 3463 for the enhanced code behind it):
 *
 *   4xx                                    later
 *   530, 535, 534, 538                     our set-up: it does not let us in
 *   550, 551, 553 and X.1.x, X.2.1         there is no such mailbox: over
 *   other 5xx, with policy (X.7.x) too     this message does not go through
 */
#include "core/arena.h"
#include "push/channel_http.h"
#include <stdlib.h>

enum { MAIL_MS = 30000 };

struct channel {
    struct bf_client *client;
    const char *url, *from, *user, *password;
    bool plain;
};

static enum bf_status open_smtp(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e)
{
    struct channel *c = calloc(1, sizeof *c);
    (void)e;
    if (c == NULL)
        abort();
    *c = (struct channel){.client = ctx->client,
                          .url = ctx->mail_server.p,
                          .from = ctx->mail_from.p,
                          .user = ctx->mail_user.p,
                          .password = ctx->mail_password.p,
                          .plain = ctx->mail_plain};
    *ret = c;
    return BF_OK;
}

/* "5.1.1" of "550 5.1.1 No such user". False when there is none. */
static bool enhanced_code(struct bf_str line, int *subject, int *detail)
{
    char text[24];
    int cls;
    size_t n = line.n < sizeof text - 1 ? line.n : sizeof text - 1;
    memcpy(text, line.p, n);
    text[n] = '\0';
    return n > 4 && sscanf(text + 4, "%1d.%3d.%3d", &cls, subject, detail) == 3 && cls == 5;
}

static bool is_unknown_mailbox(int code, struct bf_str line)
{
    int subject, detail;
    if (enhanced_code(line, &subject, &detail))
        return subject == 1 || (subject == 2 && detail == 1);
    return code == 550 || code == 551 || code == 553;
}

static void read_answer(struct bf_push_attempt *a, const struct bf_fetch *fetch)
{
    char words[BF__WORDS_ROOM];
    int code = fetch->http_status;
    bf__peer_words(fetch->answer, words);
    if (code < 400)
        bf__attempt_end(a, BF_PUSH_ACCEPTED, "%s", "");
    else if (code < 500)
        bf__attempt_end(a, BF_PUSH_LATER, "the mail server answered: %s", words);
    else if (code == 530 || code == 534 || code == 535 || code == 538)
        bf__attempt_end(a, BF_PUSH_DENIED, "the mail server does not let us in: %s", words);
    else if (is_unknown_mailbox(code, fetch->answer))
        bf__attempt_end(a, BF_PUSH_RETIRE, "the mail server knows no such mailbox: %s", words);
    else
        bf__attempt_end(a, BF_PUSH_REFUSED, "the mail server answered: %s", words);
    a->maybe_arrived = a->maybe_arrived && code < 400;
}

/* A server that turns one recipient away is well. */
static enum bf_fetch_verdict judge_server(const struct bf_fetch *fetch)
{
    return fetch->http_status == 421 ? BF_FETCH_TROUBLE : BF_FETCH_FINE;
}

static enum bf_status send_smtp(void *impl, struct bf_push_attempt *a)
{
    struct channel *c = impl;
    struct bf__flight *f = bf__flight_create(a, read_answer);
    struct bf_fetch_mail *mail = bf_arena_calloc(f->arena, 1, sizeof *mail);
    struct bf_error fault = {0};
    *mail = (struct bf_fetch_mail){
        .from = c->from, .to = bf_str_dup(f->arena, a->address).p, .user = c->user, .password = c->password, .plain = c->plain};
    f->fetch.mail = mail;
    f->fetch.url = c->url;
    f->fetch.from = BF_URL_CONFIG;
    f->fetch.body = a->payload;
    f->fetch.try_ms_max = f->fetch.total_ms_max = MAIL_MS;
    f->fetch.judge = judge_server;
    return bf__flight_send(f, c->client, BF_OK, &fault);
}

static void close_smtp(void *impl) { free(impl); }

const struct bf_channel bf_channel_smtp = {.name = "smtp", .open = open_smtp, .send = send_smtp, .close = close_smtp};
