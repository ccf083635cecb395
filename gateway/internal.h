/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of gateway/ share. Not for other modules. */
#pragma once
#include "access/access.h"
#include "access/call.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/json.h"
#include "crm/ids.h"
#include "storage/job_runner.h"

struct bf_events;

enum { BF__GATEWAY_CONSUMERS = 2 };

struct bf_gateway {
    struct bf_api api;
    const struct bf_service_ctx *ctx;
    struct bf_events *events; /* open event streams */
    struct bf_job_runner *transfers, *contract_jobs;
    struct bf_consumer consumers[BF__GATEWAY_CONSUMERS];
};

/* A growing read set on the arena; doubles are left out. Asserts BF_READS_MAX. */
struct bf_reads {
    struct bf_read items[BF_READS_MAX];
    unsigned n;
};
void bf__reads_add(struct bf_reads *reads, const struct bf_collection *coll, struct bf_uuid id);

/* The company's zone and numbers, read before a decision picks its counters and again in it. */
struct bf_company {
    struct bf_str zone;
    struct bf_object *policy; /* full */
};
enum bf_status bf__company(struct bf_call *call, struct bf_company *ret, struct bf_error *e);
void bf__company_reads(struct bf_call *call, struct bf_reads *reads);
struct bf_company bf__company_in(const struct bf_view *view, struct bf_arena *arena);

/* The record and the right to it in one step, outside decisions: reads it, authorises. A child of a customer (contact, visit ...) is authorised on
 * the customer as it is now. */
enum bf_status bf__load(struct bf_call *call, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll, struct bf_uuid id,
                        struct bf_doc **ret, struct bf_error *e);
/* For a child record whose row `customer_row` names the customer. */
enum bf_status bf__load_child(struct bf_call *call, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll, unsigned customer_row,
                              struct bf_uuid id, struct bf_doc **ret, struct bf_error *e);
/* GET of the record of the path, whole; `customer_row` BF_ROW_NONE: it is no customer's child. Ends the call. */
void bf__read(struct bf_call *call, enum bf_subject subject, const struct bf_collection *coll, int customer_row);
/* In a decision: the customer, present, and the caller's right to do `action` to `subject` on it. NULL with `e` set otherwise. */
const struct bf_doc *bf__decide_customer(const struct bf_view *view, const struct bf_caller *caller, enum bf_subject subject, enum bf_action action,
                                         struct bf_uuid customer, struct bf_error *e);

/* After bf__decide_customer: what a body names and the caller may not see is an error of the body (422 at `pointer`), not of the path. What may be
 * read but not this stays 403. Returns e->status. */
enum bf_status bf__unknown(struct bf_error *e, const char *pointer, const char *detail);

/* A PATCH: decodes the body by the collection's schema, demands If-Match, and submits. `change` gets the record as it is, the patch and the merged
 * record, completes or refuses. `reads` are extra; `parent_row` (BF_ROW_NONE: none) names the customer that rights are judged on. */
struct bf_change {
    enum bf_subject subject;
    const struct bf_collection *coll;
    int parent_row;
    struct bf_uuid id;
    struct bf_reads reads;
    enum bf_status (*apply)(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e);
    /* For a record that is there before anybody stores it, and of which only what was changed is stored: makes it whole, in `arena`, from what is stored
     * (NULL: nothing, and the record's rev is 0). `before` and answers are whole. NULL: the record is what is stored. */
    struct bf_doc *(*whole)(struct bf_arena *arena, const struct bf_doc *stored, void *ctx);
    void *ctx;
};
void bf__patch(struct bf_call *call, const struct bf_change *change);

/* The answer to a change: its receipt; who was not fast enough, or is refused for the record's state, is shown the record as it is now, as any read
 * would show it. */
void bf__answer_change(struct bf_call *call, const struct bf_receipt *receipt, enum bf_subject subject, const struct bf_collection *coll,
                       int customer_row, struct bf_uuid id);

/* The same for a verb: the record is authorised for `action`, `apply` changes a copy of it (`patch` is the decoded body or NULL), the receipt is the
 * record. If-Match is judged when it was sent. */
void bf__verb(struct bf_call *call, enum bf_action action, const struct bf_change *change, const struct bf_object *body);

/* Have these bytes been stored, as far as the caller may know? Of a record that names them for this customer. Blocks. */
enum bf_status bf__is_stored(struct bf_call *call, struct bf_uuid customer, const uint8_t sha256[32], bool *ret, struct bf_error *e);

/* "media" ({id, state} of each) and "awaited" (the ids of those whose bytes are not there) of a receipt. */
void bf__write_media(struct bf_jw *w, struct bf_doc *const *media, unsigned n);

