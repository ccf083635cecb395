/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/openapi_notes.h"
#include "crm/entities.h"
#include <stddef.h>
#include <string.h>

#define TEXT "{\"type\":\"string\"}"
#define UUID "{\"type\":\"string\",\"format\":\"uuid\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define INTEGER "{\"type\":\"integer\"}"
#define BOOLEAN "{\"type\":\"boolean\"}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define ARRAY(of) "{\"type\":\"array\",\"items\":" of "}"
#define OBJECT(required, properties) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define PARAMETER(in, name, schema) "{\"name\":\"" name "\",\"in\":\"" in "\",\"required\":false,\"schema\":" schema "}"
#define QUERY(name, schema) PARAMETER("query", name, schema)
#define HEADER(name) PARAMETER("header", name, TEXT)
#define NEEDED(name) "{\"name\":\"" name "\",\"in\":\"header\",\"required\":true,\"schema\":" TEXT "}"

#define VERDICT                                                                                                                          \
    "\"verdict\":" REF("verdict") ",\"hints\":" ARRAY(OBJECT("\"reason\",\"zh-CN\",\"en\"", "\"reason\":" TEXT ",\"zh-CN\":" TEXT ",\"en\":" TEXT))  \
    ",\"week\":" OBJECT("\"week\",\"valid\",\"quota\",\"missing\"",                                                                          \
                         "\"week\":" TEXT ",\"valid\":" INTEGER ",\"quota\":" INTEGER ",\"missing\":" INTEGER)
#define TOKENS                                                                                                                           \
    OBJECT("\"access_token\",\"access_expires_at\",\"refresh_token\",\"session\",\"must_change_password\",\"user\"",                     \
           "\"access_token\":" TEXT ",\"access_expires_at\":" TIME ",\"refresh_token\":" TEXT ",\"session\":" UUID                        \
           ",\"must_change_password\":" BOOLEAN ",\"user\":" REF("user"))
#define SESSION                                                                                                                          \
    OBJECT("\"user\",\"session\",\"must_change_password\",\"csrf_token\",\"tz\"",                                                              \
           "\"user\":" REF("user") ",\"session\":" UUID ",\"must_change_password\":" BOOLEAN ",\"csrf_token\":" TEXT ",\"tz\":" TEXT)
#define STATUS OBJECT("\"status\"", "\"status\":" TEXT)
#define NAMES "{\"type\":\"object\",\"additionalProperties\":" TEXT "}"
#define NAMED(name) "{\"allOf\":[" REF(name) "," OBJECT("\"names\"", "\"names\":" NAMES) "]}"
#define DATE "{\"type\":\"string\",\"format\":\"date\"}"
#define SHOWN(name) OBJECT("\"items\",\"more\"", "\"items\":" ARRAY(REF(name)) ",\"more\":" BOOLEAN)
#define TUS NEEDED("Tus-Resumable")

