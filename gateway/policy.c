/* SPDX-License-Identifier: Apache-2.0 */
/* The company's numbers, health and metrics. */
#include "core/metrics.h"
#include "crm/policy.h"
#include "gateway/routes.h"

static void read_policy(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid tenant = call->caller.tenant;
    struct bf_doc *doc;
    struct bf_error e = {0};
    if (bf_store_get(call->store, &bf_policies, tenant, bf_id_policy(tenant), call->arena, &doc, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (doc == NULL)
        doc = bf_doc_create(call->arena, &bf_policy_schema, tenant, bf_id_policy(tenant));
    bf_policy_fill(call->arena, &doc->object);
    bf_call_doc(call, BF_SUBJECT_POLICY, doc);
}

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
    bf_buf_init(&out, 1 << 20);
    bf_metrics_write(call->env->metrics, &out);
    bf_reply(call->req, 200, &type, 1, bf_buf_str(&out));
    bf_buf_finish(&out);
}

const struct bf_endpoint bf__policy_read = {.run = read_policy},
                         bf__healthz = {.run = healthz}, bf__readyz = {.run = readyz}, bf__metrics = {.run = metrics};
