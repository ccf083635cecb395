/* SPDX-License-Identifier: Apache-2.0 */
/* GET /assets/{name}: what a page loads, from the program's own memory, kept by browsers for good since a name never changes its content. */
#include "access/call.h"
#include "core/arena.h"
#include "gateway/web.h"

static const char *const codings[BF__CODINGS] = {"identity", "gzip", "br"};

/* ---- Accept-Encoding ---- */

static struct bf_str trim(struct bf_str s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
        s = bf_str(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Up to `separator`; what is behind it stays in *rest. */
static struct bf_str take(struct bf_str *rest, char separator)
{
    const char *end = rest->n == 0 ? NULL : memchr(rest->p, separator, rest->n);
    size_t n = end == NULL ? rest->n : (size_t)(end - rest->p), used = end == NULL ? n : n + 1;
    struct bf_str first = bf_str(rest->p, n);
    *rest = bf_str(rest->p + used, rest->n - used);
    return trim(first);
}

/* "q=0", "q=0.000": not taken. */
static bool is_refused(struct bf_str parameters)
{
    while (parameters.n > 0) {
        struct bf_str p = take(&parameters, ';');
        if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=' || p.p[2] != '0')
            continue;
        size_t i = 3;
        while (i < p.n && (p.p[i] == '.' || p.p[i] == '0'))
            i++;
        return i == p.n;
    }
    return false;
}

enum bf__coding bf__web_coding(const struct bf__web_asset *asset, struct bf_str accept)
{
    enum bf__coding best = BF__IDENTITY;
    while (accept.n > 0) {
        struct bf_str parameters = take(&accept, ','), name = take(&parameters, ';');
        for (enum bf__coding c = BF__GZIP; c < BF__CODINGS; c++)
            if (c > best && asset->bodies[c].p != NULL && bf_str_ieq(name, bf_strz(codings[c])) && !is_refused(parameters))
                best = c;
    }
    return best;
}

/* ---- the route ---- */

static const struct bf__web_asset *find(struct bf_str name)
{
    unsigned from = 0, to = bf__web_n_assets;
    while (from < to) {
        unsigned at = from + (to - from) / 2;
        const struct bf__web_asset *asset = &bf__web_assets[at];
        size_t n = strlen(asset->name);
        int order = memcmp(name.p, asset->name, name.n < n ? name.n : n);
        if (order == 0 && name.n == n)
            return asset;
        if (order < 0 || (order == 0 && name.n < n))
            to = at;
        else
            from = at + 1;
    }
    return NULL;
}

static void read_asset(struct bf_call *call, void *service)
{
    (void)service;
    const struct bf__web_asset *asset = find(bf_request_param(call->req, "name"));
    struct bf_error e = {0};
    if (asset == NULL) {
        bf_fail(&e, BF_E_NOT_FOUND, "there is no such asset");
        bf_call_fail(call, &e);
        return;
    }
    enum bf__coding coding = bf__web_coding(asset, bf_request_header(call->req, "accept-encoding"));
    const char *etag = bf_arena_printf(call->arena, "\"%s-%s\"", asset->hash, codings[coding]);
    struct bf_header headers[7] = {
        {.name = "content-type", .value = bf_strz(asset->type)},
        {.name = "cache-control", .value = BF_STR("public, max-age=31536000, immutable")},
        {.name = "etag", .value = bf_strz(etag)},
        {.name = "vary", .value = BF_STR("accept-encoding")},
        {.name = "cross-origin-resource-policy", .value = BF_STR("same-origin")},
        {.name = "content-security-policy", .value = BF_STR("default-src 'none'; frame-ancestors 'none'")},
        {.name = "content-encoding", .value = bf_strz(codings[coding])},
    };
    unsigned n = coding == BF__IDENTITY ? 6 : 7;
    if (bf_str_eqz(bf_request_header(call->req, "if-none-match"), etag))
        bf_reply(call->req, 304, headers, 6, bf_str("", 0));
    else
        bf_reply(call->req, 200, headers, n, asset->bodies[coding]);
}

const struct bf_endpoint bf__web_asset_read = {.run = read_asset};
