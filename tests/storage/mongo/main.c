/* SPDX-License-Identifier: Apache-2.0 */
/* What only the MongoDB driver has: commands that stand alone, indexes of a server, sessions, bounds, other processes. */
#include "tests/storage/contract/suite.h"

extern const struct suite_part suite_opening, suite_rolling, suite_together, suite_bounds, suite_first_start, suite_many, suite_mend;

int main(void)
{
    const struct suite_part *const all[] = {&suite_opening, &suite_rolling, &suite_together, &suite_bounds, &suite_first_start, &suite_many, &suite_mend};
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        failed += _cmocka_run_group_tests("mongodb", all[i]->tests, all[i]->n, NULL, NULL);
    return failed == 0 ? 0 : 1;
}
