/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the rules share: records from JSON, as a client sends them, and the groups that the one program runs. */
#pragma once
#include "core/arena.h"
#include "core/json.h"
#include "crm/entities.h"
#include "crm/policy.h"
#include "tests/test.h"

/* A record by its schema from a client's JSON; fails the test when it does not decode. */
struct bf_object *make(struct bf_arena *arena, const struct bf_schema *schema, const char *json);
/* The same as a patch merged into `before`; *ret_patch is the patch itself. */
struct bf_object *make_change(struct bf_arena *arena, const struct bf_object *before, const char *json, struct bf_object **ret_patch);
struct bf_doc *make_doc(struct bf_arena *arena, const struct bf_schema *schema, const char *json);

int64_t instant(const char *rfc3339); /* ms; fails the test when it is no time */
bool has_fault(const struct bf_error *e, const char *pointer, const char *code);

/* Group fixtures: *state is an arena. */
int with_arena(void **state);
int without_arena(void **state);

#define GROUPS(X)                                                                                                                          \
    X(policy)                                                                                                                              \
    X(account)                                                                                                                             \
    X(validity)                                                                                                                            \
    X(timeliness)                                                                                                                          \
    X(week)                                                                                                                                \
    X(verdict)                                                                                                                             \
    X(number)                                                                                                                              \
    X(contact_means)                                                                                                                       \
    X(customer)                                                                                                                            \
    X(visit)                                                                                                                               \
    X(quiet)                                                                                                                               \
    X(deputy)                                                                                                                             \
    X(digest)                                                                                                                             \
    X(cadence)                                                                                                                            \
    X(task)                                                                                                                               \
    X(contract)                                                                                                                           \
    X(reminder)                                                                                                                            \
    X(permission)                                                                                                                          \
    X(capture)                                                                                                                  \
    X(calendar)
#define X(name) int test_##name(void);
GROUPS(X)
#undef X

struct time_row {
    const char *zone;
    int64_t at, noon;
    const char *week;
    int year, month;
    int64_t sent_21_to_8, sent_23_to_2;
};
extern const struct time_row time_table[];
extern const size_t n_times;
