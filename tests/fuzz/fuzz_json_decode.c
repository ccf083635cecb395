/* SPDX-License-Identifier: Apache-2.0 */
/* A request body against a schema that uses every type: what is taken must survive being written and read again; what is refused must say
 * where. The first byte chooses the mode. */
#include "core/arena.h"
#include "core/json.h"
#include "core/text.h"
#include "tests/core/sample.h"
#include "tests/fuzz/fuzz.h"

static void check_error(const struct bf_error *e, enum bf_status status)
{
    EXPECT(e->status == status && status < 0);
    EXPECT(e->n_fields <= BF_ERROR_FIELDS_MAX);
    EXPECT(e->n_fields > 0 || e->cause[0] != '\0');
    for (unsigned i = 0; i < e->n_fields; i++) {
        EXPECT(e->fields[i].pointer[0] == '/' && bf_text_is_utf8(bf_strz(e->fields[i].pointer)));
        EXPECT(e->fields[i].code[0] != '\0' && e->fields[i].detail[0] != '\0');
    }
}

static void write(struct bf_buf *out, const struct bf_object *o)
{
    struct bf_jw w;
    bf_buf_init(out, 1 << 20);
    bf_jw_init(&w, out);
    bf_jw_object(&w);
    bf_jw_fields(&w, o, BF_SHOW_ALL);
    bf_jw_end_object(&w);
    EXPECT(!out->overflowed && bf_text_is_utf8(bf_buf_str(out)));
}

static void check_created(struct bf_arena *arena, struct bf_object *o)
{
    struct bf_object *again;
    struct bf_buf out;
    EXPECT(bf_has(o, S_NAME) && !bf_has(o, S_STATE) && !bf_has(o, S_INTERNAL));
    bf_unset(o, S_PASSWORD); /* never written */
    write(&out, o);
    EXPECT(bf_json_decode(arena, &sample_schema, BF_JSON_CREATE, bf_buf_str(&out), &again, NULL) == BF_OK);
    EXPECT(bf_object_eq(o, again));
    bf_buf_finish(&out);
}

static void check_patched(struct bf_arena *arena, const struct bf_object *patch)
{
    struct bf_object *base = sample_full(arena), *merged, *again;
    struct bf_error e = {0};
    enum bf_status status = bf_json_merge(arena, base, patch, &merged, &e);
    if (status != BF_OK) {
        check_error(&e, status);
        return;
    }
    EXPECT(bf_object_eq(base, sample_full(arena)));
    for (unsigned row = 0; row < S_ROWS; row++)
        EXPECT(merged->v[row].type != BF_T_NULL);
    EXPECT(bf_json_merge(arena, merged, patch, &again, NULL) == BF_OK); /* a patch applied twice changes nothing more */
    EXPECT(bf_object_eq(merged, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct bf_arena *arena = bf_arena_create();
    struct bf_object *o = NULL;
    struct bf_uuid id;
    struct bf_error e = {0};
    struct bf_str body = bf_str((const char *)data + 1, n - 1);
    enum bf_json_mode mode = data[0] == 'p' ? BF_JSON_PATCH : BF_JSON_CREATE;
    enum bf_status status = data[0] == 'i' ? bf_json_decode_create(arena, &sample_schema, body, &id, &o, &e)
                                           : bf_json_decode(arena, &sample_schema, mode, body, &o, &e);
    if (status != BF_OK)
        check_error(&e, status);
    else if (mode == BF_JSON_CREATE)
        check_created(arena, o);
    else
        check_patched(arena, o);
    bf_arena_destroy(&arena);
    return 0;
}
