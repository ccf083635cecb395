/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/manifest.h"
#include "storage/media/fs.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "baifang-backup 1\n"

enum { SEAL_LINE = 5 + 64 + 1, TEXT_MAX = 1 << 30 };

/* ---- writing ---- */

void bf__manifest_begin(struct bf_buf *text)
{
    bf_buf_init(text, TEXT_MAX);
    bf_buf_addz(text, FIRST_LINE);
}

void bf__manifest_add(struct bf_buf *text, const struct bf__manifest_line *line)
{
    char uuid[BF_UUID_TEXT], hex[65];
    switch (line->kind) {
    case BF__MANIFEST_AT:
        bf_buf_printf(text, "at_ms %" PRId64 "\n", line->number);
        break;
    case BF__MANIFEST_INCARNATION:
        bf_buf_printf(text, "incarnation %08" PRIx32 "\n", (uint32_t)line->number);
        break;
    case BF__MANIFEST_TENANT:
        bf_uuid_text(&line->tenant, uuid);
        bf_buf_printf(text, "tenant %s %" PRId64 "\n", uuid, line->number);
        break;
    case BF__MANIFEST_FILE:
        bf_hex(line->sha256, 32, hex);
        bf_buf_printf(text, "file %s %" PRId64 " %s\n", line->name, line->number, hex);
        break;
    }
}

static void seal_of(const struct bf_key *master, struct bf_str text, uint8_t ret[32])
{
    struct bf_key key;
    bf_key_derive(master, "backup manifest", NULL, 0, &key);
    bf_hmac_sha256(&key, text.p, text.n, ret);
    bf_key_wipe(&key);
}

enum bf_status bf__manifest_write(struct bf_buf *text, const struct bf_key *master, int dir_fd, struct bf_error *e)
{
    uint8_t seal[32];
    char hex[65];
    seal_of(master, bf_buf_str(text), seal);
    bf_hex(seal, sizeof seal, hex);
    bf_buf_printf(text, "seal %s\n", hex);
    if (text->overflowed)
        return bf_fail(e, BF_E_TOO_LARGE, "the manifest would be longer than %d bytes", TEXT_MAX);
    int fd = openat(dir_fd, BF__MANIFEST_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "create %s", BF__MANIFEST_NAME);
    enum bf_status status = bf__fs_write(fd, text->p, text->n, 0, e);
    if (status == BF_OK)
        status = bf__fs_sync(fd, e);
    close(fd);
    return status;
}

/* ---- reading ---- */

static bool take_word(struct bf_str *line, struct bf_str *ret)
{
    const char *space = memchr(line->p, ' ', line->n);
    size_t n = space == NULL ? line->n : (size_t)(space - line->p);
    *ret = bf_str(line->p, n);
    *line = space == NULL ? bf_str(line->p + n, 0) : bf_str(space + 1, line->n - n - 1);
    return n > 0;
}

static bool take_number(struct bf_str *line, int64_t *ret)
{
    struct bf_str word;
    uint64_t number;
    if (!take_word(line, &word) || !bf_str_u64(word, INT64_MAX, &number))
        return false;
    *ret = (int64_t)number;
    return true;
}

/* A plain name, perhaps in one directory; nothing that leads out of the backup. */
static bool take_name(struct bf_str *line, char ret[256])
{
    struct bf_str word;
    unsigned slashes = 0;
    if (!take_word(line, &word) || word.n >= 256 || word.p[0] == '/' || word.p[0] == '.' || memchr(word.p, 0, word.n) != NULL)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        slashes += word.p[i] == '/';
        if (word.p[i] == '/' && (i + 1 == word.n || word.p[i + 1] == '.' || word.p[i + 1] == '/'))
            return false;
    }
    memcpy(ret, word.p, word.n);
    ret[word.n] = '\0';
    return slashes <= 1;
}

