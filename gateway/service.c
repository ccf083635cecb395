/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/service.h"
#include "core/config.h"
#include "crm/preference.h"
#include "gateway/contracts.h"
#include "gateway/events.h"
#include "gateway/routes.h"
#include <stdlib.h>

#define GET(pattern_, kind_, answer_, endpoint_, summary_)                                                                               \
    {.method = "GET", .pattern = (pattern_), .handler = bf_call_enter, .kind = BF_ROUTE_##kind_, .answer = (answer_), .data = &(endpoint_),  \
     .summary = (summary_)}
#define CREATE(pattern_, schema_, endpoint_, summary_)                                                                                   \
    {.method = "POST", .pattern = (pattern_), .handler = bf_call_enter, .kind = BF_ROUTE_CREATE, .body = (schema_), .answer = (schema_),    \
     .data = &(endpoint_), .summary = (summary_)}
#define CHANGE(pattern_, schema_, endpoint_, summary_)                                                                                   \
    {.method = "PATCH", .pattern = (pattern_), .handler = bf_call_enter, .kind = BF_ROUTE_CHANGE, .body = (schema_), .answer = (schema_),   \
     .data = &(endpoint_), .summary = (summary_)}
#define VERB(pattern_, body_, answer_, endpoint_, summary_)                                                                              \
    {.method = "POST", .pattern = (pattern_), .handler = bf_call_enter, .kind = BF_ROUTE_VERB, .body = (body_), .answer = (answer_),        \
     .data = &(endpoint_), .summary = (summary_)}
#define PUBLIC(pattern_, endpoint_, summary_)                                                                                            \
    {.method = "GET", .pattern = (pattern_), .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .data = &(endpoint_), \
     .summary = (summary_)}

