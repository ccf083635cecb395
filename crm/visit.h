/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follow-up record (FUP-01 to FUP-05, FUP-13): what it must satisfy to be saved, and the records that it brings with it. Whether it is
 * valid is another question (crm/validity.h): an invalid one is saved too. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;
struct bf_reminder_clock;

struct bf_visit_receipt {
    struct bf_uuid rep;
    int64_t received_at;
    bool skew_known;
    int64_t skew_ms; /* phone minus server (crm/timeliness.h) */
};

/* Faults, all reported together as BF_E_UNPROCESSABLE:
 *   /happened_at            after_capture      later than captured_at by more than the skew that is trusted (ENT-02, ENT-12)
 *   /contacts/N             duplicate          the same contact twice
 *   /media/N/id             duplicate          media ids are distinct
 *   /media/N/type           unsupported_type   not a type of that kind (G-04)
 *   /media/N/consent_at     consent_required   a recording without consent time, when the policy asks for one (G-04)
 *   /device, /capture_seq   required           one without the other (G-01)
 * `policy` is full. */
enum bf_status bf_visit_check(const struct bf_object *policy, const struct bf_object *visit, struct bf_error *e);

/* What the server adds: owner and team of the customer, rep, received_at, the skew when it is known, and the id of the next step's
 * reminder. */
void bf_visit_complete(struct bf_doc *visit, const struct bf_object *customer, const struct bf_visit_receipt *receipt);

/* The record of medium `i` of the visit, awaited (its id is the one in the visit). */
struct bf_doc *bf_visit_media(struct bf_arena *arena, const struct bf_doc *visit, unsigned i);
/* The transcript of voice medium `i`, waiting (G-03); NULL when it is a photo. */
struct bf_doc *bf_visit_transcript(struct bf_arena *arena, const struct bf_doc *visit, unsigned i);
/* The reminder of the next step (FUP-04), planned for the rep; *ret NULL when there is none. The zone is the next step's, else the clock's.
 * BF_E_UNPROCESSABLE when the wall time is not valid in its zone. */
enum bf_status bf_visit_reminder(struct bf_arena *arena, const struct bf_doc *visit, const struct bf_reminder_clock *clock,
                                 struct bf_doc **ret, struct bf_error *e);

unsigned bf_visit_voices(const struct bf_object *visit); /* voice notes it names */
