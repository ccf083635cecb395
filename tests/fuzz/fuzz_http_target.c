/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: whatever is accepted has no dot segment, no hidden slash, no NUL, is UTF-8, and decodes to no more bytes than it had. */
#include "core/arena.h"
#include "core/http/router.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"

static const struct bf_route routes[] = {
    {.method = "GET", .pattern = "/"},
    {.method = "GET", .pattern = "/v1/customers"},
    {.method = "POST", .pattern = "/v1/customers"},
    {.method = "GET", .pattern = "/v1/customers/{id}"},
    {.method = "GET", .pattern = "/v1/customers/{id}/contacts/{contact}"},
    {.method = "GET", .pattern = "/v1/customers/import"},
    {.method = "GET", .pattern = "/v1/{a}/{b}/{c}/{d}/{e}/{f}"},
};

static void decode_segments(struct bf_arena *arena, const struct bf__target *t)
{
    for (unsigned i = 0; i < t->n_segments; i++) {
        struct bf_str s;
        if (bf__segment_decode(arena, t->segments[i], &s, NULL) != BF_OK)
            continue;
        EXPECT(s.n <= t->segments[i].n && bf_text_is_utf8(s) && memchr(s.p, '/', s.n) == NULL);
        EXPECT(!bf_str_eqz(s, ".") && !bf_str_eqz(s, ".."));
    }
}

static void decode_query(struct bf_arena *arena, struct bf_str query)
{
    struct bf__pair pairs[BF__QUERY_MAX];
    unsigned n = 0;
    if (query.p == NULL || bf__query_decode(arena, query, pairs, &n, NULL) != BF_OK)
        return;
    EXPECT(n <= BF__QUERY_MAX);
    for (unsigned i = 0; i < n; i++) {
        EXPECT(pairs[i].name.n > 0 && bf_text_is_utf8(pairs[i].name) && bf_text_is_utf8(pairs[i].value));
        for (unsigned j = 0; j < i; j++)
            EXPECT(!bf_str_eq(pairs[i].name, pairs[j].name));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_route_table table = {routes, sizeof routes / sizeof routes[0], NULL};
    struct bf_arena *arena = bf_arena_create();
    struct bf__router *router = NULL;
    struct bf__target t;
    struct bf__match m = {.allow = ""};
    EXPECT(bf__router_create(&table, 1, &router, NULL) == BF_OK);
    if (bf__target_cut(bf_str((const char *)data, size), &t, NULL) == BF_OK) {
        bf__router_find(router, BF_STR("GET"), &t, &m);
        for (unsigned i = 0; i < m.n_params; i++)
            EXPECT(m.values[i].n > 0);
        decode_segments(arena, &t);
        decode_query(arena, t.query);
    }
    bf__router_destroy(&router);
    bf_arena_destroy(&arena);
    return 0;
}
