/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of tus: the first byte says which, the rest is its value. What was read is written again and must be read alike. */
#include "core/arena.h"
#include "ingest/uploads/tus.h"
#include "tests/fuzz/fuzz.h"

static void concat(struct bf_arena *arena, struct bf_str s)
{
    struct bf_tus_concat c, again;
    struct bf_str rest;
    if (bf_tus_read_concat(s, &c, NULL) != BF_OK || c.kind != BF_TUS_FINAL)
        return;
    EXPECT(c.n_parts > 0 && c.n_parts <= BF_STAGE_PARTS_MAX);
    EXPECT(bf_tus_unpack(bf_tus_pack(arena, &c, s), &again, &rest));
    EXPECT(again.n_parts == c.n_parts && memcmp(again.parts, c.parts, c.n_parts * sizeof *c.parts) == 0);
    EXPECT(bf_str_eq(again.prefix, c.prefix));
    EXPECT(bf_str_eq(rest, s));
}

static void metadata(struct bf_str s)
{
    struct bf_tus_metadata m;
    struct bf_error e = {0};
    if (bf_tus_read_metadata(s, &m, &e) != BF_OK) {
        EXPECT(e.status == BF_E_INVALID_HEADER && e.n_fields > 0);
        return;
    }
    EXPECT(s.n <= BF_TUS_METADATA_MAX && bf_str_eq(m.raw, s));
    EXPECT(strlen(m.type) <= BF_TUS_TYPE_MAX);
    EXPECT(!m.is_capture || m.capture_seq > 0);
}

static void checksum(struct bf_str s)
{
    static const size_t sizes[] = {[BF_DIGEST_SHA1] = 20, [BF_DIGEST_SHA256] = 32, [BF_DIGEST_MD5] = 16};
    struct bf_tus_checksum sum;
    if (bf_tus_read_checksum(s, &sum, NULL) == BF_OK)
        EXPECT(sum.kind != BF_DIGEST_NONE && sum.n == sizes[sum.kind]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct bf_arena *arena = bf_arena_create();
    struct bf_str s = bf_str((const char *)data + 1, n - 1), rest;
    struct bf_tus_concat parts;
    int64_t number;
    switch (data[0]) {
    case 'c':
        concat(arena, s);
        break;
    case 'm':
        metadata(s);
        break;
    case 's':
        checksum(s);
        break;
    case 'u':
        if (bf_tus_unpack(s, &parts, &rest))
            EXPECT(parts.n_parts > 0 && rest.n < s.n);
        break;
    default:
        if (bf_tus_read_number(s, &number))
            EXPECT(number >= 0 && number < INT64_C(1) << 53);
    }
    bf_arena_destroy(&arena);
    return 0;
}
