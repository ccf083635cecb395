/* SPDX-License-Identifier: Apache-2.0 */
#include "core/breaker.h"
#include "core/env.h"
#include "ingest/pipeline/pipeline.h"
#include <pthread.h>
#include <stdlib.h>

struct bf__breaker {
    const struct bf_env *env;
    struct bf_breaker_config config;
    pthread_mutex_t lock;
    struct bf_breaker state;
    bool known; /* it was asked since the start: what the jobs of an earlier process found is old */
};

struct bf__breaker *bf__breaker_create(const struct bf_env *env, int64_t pause_ms, int64_t pause_ms_max)
{
    struct bf__breaker *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    b->env = env;
    b->config =
        (struct bf_breaker_config){.failures = 1, .pause_ms = pause_ms, .pause_ms_max = pause_ms_max > pause_ms ? pause_ms_max : pause_ms};
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void bf__breaker_destroy(struct bf__breaker **breaker)
{
    if (*breaker == NULL)
        return;
    pthread_mutex_destroy(&(*breaker)->lock);
    free(*breaker);
    *breaker = NULL;
}

/* While one is out to try, the others look again after the last pause; they are told sooner when it was answered. */
static int64_t wait_of(const struct bf__breaker *b, int64_t now)
{
    const struct bf_breaker *s = &b->state;
    if (s->state == BF_BREAKER_CLOSED)
        return 0;
    return s->state == BF_BREAKER_HALF_OPEN ? s->pause_ms : s->until_ms > now ? s->until_ms - now : 0;
}

int64_t bf__breaker_enter(struct bf__breaker *b, unsigned *ret_turn)
{
    int64_t wait = 0;
    pthread_mutex_lock(&b->lock);
    int64_t now = bf_mono_ms(b->env);
    if (!bf_breaker_admit(&b->state, &b->config, now, ret_turn, &wait))
        wait = wait_of(b, now);
    pthread_mutex_unlock(&b->lock);
    return wait;
}

int64_t bf__breaker_wait(struct bf__breaker *b)
{
    pthread_mutex_lock(&b->lock);
    int64_t wait = wait_of(b, bf_mono_ms(b->env));
    pthread_mutex_unlock(&b->lock);
    return wait;
}

bool bf__breaker_away(struct bf__breaker *b, unsigned turn, int64_t wants_ms)
{
    pthread_mutex_lock(&b->lock);
    int64_t now = bf_mono_ms(b->env), longest = b->config.pause_ms_max;
    bool is_news = b->known && b->state.state == BF_BREAKER_CLOSED;
    b->known = true;
    if (bf_breaker_report(&b->state, &b->config, now, turn, BF_BREAKER_FAILED) && wants_ms > b->state.pause_ms)
        b->state.until_ms = now + (wants_ms < longest ? wants_ms : longest);
    is_news = is_news && b->state.state != BF_BREAKER_CLOSED;
    pthread_mutex_unlock(&b->lock);
    return is_news;
}

bool bf__breaker_answered(struct bf__breaker *b, unsigned turn)
{
    pthread_mutex_lock(&b->lock);
    enum bf_breaker_state before = b->state.state;
    bf_breaker_report(&b->state, &b->config, bf_mono_ms(b->env), turn, BF_BREAKER_ANSWERED);
    bool news = b->state.state == BF_BREAKER_CLOSED && (before != BF_BREAKER_CLOSED || !b->known);
    b->known = true;
    pthread_mutex_unlock(&b->lock);
    return news;
}

void bf__breaker_leave(struct bf__breaker *b, unsigned turn)
{
    pthread_mutex_lock(&b->lock);
    bf_breaker_report(&b->state, &b->config, bf_mono_ms(b->env), turn, BF_BREAKER_NOTHING);
    pthread_mutex_unlock(&b->lock);
}
