/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests, for the files that send them: digest_plan.c (when somebody's next one is), digests.c (the way of a batch), digest_turns.c (a rep's),
 * digest_tell.c (the decision). All but the consumer on the one thread of the jobs.
 *
 *   log: person, company --consume--> job "digest" of (person, date, zone), due at 08:30
 *        job "digest"    -----------> the job of the next day added; then, on a working day, the notification committed: push delivers it
 */
#pragma once
#include "access/staff.h"
#include "push/internal.h"

/* ---- the plan (push/digest_plan.c) ---- */

/* What a job says: the local date it is of, and in which zone. Any day: whether it is a working day is seen when it comes. */
struct bf__digest_slot {
    struct bf_civil date;
    struct bf_str zone;
};
bool bf__digest_slot_read(struct bf_str argument, struct bf__digest_slot *ret);
/* In `arena`. */
struct bf_job bf__digest_job(struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid user, const struct bf__digest_slot *slot);
/* The first day whose 08:30 is after `since`, or the present day when that is over. */
struct bf_civil bf__digest_first(struct bf_str zone, int64_t since_ms, int64_t now_ms);
/* Active, and of a role that is told something. */
bool bf__digest_is_for(const struct bf_doc *user);
struct bf_str bf__digest_zone(const struct bf_doc *user, struct bf_str company);

/* ---- telling (push/digest_tell.c) ---- */

enum { BF__TALKS_MAX = 25 }; /* in one decision: the others come with the next digest */

/* A run of a job: ends when all that it submitted has come back. */
struct bf__digest_run {
    struct bf_push *push;
    struct bf_job_run *run;
    unsigned under_way;
    enum bf_status status;
};
struct bf__digest_talks {
    struct bf_staff_idle of[BF__TALKS_MAX];
    unsigned n;
};
/* Commits `notification` to `user`, once, and with it the talk tasks. What it names lives in the run's arena. */
enum bf_status bf__digest_submit(struct bf__digest_run *run, const struct bf_digest_company *company, const struct bf_digest_day *day,
                                 const struct bf_doc *user, struct bf_doc *notification, const struct bf__digest_talks *talks, struct bf_error *e);
/* Makes the digest of `user`, who is away, one that tells `deputy`. */
void bf__digest_redirect(struct bf_arena *arena, struct bf_doc *notification, const struct bf_doc *user, const struct bf_doc *deputy);
/* Leaves out those whose talk was set since their last valid record. Blocks. */
enum bf_status bf__digest_find_talks(struct bf_push *push, const struct bf_staff *staff, struct bf_uuid tenant, struct bf_uuid reader, struct bf_arena *arena,
                                     struct bf__digest_talks *ret, struct bf_error *e);
/* One of what was under way is over; the last one ends the run. */
void bf__digest_release(struct bf__digest_run *run, enum bf_status status, const struct bf_error *e);

/* ---- a rep's (push/digest_turns.c) ---- */
/* NULL: nobody's turn, nothing overdue. Blocks. */
enum bf_status bf__digest_turns(struct bf_store *store, const struct bf_digest_reader *reader, struct bf_uuid tenant, const struct bf_digest_day *day,
                                int64_t now_ms, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);
