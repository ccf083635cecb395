/* SPDX-License-Identifier: Apache-2.0 */
/* What a transcription provider answers: the first byte picks the status, the rest is the body. */
#include "core/arena.h"
#include "ingest/stt/openai_answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503};
    static const struct bf_str key = {"sk-secret", 9};
    if (n == 0)
        return 0;
    struct bf_arena *arena = bf_arena_create();
    struct bf_stt_result r = {0};
    struct bf_str body = bf_str((const char *)data + 1, n - 1);
    int status = statuses[data[0] % (sizeof statuses / sizeof statuses[0])];
    bf_openai_read(status, body, key, arena, &r);
    EXPECT((r.outcome == BF_STT_TEXT) == (r.text.p != NULL));
    EXPECT(r.outcome == BF_STT_TEXT ? status == 200 && r.text.n < n : r.detail[0] != '\0');
    EXPECT(strstr(r.detail, key.p) == NULL);
    for (size_t i = 0; i < r.text.n; i++)
        EXPECT((unsigned char)r.text.p[i] >= ' ' || r.text.p[i] == '\n');
    if (bf_openai_is_used_up(status, body))
        EXPECT(r.outcome == BF_STT_AWAY);
    int64_t ms = bf_openai_duration_ms(body);
    EXPECT(ms >= -1 && ms <= 24 * 3600 * 1000);
    bf_arena_destroy(&arena);
    return 0;
}
