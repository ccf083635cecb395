/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests (G-12, REM-18): when there is one and of which days, and what it says. A person is told at 08:30 of the own clock, on working days of the
 * company's calendar; a rep of customers whose turn it is (REM-01), a supervisor and a manager of their people, and on the first working day of a week of
 * the weeks before too. Days are local calendar days, so that a window begins where the one before it ended, whenever it is composed. Pure. Any thread.
 */
#pragma once
#include "crm/calendar.h"

struct bf_arena;

/* ---- days and windows ---- */

/* From `from_at` to before `to_at`; the period before it begins at `before_at`. */
struct bf_digest_window {
    struct bf_civil from, last; /* its first and last day */
    int64_t before_at, from_at, to_at;
};

enum { BF_DIGEST_DATE = 11 };
struct bf_digest_day {
    char date[BF_DIGEST_DATE]; /* "2026-11-27" */
    int64_t at, ends_at;       /* 08:30 of that day, and its end */
    bool works;                /* there are digests */
    bool weekly;               /* the first working day of its week */
    int missing_year;          /* the year, when its holidays are not known (Monday to Friday count); else 0 */
    struct bf_digest_window day;  /* from the last working day on */
    struct bf_digest_window week; /* to this Monday, from that of the last week in which somebody worked: so without gaps */
};

/* The latest day that a calendar for it begins with: bf_calendar_begin at `at` less this. */
#define BF_DIGEST_LOOKS_BACK_MS (INT64_C(120) * 24 * 3600 * 1000)

/* The day `date` in `zone`, which is known. `calendar` NULL: Monday to Friday, and nothing is known. */
void bf_digest_day(const struct bf_calendar *calendar, struct bf_str zone, const struct bf_civil *date, struct bf_digest_day *ret);
/* Only when: for who does not have the calendar. */
void bf_digest_hours(struct bf_str zone, const struct bf_civil *date, int64_t *ret_at, int64_t *ret_ends_at);
void bf_digest_date(const struct bf_civil *date, char ret[BF_DIGEST_DATE]);

/* ---- what is known of a person ---- */

/* A kind of exception of one person: how many, and since when the oldest (0: none). */
struct bf_digest_count {
    int64_t n, oldest;
};
/* Those that a person is told of, as BF_DIGEST_LINE_KIND_IS_... up to NO_NEXT_STEP. */
enum { BF_DIGEST_EXCEPTIONS = 6 };

struct bf_digest_person {
    struct bf_uuid id;
    struct bf_str name;
    struct bf_digest_count exceptions[BF_DIGEST_EXCEPTIONS]; /* idle: n is in days, oldest since when */
    int64_t visits, valid, visits_before, valid_before;
};

/* ---- composing ---- */

struct bf_digest_input {
    int kind; /* BF_NOTIFICATION_KIND_IS_DIGEST_DAILY, _WEEKLY, _FOLLOW_UP */
    bool english;
    struct bf_str zone;
    const struct bf_digest_day *day;
    const struct bf_digest_person *const *people;
    unsigned n_people;
    unsigned shown_max; /* people in a kind of exception: those with the most, of equal ones the oldest */
    int idle_days;
};
/* The lines and the words; NULL when there is nothing to tell: no exception, and nothing was entered in the window (G-12). Ids of records are the
 * caller's to add. */
struct bf_object *bf_digest_compose(struct bf_arena *arena, const struct bf_digest_input *in);

/* How a line of all together is said, without names: "3 tasks overdue". `line` is one of an exception. In `arena`. */
struct bf_str bf_digest_words(struct bf_arena *arena, const struct bf_object *line, bool english, int idle_days);

/* The rep's: customers in order of due time, with their names, and overdue tasks with their titles; the counts may be larger than what is named. */
struct bf_digest_turns {
    bool english;
    struct bf_str zone;
    const struct bf_digest_day *day;
    struct bf_digest_count customers, tasks;
    const struct bf_uuid *customer_ids, *task_ids;
    const struct bf_str *customer_names, *task_titles;
    unsigned n_customers, n_tasks;
};
struct bf_object *bf_digest_compose_turns(struct bf_arena *arena, const struct bf_digest_turns *in);

/* The notification, from its digest: title and body in the person's language. */
struct bf_doc *bf_digest_notification(struct bf_arena *arena, struct bf_uuid tenant, const struct bf_uuid *user, const struct bf_digest_input *in,
                                      struct bf_object *digest, int64_t now_ms);
struct bf_doc *bf_digest_turns_notification(struct bf_arena *arena, struct bf_uuid tenant, const struct bf_uuid *user, const struct bf_digest_turns *in,
                                            struct bf_object *digest, int64_t now_ms);
