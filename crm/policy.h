/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The company's numbers. A policy document may leave any field out; rules never see such a one: they are handed a full policy, in which
 * each absent field has the default that its rule states. Pure: no clock, no storage. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

/* A full policy of version 1: every field its default. */
struct bf_object *bf_policy_create(struct bf_arena *arena);

/* Gives each absent field of `policy` its default: FUP-09 8 units, FUP-11 the three phrases, FUP-10 topic words, FUP-15 5 records a week,
 * ENT-03 and G-02 12:00, G-01 5 minutes and 72 hours, G-12 21:00 to 08:00, G-02 working hours 9:00 to 18:00, GRD-02 to GRD-04 7, 14 and 30 days, D-02 14 days, G-04 consent, G-10 12
 * characters and 3 devices. A field that is there keeps its value, be it 0, false or an empty list. */
void bf_policy_fill(struct bf_arena *arena, struct bf_object *policy);

/* Judges a change and makes it the next version (ENT-14; decisions: "changed by an administrator with a reason"; who may is
 * crm/permission.h's). `patch` is what the administrator sent, `after` that patch merged into `before`. On success `after` carries the next
 * version and `now_ms`. BF_E_UNPROCESSABLE: no reason was stated (code "required"), a phrase or word is blank ("blank"), the working
 * day does not end after it begins ("too_small"), or nothing changes ("no_change"). */
enum bf_status bf_policy_change(const struct bf_object *before, const struct bf_object *patch, struct bf_object *after, int64_t now_ms,
                                struct bf_error *e);
