/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a customer file and its contacts complete and correct (CUS-02 to CUS-12, CUS-25, D-13), and what a change of them needs
 * (ENT-14, D-03). The schema's own checks (types, lengths, industry and grade unless refused) came before. Faults are BF_E_UNPROCESSABLE
 * with every field at fault. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

/* A phone or email of the customer (CUS-06), and a primary contact with name and one of them (CUS-08, D-13). `contact_refused` lifts all
 * but the name and one contact means, of the customer or its contact (CUS-25). What is there must be valid. Codes: "required", "bad_phone",
 * "bad_email", "blank". */
enum bf_status bf_customer_check(const struct bf_object *customer, struct bf_error *e);

struct bf_customer_author {
    struct bf_uuid user, team; /* who enters the customer */
    struct bf_uuid owner_team; /* of the named owner when that is somebody else */
    int64_t now_ms;
};

/* Completes a checked create: owner (default: the author, CUS-05), team, sort key, author, times; the number is given after that
 * (crm/number.h). Whether the author may name another owner is permission's (transfer). */
void bf_customer_complete(struct bf_arena *arena, struct bf_object *customer, const struct bf_customer_author *author);

/* Takes the primary contact that came with a completed create out of the customer: a record of its own, or NULL when there is none
 * (contact_refused). */
struct bf_doc *bf_customer_take_contact(struct bf_arena *arena, struct bf_doc *customer);

/* Judges and completes a change: `patch` as sent, `after` the patch merged into `before`. Needs a reason (ENT-14); the file stays complete
 * as bf_customer_check demands of a new one, `contact` being the primary contact's record (NULL: there is none). The owner changes by a transfer only ("/owner", code "read_only"); code "no_change" when nothing changes. */
enum bf_status bf_customer_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch,
                                  struct bf_object *after, const struct bf_object *contact, int64_t now_ms, struct bf_error *e);

/* Gives `customer` to `owner` of `team` for a stated reason (ENT-14, ROL-06). BF_E_UNPROCESSABLE: reason blank; owner is the owner
 * ("no_change"). */
enum bf_status bf_customer_transfer(struct bf_object *customer, struct bf_uuid owner, struct bf_uuid team, struct bf_str reason,
                                    int64_t now_ms, struct bf_error *e);

/* The key under which a name is unique (CUS-12): folded (width, case) and without spaces. In `arena`. */
struct bf_str bf_customer_name_key(struct bf_arena *arena, struct bf_str name);

/* A contact beside the primary one: name and one valid contact means (CUS-09, CUS-18), which a customer that refused lifts (CUS-25). */
enum bf_status bf_contact_check(const struct bf_object *customer, const struct bf_object *contact, struct bf_error *e);
/* Owner, team and times from the customer. */
void bf_contact_complete(struct bf_object *contact, const struct bf_object *customer, int64_t now_ms);
/* As bf_customer_change; a customer that refused keeps its one contact means (CUS-25). The primary flag moves by flagging another contact, never by clearing it (CUS-08; code "primary_needed"). */
enum bf_status bf_contact_change(const struct bf_object *customer, const struct bf_object *before, const struct bf_object *patch,
                                 struct bf_object *after, int64_t now_ms, struct bf_error *e);
