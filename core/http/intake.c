/* SPDX-License-Identifier: Apache-2.0 */
/* From libh2o's request to ours: route, copies of what the handler may need, limits. Runs on the loop when the headers are complete. */
#include "core/http/internal.h"
#include "core/metrics.h"
#include <assert.h>
#include <stdlib.h>

static struct bf_str str_of(h2o_iovec_t v) { return bf_str(v.base, v.len); }

/* W3C Trace Context: version 00, lower-case hex, no zero ids. */
static bool take_traceparent(struct bf_request *req, struct bf_str s)
{
    uint8_t id[16], span[8], zero[16] = {0};
    if (s.n != 55 || memcmp(s.p, "00-", 3) != 0 || s.p[35] != '-' || s.p[52] != '-' || !bf_unhex(bf_str(s.p + 3, 32), id, 16) ||
        !bf_unhex(bf_str(s.p + 36, 16), span, 8) || memcmp(id, zero, 16) == 0 || memcmp(span, zero, 8) == 0)
        return false;
    memcpy(req->trace, s.p + 3, 32);
    return true;
}

static double quality(struct bf_str part)
{
    const char *q = memmem(part.p, part.n, ";q=", 3);
    double value = 0, unit = 1;
    if (q == NULL)
        return 1;
    for (q += 3; q < part.p + part.n; q++) {
        if (*q >= '0' && *q <= '9')
            unit == 1 ? (value = value * 10 + (*q - '0')) : (value += (*q - '0') * unit);
        if (unit < 1 || *q == '.')
            unit /= 10;
    }
    return value;
}

/* RFC 9110 12.5.4, for the two languages there are. */
static enum bf_lang choose_language(struct bf_str accept)
{
    double zh = 0, en = 0;
    for (size_t start = 0, i = 0; i <= accept.n; i++) {
        if (i < accept.n && accept.p[i] != ',')
            continue;
        while (start < i && accept.p[start] == ' ')
            start++;
        struct bf_str part = bf_str(accept.p + start, i - start);
        double q = quality(part);
        if (part.n >= 2 && strncasecmp(part.p, "zh", 2) == 0 && q > zh)
            zh = q;
        if (part.n >= 2 && strncasecmp(part.p, "en", 2) == 0 && q > en)
            en = q;
        start = i + 1;
    }
    return en > zh ? BF_LANG_EN : BF_LANG_ZH;
}

static void copy_headers(struct bf_request *req)
{
    const h2o_headers_t *from = &req->h2o->headers;
    size_t bytes = req->h2o->input.authority.len;
    char number[24];
    for (size_t i = 0; i < from->size; i++)
        bytes += from->entries[i].value.len + (h2o_iovec_is_token(from->entries[i].name) ? 0 : from->entries[i].name->len);
    req->headers = bf_arena_alloc(req->arena, (from->size + 2) * sizeof *req->headers);
    char *to = bf_arena_alloc(req->arena, bytes + sizeof number);
    for (size_t i = 0; i < from->size; i++) {
        const h2o_header_t *h = &from->entries[i];
        struct bf__header *out = &req->headers[req->n_headers++];
        out->name = str_of(*h->name);
        if (!h2o_iovec_is_token(h->name)) {
            out->name.p = memcpy(to, h->name->base, h->name->len);
            to += h->name->len;
        }
        out->value = bf_str(h->value.len > 0 ? memcpy(to, h->value.base, h->value.len) : to, h->value.len);
        to += h->value.len;
    }
    if (req->h2o->input.authority.len > 0)
        req->headers[req->n_headers++] =
            (struct bf__header){BF_STR("host"), bf_str(memcpy(to, req->h2o->input.authority.base, req->h2o->input.authority.len),
                                                       req->h2o->input.authority.len)};
    to += req->h2o->input.authority.len;
    if (req->h2o->body.cut != NULL && req->h2o->body.content_length != SIZE_MAX) {
        int n = snprintf(to, sizeof number, "%zu", req->h2o->body.content_length);
        req->headers[req->n_headers++] = (struct bf__header){BF_STR("content-length"), bf_str(to, (size_t)n)};
    }
}

static struct bf_str raw_header(const h2o_req_t *h2o, const h2o_token_t *token, const char *name)
{
    ssize_t at = token != NULL ? h2o_find_header(&h2o->headers, token, -1) : h2o_find_header_by_str(&h2o->headers, name, strlen(name), -1);
    return at < 0 ? (struct bf_str){NULL, 0} : str_of(h2o->headers.entries[at].value);
}

