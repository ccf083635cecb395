/* SPDX-License-Identifier: Apache-2.0 */
#include "push/internal.h"
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

/* The next one that is sent away comes so much later than the one before it. */
enum { APART_MS = 250 };

struct bf__turn {
    struct bf_uuid person;
    unsigned running; /* never 0 */
    int64_t last_ms;  /* when the last one that was sent away comes again; monotonic */
    UT_hash_handle hh;
};

void bf__turns_init(struct bf__turns *turns)
{
    pthread_mutex_init(&turns->lock, NULL);
    turns->people = NULL;
}

void bf__turns_finish(struct bf__turns *turns)
{
    assert(turns->people == NULL);
    pthread_mutex_destroy(&turns->lock);
}

static struct bf__turn *find(struct bf__turns *turns, struct bf_uuid person)
{
    struct bf__turn *t;
    HASH_FIND(hh, turns->people, &person, sizeof person, t);
    return t;
}

/* As many as there are places at most. */
static struct bf__turn *add(struct bf__turns *turns, struct bf_uuid person)
{
    struct bf__turn *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->person = person;
    HASH_ADD(hh, turns->people, person, sizeof t->person, t);
    return t;
}

bool bf__turn_begin(struct bf__turns *turns, struct bf_uuid person, int64_t now_ms, int64_t *ret_wait_ms)
{
    pthread_mutex_lock(&turns->lock);
    struct bf__turn *t = find(turns, person);
    bool is_taken = t == NULL || t->running < BF__TURNS_EACH;
    if (t == NULL)
        t = add(turns, person);
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
    if (--t->running == 0) {
        HASH_DEL(turns->people, t);
        free(t);
    }
    pthread_mutex_unlock(&turns->lock);
}
