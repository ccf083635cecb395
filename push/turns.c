/* SPDX-License-Identifier: Apache-2.0 */
#include "push/internal.h"
#include <assert.h>

/* The next one that is sent away comes so much later than the one before it. */
enum { APART_MS = 250 };

void bf__turns_init(struct bf__turns *turns) { pthread_mutex_init(&turns->lock, NULL); }

void bf__turns_finish(struct bf__turns *turns) { pthread_mutex_destroy(&turns->lock); }

static struct bf__turn *find(struct bf__turns *turns, struct bf_uuid person)
{
    for (unsigned i = 0; i < BF__TURNS_MAX; i++)
        if (turns->items[i].running > 0 && bf_uuid_eq(&turns->items[i].person, &person))
            return &turns->items[i];
    return NULL;
}

static struct bf__turn *find_free(struct bf__turns *turns)
{
    unsigned i = 0;
    while (i < BF__TURNS_MAX && turns->items[i].running > 0)
        i++;
    assert(i < BF__TURNS_MAX);
    return &turns->items[i];
}

bool bf__turn_begin(struct bf__turns *turns, struct bf_uuid person, int64_t now_ms, int64_t *ret_wait_ms)
{
    pthread_mutex_lock(&turns->lock);
    struct bf__turn *t = find(turns, person);
    bool is_taken = t == NULL || t->running < BF__TURNS_EACH;
    if (t == NULL) {
        t = find_free(turns);
        *t = (struct bf__turn){.person = person};
    }
    if (is_taken) {
        t->running++;
    } else {
        t->last_ms = (t->last_ms > now_ms ? t->last_ms : now_ms) + APART_MS;
        *ret_wait_ms = t->last_ms - now_ms;
    }
    pthread_mutex_unlock(&turns->lock);
    return is_taken;
}

void bf__turn_end(struct bf__turns *turns, struct bf_uuid person)
{
    pthread_mutex_lock(&turns->lock);
    struct bf__turn *t = find(turns, person);
    assert(t != NULL);
    t->running--;
    pthread_mutex_unlock(&turns->lock);
}
