/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics are declared in one table, with prose, and served as OpenMetrics text. Counters and gauges are one atomic each; histograms
 * have fixed buckets in microseconds. Thread-safe, lock-free. */
#pragma once
#include <stdint.h>

struct bf_buf;
struct bf_metrics;

/* X(NAME, kind, "metric_name", "unit or empty", "what it says") */
#define BF_METRIC_MAP(X)                                                                                                  \
    X(HTTP_CONNECTIONS, GAUGE, "bf_http_connections", "", "Open client connections")                                      \
    X(HTTP_IN_FLIGHT, GAUGE, "bf_http_in_flight", "", "Requests being worked on")                                         \
    X(HTTP_REQUESTS, COUNTER, "bf_http_requests", "", "Requests answered")                                                \
    X(HTTP_REFUSED, COUNTER, "bf_http_refused", "", "Requests refused for a limit (413, 429, 431, 503)")                  \
    X(HTTP_CLOSED_ABUSE, COUNTER, "bf_http_closed_abuse", "", "Connections closed because the peer abused the protocol")  \
    X(HTTP_CUT, COUNTER, "bf_http_cut", "", "Connections cut because the peer was too slow or silent")                    \
    X(HTTP_STREAMS, GAUGE, "bf_http_event_streams", "", "Open event streams")                                             \
    X(HTTP_TIME, HISTOGRAM, "bf_http_request_seconds", "seconds", "Time from headers to the end of the answer, event streams apart") \
    X(COMMITS, COUNTER, "bf_commits", "", "Log entries committed")                                                        \
    X(COMMIT_REQUESTS, COUNTER, "bf_commit_requests", "", "Requests in committed entries")                                \
    X(COMMIT_TIME, HISTOGRAM, "bf_commit_seconds", "seconds", "Time from submit to durable")                              \
    X(COMMIT_REPLAYS, COUNTER, "bf_commit_replays", "", "Requests answered from their first receipt")                     \
    X(STORE_EXAMINED, COUNTER, "bf_store_examined", "", "Index entries that queries looked at")                          \
    X(STORE_FAILED, COUNTER, "bf_store_commands_failed", "", "Commands of a database server that failed")                  \
    X(STORE_SLOW, COUNTER, "bf_store_commands_slow", "", "Commands of a database server that took a second or more")      \
    X(STAGE_BYTES, COUNTER, "bf_stage_bytes", "bytes", "Uploaded bytes made durable")                                     \
    X(BLOBS_STORED, COUNTER, "bf_blobs_stored", "", "Blobs stored")                                                       \
    X(JOBS_DONE, COUNTER, "bf_jobs_done", "", "Jobs finished")                                                            \
    X(JOBS_FAILED, COUNTER, "bf_jobs_failed", "", "Job attempts that failed")                                             \
    X(JOBS_DEAD, COUNTER, "bf_jobs_dead", "", "Jobs given up")                                                            \
    X(DECODES, COUNTER, "bf_decodes", "", "Files decoded in the sandbox")                                                 \
    X(DECODES_REFUSED, COUNTER, "bf_decodes_refused", "", "Files the sandbox refused or died on")                         \
    X(STT_DONE, COUNTER, "bf_stt_done", "", "Voice notes transcribed")                                                    \
    X(STT_AWAY, COUNTER, "bf_stt_away", "", "Transcriptions put off because the provider was away")                       \
    X(PUSH_SENT, COUNTER, "bf_push_sent", "", "Push messages a channel accepted")                                         \
    X(PUSH_FAILED, COUNTER, "bf_push_failed", "", "Push attempts that failed")                                            \
    X(PUSH_RETIRED, COUNTER, "bf_push_retired", "", "Devices, mailboxes and channels retired because the peer said so")                 \
    X(REMINDERS_DUE, COUNTER, "bf_reminders_due", "", "Reminders that became due")                                        \
    X(CALLS_FAILED, COUNTER, "bf_calls_failed", "", "Calls to other hosts that failed")                                   \
    X(CALLS_BREAKER_OPENED, COUNTER, "bf_calls_breaker_opened", "", "Times another host was left alone after failures")   \
    X(CALLS_REFUSED, COUNTER, "bf_calls_refused", "", "Calls not made: their host is left alone, or out of bounds")       \
    X(SIGN_INS, COUNTER, "bf_sign_ins", "", "Successful sign-ins")                                                        \
    X(SIGN_INS_REFUSED, COUNTER, "bf_sign_ins_refused", "", "Refused sign-ins")                                           \
    X(VIEW_LOG_LAG, GAUGE, "bf_view_log_pending", "", "Views not yet written to the view log")

enum bf_metric {
#define X(name, kind, text, unit, prose) BF_M_##name,
    BF_METRIC_MAP(X)
#undef X
        BF_M_COUNT
};

struct bf_metrics *bf_metrics_create(void);
void bf_metrics_destroy(struct bf_metrics **metrics);
void bf_metric_add(struct bf_metrics *m, enum bf_metric metric, int64_t delta); /* counters and gauges; m may be NULL */
void bf_metric_set(struct bf_metrics *m, enum bf_metric metric, int64_t value); /* gauges */
void bf_metric_time(struct bf_metrics *m, enum bf_metric metric, int64_t microseconds);
int64_t bf_metric_read(const struct bf_metrics *m, enum bf_metric metric); /* a histogram's count */
/* OpenMetrics text (application/openmetrics-text; version=1.0.0), ending in "# EOF". */
void bf_metrics_write(const struct bf_metrics *m, struct bf_buf *out);