static const struct bf__note notes[] = {
    {.method = "POST", .pattern = "/v1/sign_in", .answer = TOKENS, .records = {&bf_user_schema}},
    {.method = "POST", .pattern = "/v1/refresh", .answer = TOKENS, .records = {&bf_user_schema}},
    {.method = "POST", .pattern = "/v1/sign_out", .status = "204"},
    {.method = "POST", .pattern = "/v1/web/sign_in", .answer = SESSION, .records = {&bf_user_schema}},
    {.method = "POST", .pattern = "/v1/web/sign_out", .status = "204"},
    {.method = "GET", .pattern = "/v1/web/session", .answer = SESSION, .records = {&bf_user_schema}},
    {.method = "POST", .pattern = "/v1/password", .status = "204"},
    {.method = "DELETE", .pattern = "/v1/sessions/{id}", .status = "204"},
    {.method = "GET", .pattern = "/v1/sessions",
     .answer = OBJECT("\"items\",\"next\"",
                      "\"items\":" ARRAY("{\"allOf\":[" REF("session") "," OBJECT("\"id\",\"current\"", "\"id\":" UUID ",\"current\":" BOOLEAN) "]}")
                      ",\"next\":{\"type\":[\"string\",\"null\"]}")},
    {.method = "GET", .pattern = "/v1/me",
     .answer = "{\"allOf\":[" REF("user") ",{\"type\":\"object\",\"properties\":{\"upload_url\":{\"type\":\"string\",\"format\":\"uri\"}}}]}",
     .records = {&bf_user_schema}},
    {.method = "GET", .pattern = "/v1/deputies",
     .answer = OBJECT("\"items\"", "\"items\":" ARRAY(OBJECT("\"id\",\"name\",\"role\"", "\"id\":" UUID ",\"name\":" TEXT ",\"role\":" TEXT)))},
    {.method = "GET", .pattern = "/v1/customers", .parameters = QUERY("owner", UUID) "," QUERY("grade", TEXT)},
    {.method = "GET", .pattern = "/v1/contacts", .parameters = QUERY("customer", UUID)},
    {.method = "GET", .pattern = "/v1/visits", .parameters = QUERY("customer", UUID) "," QUERY("rep", UUID)},
    {.method = "GET", .pattern = "/v1/supplements", .parameters = QUERY("visit", UUID)},
    {.method = "POST", .pattern = "/v1/visits", .parameters = QUERY("dry_run", "{\"const\":\"1\"}") "," HEADER("X-Client-Time"),
     .answer = OBJECT("\"visit\",\"verdict\",\"hints\",\"week\",\"media\",\"awaited\",\"reminder\"",
                      "\"visit\":" REF("visit") "," VERDICT ",\"media\":" ARRAY(OBJECT("\"id\",\"state\"", "\"id\":" UUID ",\"state\":" TEXT))
                      ",\"awaited\":" ARRAY(UUID) ",\"reminder\":{\"anyOf\":[{\"type\":\"null\"},"
                      OBJECT("\"id\",\"due_at\",\"send_at\",\"delayed_by_quiet_hours\"",
                             "\"id\":" UUID ",\"due_at\":" TIME ",\"send_at\":" TIME ",\"delayed_by_quiet_hours\":" BOOLEAN) "]}"),
     .records = {&bf_visit_schema, &bf_verdict_schema}},
    {.method = "GET", .pattern = "/v1/customers/{id}", .answer = NAMED("customer"), .records = {&bf_customer_schema}},
    {.method = "GET", .pattern = "/v1/tasks/{id}", .answer = NAMED("task"), .records = {&bf_task_schema}},
    {.method = "GET", .pattern = "/v1/visits/{id}",
     .answer = "{\"allOf\":[" REF("visit") "," OBJECT("\"verdicts\",\"media_states\",\"transcripts\",\"names\"",
                                                      "\"verdicts\":" ARRAY(REF("verdict")) ",\"media_states\":" ARRAY(REF("media"))
                                                      ",\"transcripts\":" ARRAY(REF("transcript")) ",\"names\":" NAMES) "]}",
     .records = {&bf_visit_schema, &bf_verdict_schema, &bf_media_schema, &bf_transcript_schema}},
    {.method = "GET", .pattern = "/v1/visits/{id}/media/{media_id}/{variant}", .parameters = HEADER("Range") "," HEADER("If-Range"), .type = "*/*",
     .answer = "{\"contentMediaType\":\"application/octet-stream\"}"},
    {.method = "POST", .pattern = "/v1/transcripts/{id}/confirm", .answer = OBJECT("\"transcript\"", "\"transcript\":" REF("transcript") "," VERDICT),
     .records = {&bf_transcript_schema, &bf_verdict_schema}},
    {.method = "GET", .pattern = "/v1/devices/{id}/safe",
     .answer = OBJECT("\"safe_through\",\"missing\",\"media_awaited\",\"media_awaited_more\"",
                      "\"safe_through\":" INTEGER ",\"missing\":" ARRAY(OBJECT("\"from\",\"to\"", "\"from\":" INTEGER ",\"to\":" INTEGER))
                      ",\"media_awaited\":" ARRAY(OBJECT("\"media\",\"sha256\",\"capture_seq\"",
                                                         "\"visit\":" UUID ",\"contract\":" UUID ",\"media\":" UUID ",\"sha256\":" TEXT ",\"capture_seq\":" INTEGER))
                      ",\"media_awaited_more\":" BOOLEAN)},
    {.method = "GET", .pattern = "/v1/contracts", .parameters = QUERY("customer", UUID) "," QUERY("state", TEXT)},
    {.method = "POST", .pattern = "/v1/contracts",
     .answer = OBJECT("\"contract\",\"media\",\"awaited\"",
                      "\"contract\":" REF("contract") ",\"media\":" ARRAY(OBJECT("\"id\",\"state\"", "\"id\":" UUID ",\"state\":" TEXT)) ",\"awaited\":" ARRAY(UUID)),
     .records = {&bf_contract_schema}},
    {.method = "GET", .pattern = "/v1/contracts/{id}",
     .answer = "{\"allOf\":[" REF("contract") "," OBJECT("\"media_states\",\"reviews\",\"awaited\",\"names\"",
                                                        "\"media_states\":" ARRAY(REF("media")) ",\"reviews\":" ARRAY(REF("review")) ",\"awaited\":" ARRAY(UUID)
                                                        ",\"names\":" NAMES) "]}",
     .records = {&bf_contract_schema, &bf_media_schema, &bf_review_schema}},
    {.method = "GET", .pattern = "/v1/contracts/{id}/media/{media_id}/{variant}", .parameters = HEADER("Range") "," HEADER("If-Range"), .type = "*/*",
     .answer = "{\"contentMediaType\":\"application/octet-stream\"}"},
    {.method = "POST", .pattern = "/v1/contracts/{id}/renew", .answer = OBJECT("\"claimed_until\"", "\"claimed_until\":" TIME)},
    {.method = "GET", .pattern = "/v1/review_queue",
     .parameters = QUERY("team", UUID) "," QUERY("after", TEXT) "," QUERY("limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200}"),
     .answer = OBJECT("\"items\",\"waiting\",\"reviewed_today\",\"next\",\"names\"",
                      "\"items\":" ARRAY(OBJECT("\"contract\",\"overdue\",\"held_until\",\"claimable\"",
                                                "\"contract\":" REF("contract") ",\"overdue\":" BOOLEAN ",\"held_until\":{\"type\":[\"string\",\"null\"]},\"claimable\":" BOOLEAN))
                      ",\"waiting\":" INTEGER ",\"reviewed_today\":" INTEGER ",\"next\":{\"type\":[\"string\",\"null\"]},\"names\":" NAMES),
     .records = {&bf_contract_schema}},
    {.method = "GET", .pattern = "/v1/tasks", .parameters = QUERY("assignee", UUID) "," QUERY("state", TEXT)},
    {.method = "GET", .pattern = "/v1/task_report",
     .parameters = QUERY("from", DATE) "," QUERY("to", DATE) "," QUERY("after", TEXT) "," QUERY("limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200}"),
     .answer = OBJECT("\"from\",\"to\",\"items\",\"next\"",
                      "\"from\":" DATE ",\"to\":" DATE ",\"items\":" ARRAY(OBJECT("\"user\",\"name\",\"done\",\"done_late\",\"open\",\"overdue\"",
                      "\"user\":" UUID ",\"name\":" TEXT ",\"done\":" INTEGER ",\"done_late\":" INTEGER ",\"open\":" INTEGER ",\"overdue\":" INTEGER))
                      ",\"next\":{\"type\":[\"string\",\"null\"]}")},
    {.method = "GET", .pattern = "/v1/today",
     .answer = OBJECT("\"now\",\"next\",\"overdue\",\"contracts\",\"follow_up\",\"tasks\",\"reminders\",\"customers\"",
                      "\"now\":" TIME ",\"next\":{\"anyOf\":[{\"type\":\"null\"}," REF("reminder") "]},\"overdue\":" SHOWN("task") ",\"contracts\":" SHOWN("contract") ",\"follow_up\":" SHOWN("cadence")
                      ",\"tasks\":" SHOWN("task") ",\"reminders\":" SHOWN("reminder") ",\"customers\":" NAMES),
     .records = {&bf_task_schema, &bf_contract_schema, &bf_reminder_schema, &bf_cadence_schema}},
    {.method = "GET", .pattern = "/v1/notifications/{id}/delivery",
     .answer = OBJECT("\"items\"", "\"items\":" ARRAY(OBJECT("\"channel\",\"place\",\"state\",\"tries\",\"last_at\",\"next_at\"",
                      "\"channel\":" TEXT ",\"place\":" UUID ",\"state\":" TEXT ",\"tries\":" INTEGER
                      ",\"last_at\":{\"type\":[\"string\",\"null\"]},\"next_at\":{\"type\":[\"string\",\"null\"]}")))},
    {.method = "GET", .pattern = "/v1/unsubscribe", .parameters = QUERY("token", TEXT), .type = "text/html", .answer = TEXT},
    {.method = "POST", .pattern = "/v1/unsubscribe", .parameters = QUERY("token", TEXT), .type = "text/html", .answer = TEXT},
    {.method = "GET", .pattern = "/v1/digest/preview",
     .answer = OBJECT("\"at\",\"date\",\"tz\",\"missing_year\",\"digest\"",
                      "\"at\":" TIME ",\"date\":" DATE ",\"tz\":" TEXT ",\"missing_year\":{\"type\":[\"integer\",\"null\"]},\"digest\":{\"anyOf\":[{\"type\":\"null\"},"
                      OBJECT("\"kind\",\"title\",\"body\",\"digest\"",
                             "\"kind\":" TEXT ",\"title\":" TEXT ",\"body\":" TEXT ",\"digest\":" REF("digest") ",\"user\":" UUID ",\"created_at\":" TIME) "]}"),
     .records = {&bf_notification_schema}},
    {.method = "GET", .pattern = "/v1/exceptions",
     .answer = OBJECT("\"now\",\"items\"", "\"now\":" TIME ",\"items\":" ARRAY(
                      "{\"allOf\":[" REF("digest_line") ",{\"type\":\"object\",\"properties\":{\"words\":" OBJECT("\"zh-CN\",\"en\"", "\"zh-CN\":" TEXT ",\"en\":" TEXT) "}}]}")),
     .records = {&bf_notification_schema}},
    {.method = "GET", .pattern = "/v1/exceptions/{kind}/{person}",
     .answer = OBJECT("\"items\",\"more\",\"names\"",
                      "\"items\":" ARRAY(OBJECT("\"type\",\"since\",\"doc\"", "\"type\":" TEXT ",\"since\":" TIME ",\"doc\":{\"type\":\"object\"}"))
                      ",\"more\":" BOOLEAN ",\"names\":" NAMES)},
    {.method = "GET", .pattern = "/v1/push_key", .answer = OBJECT("\"public_key\"", "\"public_key\":" TEXT)},
    {.method = "GET", .pattern = "/v1/changes", .parameters = QUERY("after", TEXT) "," QUERY("limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200}"),
     .answer = OBJECT("\"items\",\"next\",\"more\"",
                      "\"items\":" ARRAY(OBJECT("\"type\",\"id\"", "\"type\":" TEXT ",\"id\":" UUID ",\"doc\":{\"type\":\"object\"},\"gone\":{\"const\":true}"))
                      ",\"next\":" TEXT ",\"more\":" BOOLEAN)},
    {.method = "GET", .pattern = "/v1/events", .parameters = HEADER("Last-Event-ID"), .type = "text/event-stream", .answer = TEXT},
    {.method = "GET", .pattern = "/openapi.json", .answer = "{\"type\":\"object\"}"},
    {.method = "GET", .pattern = "/healthz", .answer = STATUS},
    {.method = "GET", .pattern = "/readyz", .answer = STATUS},
    {.method = "GET", .pattern = "/metrics", .type = "application/openmetrics-text", .answer = TEXT},
    {.method = "GET", .pattern = "/", .type = "text/html", .answer = TEXT},
    {.method = "GET", .pattern = "/console", .type = "text/html", .answer = TEXT},
    {.method = "GET", .pattern = "/assets/{name}", .parameters = HEADER("Accept-Encoding"), .type = "*/*", .answer = TEXT},
    {.method = "OPTIONS", .pattern = "/v1/uploads", .status = "204"},
    {.method = "OPTIONS", .pattern = "/v1/uploads/{id}", .status = "204"},
    {.method = "POST", .pattern = "/v1/uploads", .status = "201",
     .parameters = TUS "," HEADER("Upload-Length") "," HEADER("Upload-Defer-Length") "," HEADER("Upload-Metadata") "," HEADER("Upload-Concat") ","
         HEADER("Upload-Checksum")},
    {.method = "HEAD", .pattern = "/v1/uploads/{id}", .parameters = TUS},
    {.method = "PATCH", .pattern = "/v1/uploads/{id}", .status = "204",
     .parameters = TUS "," NEEDED("Upload-Offset") "," HEADER("Upload-Length") "," HEADER("Upload-Checksum")},
    {.method = "DELETE", .pattern = "/v1/uploads/{id}", .status = "204", .parameters = TUS},
    {.method = "POST", .pattern = "/v1/uploads/{id}", .parameters = TUS "," NEEDED("X-HTTP-Method-Override")},
};

const struct bf__note *bf__note_of(const char *method, const char *pattern)
{
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (strcmp(notes[i].method, method) == 0 && strcmp(notes[i].pattern, pattern) == 0)
            return &notes[i];
    return NULL;
}
