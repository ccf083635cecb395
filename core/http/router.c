/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http/router.h"
#include "core/arena.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct leaf {
    struct leaf *next;
    const struct bf_route *route;
    void *service;
    struct bf_str names[BF__PARAMS_MAX];
    unsigned n_names;
};

struct node {
    struct node *next, *literals, *param; /* `next` among its parent's literals */
    struct bf_str text;
    struct leaf *leaves; /* one a method */
};

struct bf__router {
    struct bf_arena *arena;
    struct node root;
    const struct bf_route **routes;
    unsigned n_routes;
};

static bool is_name(struct bf_str s) { return s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}'; }

static struct node *child(struct bf__router *r, struct node *parent, struct bf_str text)
{
    if (is_name(text)) {
        if (parent->param == NULL)
            parent->param = bf_arena_calloc(r->arena, 1, sizeof *parent->param);
        return parent->param;
    }
    for (struct node *n = parent->literals; n != NULL; n = n->next)
        if (bf_str_eq(n->text, text))
            return n;
    struct node *n = bf_arena_calloc(r->arena, 1, sizeof *n);
    n->text = text;
    n->next = parent->literals;
    parent->literals = n;
    return n;
}

static struct leaf *leaf_of(const struct node *node, struct bf_str method)
{
    for (struct leaf *l = node->leaves; l != NULL; l = l->next)
        if (bf_str_eqz(method, l->route->method))
            return l;
    return NULL;
}

static enum bf_status add(struct bf__router *r, const struct bf_route *route, void *service, struct bf_error *e)
{
    struct node *node = &r->root;
    struct leaf *leaf = bf_arena_calloc(r->arena, 1, sizeof *leaf);
    const char *p = route->pattern;
    unsigned depth = 0;
    if (*p != '/')
        return bf_fail(e, BF_E_CONFIG, "route %s does not begin with a slash", route->pattern);
    while (p[1] != '\0') {
        const char *end = strchrnul(p + 1, '/');
        struct bf_str text = bf_str(p + 1, (size_t)(end - p - 1));
        if (++depth > BF__SEGMENTS_MAX || (is_name(text) && leaf->n_names == BF__PARAMS_MAX))
            return bf_fail(e, BF_E_CONFIG, "route %s is too deep", route->pattern);
        node = child(r, node, text);
        if (is_name(text))
            leaf->names[leaf->n_names++] = bf_str(text.p + 1, text.n - 2);
        if (*end == '\0')
            break;
        p = end;
    }
    if (leaf_of(node, bf_strz(route->method)) != NULL)
        return bf_fail(e, BF_E_CONFIG, "route %s %s is there twice", route->method, route->pattern);
    leaf->route = route;
    leaf->service = service;
    leaf->next = node->leaves;
    node->leaves = leaf;
    r->routes[r->n_routes++] = route;
    return BF_OK;
}

enum bf_status bf__router_create(const struct bf_route_table *tables, unsigned n_tables, struct bf__router **ret, struct bf_error *e)
{
    struct bf__router *r = calloc(1, sizeof *r);
    unsigned total = 0;
    if (r == NULL)
        abort();
    r->arena = bf_arena_create();
    for (unsigned t = 0; t < n_tables; t++)
        total += tables[t].n_routes;
    r->routes = bf_arena_calloc(r->arena, total, sizeof *r->routes);
    for (unsigned t = 0; t < n_tables; t++)
        for (unsigned i = 0; i < tables[t].n_routes; i++) {
            enum bf_status status = add(r, &tables[t].routes[i], tables[t].service, e);
            if (status != BF_OK) {
                bf__router_destroy(&r);
                return status;
            }
        }
    assert(r->n_routes == total);
    *ret = r;
    return BF_OK;
}

void bf__router_destroy(struct bf__router **router)
{
    if (*router == NULL)
        return;
    bf_arena_destroy(&(*router)->arena);
    free(*router);
    *router = NULL;
}

unsigned bf__router_routes(const struct bf__router *r, const struct bf_route *const **ret)
{
    *ret = r->routes;
    return r->n_routes;
}

/* The node of the path with at least one leaf, or NULL. Literals first; a dead end falls back to the {name}. Depth is bounded by the
 * target's. */
static const struct node *walk(const struct node *node, const struct bf__target *t, unsigned depth, struct bf_str *values, unsigned n)
{
    if (depth == t->n_segments)
        return node->leaves != NULL ? node : NULL;
    for (const struct node *l = node->literals; l != NULL; l = l->next)
        if (bf_str_eq(l->text, t->segments[depth])) {
            const struct node *found = walk(l, t, depth + 1, values, n);
            if (found != NULL)
                return found;
        }
    if (node->param == NULL || t->segments[depth].n == 0 || n == BF__PARAMS_MAX)
        return NULL;
    values[n] = t->segments[depth];
    return walk(node->param, t, depth + 1, values, n + 1);
}

static void list_methods(const struct node *node, char *out, size_t size)
{
    size_t n = 0;
    for (const struct leaf *l = node->leaves; l != NULL && n < size; l = l->next) {
        bool is_get = strcmp(l->route->method, "GET") == 0;
        int added = snprintf(out + n, size - n, "%s%s%s", n > 0 ? ", " : "", l->route->method, is_get ? ", HEAD" : "");
        assert(added > 0);
        n += (size_t)added;
    }
    assert(n < size);
}

void bf__router_find(const struct bf__router *r, struct bf_str method, const struct bf__target *t, struct bf__match *ret)
{
    const struct node *node = walk(&r->root, t, 0, ret->values, 0);
    ret->route = NULL;
    ret->allow[0] = '\0';
    ret->n_params = 0;
    if (node == NULL)
        return;
    const struct leaf *leaf = leaf_of(node, method);
    if (leaf == NULL && bf_str_eqz(method, "HEAD"))
        leaf = leaf_of(node, BF_STR("GET"));
    if (leaf == NULL) {
        list_methods(node, ret->allow, sizeof ret->allow);
        return;
    }
    ret->route = leaf->route;
    ret->service = leaf->service;
    ret->n_params = leaf->n_names;
    ret->names = leaf->names;
}
