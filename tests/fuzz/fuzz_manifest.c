/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a backup, behind its seal: what is read is written again as it was. */
#include "storage/manifest.h"
#include "tests/fuzz/fuzz.h"
#include <string.h>

static enum bf_status write_again(void *ctx, const struct bf__manifest_line *line, struct bf_error *e)
{
    (void)e;
    EXPECT(line->name[0] != '/' && line->name[0] != '.' && strstr(line->name, "/.") == NULL);
    bf__manifest_add(ctx, line);
    return BF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_buf text;
    bf__manifest_begin(&text);
    if (bf__manifest_parse(bf_str((const char *)data, n), write_again, &text, NULL) == BF_OK)
        EXPECT(text.n == n && memcmp(text.p, data, n) == 0);
    bf_buf_finish(&text);
    return 0;
}
