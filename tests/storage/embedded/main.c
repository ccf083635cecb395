/* SPDX-License-Identifier: Apache-2.0 */
/* What only the embedded store has: directories, formats, damage, disks. */
#include "tests/storage/embedded/rig.h"

extern const struct suite_part suite_opening, suite_mend, suite_faults, suite_cost;

int main(void)
{
    const struct suite_part *const all[] = {&suite_opening, &suite_mend, &suite_faults, &suite_cost};
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        failed += _cmocka_run_group_tests("embedded", all[i]->tests, all[i]->n, NULL, NULL);
    return failed == 0 ? 0 : 1;
}
