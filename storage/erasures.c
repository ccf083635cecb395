/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register of erasures. It is there from the first start on, empty but for its first line, so that a restore can tell "nobody was
 * erased" from "the register was left behind". That line says to which master key it belongs, since the register of another store that
 * happens to stand there would say the same. A store that finds it gone makes it anew of what it knows itself.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/copy.h"
#include "storage/internal.h"
#include "storage/media/fs.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 128, REGISTER_BYTES_MAX = 1 << 30, ROWS = 200 };

static const char first_words[] = "baifang-erasures 1";

static void register_path(const char *master_key_file, char out[PATH_MAX]) { snprintf(out, PATH_MAX, "%s.erasures", master_key_file); }

/* A crash may have left a line without its end, which was never acknowledged: it goes before the next one is written. */
static int cut_torn_line(int fd)
{
    char c = '\n';
    off_t end = lseek(fd, 0, SEEK_END);
    while (end > 0 && pread(fd, &c, 1, end - 1) == 1 && c != '\n')
        end--;
    return end < 0 || ftruncate(fd, end) < 0 ? errno : 0;
}

static int append_line(int fd, const char *line, size_t n)
{
    if (flock(fd, LOCK_EX) < 0)
        return errno;
    int failed = cut_torn_line(fd);
    if (failed != 0)
        return failed;
    ssize_t wrote = write(fd, line, n);
    if (wrote != (ssize_t)n)
        return wrote < 0 ? errno : ENOSPC;
    return fsync(fd) < 0 ? errno : 0;
}

static int format_line(char out[LINE_MAX_BYTES], const struct bf_uuid *tenant, const struct bf_uuid *subject, int64_t n)
{
    char t[BF_UUID_TEXT], s[BF_UUID_TEXT];
    bf_uuid_text(tenant, t);
    bf_uuid_text(subject, s);
    return snprintf(out, LINE_MAX_BYTES, "%s %s %lld\n", t, s, (long long)n);
}

enum bf_status bf__erasures_note(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    char path[PATH_MAX], line[LINE_MAX_BYTES];
    register_path(store->config.master_key_file.p, path);
    int len = format_line(line, &tenant, &subject, n);
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "opening %s", path);
    int failed = append_line(fd, line, (size_t)len);
    close(fd);
    return failed != 0 ? bf_fail_errno(e, BF_E_IO, failed, "writing %s", path) : BF_OK;
}

static void format_first_line(const struct bf_key *master, char out[LINE_MAX_BYTES])
{
    struct bf_key mark;
    char hex[2 * BF_KEY_BYTES + 1];
    bf_key_derive(master, "erasure register", NULL, 0, &mark);
    bf_hex(mark.b, sizeof mark.b, hex);
    snprintf(out, LINE_MAX_BYTES, "%s %s\n", first_words, hex);
}

/* One without a mark was made before there were any. */
static enum bf_status check_first_line(const char *line, const struct bf_key *master, const char *path, struct bf_error *e)
{
    char wanted[LINE_MAX_BYTES];
    format_first_line(master, wanted);
    if (strcmp(line, wanted) == 0 || strcmp(line + sizeof first_words - 1, "\n") == 0)
        return BF_OK;
    return bf_fail(e, BF_E_CONFIG, "%s belongs to another master key: put the one there that was kept with this key", path);
}

/* A last line without its end was never acknowledged: it is passed over. */
static enum bf_status read_line(const char *line, const struct bf_key *master, bf__erasure_fn *fn, void *ctx, const char *path, struct bf_error *e)
{
    struct bf_uuid tenant, subject;
    size_t n = strlen(line);
    uint64_t entry;
    if (n == 0 || line[n - 1] != '\n')
        return BF_OK;
    if (strncmp(line, first_words, sizeof first_words - 1) == 0)
        return check_first_line(line, master, path, e);
    if (n < 76 || line[36] != ' ' || line[73] != ' ' || !bf_uuid_parse(bf_str(line, 36), &tenant) ||
        !bf_uuid_parse(bf_str(line + 37, 36), &subject) || !bf_str_u64(bf_str(line + 74, n - 75), INT64_MAX, &entry))
        return bf_fail(e, BF_E_CORRUPT, "%s has a line that cannot be read", path);
    return fn(ctx, tenant, subject, (int64_t)entry, e);
}

