/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign JSON: walks what was parsed by every accessor, and writes each string so that it parses to itself. */
#include "core/arena.h"
#include "core/json.h"
#include "tests/fuzz/fuzz.h"

static void check_string(struct bf_arena *arena, struct bf_str s)
{
    const struct bf_json *again;
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_array(&w);
    bf_jw_str(&w, s);
    bf_jw_end_array(&w);
    EXPECT(bf_json_parse(arena, bf_buf_str(&out), SIZE_MAX, &again, NULL) == BF_OK);
    EXPECT(bf_str_eq(bf_json_str(bf_json_at(again, 0)), s));
    bf_buf_finish(&out);
}

static void walk(struct bf_arena *arena, const struct bf_json *j, unsigned depth)
{
    static const char *const keys[] = {"a", "text", "b", "segments", ""};
    int64_t i;
    double d;
    EXPECT(depth <= BF_JSON_DEPTH_MAX + 1);
    if (bf_json_int(j, &i))
        EXPECT(bf_json_double(j, &d));
    (void)bf_json_is_true(j);
    if (bf_json_str(j).p != NULL)
        check_string(arena, bf_json_str(j));
    for (unsigned at = 0; at < bf_json_count(j); at++)
        walk(arena, bf_json_at(j, at), depth + 1);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        if (bf_json_get(j, keys[k]) != NULL)
            walk(arena, bf_json_get(j, keys[k]), depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_arena *arena = bf_arena_create();
    const struct bf_json *json = NULL;
    struct bf_error e = {0};
    enum bf_status status = bf_json_parse(arena, bf_str((const char *)data, n), 4096, &json, &e);
    if (status == BF_OK)
        walk(arena, json, 1);
    else
        EXPECT(e.status == status && e.cause[0] != '\0' && json == NULL);
    bf_arena_destroy(&arena);
    return 0;
}
