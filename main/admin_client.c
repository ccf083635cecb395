/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/json.h"
#include "main/admin.h"
#include <errno.h>
#include <unistd.h>

static enum bf_status write_request(int fd, int n, const struct bf_str *words, struct bf_str input, int file, struct bf_error *e)
{
    struct bf_buf line;
    struct bf_jw w;
    bf_buf_init(&line, BF_ADMIN_LINE_MAX);
    bf_jw_init(&w, &line);
    bf_jw_object(&w);
    bf_jw_key(&w, "words");
    bf_jw_array(&w);
    for (int i = 0; i < n; i++)
        bf_jw_str(&w, words[i]);
    bf_jw_end_array(&w);
    bf_jw_key(&w, "input");
    bf_jw_str(&w, input);
    bf_jw_end_object(&w);
    bf_buf_addc(&line, '\n');
    enum bf_status status = line.overflowed ? bf_fail(e, BF_E_TOO_LARGE, "the arguments are too long") : bf__admin_write(fd, bf_buf_str(&line), file, e);
    explicit_bzero(line.p, line.cap);
    bf_buf_finish(&line);
    return status;
}

/* The answer's status as one of ours: its cause came with it. */
static enum bf_status read_answer(int fd, struct bf_arena *arena, struct bf_str *ret_out, struct bf_error *e)
{
    struct bf_buf line;
    const struct bf_json *j;
    int file;
    bf_buf_init(&line, 8 * BF_ADMIN_LINE_MAX);
    enum bf_status status = bf__admin_read_line(fd, &line, &file, e);
    if (file >= 0)
        close(file);
    struct bf_str text = status == BF_OK ? bf_str_dup(arena, bf_buf_str(&line)) : bf_str("", 0);
    bf_buf_finish(&line);
    if (status != BF_OK || (status = bf_json_parse(arena, text, 8 * BF_ADMIN_LINE_MAX, &j, e)) != BF_OK)
        return status;
    *ret_out = bf_json_str(bf_json_get(j, "out"));
    struct bf_str cause = bf_json_str(bf_json_get(j, "cause")), detail = bf_json_str(bf_json_get(j, "detail"));
    struct bf_str field = bf_json_str(bf_json_get(j, "field"));
    if (bf_str_eqz(bf_json_str(bf_json_get(j, "status")), "ok"))
        return BF_OK;
    return detail.n == 0 ? bf_fail(e, BF_E_CONFLICT, "%.*s", BF_FMT(cause))
                         : bf_fail(e, BF_E_CONFLICT, "%.*s: %.*s: %.*s", BF_FMT(cause), BF_FMT(field), BF_FMT(detail));
}

enum bf_status bf_admin_ask(struct bf_str dir, int n, const struct bf_str *words, struct bf_str input, int file, struct bf_arena *arena,
                            struct bf_str *ret_out, struct bf_error *e)
{
    *ret_out = bf_str("", 0);
    int fd = bf__admin_connect(dir.p);
    if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
        return bf_fail(e, BF_E_UNAVAILABLE, "no server is running on %s", dir.p);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "%s/admin.sock", dir.p);
    enum bf_status status = write_request(fd, n, words, input, file, e);
    if (status == BF_OK)
        status = read_answer(fd, arena, ret_out, e);
    close(fd);
    return status;
}
