/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A company of a given size in an empty store, entered through the commit path on the Sunday before the Monday whose digests are measured. All people are in one zone; of ten
 * nine are reps, each with ten customers of which two are overdue; visits, each with its verdict, are spread evenly over the days before.
 */
#pragma once
#include "core/uuid.h"

struct bf_env;
struct bf_store;

#define COMPANY_CODE "digests" /* the tenant's record itself is made by who wants people to sign in */

struct company {
    unsigned people, visits;
    int days;
};

int64_t company_monday_ms(void); /* 2026-03-16 08:30 in Shanghai */
int64_t company_sunday_ms(void); /* what the clock is to say when it is filled */
struct bf_uuid company_tenant(void);
struct bf_uuid company_user(unsigned i);
/* Blocks. Whatever goes wrong ends the program. */
void company_fill(const struct bf_env *env, struct bf_store *store, const struct company *company);
