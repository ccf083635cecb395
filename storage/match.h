/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on a document in memory, and the order of values, as storage.h states them. */
#pragma once
#include "storage/storage.h"

/* The value of a row (or of BF_ROW_ID, put into `id`); NULL when absent. */
const struct bf_value *bf__row_value(const struct bf_doc *doc, int row, struct bf_value *id);
const struct bf_field *bf__row_field(const struct bf_schema *schema, int row); /* NULL for BF_ROW_ID */
/* Both present and of one type. Strings by their bytes, enums by their words. Not for objects and arrays. */
int bf__value_cmp(const struct bf_field *field, const struct bf_value *a, const struct bf_value *b);
bool bf__match(const struct bf_doc *doc, const struct bf_cond *cond);
