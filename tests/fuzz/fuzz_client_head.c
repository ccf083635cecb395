/* SPDX-License-Identifier: Apache-2.0 */
/* The header lines of an answer, and what they say about coming back. */
#include "core/client/client.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_str head = bf_str((const char *)data, n), found = bf__head_find(head, "retry-after");
    EXPECT(found.p == NULL || (found.p > head.p && found.p + found.n <= head.p + head.n));
    int64_t ms = bf__retry_after_ms(head, 1800000000000);
    EXPECT(ms >= -1 && ms <= 24 * 3600 * 1000);
    return 0;
}
