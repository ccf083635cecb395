/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The days that a company keeps itself, for a calendar that bf_calendar_begin (crm/calendar.h) made: outside a decision, and in one. What is filled in
 * lives as long as the arena or the view.
 */
#pragma once
#include "access/collections.h"
#include "crm/calendar.h"
#include "storage/commit.h"

enum bf_status bf_calendar_load(struct bf_store *store, struct bf_uuid tenant, struct bf_arena *arena, struct bf_calendar *calendar, struct bf_error *e);

/* What a decision reads that is to have the calendar; and the calendar in it. A decision that begins it anew, since the policy it sees may be another,
 * does so for the same zone and `at`. */
void bf_calendar_reads(struct bf_uuid tenant, const struct bf_calendar *calendar, struct bf_read ret[BF_CALENDAR_YEARS]);
void bf_calendar_see(const struct bf_view *view, struct bf_calendar *calendar);
