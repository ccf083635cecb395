/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The week's valid records (FUP-15, 每周至少录入5条). The rule counts what was entered (录入) in a week, not when the visits were: so a
 * record counts in the ISO week, in the tenant's zone, of its instant of entry (crm/timeliness.h: the trusted clock), and a voice-only
 * record, confirmed later, in the week in which it was entered. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"

struct bf_week {
    int year, week; /* ISO 8601: the year that holds the week's Thursday */
    char text[9];   /* "2026-W47" */
};

/* False when `zone` is not known or the year has not four digits. */
bool bf_week_of(struct bf_str zone, int64_t entered_at, struct bf_week *ret);

/* How many more valid records the week needs. */
int64_t bf_week_missing(const struct bf_object *policy, int64_t count);
