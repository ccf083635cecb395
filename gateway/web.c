/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /console: the frame of the back office's pages. The server writes the first paint and what the page has to know at once, who is signed in; the
 * rest is drawn by its modules, from the same API as everybody's. After a link from another site the cookie stays behind (SameSite=Strict): who comes
 * without one is not told to be nobody then, and the page asks for its session itself.
 */
#include "gateway/web.h"
#include "access/access.h"
#include "access/call.h"
#include "core/arena.h"
#include <zlib.h>

enum { PAGE_MAX = 1 << 20 };

static const struct {
    const char *lang, *title, *name, *no_script, *late, *again;
} words[2] = {
    [BF_LANG_ZH] = {"zh-CN", "拜访 · 工作台", "拜访", "此页面需要 JavaScript。", "页面还没有载入完，网络可能不稳定。", "重新载入"},
    [BF_LANG_EN] = {"en", "Baifang · Console", "Baifang", "This page needs JavaScript.", "The page has not loaded yet; the network may be unsteady.", "Load it again"},
};

void bf__html_escape(struct bf_buf *out, struct bf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        const char *escaped = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : c == '\'' ? "&#39;" : NULL;
        if (escaped != NULL)
            bf_buf_addz(out, escaped);
        else
            bf_buf_addc(out, c);
    }
}

static void add_element(struct bf_buf *out, const char *tag, const char *text)
{
    bf_buf_addz(out, "<");
    bf_buf_addz(out, tag);
    bf_buf_addz(out, ">");
    bf__html_escape(out, bf_strz(text));
    bf_buf_addz(out, "</");
    bf_buf_addz(out, tag);
    bf_buf_addz(out, ">");
}

/* What whoever is signed in sees first: without these links the browser would learn of it one step after the other. */
static void add_ahead(struct bf_buf *out, const struct bf_caller *caller)
{
    for (unsigned i = 0; i < BF__AHEAD_MAX && bf__web_console.ahead[i].links != NULL; i++)
        if (bf__web_console.ahead[i].role == (int)caller->role && !caller->must_change_password)
            bf_buf_addz(out, bf__web_console.ahead[i].links);
}

/* `caller` NULL: nobody. */
static void write_page(struct bf_buf *out, enum bf_lang lang, struct bf_str session, const struct bf_caller *caller)
{
    bf_buf_addz(out, "<!doctype html><html lang=\"");
    bf_buf_addz(out, words[lang].lang);
    bf_buf_addz(out, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                     "<meta name=\"color-scheme\" content=\"light dark\">");
    add_element(out, "title", words[lang].title);
    bf_buf_addz(out, bf__web_console.head[lang]);
    if (caller != NULL)
        add_ahead(out, caller);
    bf_buf_addz(out, "</head><body><div id=\"app\" data-session=\"");
    bf__html_escape(out, session);
    bf_buf_addz(out, "\"><header class=\"bar\"><span class=\"brand\">");
    bf__html_escape(out, bf_strz(words[lang].name));
    bf_buf_addz(out, "</span></header><main class=\"late\">"); /* base.css shows it after a while: until its modules run, a page has nothing else */
    add_element(out, "h1", words[lang].name);
    add_element(out, "p", words[lang].late);
    bf_buf_addz(out, "<a class=\"button\" href=\"/console\">");
    bf__html_escape(out, bf_strz(words[lang].again));
    bf_buf_addz(out, "</a></main></div>");
    add_element(out, "noscript", words[lang].no_script);
    bf_buf_addz(out, "</body></html>\n");
}

/* gzip of `html` in the arena; p == NULL when that fails. */
static struct bf_str pack(struct bf_arena *arena, struct bf_str html)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)html.p, .avail_in = (uInt)html.n};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) /* + 16: gzip */
        return bf_str(NULL, 0);
    uLong room = deflateBound(&z, (uLong)html.n);
    z.next_out = bf_arena_alloc(arena, room);
    z.avail_out = (uInt)room;
    char *packed = (char *)z.next_out;
    int end = deflate(&z, Z_FINISH);
    size_t n = z.total_out;
    deflateEnd(&z);
    return end == Z_STREAM_END ? bf_str(packed, n) : bf_str(NULL, 0);
}

/* Packed, though it holds a secret (the token of the session): nothing of what another site could choose is in the page, so that its length tells nobody anything.
 * Referrer-Policy: with no-referrer a browser would send "Origin: null" with our own requests. */
static void answer(struct bf_call *call, struct bf_str html)
{
    const struct bf__web_asset page = {.bodies = {[BF__IDENTITY] = html, [BF__GZIP] = pack(call->arena, html)}};
    enum bf__coding coding = bf__web_coding(&page, bf_request_header(call->req, "accept-encoding"));
    const struct bf_header headers[] = {
        {.name = "content-type", .value = BF_STR("text/html; charset=utf-8")},
        {.name = "content-security-policy", .value = bf_strz(bf__web_console.policy)},
        {.name = "cache-control", .value = BF_STR("no-store")},
        {.name = "referrer-policy", .value = BF_STR("same-origin")},
        {.name = "cross-origin-opener-policy", .value = BF_STR("same-origin")},
        {.name = "cross-origin-resource-policy", .value = BF_STR("same-origin")},
        {.name = "permissions-policy", .value = BF_STR("camera=(), geolocation=(), microphone=()")},
        {.name = "vary", .value = BF_STR("accept-encoding")},
        {.name = "content-encoding", .value = BF_STR("gzip")},
    };
    unsigned n = sizeof headers / sizeof *headers;
    bf_reply(call->req, 200, headers, coding == BF__GZIP ? n : n - 1, page.bodies[coding]);
}

/* Would the browser have sent the cookie, if there is one? */
static bool comes_with_its_cookie(const struct bf_request *req)
{
    struct bf_str site = bf_request_header(req, "sec-fetch-site");
    return bf_str_eqz(site, "none") || bf_str_eqz(site, "same-origin");
}

static void console(struct bf_call *call, void *service)
{
    struct bf_str session = comes_with_its_cookie(call->req) ? BF_STR("null") : bf_str(NULL, 0);
    enum bf_lang lang = bf_request_lang(call->req);
    struct bf_error e = {0};
    struct bf_buf out;
    (void)service;
    if (bf_call_begin_page(call) && bf_call_page_session(call, &session, &lang, &e) != BF_OK && e.status != BF_E_UNAUTHENTICATED) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, PAGE_MAX);
    write_page(&out, lang, session, session.n > 0 && !bf_str_eqz(session, "null") ? &call->caller : NULL);
    answer(call, bf_buf_str(&out));
    bf_buf_finish(&out);
}

static const struct bf_endpoint console_endpoint = {.run = console};

static const struct bf_route routes[] = {
    {.method = "GET", .pattern = "/console", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .data = &console_endpoint,
     .summary = "The back office's pages"},
    {.method = "GET", .pattern = "/assets/{name}", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .data = &bf__web_asset_read,
     .summary = "What a page loads"},
};

const struct bf_service bf_web_service = {
    .name = "web", .routes = routes, .n_routes = sizeof routes / sizeof *routes, .open = bf_api_open, .close = bf_api_close};
