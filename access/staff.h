/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a company's people have done and left undone, as digests tell it (G-12, D-02, REM-18). Read person by person from indexes, and kept as numbers: a
 * row a person, whatever the number of records. What of a window is read for all of them once, for every reader of that window. One thread at a time.
 * All but the last function block.
 */
#pragma once
#include "access/collections.h"
#include "crm/digest.h"

struct bf_staff;

/* The company's clock, numbers and days. In the arena. */
struct bf_digest_company {
    struct bf_uuid tenant;
    struct bf_str zone;
    struct bf_object *policy; /* full */
    bool has_calendar;        /* else the year is out of its range */
    struct bf_calendar calendar;
};
enum bf_status bf_digest_company_load(struct bf_store *store, struct bf_uuid tenant, int64_t now_ms, struct bf_arena *arena, struct bf_digest_company *ret,
                                      struct bf_error *e);
void bf_digest_company_day(const struct bf_digest_company *company, struct bf_str zone, const struct bf_civil *date, struct bf_digest_day *ret);

/* Everybody who may own customers, or those of `teams` (n_teams > 0), as of `now_ms`. Not the caller's to change. */
enum bf_status bf_staff_load(struct bf_store *store, const struct bf_digest_company *company, const struct bf_uuid *teams, unsigned n_teams, int64_t now_ms,
                             struct bf_staff **ret, struct bf_error *e);
void bf_staff_free(struct bf_staff **staff);
int64_t bf_staff_at(const struct bf_staff *staff);

/* Who reads: a supervisor is told of the own team and those below it, a manager of all that was loaded. */
struct bf_digest_reader {
    struct bf_uuid user, team;
    int role;
    bool english;
    struct bf_str zone;
};

/* How much of it. */
struct bf_digest_extent {
    int kind; /* BF_NOTIFICATION_KIND_IS_DIGEST_... */
    const struct bf_digest_day *day;
    unsigned people_max, records_max; /* people in a kind of exception; records of each */
};
/* The reader's digest as a notification in `arena`; NULL: there is nothing to tell. */
enum bf_status bf_staff_digest(struct bf_staff *staff, const struct bf_digest_reader *reader, const struct bf_digest_extent *extent, struct bf_arena *arena,
                               struct bf_doc **ret, struct bf_error *e);

/* The first `max` (at most BF_PAGE_MAX) records of one kind of exception of one person, those of longest standing first; of an idle rep what was entered
 * last. `window`: for visits without a next step. `records` has room for `max`. */
struct bf_staff_record {
    struct bf_uuid id;
    int64_t since; /* overdue, sent back; a visit: when it happened */
};
struct bf_staff_question {
    struct bf_store *store;
    struct bf_uuid tenant, person;
    int kind; /* BF_DIGEST_LINE_KIND_IS_... below BF_DIGEST_EXCEPTIONS */
    const struct bf_digest_window *window;
    int64_t now_ms;
    unsigned max;
};
enum bf_status bf_staff_records(const struct bf_staff_question *q, struct bf_arena *arena, struct bf_staff_record *records, unsigned *ret_n, bool *ret_more,
                                struct bf_error *e);

/* Idle reps whom the reader has to talk to: their nearest supervisor; the first manager where there is none. */
struct bf_staff_idle {
    struct bf_uuid rep;
    struct bf_str name;
    int64_t since, last_valid_at; /* 0: there never was a valid record */
};
/* At most `max`; names live as long as the staff. Only of a staff that was loaded whole. */
unsigned bf_staff_idle(const struct bf_staff *staff, struct bf_uuid reader, struct bf_staff_idle *ret, unsigned max);
