/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: each has a queue of its own, a share of the places in flight, and a breaker. Those that may send take turns. */
#include "core/client/client.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static void update_ready(struct bf_client *c, struct bf__host *h)
{
    bool may = h->queue != NULL && h->in_flight < c->config.in_flight_per_host_max;
    if (may && !h->ready)
        DL_APPEND2(c->ready, h, in_ready_prev, in_ready);
    else if (!may && h->ready)
        DL_DELETE2(c->ready, h, in_ready_prev, in_ready);
    h->ready = may;
}

static bool is_idle(const struct bf__host *h) { return h->in_flight == 0 && h->paused == 0 && h->queue == NULL; }

/* Makes room: forgets the idle host that came first, rather one whose breaker remembers nothing. */
static bool evict(struct bf_client *c)
{
    struct bf__host *h, *next, *found = NULL;
    HASH_ITER(hh, c->hosts, h, next) {
        if (!is_idle(h))
            continue;
        if (bf_breaker_is_clean(&h->breaker)) {
            found = h;
            break;
        }
        if (found == NULL)
            found = h;
    }
    if (found == NULL)
        return false;
    HASH_DEL(c->hosts, found);
    free(found);
    return true;
}

struct bf__host *bf__host_get(struct bf_client *c, const char *origin)
{
    struct bf__host *h;
    HASH_FIND_STR(c->hosts, origin, h);
    if (h != NULL)
        return h;
    if (HASH_COUNT(c->hosts) >= BF_CLIENT_HOSTS_MAX && !evict(c))
        return NULL;
    h = calloc(1, sizeof *h);
    if (h == NULL)
        abort();
    snprintf(h->origin, sizeof h->origin, "%s", origin);
    HASH_ADD_STR(c->hosts, origin, h);
    return h;
}

void bf__host_enqueue(struct bf__host *h, struct bf__transfer *t)
{
    assert(t->host == h);
    DL_APPEND2(h->queue, t, in_queue_prev, in_queue);
    update_ready(t->client, h);
}

void bf__host_remove(struct bf__host *h, struct bf__transfer *t)
{
    DL_DELETE2(h->queue, t, in_queue_prev, in_queue);
    update_ready(t->client, h);
}

void bf__host_rotate(struct bf_client *c, struct bf__host *h)
{
    if (!h->ready)
        return;
    DL_DELETE2(c->ready, h, in_ready_prev, in_ready);
    DL_APPEND2(c->ready, h, in_ready_prev, in_ready);
}

void bf__host_launched(struct bf_client *c, struct bf__transfer *t)
{
    t->host->in_flight++;
    c->in_flight++;
    DL_APPEND2(c->flying, t, in_queue_prev, in_queue);
    update_ready(c, t->host);
}

void bf__host_landed(struct bf_client *c, struct bf__transfer *t, enum bf_breaker_report report)
{
    struct bf__host *h = t->host;
    assert(h->in_flight > 0 && c->in_flight > 0);
    h->in_flight--;
    c->in_flight--;
    DL_DELETE2(c->flying, t, in_queue_prev, in_queue);
    if (bf_breaker_report(&h->breaker, &c->breaker, bf_mono_ms(c->env), t->round, report))
        bf__client_count(c, &c->breakers_opened, BF_M_CALLS_BREAKER_OPENED);
    update_ready(c, h);
}

void bf__hosts_free(struct bf_client *c)
{
    struct bf__host *h, *next;
    HASH_ITER(hh, c->hosts, h, next) {
        assert(is_idle(h));
        HASH_DEL(c->hosts, h);
        free(h);
    }
}
