/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of tus: headers of its own on all of them; refusals carry a problem document like those of every other route. */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "ingest/uploads/uploads.h"
#include <assert.h>
#include <stdio.h>
#include <time.h>

#define VERSION BF_STR("1.0.0")

enum { HEADERS_MAX = 12, DATE_TEXT = 40 };

struct headers {
    struct bf_arena *arena;
    struct bf_header items[HEADERS_MAX];
    unsigned n;
};

static void add(struct headers *h, const char *name, struct bf_str value)
{
    assert(h->n < HEADERS_MAX);
    h->items[h->n++] = (struct bf_header){name, value};
}

static void add_number(struct headers *h, const char *name, int64_t value)
{
    add(h, name, bf_strz(bf_arena_printf(h->arena, "%lld", (long long)value)));
}

/* RFC 9110 5.6.7. The names of days and months are C's: the process never sets a locale. */
static void add_date(struct headers *h, const char *name, int64_t ms)
{
    char *text = bf_arena_alloc(h->arena, DATE_TEXT);
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    size_t n = strftime(text, DATE_TEXT, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    add(h, name, bf_str(text, n));
}

static void add_concat(struct headers *h, const struct bf_tus_concat *concat)
{
    char *text = bf_arena_alloc(h->arena, 8 + (size_t)concat->n_parts * (concat->prefix.n + BF_TUS_PATH)), *p = text;
    p = mempcpy(p, "final;", 6);
    for (unsigned i = 0; i < concat->n_parts; i++) {
        if (concat->prefix.n > 0)
            p = mempcpy(p, concat->prefix.p, concat->prefix.n);
        bf_tus_path(&concat->parts[i], p);
        p += strlen(p);
        if (i + 1 < concat->n_parts)
            *p++ = ' ';
    }
    add(h, "upload-concat", bf_str(text, (size_t)(p - text)));
}

/* Where the upload stands: after a PATCH, a creation, a HEAD. */
static void add_state(struct headers *h, const struct bf_stage_info *info)
{
    add_number(h, "upload-offset", info->offset);
    add_date(h, "upload-expires", info->expires_ms);
    if (info->finished && !info->partial) {
        char *text = bf_arena_alloc(h->arena, 65);
        bf_hex(info->sha256, 32, text);
        add(h, "upload-sha256", bf_strz(text));
    }
}

/* What HEAD says beyond that. */
static void add_facts(struct headers *h, const struct bf_stage_info *info)
{
    struct bf_tus_concat concat;
    struct bf_str metadata = info->metadata;
    if (info->length >= 0)
        add_number(h, "upload-length", info->length);
    else
        add(h, "upload-defer-length", BF_STR("1"));
    if (info->partial)
        add(h, "upload-concat", BF_STR("partial"));
    else if (info->final && bf_tus_unpack(info->metadata, &concat, &metadata))
        add_concat(h, &concat);
    if (metadata.n > 0)
        add(h, "upload-metadata", metadata);
}

void bf__tus_answer(struct bf__tus *t)
{
    struct headers h = {.arena = t->call.arena};
    enum bf__tus_op op = t->said.op;
    add(&h, "tus-resumable", VERSION);
    if (op == BF__TUS_CREATE) {
        char *path = bf_arena_alloc(h.arena, BF_TUS_PATH);
        bf_tus_path(&t->said.id, path);
        add(&h, "location", bf_strz(path));
    }
    if (op != BF__TUS_DELETE)
        add_state(&h, &t->info);
    if (op == BF__TUS_HEAD)
        add_facts(&h, &t->info);
    bf_reply(t->req, op == BF__TUS_CREATE ? 201 : op == BF__TUS_HEAD ? 200 : 204, h.items, h.n, bf_str("", 0));
}

void bf__tus_fail(struct bf__tus *t, const struct bf_error *e)
{
    struct headers h = {.arena = bf_request_arena(t->req)};
    if (bf_status_http(e->status) >= 500 && e->status != BF_E_CANCELLED)
        bf_log(t->ingest->env, BF_LOG_ERROR, "upload.failed", e->cause, BF_L_STR("code", bf_status_code(e->status)),
               BF_L_STR("trace_id", bf_request_trace_id(t->req)), BF_L_END);
    add(&h, "tus-resumable", VERSION);
    if (e->status == BF_E_TUS_VERSION)
        add(&h, "tus-version", VERSION);
    if (e->status == BF_E_OFFSET_MISMATCH)
        add_number(&h, "upload-offset", t->info.offset);
    bf_reply_error_with(t->req, e, h.items, h.n);
}

void bf__tus_options(struct bf_request *req, void *service)
{
    const struct bf_ingest *ingest = service;
    int64_t max = ingest->photo_bytes_max > ingest->voice_bytes_max ? ingest->photo_bytes_max : ingest->voice_bytes_max;
    struct headers h = {.arena = bf_request_arena(req)};
    add(&h, "tus-resumable", VERSION);
    add(&h, "tus-version", VERSION);
    add(&h, "tus-extension", BF_STR("creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation"));
    add(&h, "tus-checksum-algorithm", BF_STR("sha1,sha256,md5"));
    add_number(&h, "tus-max-size", max);
    bf_reply(req, 204, h.items, h.n, bf_str("", 0));
}
