/* SPDX-License-Identifier: Apache-2.0 */
/* Log entries: a length in two bytes parts header from payload. What can be read is written again to the same bytes. */
#include "core/arena.h"
#include "storage/entry.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf__entry entry;
    if (size < 2)
        return 0;
    size_t n = (size_t)data[0] << 8 | data[1];
    if (n > size - 2)
        n = size - 2;
    struct bf_arena *arena = bf_arena_create();
    struct bf_str header = bf_str((const char *)data + 2, n), payload = bf_str((const char *)data + 2 + n, size - 2 - n);
    if (bf__entry_parse(arena, header, payload, &entry, NULL) == BF_OK && payload.n > 0)
        EXPECT(bf_str_eq(bf__entry_payload(arena, &entry), payload));
    bf_arena_destroy(&arena);
    return 0;
}
