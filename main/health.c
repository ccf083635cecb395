/* SPDX-License-Identifier: Apache-2.0 */
/* What every process says of itself: /healthz, /readyz, /metrics. */
#include "main/health.h"
#include "access/call.h"
#include "core/env.h"
#include "core/metrics.h"

enum { METRICS_MAX = 1 << 20 };

static void healthz(struct bf_call *call, void *service)
{
    (void)service;
    bf_call_json(call, 200, BF_STR("{\"status\":\"ok\"}"));
}

static void readyz(struct bf_call *call, void *service)
{
    struct bf_error e = {0};
    (void)service;
    if (bf_store_probe(call->store, &e) == BF_OK) {
        bf_call_json(call, 200, BF_STR("{\"status\":\"ready\"}"));
        return;
    }
    e.status = BF_E_UNAVAILABLE;
    e.retry_after_s = 1;
    bf_call_fail(call, &e);
}

static void metrics(struct bf_call *call, void *service)
{
    static const struct bf_header type = {.name = "content-type",
                                          .value = {"application/openmetrics-text; version=1.0.0; charset=utf-8", 58}};
    struct bf_buf out;
    (void)service;
    bf_buf_init(&out, METRICS_MAX);
    bf_metrics_write(call->env->metrics, &out);
    bf_reply(call->req, 200, &type, 1, bf_buf_str(&out));
    bf_buf_finish(&out);
}

static const struct bf_endpoint healthz_endpoint = {.run = healthz}, readyz_endpoint = {.run = readyz}, metrics_endpoint = {.run = metrics};

#define PUBLIC(pattern_, endpoint_, summary_)                                                                                            \
    {.method = "GET", .pattern = (pattern_), .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .data = &(endpoint_), \
     .summary = (summary_)}
static const struct bf_route routes[] = {PUBLIC("/healthz", healthz_endpoint, "The process answers"),
                                         PUBLIC("/readyz", readyz_endpoint, "The storage answers"), PUBLIC("/metrics", metrics_endpoint, "OpenMetrics")};

const struct bf_service bf_health_service = {
    .name = "health", .routes = routes, .n_routes = sizeof routes / sizeof *routes, .open = bf_api_open, .close = bf_api_close};
