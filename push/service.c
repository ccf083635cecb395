/* SPDX-License-Identifier: Apache-2.0 */
#include "push/service.h"
#include "core/config.h"
#include "core/env.h"
#include "core/log.h"
#include "push/internal.h"
#include <stdlib.h>

enum { HOUR_MS = 3600000, ROUTES = 4 };

static const struct bf_config_row rows[] = {
    {.section = "push", .key = "listen", .type = BF_CF_STR, .def = "127.0.0.1:8445", .min = 0, .max = 100, .unit = "",
     .prose = "address and port of `baifang push`; empty: [http] listen"},
    {.section = "push", .key = "threads", .type = BF_CF_INT, .def = "2", .min = 1, .max = BF__THREADS_MAX, .unit = "",
     .prose = "threads that encrypt and send notifications; none waits for an answer"},
    {.section = "push", .key = "grace", .type = BF_CF_INT, .def = "24", .min = 1, .max = 720, .unit = "hours",
     .prose = "what could not be told for so long is not told any more"},
    {.section = "push", .key = "vapid_key_file", .type = BF_CF_PATH, .unit = "",
     .prose = "our Web Push key; empty: vapid.key in the data directory, made at the first start, or, on a database, one that is derived from the "
              "master key. With another key all devices subscribe anew"},
    {.section = "push", .key = "vapid_subject", .type = BF_CF_STR, .def = "", .min = 0, .max = 300, .unit = "",
     .prose = "mailto: or https: address at which operators of push services reach you; Apple and Mozilla want one"},
    {.section = "push", .key = "public_url", .type = BF_CF_STR, .def = "", .min = 0, .max = 200, .unit = "",
     .prose = "https URL at which browsers reach this server, for the links in mail"},
    {.section = "push", .key = "wecom_url", .type = BF_CF_STR, .def = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", .min = 1, .max = 300, .unit = "",
     .prose = "where WeCom's group robots are spoken to"},
};

static void push_key(struct bf_call *call, void *service)
{
    struct bf_push *push = service;
    const char *key = bf_channel_webpush_key(push->ways[BF__WEBPUSH]);
    bf_call_json(call, 200, bf_strz(bf_arena_printf(call->arena, "{\"public_key\":\"%s\"}", key)));
}

static const struct bf_endpoint push_key_endpoint = {.run = push_key};

static const struct bf_route routes[ROUTES] = {
    {.method = "GET", .pattern = "/v1/push_key", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .data = &push_key_endpoint,
     .summary = "The VAPID key that browsers subscribe with"},
    {.method = "GET", .pattern = "/v1/notifications/{id}/delivery", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .data = &bf__delivery_read,
     .summary = "Where one was told of it, and what became of that"},
    {.method = "GET", .pattern = "/v1/unsubscribe", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER,
     .data = &bf__unsubscribe_page, .summary = "A page with a button that ends mail of a kind"},
    {.method = "POST", .pattern = "/v1/unsubscribe", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER,
     .data = &bf__unsubscribe, .summary = "End mail of a kind, by the link in it (RFC 8058)"},
};

static enum bf_status check_config(const struct bf_config *config, struct bf_error *e)
{
    enum bf_status status = bf_webpush_check_subject(bf_config_str(config, "push", "vapid_subject"), e);
    return status == BF_OK ? bf__ways_check(config, e) : status;
}

static enum bf_status open_push(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e)
{
    struct bf_push *push = calloc(1, sizeof *push);
    if (push == NULL)
        abort();
    push->api.access = ctx->access;
    push->ctx = ctx;
    push->grace_ms = bf_config_int(ctx->config, "push", "grace") * HOUR_MS;
    push->public_url = bf_config_str(ctx->config, "push", "public_url");
    push->mail_from = bf_config_str(ctx->config, "mail", "from");
    push->mail_name = bf_config_str(ctx->config, "mail", "name");
    bf_store_derive_key(ctx->store, "unsubscribe", &push->unsubscribe_key);
    enum bf_status status = bf__ways_open(push, e);
    if (status != BF_OK) {
        free(push);
        return status;
    }
    bf__turns_init(&push->turns);
    struct bf_job_work works[] = {bf__reminders_work(push), bf__delivery_work(push, (unsigned)bf_config_int(ctx->config, "push", "threads")),
                                  bf__digests_work(push), bf__digest_people_work(push)};
    push->runner = bf_job_runner_create(ctx->env, ctx->store, works, sizeof works / sizeof *works);
    push->consumers[0] = bf__reminders_consumer(push);
    push->consumers[1] = bf__delivery_consumer(push);
    push->consumers[2] = bf__digests_consumer(push);
    *ret = push;
    return BF_OK;
}

static const struct bf_consumer *consumers(void *service, unsigned *ret_n)
{
    *ret_n = BF__CONSUMERS;
    return ((struct bf_push *)service)->consumers;
}

static enum bf_status run_push(void *service, struct bf_error *e)
{
    struct bf_push *push = service;
    if (bf_config_str(push->ctx->config, "push", "vapid_subject").n == 0)
        bf_log(push->ctx->env, BF_LOG_WARN, "push.no_subject",
               "push.vapid_subject is not set: the push services of Apple and Mozilla may refuse all messages", BF_L_END);
    bf_job_runner_start(push->runner);
    return bf__digests_look(push, e);
}

static void drain_push(void *service) { bf_job_runner_drain(((struct bf_push *)service)->runner); }

static void close_push(void **service)
{
    struct bf_push *push = *service;
    if (push == NULL)
        return;
    bf_job_runner_stop(&push->runner);
    bf__digest_desk_clear(&push->desk);
    bf__ways_close(push);
    bf_key_wipe(&push->unsubscribe_key);
    bf__turns_finish(&push->turns);
    free(push);
    *service = NULL;
}

static const struct bf_collection *const collections[] = {&bf__attempts};

static const struct bf_config_row *mail_rows(unsigned *ret_n)
{
    *ret_n = bf__mail_n_rows;
    return bf__mail_rows;
}

static const char *const consumer_names[] = {"push.reminders", "push.delivery", "push.digests", NULL};

static const struct bf_derivation *const derivations[] = {&bf__reminders_derivation};

const struct bf_service bf_push_service = {
    .name = "push",
    .config = rows,
    .n_config = sizeof rows / sizeof *rows,
    .more_config = mail_rows,
    .collections = collections,
    .n_collections = 1,
    .routes = routes,
    .n_routes = ROUTES,
    .commands = bf__push_commands,
    .n_commands = BF__PUSH_COMMANDS,
    .check_config = check_config,
    .derivations = derivations,
    .n_derivations = 1,
    .open = open_push,
    .consumer_names = consumer_names,
    .consumers = consumers,
    .run = run_push,
    .drain = drain_push,
    .close = close_push,
};
