/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/reason.h"
#include "core/text.h"

enum bf_status bf_reason_check(const struct bf_object *patch, unsigned reason_row, struct bf_error *e)
{
    if (bf_has(patch, reason_row) && bf_text_units(bf_get_str(patch, reason_row)) > 0)
        return BF_OK;
    return bf_fail_field(e, BF_E_UNPROCESSABLE, "/reason", "required", "a change states its reason");
}

enum bf_status bf_reason_check_effect(const struct bf_object *before, const struct bf_object *after, unsigned reason_row,
                                      struct bf_error *e)
{
    for (unsigned row = 0; row < after->schema->n_fields; row++)
        if (row != reason_row && !bf_value_eq(&before->v[row], &after->v[row]))
            return BF_OK;
    return bf_fail_field(e, BF_E_UNPROCESSABLE, "", "no_change", "nothing would change");
}
