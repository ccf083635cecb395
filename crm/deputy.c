/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/deputy.h"
#include "crm/entities.h"
#include <stdio.h>

static int compare(const struct bf_civil *a, const struct bf_civil *b)
{
    if (a->year != b->year)
        return a->year < b->year ? -1 : 1;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (a->day > b->day) - (a->day < b->day);
}

static bool has_all(const struct bf_object *person)
{
    return bf_has(person, BF_USER_DEPUTY) && bf_has(person, BF_USER_AWAY_FROM) && bf_has(person, BF_USER_AWAY_UNTIL);
}

bool bf_deputy_is_away(const struct bf_object *person, const struct bf_civil *date)
{
    struct bf_civil from, until;
    return has_all(person) && bf_date_parse(bf_get_str(person, BF_USER_AWAY_FROM), &from) &&
           bf_date_parse(bf_get_str(person, BF_USER_AWAY_UNTIL), &until) && compare(&from, date) <= 0 && compare(date, &until) <= 0;
}

static bool is_in(struct bf_array path, struct bf_uuid team)
{
    for (unsigned i = 0; i < path.n; i++)
        if (bf_uuid_eq(&path.items[i].uuid, &team))
            return true;
    return false;
}

bool bf_deputy_may(const struct bf_doc *person, struct bf_array path, const struct bf_doc *deputy)
{
    if (deputy == NULL || deputy->tombstone || bf_uuid_eq(&deputy->id, &person->id) ||
        bf_get_enum(&deputy->object, BF_USER_STATUS) != BF_USER_STATUS_IS_ACTIVE)
        return false;
    int role = bf_get_enum(&deputy->object, BF_USER_ROLE);
    if (role == BF_ROLE_IS_MANAGER)
        return true;
    return role == BF_ROLE_IS_SUPERVISOR && bf_get_enum(&person->object, BF_USER_ROLE) == BF_ROLE_IS_SUPERVISOR &&
           is_in(path, bf_get_uuid(&deputy->object, BF_USER_TEAM));
}

static void check_given(const struct bf_object *person, unsigned row, struct bf_error *e)
{
    char pointer[64];
    if (bf_has(person, row))
        return;
    snprintf(pointer, sizeof pointer, "/%s", bf_user_schema.fields[row].name);
    bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "required", "who is away says from when until when, and who is the deputy");
}

static void check_period(const struct bf_object *person, const struct bf_civil *today, struct bf_error *e)
{
    struct bf_civil from, until, latest;
    if (!bf_date_parse(bf_get_str(person, BF_USER_AWAY_FROM), &from) || !bf_date_parse(bf_get_str(person, BF_USER_AWAY_UNTIL), &until))
        return;
    latest = from;
    bf_civil_add_days(&latest, BF_DEPUTY_DAYS_MAX - 1);
    if (compare(&until, &from) < 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/away_until", "bad_period", "the last day is before the first");
    else if (compare(&until, today) < 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/away_until", "bad_period", "the last day is over");
    else if (compare(&until, &latest) > 0)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/away_until", "bad_period", "more than 100 days");
}

enum bf_status bf_deputy_check(const struct bf_object *person, const struct bf_civil *today, struct bf_error *e)
{
    static const unsigned rows[] = {BF_USER_DEPUTY, BF_USER_AWAY_FROM, BF_USER_AWAY_UNTIL};
    struct bf_error faults = {0};
    bool any = false;
    for (unsigned i = 0; i < 3; i++)
        any = any || bf_has(person, rows[i]);
    for (unsigned i = 0; i < 3 && any; i++)
        check_given(person, rows[i], &faults);
    if (any && faults.status == BF_OK)
        check_period(person, today, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}