static bool parse_line(struct bf_str line, struct bf__manifest_line *ret)
{
    struct bf_str kind, word;
    uint8_t big_endian[4];
    *ret = (struct bf__manifest_line){.number = 0};
    if (!take_word(&line, &kind))
        return false;
    if (bf_str_eqz(kind, "at_ms")) {
        ret->kind = BF__MANIFEST_AT;
        return take_number(&line, &ret->number) && line.n == 0;
    }
    if (bf_str_eqz(kind, "incarnation")) {
        ret->kind = BF__MANIFEST_INCARNATION;
        if (!take_word(&line, &word) || !bf_unhex(word, big_endian, 4) || line.n != 0)
            return false;
        ret->number = (int64_t)((uint32_t)big_endian[0] << 24 | (uint32_t)big_endian[1] << 16 | (uint32_t)big_endian[2] << 8 | big_endian[3]);
        return true;
    }
    if (bf_str_eqz(kind, "tenant")) {
        ret->kind = BF__MANIFEST_TENANT;
        return take_word(&line, &word) && bf_uuid_parse(word, &ret->tenant) && take_number(&line, &ret->number) && line.n == 0;
    }
    ret->kind = BF__MANIFEST_FILE;
    return bf_str_eqz(kind, "file") && take_name(&line, ret->name) && take_number(&line, &ret->number) && bf_unhex(line, ret->sha256, 32);
}

/* A line is read in the one form in which it is written: no second space, no leading zero. */
static bool is_canonical(struct bf_str text, const struct bf__manifest_line *line)
{
    struct bf_buf again;
    bf_buf_init(&again, 1024);
    bf__manifest_add(&again, line);
    bool same = again.n == text.n && memcmp(again.p, text.p, text.n) == 0;
    bf_buf_finish(&again);
    return same;
}

enum bf_status bf__manifest_parse(struct bf_str text, bf__manifest_fn *fn, void *ctx, struct bf_error *e)
{
    unsigned long number = 1;
    if (!bf_str_starts(text, BF_STR(FIRST_LINE)))
        return bf_fail(e, BF_E_CORRUPT, "not the manifest of a backup that this build can read");
    text = bf_str(text.p + strlen(FIRST_LINE), text.n - strlen(FIRST_LINE));
    while (text.n > 0) {
        struct bf__manifest_line line;
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);
        number++;
        if (end == NULL || !parse_line(bf_str(text.p, n), &line) || !is_canonical(bf_str(text.p, n + 1), &line))
            return bf_fail(e, BF_E_CORRUPT, "line %lu of the manifest cannot be read", number);
        enum bf_status status = fn(ctx, &line, e);
        if (status != BF_OK)
            return status;
        text = bf_str(end + 1, text.n - n - 1);
    }
    return BF_OK;
}

static enum bf_status check_seal(struct bf_str text, const struct bf_key *master, struct bf_str *ret_lines, struct bf_error *e)
{
    uint8_t seal[32], expected[32];
    if (text.n < SEAL_LINE || text.p[text.n - 1] != '\n')
        return bf_fail(e, BF_E_CORRUPT, "the manifest has no seal: the backup did not end");
    *ret_lines = bf_str(text.p, text.n - SEAL_LINE);
    struct bf_str last = bf_str(ret_lines->p + ret_lines->n, SEAL_LINE - 1);
    if (!bf_str_starts(last, BF_STR("seal ")) || !bf_unhex(bf_str(last.p + 5, 64), seal, sizeof seal))
        return bf_fail(e, BF_E_CORRUPT, "the manifest has no seal: the backup did not end");
    seal_of(master, *ret_lines, expected);
    if (!bf_equal_ct(seal, expected, sizeof seal))
        return bf_fail(e, BF_E_CONFIG, "the backup was made under another master key, or its manifest was changed");
    return BF_OK;
}

static enum bf_status load(int dir_fd, char **ret, size_t *ret_n, struct bf_error *e)
{
    struct stat st;
    int fd = openat(dir_fd, BF__MANIFEST_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > TEXT_MAX) {
        enum bf_status status = bf_fail_errno(e, BF_E_NOT_FOUND, fd < 0 ? errno : EFBIG, "the backup's %s", BF__MANIFEST_NAME);
        if (fd >= 0)
            close(fd);
        return status;
    }
    char *text = malloc((size_t)st.st_size + 1);
    if (text == NULL)
        abort();
    enum bf_status status = bf__fs_read(fd, text, (size_t)st.st_size, 0, ret_n, e);
    close(fd);
    if (status == BF_OK)
        *ret = text;
    else
        free(text);
    return status;
}

enum bf_status bf__manifest_each(int dir_fd, const struct bf_key *master, bf__manifest_fn *fn, void *ctx, struct bf_error *e)
{
    char *text = NULL;
    size_t n = 0;
    struct bf_str lines;
    enum bf_status status = load(dir_fd, &text, &n, e);
    if (status != BF_OK)
        return status;
    status = check_seal(bf_str(text, n), master, &lines, e);
    if (status == BF_OK)
        status = bf__manifest_parse(lines, fn, ctx, e);
    free(text);
    return status;
}
