/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/number.h"
#include "core/arena.h"
#include "core/tz.h"
#include <assert.h>
#include <inttypes.h>

bool bf_number_period(struct bf_str zone, int64_t now_ms, int *ret_year, int *ret_month)
{
    struct bf_civil c;
    if (!bf_tz_civil(zone, now_ms, &c) || c.year < 1000 || c.year > 9999)
        return false;
    *ret_year = c.year;
    *ret_month = c.month;
    return true;
}

struct bf_str bf_number_text(struct bf_arena *arena, int year, int month, int64_t serial)
{
    assert(year >= 1000 && year <= 9999 && month >= 1 && month <= 12 && serial >= 1);
    return bf_strz(bf_arena_printf(arena, "KH%04d%02d%03" PRId64, year, month, serial));
}
