/* SPDX-License-Identifier: Apache-2.0 */
/* Stored documents: whatever the bytes are, they are read or refused; what was read is written and read again to the same. */
#include "core/arena.h"
#include "storage/bson.h"
#include "tests/core/sample.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_uuid tenant = {{1}}, id = {{2}};
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *doc, *again;
    if (bf__bson_decode(arena, &sample_schema, tenant, id, bf_str((const char *)data, size), &doc, NULL) == BF_OK) {
        struct bf_str bytes = bf__bson_encode(arena, doc);
        EXPECT(bf__bson_decode(arena, &sample_schema, tenant, id, bytes, &again, NULL) == BF_OK);
        struct bf_str twice = bf__bson_encode(arena, again);
        EXPECT(bf_str_eq(bytes, twice));
    }
    bf_arena_destroy(&arena);
    return 0;
}
