/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose body is still arriving, a list a loop, the one that has been silent for the longest first. They hold no place among the
 * requests being worked on, since a client that sends nothing would hold it for nothing; when there are too many, or their buffers grow
 * too large together, the most silent gives way. So slow clients, and those that only pretend, cost each other their turn and nobody else.
 */
#include "core/http/internal.h"
#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAP = 4096 };

static void link_last(struct bf_request *req)
{
    struct bf__arrivals *a = &req->loop->arrivals;
    req->next_arriving = NULL;
    req->prev_arriving = a->last;
    *(a->last == NULL ? &a->first : &a->last->next_arriving) = req;
    a->last = req;
}

static void unlink_arriving(struct bf_request *req)
{
    struct bf__arrivals *a = &req->loop->arrivals;
    *(req->prev_arriving == NULL ? &a->first : &req->prev_arriving->next_arriving) = req->next_arriving;
    *(req->next_arriving == NULL ? &a->last : &req->next_arriving->prev_arriving) = req->prev_arriving;
}

static void give_way(struct bf_request *req)
{
    struct bf_error e;
    bf_fail(&e, BF_E_UNAVAILABLE, "too many bodies are arriving, and this one was silent for the longest");
    e.retry_after_s = 1;
    bf__body_cut(req, &e);
}

/* The most silent but `except`, of those that may send. Where none may, all wait for us: the one that has for the longest. */
static struct bf_request *most_silent(struct bf__loop *loop, const struct bf_request *except)
{
    struct bf_request *first = loop->arrivals.first == except ? except->next_arriving : loop->arrivals.first, *req = first;
    while (req != NULL && (req == except || bf__body_is_held(req)))
        req = req->next_arriving;
    return req != NULL ? req : first;
}

/* The most silent but `except`, of those that hold a buffer; NULL when there is none. */
static struct bf_request *most_silent_buffer(struct bf__loop *loop, const struct bf_request *except)
{
    struct bf_request *req = loop->arrivals.first;
    while (req != NULL && (req == except || req->buf_cap == 0))
        req = req->next_arriving;
    return req;
}

void bf__arrival_begin(struct bf_request *req)
{
    struct bf__loop *loop = req->loop;
    req->is_arriving = true;
    link_last(req);
    if (++loop->arrivals.n > loop->arrivals.n_max)
        give_way(most_silent(loop, req));
}

void bf__arrival_goes_on(struct bf_request *req)
{
    assert(req->is_arriving);
    if (req->next_arriving == NULL)
        return;
    unlink_arriving(req);
    link_last(req);
}

void bf__arrival_end(struct bf_request *req)
{
    if (!req->is_arriving)
        return;
    req->is_arriving = false;
    unlink_arriving(req);
    req->loop->arrivals.n--;
}

/* ---- buffers ---- */

bool bf__arrival_reserve(struct bf_request *req, size_t want)
{
    struct bf__arrivals *a = &req->loop->arrivals;
    size_t cap = req->buf_cap == 0 ? FIRST_CAP : req->buf_cap;
    while (cap < want)
        cap *= 2;
    if (cap == req->buf_cap)
        return true;
    while (a->bytes + cap - req->buf_cap > a->bytes_max) {
        struct bf_request *silent = most_silent_buffer(req->loop, req);
        if (silent == NULL)
            return false;
        give_way(silent);
    }
    char *buf = realloc(req->buf, cap);
    if (buf == NULL)
        abort();
    a->bytes += cap - req->buf_cap;
    req->buf = buf;
    req->buf_cap = cap;
    return true;
}

void bf__arrival_release(struct bf_request *req)
{
    free(req->buf);
    req->loop->arrivals.bytes -= req->buf_cap;
    req->buf = NULL;
    req->buf_cap = 0;
}
