/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "storage/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 128 };

static void register_path(const char *master_key_file, char out[PATH_MAX]) { snprintf(out, PATH_MAX, "%s.erasures", master_key_file); }

static enum bf_status sync_parent(const char *path, struct bf_error *e)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum bf_status status = fd < 0 || fsync(fd) < 0 ? bf_fail_errno(e, BF_E_IO, errno, "syncing the directory of %s", path) : BF_OK;
    if (fd >= 0)
        close(fd);
    return status;
}

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

enum bf_status bf__erasures_note(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    char path[PATH_MAX], line[LINE_MAX_BYTES], t[BF_UUID_TEXT], s[BF_UUID_TEXT];
    register_path(store->config.master_key_file.p, path);
    bf_uuid_text(&tenant, t);
    bf_uuid_text(&subject, s);
    int len = snprintf(line, sizeof line, "%s %s %lld\n", t, s, (long long)n);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "opening %s", path);
    int failed = append_line(fd, line, (size_t)len);
    close(fd);
    return failed != 0 ? bf_fail_errno(e, BF_E_IO, failed, "writing %s", path) : sync_parent(path, e);
}

/* A last line without its end was never acknowledged: it is passed over. */
static enum bf_status read_line(const char *line, bf__erasure_fn *fn, void *ctx, const char *path, struct bf_error *e)
{
    struct bf_uuid tenant, subject;
    size_t n = strlen(line);
    uint64_t entry;
    if (n == 0 || line[n - 1] != '\n')
        return BF_OK;
    if (n < 76 || line[36] != ' ' || line[73] != ' ' || !bf_uuid_parse(bf_str(line, 36), &tenant) ||
        !bf_uuid_parse(bf_str(line + 37, 36), &subject) || !bf_str_u64(bf_str(line + 74, n - 75), INT64_MAX, &entry))
        return bf_fail(e, BF_E_CORRUPT, "%s has a line that cannot be read", path);
    return fn(ctx, tenant, subject, (int64_t)entry, e);
}

enum bf_status bf__erasures_each(const char *master_key_file, bf__erasure_fn *fn, void *ctx, struct bf_error *e)
{
    char path[PATH_MAX], line[LINE_MAX_BYTES];
    enum bf_status status = BF_OK;
    register_path(master_key_file, path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? BF_OK : bf_fail_errno(e, BF_E_IO, errno, "opening %s", path);
    while (status == BF_OK && fgets(line, sizeof line, file) != NULL)
        status = read_line(line, fn, ctx, path, e);
    if (status == BF_OK && ferror(file))
        status = bf_fail_errno(e, BF_E_IO, errno, "reading %s", path);
    fclose(file);
    return status;
}