const struct bf_route bf__gateway_routes[BF__GATEWAY_ROUTES] = {
    GET("/v1/customers", LIST, &bf_customer_schema, bf__customers_list, "Customers in the caller's scope, by name"),
    CREATE("/v1/customers", &bf_customer_schema, bf__customers_create, "Enter a customer"),
    GET("/v1/customers/{id}", READ, &bf_customer_schema, bf__customers_read, "A customer"),
    CHANGE("/v1/customers/{id}", &bf_customer_schema, bf__customers_change, "Change a customer, with a reason"),
    VERB("/v1/customers/{id}/transfer", &bf__transfer_schema, &bf_customer_schema, bf__customers_transfer, "Give a customer to another rep"),
    GET("/v1/contacts", LIST, &bf_contact_schema, bf__contacts_list, "Contacts"),
    CREATE("/v1/contacts", &bf_contact_schema, bf__contacts_create, "Add a contact to a customer"),
    GET("/v1/contacts/{id}", READ, &bf_contact_schema, bf__contacts_read, "A contact"),
    CHANGE("/v1/contacts/{id}", &bf_contact_schema, bf__contacts_change, "Change a contact, with a reason"),
    GET("/v1/visits", LIST, &bf_visit_schema, bf__visits_list, "Visits, newest first"),
    CREATE("/v1/visits", &bf_visit_schema, bf__visits_create, "Log a visit; the answer is its receipt"),
    GET("/v1/visits/{id}", READ, &bf_visit_schema, bf__visits_read, "A visit with its verdicts, media and transcripts"),
    GET("/v1/visits/{id}/media/{media_id}/{variant}", OTHER, NULL, bf__visit_media_read, "Bytes of a medium: original, large, small, voice, peaks"),
    GET("/v1/transcripts/{id}", READ, &bf_transcript_schema, bf__transcripts_read, "A transcript"),
    VERB("/v1/transcripts/{id}/confirm", &bf__confirm_schema, &bf_transcript_schema, bf__transcripts_confirm, "Confirm or write a transcript"),
    VERB("/v1/transcripts/{id}/retry", NULL, &bf_transcript_schema, bf__transcripts_retry, "Ask for a transcript again"),
    GET("/v1/supplements", LIST, &bf_supplement_schema, bf__supplements_list, "Supplements"),
    CREATE("/v1/supplements", &bf_supplement_schema, bf__supplements_create, "Add a supplement to a visit"),
    GET("/v1/supplements/{id}", READ, &bf_supplement_schema, bf__supplements_read, "A supplement"),
    GET("/v1/devices", LIST, &bf_device_schema, bf__devices_list, "One's own installations"),
    CREATE("/v1/devices", &bf_device_schema, bf__devices_create, "Register an installation"),
    GET("/v1/devices/{id}", READ, &bf_device_schema, bf__devices_read, "An installation"),
    CHANGE("/v1/devices/{id}", &bf_device_schema, bf__devices_change, "Rename it, or change its push subscription"),
    GET("/v1/devices/{id}/safe", OTHER, NULL, bf__devices_safe, "What the server has of an installation's captures"),
    GET("/v1/reminders", LIST, &bf_reminder_schema, bf__reminders_list, "One's own reminders, by sending time"),
    CREATE("/v1/reminders", &bf_reminder_schema, bf__reminders_create, "Set a reminder"),
    GET("/v1/reminders/{id}", READ, &bf_reminder_schema, bf__reminders_read, "A reminder"),
    CHANGE("/v1/reminders/{id}", &bf_reminder_schema, bf__reminders_change, "Change a reminder"),
    VERB("/v1/reminders/{id}/snooze", &bf__snooze_schema, &bf_reminder_schema, bf__reminders_snooze, "Put a reminder off"),
    VERB("/v1/reminders/{id}/done", NULL, &bf_reminder_schema, bf__reminders_done, "Done: cancels what is still to be sent"),
    VERB("/v1/reminders/{id}/cancel", NULL, &bf_reminder_schema, bf__reminders_cancel, "Cancel a reminder"),
    GET("/v1/notifications", LIST, &bf_notification_schema, bf__notifications_list, "What one was told, newest first"),
    VERB("/v1/notifications/{id}/opened", NULL, &bf_notification_schema, bf__notifications_opened, "It was opened"),
    VERB("/v1/notifications/{id}/acted", NULL, &bf_notification_schema, bf__notifications_acted, "Something was done about it"),
    GET("/v1/preferences", READ, &bf_preference_schema, bf__preferences_read, "What one wants to be told by which way"),
    CHANGE("/v1/preferences", &bf_preference_schema, bf__preferences_change, "Change that"),
    GET("/v1/contracts", LIST, &bf_contract_schema, bf__contracts_list, "Contracts, newest first"),
    CREATE("/v1/contracts", &bf_contract_schema, bf__contracts_create, "Enter a signed contract with its pages"),
    GET("/v1/contracts/{id}", READ, &bf_contract_schema, bf__contracts_read, "A contract with the states of its pages and its reviews"),
    CHANGE("/v1/contracts/{id}", &bf_contract_schema, bf__contracts_change, "Change what it says, or its pages, until it is claimed"),
    GET("/v1/contracts/{id}/media/{media_id}/{variant}", OTHER, NULL, bf__contract_media_read, "Bytes of a page, of any version: original, large, small"),
    VERB("/v1/contracts/{id}/claim", NULL, &bf_contract_schema, bf__contracts_claim, "Claim it for review"),
    VERB("/v1/contracts/{id}/release", NULL, &bf_contract_schema, bf__contracts_release, "Give the claim back"),
    {.method = "POST", .pattern = "/v1/contracts/{id}/renew", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .data = &bf__contracts_renew,
     .summary = "Hold the claim longer"},
    VERB("/v1/contracts/{id}/draft", &bf_draft_schema, &bf_contract_schema, bf__contracts_draft, "Keep what the paper says where it differs"),
    VERB("/v1/contracts/{id}/mark", &bf_mark_schema, &bf_contract_schema, bf__contracts_mark, "Mark a place on a page"),
    VERB("/v1/contracts/{id}/unmark", &bf__unmark_schema, &bf_contract_schema, bf__contracts_unmark, "Take a mark away"),
    VERB("/v1/contracts/{id}/approve", NULL, &bf_contract_schema, bf__contracts_approve, "Approve it, with the draft's corrections"),
    VERB("/v1/contracts/{id}/reject", &bf_rejection_schema, &bf_contract_schema, bf__contracts_reject, "Send it back to the rep"),
    VERB("/v1/contracts/{id}/reopen", &bf__reopen_schema, &bf_contract_schema, bf__contracts_reopen, "Take an approval back, with a reason"),
    GET("/v1/review_queue", OTHER, NULL, bf__review_queue, "Contracts to be reviewed, oldest first"),
    GET("/v1/tasks", LIST, &bf_task_schema, bf__tasks_list, "Tasks, by due time"),
    CREATE("/v1/tasks", &bf_task_schema, bf__tasks_create, "Set a task, for oneself or for somebody of one's team"),
    GET("/v1/tasks/{id}", READ, &bf_task_schema, bf__tasks_read, "A task"),
    CHANGE("/v1/tasks/{id}", &bf_task_schema, bf__tasks_change, "Change a task, with a reason"),
    VERB("/v1/tasks/{id}/done", &bf__task_done_schema, &bf_task_schema, bf__tasks_done, "Done"),
    VERB("/v1/tasks/{id}/cancel", NULL, &bf_task_schema, bf__tasks_cancel, "Cancel a task"),
    GET("/v1/task_report", OTHER, NULL, bf__task_report, "What became of the tasks of each person in the caller's scope"),
    GET("/v1/today", OTHER, NULL, bf__today, "What comes next for the caller"),
    GET("/v1/digest/preview", OTHER, NULL, bf__digest_preview, "What a supervisor or manager will be told next, as it is now"),
    GET("/v1/exceptions", OTHER, NULL, bf__exceptions, "What a supervisor or manager has to look into, with the records behind it"),
    GET("/v1/exceptions/{kind}/{person}", OTHER, NULL, bf__exception_records, "The records behind one person's line, longest standing first"),
    CHANGE("/v1/me", &bf_user_schema, bf__profile_change, "Change one's own phone, email, time zone, language, or deputy while away"),
    GET("/v1/deputies", OTHER, NULL, bf__deputies_list, "Whom a supervisor or manager may name as deputy while away"),
    GET("/v1/policy", OTHER, &bf_policy_schema, bf__policy_read, "The company's numbers"),
    GET("/v1/calendars/{year}", READ, &bf_calendar_schema, bf__calendars_read, "A year of the company's working-day calendar"),
    CHANGE("/v1/calendars/{year}", &bf_calendar_schema, bf__calendars_change, "Change a year's days off and make-up days, with a reason"),
    GET("/v1/changes", OTHER, NULL, bf__changes, "All that the caller may see, then what changed since"),
    GET("/v1/events", OTHER, NULL, bf__events_open, "The changes as server-sent events"),
    PUBLIC("/openapi.json", bf__openapi, "This description"),
    PUBLIC("/", bf__home, "What runs here"),
};

