/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite's store in a directory, for tests that reach behind its back with SQLite itself. */
#pragma once
#include "tests/storage/contract/suite.h"
#include <sqlite3.h>

const char *rig_dir(const struct suite *s);      /* of the harness: "data" and "master.key" are in it */
void rig_sql(struct suite *s, const char *text); /* runs SQL on the closed store's database; must change something */
int64_t rig_count(struct suite *s, const char *query); /* the number that the query gives on the closed store's database */
void rig_close(struct suite *s);
enum bf_status rig_try_open(struct suite *s, const struct bf_collection *const *collections, unsigned n, struct bf_error *e);
/* All faults that a check tells, one a line, in s->arena; *ret as the report. */
const char *rig_check(struct suite *s, bool mend, struct bf_check_report *ret);