/* Writes a record's JSON, masked for the caller, into the arena: receipts. */
struct bf_str bf__doc_json(struct bf_arena *arena, const struct bf_caller *caller, enum bf_subject subject, const struct bf_doc *doc);
/* The key document that names a customer's primary contact. */
struct bf_doc *bf__primary_key(struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid customer, struct bf_uuid contact);
/* Who is the primary contact, when the read set is made: both the key and the contact that it names go into it. In the decision: the contact, NULL when
 * there is none; BF_E_STALE when it is another by now. */
struct bf_primary {
    struct bf_uuid key, contact; /* zero: nobody */
};
enum bf_status bf__primary_reads(struct bf_call *call, struct bf_uuid customer, struct bf_reads *reads, struct bf_primary *ret, struct bf_error *e);
enum bf_status bf__primary_in(const struct bf_view *view, const struct bf_primary *primary, const struct bf_doc **ret, struct bf_error *e);
bool bf__is_dry_run(const struct bf_call *call);
/* A plain list of the caller's own scope with optional equality filters; ends the call. What a filter selects is never read beyond the scope: a
 * parent's right is judged before its children are read by its index, another filter's index serves those who see all of the company, and in a
 * narrower scope both select together, or the filter is checked on what the scope selects. */
struct bf_filter {
    const char *name; /* query parameter; NULL ends */
    unsigned row;     /* of ids or of words */
    const struct bf_collection *parent; /* the id is that of a customer or a visit, or NULL */
    const struct bf_index *index;       /* led by that row, or NULL */
    const struct bf_index *in_team;     /* led by the team and that row, or NULL */
};
struct bf_list {
    enum bf_subject subject;
    const struct bf_collection *coll;
    int customer_row; /* a child's customer; BF_ROW_NONE for others */
    const struct bf_index *own, *team, *all;
    const struct bf_filter *filters;
    bool descending;
};
void bf__list(struct bf_call *call, const struct bf_list *list);

/* In a decision: by when the customer, as it is now, is to be followed up again (REM-01); `from_at` as of bf_cadence_follow. The read set holds what
 * bf__cadence_reads adds. */
void bf__cadence_reads(struct bf_uuid tenant, struct bf_uuid customer, struct bf_reads *reads);
void bf__put_cadence(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *customer, int64_t from_at,
                     const struct bf_company *company);

/* The routes' endpoints, by file. */
extern const struct bf_endpoint bf__customers_list, bf__customers_create, bf__customers_read, bf__customers_change, bf__customers_transfer;
extern const struct bf_endpoint bf__contacts_list, bf__contacts_create, bf__contacts_read, bf__contacts_change;
extern const struct bf_endpoint bf__visits_list, bf__visits_create, bf__visits_read, bf__visit_media_read;
extern const struct bf_endpoint bf__transcripts_read, bf__transcripts_confirm, bf__transcripts_retry;
extern const struct bf_endpoint bf__supplements_list, bf__supplements_create, bf__supplements_read;
extern const struct bf_endpoint bf__devices_list, bf__devices_create, bf__devices_read, bf__devices_change, bf__devices_safe;
extern const struct bf_endpoint bf__reminders_list, bf__reminders_create, bf__reminders_read, bf__reminders_change, bf__reminders_snooze,
    bf__reminders_done, bf__reminders_cancel;
extern const struct bf_endpoint bf__notifications_list, bf__notifications_opened, bf__notifications_acted, bf__preferences_read, bf__preferences_change, bf__policy_read, bf__profile_change, bf__deputies_list;
extern const struct bf_endpoint bf__calendars_read, bf__calendars_change;
extern const struct bf_endpoint bf__contracts_list, bf__contracts_create, bf__contracts_read, bf__contracts_change, bf__contract_media_read;
extern const struct bf_endpoint bf__contracts_claim, bf__contracts_release, bf__contracts_renew, bf__contracts_draft, bf__contracts_mark, bf__contracts_unmark,
    bf__contracts_approve, bf__contracts_reject, bf__contracts_reopen, bf__review_queue;
extern const struct bf_endpoint bf__tasks_list, bf__tasks_create, bf__tasks_read, bf__tasks_change, bf__tasks_done, bf__tasks_cancel, bf__task_report, bf__today;
extern const struct bf_endpoint bf__digest_preview, bf__exceptions, bf__exception_records;
extern const struct bf_schema bf__task_done_schema;
extern const struct bf_schema bf__transfer_schema, bf__confirm_schema, bf__snooze_schema, bf__reopen_schema, bf__unmark_schema;

/* The job that lets children follow a transferred customer. */
struct bf_job_runner *bf__transfers_create(struct bf_gateway *gateway);
struct bf_consumer bf__transfers_consumer(struct bf_gateway *gateway);
