/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

/* Every change states its reason (ENT-14, AUD-05, D-03): it stands in the patch itself, in row `reason_row`, and is not blank; one that an
 * earlier change left in the document does not count. BF_E_UNPROCESSABLE with field "/reason", code "required". */
enum bf_status bf_reason_check(const struct bf_object *patch, unsigned reason_row, struct bf_error *e);

/* True when the patch names some other row than the reason whose value differs between the two. */
bool bf_reason_has_effect(const struct bf_object *before, const struct bf_object *after, unsigned reason_row);
