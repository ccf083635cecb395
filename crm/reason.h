/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

/* Every change states its reason (ENT-14, AUD-05, D-03): it stands in the patch itself, in row `reason_row`, and is not blank; one that an
 * earlier change left in the document does not count. BF_E_UNPROCESSABLE with field "/reason", code "required". Any thread. */
enum bf_status bf_reason_check(const struct bf_object *patch, unsigned reason_row, struct bf_error *e);

/* A change changes something: some other row than the reason differs. BF_E_UNPROCESSABLE with field "", code "no_change". */
enum bf_status bf_reason_check_effect(const struct bf_object *before, const struct bf_object *after, unsigned reason_row,
                                      struct bf_error *e);