static const struct bf_config_row rows[] = {
    {.section = "gateway", .key = "listen", .type = BF_CF_STR, .def = "", .min = 0, .max = 100, .unit = "",
     .prose = "address and port of `baifang gateway`; empty: [http] listen"},
};

static enum bf_status open_gateway(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e)
{
    struct bf_gateway *gateway = calloc(1, sizeof *gateway);
    (void)e;
    if (gateway == NULL)
        abort();
    gateway->api.access = ctx->access;
    gateway->ctx = ctx;
    gateway->events = bf__event_hub_create(gateway);
    gateway->transfers = bf__transfers_create(gateway);
    gateway->contract_jobs = bf__contract_jobs_create(gateway);
    gateway->consumers[0] = bf__transfers_consumer(gateway);
    gateway->consumers[1] = bf__contract_jobs_consumer(gateway);
    *ret = gateway;
    return BF_OK;
}

static const struct bf_consumer *consumers(void *service, unsigned *ret_n)
{
    *ret_n = BF__GATEWAY_CONSUMERS;
    return ((struct bf_gateway *)service)->consumers;
}

static enum bf_status run_gateway(void *service, struct bf_error *e)
{
    struct bf_gateway *gateway = service;
    (void)e;
    bf_job_runner_start(gateway->transfers);
    bf_job_runner_start(gateway->contract_jobs);
    return BF_OK;
}

static void drain_gateway(void *service)
{
    struct bf_gateway *gateway = service;
    bf__event_hub_drain(gateway->events);
    bf_job_runner_drain(gateway->transfers);
    bf_job_runner_drain(gateway->contract_jobs);
}

static void close_gateway(void **service)
{
    struct bf_gateway *gateway = *service;
    if (gateway == NULL)
        return;
    bf_job_runner_stop(&gateway->transfers);
    bf_job_runner_stop(&gateway->contract_jobs);
    bf__event_hub_destroy(&gateway->events);
    free(gateway);
    *service = NULL;
}

static const char *const consumer_names[] = {"gateway.transfers", "gateway.contracts", NULL};

const struct bf_service bf_gateway_service = {
    .name = "gateway",
    .config = rows,
    .n_config = sizeof rows / sizeof *rows,
    .routes = bf__gateway_routes,
    .n_routes = BF__GATEWAY_ROUTES,
    .open = open_gateway,
    .consumer_names = consumer_names,
    .consumers = consumers,
    .run = run_gateway,
    .drain = drain_gateway,
    .close = close_gateway,
};