static void read_context(struct bf_request *req)
{
    struct bf_str trace = raw_header(req->h2o, NULL, "traceparent"), lang = raw_header(req->h2o, H2O_TOKEN_ACCEPT_LANGUAGE, NULL);
    uint8_t id[16];
    if (trace.p == NULL || !take_traceparent(req, trace)) {
        bf__loop_random(req->loop, id, sizeof id);
        bf_hex(id, sizeof id, req->trace);
    }
    if (lang.p != NULL)
        req->lang = choose_language(lang);
}

/* 503 and 429 before anything is spent on the request. */
static enum bf_status admit(struct bf_request *req, struct bf_error *e)
{
    const struct bf_http_config *c = &req->http->config;
    if (req->h2o->refuse_status == 431)
        return bf_fail(e, BF_E_HEADERS_TOO_LARGE, "at most %u headers and %u bytes", c->header_count_max, c->header_bytes_max);
    if (req->h2o->refuse_status != 0)
        return bf_fail(e, BF_E_INVALID_HEADER, "the request or one of its headers is malformed");
    if (req->conn->n_owned >= 2 * c->per_connection_max) {
        bf_fail(e, BF_E_THROTTLED, "%u requests of this connection are being worked on", req->conn->n_owned);
        e->retry_after_s = 1;
        return e->status;
    }
    return BF_OK;
}

static enum bf_status route(struct bf_request *req, struct bf__target *t, struct bf__match *m, struct bf_error *e)
{
    struct bf_str method = str_of(req->h2o->input.method);
    enum bf_status status = bf__target_cut(str_of(req->h2o->input.path), t, e);
    if (status != BF_OK)
        return status;
    bf__router_find(req->http->router, method, t, m);
    if (m->route == NULL && m->allow[0] != '\0')
        return bf_fail(e, BF_E_METHOD_NOT_ALLOWED, "this path takes %s", m->allow);
    if (m->route == NULL)
        return bf_fail(e, BF_E_NOT_FOUND, "there is nothing at this path");
    req->route = m->route;
    req->service = m->service;
    return BF_OK;
}

static enum bf_status copy(struct bf_request *req, const struct bf__target *t, const struct bf__match *m, struct bf_error *e)
{
    req->method = bf_str_dup(req->arena, str_of(req->h2o->input.method));
    req->path = bf_str_dup(req->arena, t->path);
    req->peer = bf_str_dup(req->arena, bf__conn_peer(req->conn));
    req->param_names = m->names;
    for (; req->n_params < m->n_params; req->n_params++) {
        enum bf_status status = bf__segment_decode(req->arena, m->values[req->n_params], &req->param_values[req->n_params], e);
        if (status != BF_OK)
            return status;
    }
    if (t->query.n > 0) {
        req->query = bf_arena_alloc(req->arena, BF__QUERY_MAX * sizeof *req->query);
        enum bf_status status = bf__query_decode(req->arena, t->query, req->query, &req->n_query, e);
        if (status != BF_OK)
            return status;
    }
    copy_headers(req);
    return BF_OK;
}

static void link_up(struct bf_request *req, h2o_req_t *h2o)
{
    struct bf__guard *guard;
    req->h2o = h2o;
    h2o->app_data = req;
    req->conn = h2o->conn->callbacks->get_socket(h2o->conn)->on_close.data;
    req->began_ms = bf_mono_ms(req->http->env);
    req->next = req->conn->requests;
    req->prev = &req->conn->requests;
    if (req->next != NULL)
        req->next->prev = &req->next;
    req->conn->requests = req;
    req->conn->n_requests++;
    req->conn->is_http1 = h2o->version < 0x200;
    atomic_fetch_add(&req->http->requests, 1);
    guard = h2o_mem_alloc_shared(&h2o->pool, sizeof *guard, (void (*)(void *))bf__request_detach);
    *guard = (struct bf__guard){.request = req};
    req->guard = guard;
}

struct bf_request *bf__request_create(struct bf__loop *loop, h2o_req_t *h2o)
{
    struct bf_request *req = bf__request_alloc(loop);
    struct bf__target target;
    struct bf__match match;
    struct bf_error e;
    match.allow[0] = '\0';
    link_up(req, h2o);
    read_context(req);
    req->is_head = h2o_memis(h2o->input.method.base, h2o->input.method.len, H2O_STRLIT("HEAD"));
    if (admit(req, &e) != BF_OK || route(req, &target, &match, &e) != BF_OK || copy(req, &target, &match, &e) != BF_OK) {
        bf__answer_error(req, &e);
        if (match.allow[0] != '\0') {
            h2o_iovec_t copied = h2o_strdup(&h2o->pool, match.allow, SIZE_MAX);
            req->allow = bf_str(copied.base, copied.len);
        }
    }
    return req;
}
