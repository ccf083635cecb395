/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in memory and in files. A key file appears whole or not at all: it is written under another name, synced, linked into place, and the
 * directory synced; whoever comes second reads what the first one made. */
#include "core/crypto.h"
#include "core/env.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_BYTES = 2 * BF_KEY_BYTES + 1, PATH_BYTES = 4096 };

void bf_key_random(const struct bf_env *env, struct bf_key *ret) { bf_random(env, ret->b, sizeof ret->b); }

void bf_key_wipe(struct bf_key *key) { sodium_memzero(key, sizeof *key); }

static enum bf_status parse_key(const char *path, struct bf_str text, struct bf_key *ret, struct bf_error *e)
{
    struct bf_key key;
    bool ok = text.n == TEXT_BYTES && text.p[TEXT_BYTES - 1] == '\n' && bf_unhex(bf_str(text.p, TEXT_BYTES - 1), key.b, sizeof key.b);
    if (ok)
        *ret = key;
    bf_key_wipe(&key);
    return ok ? BF_OK : bf_fail(e, BF_E_CONFIG, "key file %s must hold 64 lower-case hex digits and a newline", path);
}

static enum bf_status read_key(int fd, const char *path, struct bf_key *ret, struct bf_error *e)
{
    char text[TEXT_BYTES + 1];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "key file %s", path);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return bf_fail(e, BF_E_CONFIG, "key file %s must be a file that only its owner can read (mode 0600)", path);
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "key file %s", path);
    enum bf_status status = parse_key(path, bf_str(text, (size_t)n), ret, e);
    sodium_memzero(text, sizeof text);
    return status;
}

static int sync_directory_of(const char *path)
{
    char copy[PATH_BYTES];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failed = fsync(fd) < 0 ? errno : 0;
    close(fd);
    return failed;
}

/* The file `path` with `text` in it, synced. Returns an errno. */
static int write_file(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    ssize_t written = write(fd, text, n);
    int failed = written < 0 ? errno : (size_t)written != n ? ENOSPC : fsync(fd) < 0 ? errno : 0;
    close(fd);
    return failed;
}

static int make_key(const struct bf_env *env, const char *path)
{
    struct bf_key key;
    uint8_t tag[8];
    char text[TEXT_BYTES + 1], suffix[2 * sizeof tag + 1], draft[PATH_BYTES];
    bf_random(env, tag, sizeof tag);
    bf_hex(tag, sizeof tag, suffix);
    if ((size_t)snprintf(draft, sizeof draft, "%s.new-%s", path, suffix) >= sizeof draft)
        return ENAMETOOLONG;
    bf_key_random(env, &key);
    bf_hex(key.b, sizeof key.b, text);
    text[TEXT_BYTES - 1] = '\n';
    int failed = write_file(draft, text, TEXT_BYTES);
    if (failed == 0 && link(draft, path) < 0 && errno != EEXIST)
        failed = errno;
    unlink(draft);
    sodium_memzero(text, sizeof text);
    bf_key_wipe(&key);
    return failed != 0 ? failed : sync_directory_of(path);
}

enum bf_status bf_key_file(const struct bf_env *env, const char *path, bool create, struct bf_key *ret, struct bf_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create) {
        int failed = make_key(env, path);
        if (failed != 0)
            return bf_fail_errno(e, BF_E_IO, failed, "making key file %s", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "key file %s", path);
    enum bf_status status = read_key(fd, path, ret, e);
    close(fd);
    return status;
}
