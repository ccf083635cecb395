/* SPDX-License-Identifier: Apache-2.0 */
/* Which route takes a method and a path: a tree of segments. Literals win over {names}. Built once, then read by all loops. */
#pragma once
#include "core/http/target.h"
#include "core/http_server.h"

enum { BF__PARAMS_MAX = 6 };

struct bf__router;

struct bf__match {
    const struct bf_route *route; /* NULL: no such path, or the path does not take the method */
    void *service;
    const struct bf_str *names;           /* of the pattern, as long as the router */
    struct bf_str values[BF__PARAMS_MAX]; /* raw */
    unsigned n_params;
    char allow[64]; /* methods the path takes, when it is only the method that does not fit; else "" */
};

/* Two routes with one method and the same shape, a pattern that does not begin with '/' or is too deep: BF_E_CONFIG. */
enum bf_status bf__router_create(const struct bf_route_table *tables, unsigned n_tables, struct bf__router **ret, struct bf_error *e);
void bf__router_destroy(struct bf__router **router);
void bf__router_find(const struct bf__router *router, struct bf_str method, const struct bf__target *target, struct bf__match *ret);
unsigned bf__router_routes(const struct bf__router *router, const struct bf_route *const **ret);
