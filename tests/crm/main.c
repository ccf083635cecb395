/* SPDX-License-Identifier: Apache-2.0 */
/* All tests of crm/ in one program, so that a mutated rule is linked once: test_crm_rules [NAME of one test]. */
#include "tests/crm/make.h"

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
#define X(name) failed += test_##name();
    GROUPS(X)
#undef X
    return failed;
}
