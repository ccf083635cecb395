/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite's collections, its store per test, and short forms for what tests do all the time. */
#pragma once
#include "core/arena.h"
#include "core/env.h"
#include "storage/commit.h"
#include "storage/jobs.h"
#include "storage/storage.h"
#include "tests/storage/contract/harness.h"
#include "tests/test.h"

/* Items: logged, each its own subject. Parts: logged, of an item, whose subject they share. Notes: outside the log. Ticks: a system
 * collection. All four have these rows. */
enum thing_row { T_OWNER, T_TEAM, T_PARENT, T_NAME, T_KIND, T_SCORE, T_RATIO, T_AT, T_FLAG, T_TAGS, T_ROWS };
enum thing_kind { KIND_PLAIN, KIND_ALPHA, KIND_MIDDLE, N_KINDS };

extern const struct bf_schema thing_schema;
extern const struct bf_collection items, parts, notes, ticks;
extern const struct bf_index notes_by_owner, notes_by_tags, notes_by_kind, notes_by_ratio, notes_by_flag;
extern const struct bf_index items_by_owner;
extern const struct bf_index ticks_by_at;

struct suite {
    struct bf_env env;
    struct harness *harness;
    struct bf_store *store;
    struct bf_arena *arena;
    struct bf_store_config limits;
    uint64_t seed; /* of suite_random */
    unsigned n_ids;
};

int suite_setup(void **state);
int suite_teardown(void **state);
void suite_reopen(struct suite *s); /* closes and opens again: a restart */

struct bf_uuid suite_uuid(unsigned n); /* n > 0: always the same, and in the order of n */
uint64_t suite_random(struct suite *s, uint64_t below);

extern const struct bf_uuid tenant_a, tenant_b;

struct bf_doc *thing(struct suite *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, const char *name);
void insert(struct suite *s, const struct bf_collection *coll, struct bf_doc *doc); /* must succeed */
struct bf_doc *get(struct suite *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
const char *name_of(const struct bf_doc *doc); /* "" for NULL */

/* A request that sets the name of one logged document (making it when absent), with the receipt "NAME rREV". */
struct rename {
    const struct bf_collection *coll;
    struct bf_uuid id;
    const char *name;
    struct bf_uuid owner, parent;
    unsigned calls; /* of its decide */
};
enum bf_status decide_rename(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e);
struct bf_request_id request_id(unsigned n);
enum bf_status submit_as(struct suite *s, struct bf_uuid tenant, unsigned request, unsigned body, const struct bf_read *reads,
                         unsigned n_reads, bf_decide_fn *decide, void *ctx, struct bf_receipt *ret);
enum bf_status submit_rename(struct suite *s, struct bf_uuid tenant, unsigned request, struct rename *r, struct bf_receipt *ret);

/* Many submissions at once: gathers what `done` brings. */
struct gather;
struct gather *gather_create(unsigned n);
void gather_submit(struct suite *s, struct gather *g, unsigned at, struct bf_uuid tenant, unsigned request, unsigned body,
                   const struct bf_read *reads, unsigned n_reads, bf_decide_fn *decide, void *ctx);
void gather_behind(struct gather *g); /* what is submitted from now on is work that nobody waits for */
void gather_wait(struct gather *g);
unsigned gather_posts(const struct gather *g); /* tasks that brought the answers */
const struct bf_receipt *gather_receipt(const struct gather *g, unsigned at); /* the body is a copy */
void gather_destroy(struct gather **g);
/* Holds the committer in a decision until it is let go, so that what is submitted meanwhile waits together. */
struct gate;
struct gate *gate_close(struct suite *s, struct bf_uuid tenant, unsigned request);
void gate_open(struct gate **gate);

#define SUITE_TEST(f)                                                                                                                      \
    {                                                                                                                                      \
#f, f, suite_setup, suite_teardown, NULL                                                                                           \
    }

struct suite_part {
    const struct CMUnitTest *tests;
    size_t n;
};
#define SUITE_PART(name, ...)                                                                                                              \
    static const struct CMUnitTest name##_tests[] = {__VA_ARGS__};                                                                         \
    const struct suite_part name = {name##_tests, sizeof name##_tests / sizeof *name##_tests}
