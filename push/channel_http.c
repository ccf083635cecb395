/* SPDX-License-Identifier: Apache-2.0 */
#include "push/channel_http.h"
#include "core/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_BYTES_MAX = 16384, CONNECT_MS = 5000, TOTAL_MS = 10000 };

void bf__attempt_end(struct bf_push_attempt *a, enum bf_push_outcome outcome, const char *fmt, ...)
{
    va_list args;
    a->outcome = outcome;
    va_start(args, fmt);
    vsnprintf(a->detail, sizeof a->detail, fmt, args);
    va_end(args);
}

const char *bf__peer_words(struct bf_str answer, char out[BF__WORDS_ROOM])
{
    size_t n = answer.n < BF__WORDS_ROOM - 1 ? answer.n : BF__WORDS_ROOM - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = answer.p[i] >= ' ' && answer.p[i] < 0x7f ? answer.p[i] : ' ';
    out[n] = '\0';
    return out;
}

static void read_fault(struct bf_push_attempt *a, enum bf_status status, const struct bf_error *e)
{
    switch (status) {
    case BF_E_UNPROCESSABLE: /* no such URL or key can become a good one */
        bf__attempt_end(a, BF_PUSH_RETIRE, "%s", e->cause);
        return;
    case BF_E_FORBIDDEN:
    case BF_E_TOO_LARGE:
        bf__attempt_end(a, BF_PUSH_REFUSED, "%s", e->cause);
        return;
    default:
        a->wait_ms = (int64_t)e->retry_after_s * 1000;
        bf__attempt_end(a, BF_PUSH_LATER, "%s", e->cause);
        return;
    }
}

void bf__flight_free(struct bf__flight *f)
{
    bf_fetch_finish(&f->fetch);
    bf_arena_destroy(&f->arena);
    free(f);
}

static void landed(struct bf_task *task)
{
    struct bf__flight *f = BF_CONTAINER(BF_CONTAINER(task, struct bf_fetch, done), struct bf__flight, fetch);
    struct bf_push_attempt *a = f->attempt;
    const struct bf_fetch *fetch = &f->fetch;
    a->maybe_arrived = fetch->maybe_arrived;
    a->http_status = fetch->http_status;
    a->wait_ms = fetch->retry_after_ms > 0 ? fetch->retry_after_ms : 0;
    if (fetch->status == BF_OK || (fetch->status == BF_E_TOO_LARGE && fetch->http_status > 0)) /* its status says it all */
        f->read(a, fetch);
    else
        read_fault(a, fetch->status, &fetch->error);
    bf__flight_free(f);
    a->done.run(&a->done);
}

/* The peers share one host among many people: only what says something about the host moves its breaker. */
static enum bf_fetch_verdict judge_host(const struct bf_fetch *fetch)
{
    return fetch->http_status == 500 || fetch->http_status == 502 || fetch->http_status == 504 ? BF_FETCH_TROUBLE : BF_FETCH_FINE;
}

struct bf__flight *bf__flight_create(struct bf_push_attempt *a, void (*read)(struct bf_push_attempt *a, const struct bf_fetch *fetch))
{
    struct bf__flight *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    a->http_status = 0;
    a->wait_ms = 0;
    a->maybe_arrived = false;
    f->attempt = a;
    f->arena = bf_arena_create();
    f->read = read;
    struct bf_fetch *fetch = &f->fetch;
    bf_fetch_init(fetch);
    fetch->headers = f->headers;
    fetch->connect_ms_max = CONNECT_MS;
    fetch->try_ms_max = fetch->total_ms_max = TOTAL_MS;
    fetch->answer_bytes_max = ANSWER_BYTES_MAX;
    fetch->judge = judge_host;
    fetch->home = a->home;
    fetch->done.run = landed;
    return f;
}

enum bf_status bf__flight_send(struct bf__flight *f, struct bf_client *client, enum bf_status status, struct bf_error *fault)
{
    if (status == BF_OK)
        status = bf_client_submit(client, &f->fetch, fault);
    if (status == BF_OK)
        return BF_OK;
    read_fault(f->attempt, status, fault);
    bf__flight_free(f);
    return status;
}
