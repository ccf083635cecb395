/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"
#include "ingest/pipeline/pipeline.h"
#include <pthread.h>
#include <stdlib.h>

struct bf__breaker {
    const struct bf_env *env;
    int64_t pause_ms, pause_ms_max;
    pthread_mutex_t lock;
    bool open;
    int64_t pause;    /* of this opening */
    int64_t until_ms; /* monotonic: before it nobody asks */
};

struct bf__breaker *bf__breaker_create(const struct bf_env *env, int64_t pause_ms, int64_t pause_ms_max)
{
    struct bf__breaker *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    *b = (struct bf__breaker){.env = env, .pause_ms = pause_ms, .pause_ms_max = pause_ms_max};
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

/* Who is let through while it is open moves the time on, so that the others do not follow at once. */
int64_t bf__breaker_enter(struct bf__breaker *b)
{
    int64_t now = bf_mono_ms(b->env), wait = 0;
    pthread_mutex_lock(&b->lock);
    if (b->open && now < b->until_ms)
        wait = b->until_ms - now;
    else if (b->open)
        b->until_ms = now + b->pause;
    pthread_mutex_unlock(&b->lock);
    return wait;
}

int64_t bf__breaker_away(struct bf__breaker *b, int64_t wants_ms)
{
    pthread_mutex_lock(&b->lock);
    b->pause = !b->open ? b->pause_ms : 2 * b->pause < b->pause_ms_max ? 2 * b->pause : b->pause_ms_max;
    b->open = true;
    int64_t wait = wants_ms > b->pause ? wants_ms : b->pause;
    b->until_ms = bf_mono_ms(b->env) + wait;
    pthread_mutex_unlock(&b->lock);
    return wait;
}

bool bf__breaker_answered(struct bf__breaker *b)
{
    pthread_mutex_lock(&b->lock);
    bool closed = b->open;
    b->open = false;
    pthread_mutex_unlock(&b->lock);
    return closed;
}