enum bf_status bf__erasures_each(const char *master_key_file, const struct bf_key *master, bf__erasure_fn *fn, void *ctx, struct bf_error *e)
{
    char path[PATH_MAX], line[LINE_MAX_BYTES];
    enum bf_status status = BF_OK;
    register_path(master_key_file, path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return bf_fail_errno(e, errno == ENOENT ? BF_E_NOT_FOUND : BF_E_IO, errno, "opening %s", path);
    while (status == BF_OK && fgets(line, sizeof line, file) != NULL)
        status = read_line(line, master, fn, ctx, path, e);
    if (status == BF_OK && ferror(file))
        status = bf_fail_errno(e, BF_E_IO, errno, "reading %s", path);
    fclose(file);
    return status;
}

struct wanted_line {
    struct bf_uuid tenant, subject;
    bool found;
};

static enum bf_status look_for(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct wanted_line *w = ctx;
    (void)n, (void)e;
    w->found |= bf_uuid_eq(&tenant, &w->tenant) && bf_uuid_eq(&subject, &w->subject);
    return BF_OK;
}

enum bf_status bf__erasures_note_once(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct wanted_line w = {.tenant = tenant, .subject = subject};
    enum bf_status status = bf__erasures_each(store->config.master_key_file.p, &store->master, look_for, &w, e);
    return status != BF_OK || w.found ? status : bf__erasures_note(store, tenant, subject, n, e);
}

/* ---- opening ---- */

static bool destroyed_at(const struct bf_row *row, int64_t *ret)
{
    int at = bf_schema_find(bf__coll_subject_keys.schema, BF_STR("destroyed_at"));
    bool destroyed = row->doc != NULL && bf_has(&row->doc->object, (unsigned)at);
    *ret = destroyed ? bf_get_int(&row->doc->object, (unsigned)at) : 0;
    return destroyed;
}

enum bf_status bf__erasures_known(struct bf_store *store, bf__erasure_fn *fn, void *ctx, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    struct bf_session *s = vt->reader(store->driver);
    struct bf_row *rows, last;
    enum bf_status status = BF_OK;
    unsigned n = ROWS;
    for (bool begun = false; status == BF_OK && n == ROWS; begun = true) {
        bf_arena_reset(arena);
        status = vt->scan(s, &bf__coll_subject_keys, begun ? &last : NULL, ROWS, arena, &rows, &n, e);
        for (unsigned i = 0; status == BF_OK && i < n; i++) {
            int64_t at;
            last = rows[i];
            if (destroyed_at(&rows[i], &at))
                status = fn(ctx, rows[i].tenant, rows[i].id, at, e);
        }
    }
    vt->release(store->driver, s);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status add_line(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    char line[LINE_MAX_BYTES];
    (void)e;
    bf_buf_add(ctx, line, (size_t)format_line(line, &tenant, &subject, n));
    return BF_OK;
}

/* Another process may do the same: the first one's stays, with what was noted in it since. */
static enum bf_status write_new(const struct bf_env *env, const char *path, struct bf_str text, struct bf_error *e)
{
    char fresh[PATH_MAX + 24];
    uint64_t tag;
    bf_random(env, &tag, sizeof tag);
    snprintf(fresh, sizeof fresh, "%s.new-%" PRIx64, path, tag);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "making %s", fresh);
    enum bf_status status = bf__fs_write(fd, text.p, text.n, 0, e);
    if (status == BF_OK)
        status = bf__fs_sync(fd, e);
    close(fd);
    if (status == BF_OK && link(fresh, path) < 0 && errno != EEXIST)
        status = bf_fail_errno(e, BF_E_IO, errno, "making %s", path);
    unlink(fresh);
    return status == BF_OK ? bf__sync_parent(path, e) : status;
}

static enum bf_status make_register(struct bf_store *store, struct bf_error *e)
{
    char path[PATH_MAX], first[LINE_MAX_BYTES];
    struct bf_buf text;
    register_path(store->config.master_key_file.p, path);
    bf_buf_init(&text, REGISTER_BYTES_MAX);
    format_first_line(&store->master, first);
    bf_buf_addz(&text, first);
    enum bf_status status = bf__erasures_known(store, add_line, &text, e);
    if (status == BF_OK)
        status = text.overflowed ? bf_fail(e, BF_E_TOO_LARGE, "%s becomes too large", path) : write_new(store->env, path, bf_buf_str(&text), e);
    bf_buf_finish(&text);
    return status;
}

/* A line whose key is there still: the process ended between the two. */
static enum bf_status finish_line(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct bf_store *store = ctx;
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    struct bf_row row = {.doc = NULL};
    int64_t at;
    struct bf_session *s = vt->reader(store->driver);
    enum bf_status status = vt->get_many(s, &bf__coll_subject_keys, tenant, &subject, 1, arena, &row.doc, e);
    vt->release(store->driver, s);
    if (status == BF_OK && row.doc != NULL && !destroyed_at(&row, &at))
        status = bf__keys_destroy(store, tenant, subject, n, e);
    bf_arena_destroy(&arena);
    return status == BF_E_CORRUPT || status == BF_E_NO_SPACE ? BF_OK : status; /* told by a check; done by the next start */
}

enum bf_status bf__erasures_open(struct bf_store *store, struct bf_error *e)
{
    const char *file = store->config.master_key_file.p;
    enum bf_status status = bf__erasures_each(file, &store->master, finish_line, store, e);
    if (status != BF_E_NOT_FOUND)
        return status;
    status = make_register(store, e);
    return status == BF_OK ? bf__erasures_each(file, &store->master, finish_line, store, e) : status;
}
