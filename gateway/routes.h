/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's table of routes. Not for other modules. */
#pragma once
#include "gateway/internal.h"

enum { BF__GATEWAY_ROUTES = 71 };
extern const struct bf_route bf__gateway_routes[BF__GATEWAY_ROUTES];

extern const struct bf_endpoint bf__changes, bf__events_open;
extern const struct bf_endpoint bf__openapi, bf__home;
