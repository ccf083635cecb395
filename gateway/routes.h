/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's table of routes. Not for other modules. */
#pragma once
#include "gateway/internal.h"

enum { BF__GATEWAY_ROUTES = 74 };
extern const struct bf_route bf__gateway_routes[BF__GATEWAY_ROUTES];

extern const struct bf_endpoint bf__changes, bf__events_open;
extern const struct bf_endpoint bf__openapi, bf__healthz, bf__readyz, bf__metrics, bf__home;
