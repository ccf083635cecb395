/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/changes: the feed, asked for page by page. */
#include "gateway/feed.h"
#include "gateway/routes.h"

enum { ANSWER_MAX = BF_FEED_JSON_MAX + (1 << 20) }; /* a page of the feed, its commas and a cursor */

static void answer(struct bf_call *call, const struct bf_feed_pos *pos, const struct bf_feed_page *page)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "items");
    bf_jw_array(&w);
    for (unsigned i = 0; i < page->n; i++)
        bf_jw_raw(&w, page->items[i].json);
    bf_jw_end_array(&w);
    bf_jw_key(&w, "next");
    bf_jw_str(&w, bf__feed_seal(call, pos));
    bf_jw_key(&w, "more");
    bf_jw_bool(&w, page->more);
    bf_jw_end_object(&w);
    bf_call_json_buf(call, 200, &out, 0);
}

static enum bf_status read_page(struct bf_call *call, struct bf_feed_pos *pos, struct bf_feed_page *page, struct bf_error *e)
{
    struct bf_str after = bf_request_query(call->req, "after"), limit = bf_request_query(call->req, "limit");
    uint64_t n = BF_PAGE_MAX;
    static const char *const names[] = {"after", "limit", NULL};
    enum bf_status status = bf_call_only_query(call, names, e);
    if (status != BF_OK)
        return status;
    if (limit.p != NULL && (!bf_str_u64(limit, BF_PAGE_MAX, &n) || n == 0))
        return bf_fail_field(e, BF_E_INVALID_QUERY, "limit", "too_large", "1 to %d", BF_PAGE_MAX);
    status = after.p == NULL ? bf__feed_start(call, pos, e) : bf__feed_open(call, after, pos, e);
    return status == BF_OK ? bf__feed_read(call, pos, (unsigned)n, "changes", page, e) : status;
}

static void changes(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_feed_pos *pos = bf_arena_calloc(call->arena, 1, sizeof *pos);
    struct bf_feed_page page;
    struct bf_error e = {0};
    if (read_page(call, pos, &page, &e) == BF_OK)
        answer(call, pos, &page);
    else
        bf_call_fail(call, &e);
}

const struct bf_endpoint bf__changes = {.run = changes, .flags = BF_EP_QUERY};
