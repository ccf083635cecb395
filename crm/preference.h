/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person wants to be told by which way: for each kind of notification by push, by mail. Only what the person set is stored (the record's id is
 * the person's); the rest is as the role has it, also for kinds that are new. Pure. Any thread.
 */
#pragma once
#include "crm/entities.h"

/* A row for each kind of notification, by its number (objects of bf_ways_schema); then: */
enum { BF_PREFERENCE_MAIL_RETIRED = BF_NOTIFICATION_KIND_WORDS_N, BF_PREFERENCE_ROWS };

extern const struct bf_schema bf_preference_schema;

/* `row` is BF_WAYS_PUSH or BF_WAYS_MAIL. `set` is what is stored, or NULL. By default push: all; mail: what is a digest, for supervisors and managers. */
bool bf_preference_wants(const struct bf_object *set, int role, int kind, enum bf_ways_row row);
/* Does mail go to this address at all? Not while it is the one that the mail server called unknown. */
bool bf_preference_mail_goes(const struct bf_object *set, struct bf_str email);
/* Fills in what is not set. */
void bf_preference_fill(struct bf_arena *arena, struct bf_object *set, int role);
/* After a change by the person: who asks for mail anew gives the address another chance. */
void bf_preference_changed(struct bf_object *set, const struct bf_object *patch);
/* No more mail of this kind. False when it is so already. */
bool bf_preference_no_mail(struct bf_arena *arena, struct bf_object *set, int role, int kind);
