/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/info.h"
#include "core/env.h"
#include "storage/media/bytes.h"
#include "storage/media/fs.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MAGIC "BFSTAGE1"

enum {
    SECTOR = 512,
    KEY_AT = 64,
    KEY_SEALED = BF_KEY_BYTES + BF_SEAL_OVERHEAD,
    END_AT = 128,
    END_PLAIN = 32 + 8 + 8,
    END_SEALED = END_PLAIN + BF_SEAL_OVERHEAD,
    HEADER_PLAIN = 3 * 16 + 3 * 8 + 8,
};
_Static_assert(SECTOR + 4 + HEADER_PLAIN + BF_STAGE_METADATA_MAX + BF_SEAL_OVERHEAD <= BF__INFO_MAX, "the info fits");
enum { FLAG_PARTIAL = 1, FLAG_FINAL = 2 };

static void name_of(const struct bf_uuid *id, const char *suffix, char out[BF__INFO_NAME])
{
    char text[BF_UUID_TEXT];
    bf_uuid_text(id, text);
    snprintf(out, BF__INFO_NAME, "%s%s", text, suffix);
}

void bf__info_name(const struct bf_uuid *id, char out[BF__INFO_NAME]) { name_of(id, ".info", out); }
void bf__data_name(const struct bf_uuid *id, char out[BF__INFO_NAME]) { name_of(id, ".data", out); }

bool bf__info_parse_name(const char *name, const char *suffix, struct bf_uuid *ret)
{
    return strlen(name) == BF_UUID_TEXT - 1 + strlen(suffix) && strcmp(name + BF_UUID_TEXT - 1, suffix) == 0 &&
           bf_uuid_parse(bf_str(name, BF_UUID_TEXT - 1), ret);
}

/* Each part is sealed for its place in this very file. */
static struct bf_str place(const struct bf_uuid *id, char part, uint8_t out[17])
{
    memcpy(out, id->b, 16);
    out[16] = (uint8_t)part;
    return bf_str((const char *)out, 17);
}

static size_t put_header(const struct bf__info *info, uint8_t *out)
{
    memcpy(out, info->tenant.b, 16);
    memcpy(out + 16, info->user.b, 16);
    memcpy(out + 32, info->file.b, 16);
    bf__put64(out + 48, (uint64_t)info->created_ms);
    bf__put64(out + 56, (uint64_t)info->length);
    bf__put64(out + 64, (uint64_t)info->max_bytes);
    bf__put64(out + 72, (info->partial ? FLAG_PARTIAL : 0) | (info->final ? FLAG_FINAL : 0));
    memcpy(out + HEADER_PLAIN, info->metadata, info->metadata_n);
    return HEADER_PLAIN + info->metadata_n;
}

static bool get_header(const uint8_t *in, size_t n, struct bf__info *info)
{
    if (n < HEADER_PLAIN || n > HEADER_PLAIN + BF_STAGE_METADATA_MAX)
        return false;
    memcpy(info->tenant.b, in, 16);
    memcpy(info->user.b, in + 16, 16);
    memcpy(info->file.b, in + 32, 16);
    info->created_ms = (int64_t)bf__get64(in + 48);
    info->length = (int64_t)bf__get64(in + 56);
    info->max_bytes = (int64_t)bf__get64(in + 64);
    info->partial = (bf__get64(in + 72) & FLAG_PARTIAL) != 0;
    info->final = (bf__get64(in + 72) & FLAG_FINAL) != 0;
    info->metadata_n = (uint32_t)(n - HEADER_PLAIN);
    memcpy(info->metadata, in + HEADER_PLAIN, info->metadata_n);
    return true;
}

static void stage_key(const struct bf_key *master, const struct bf_uuid *id, struct bf_key *ret)
{
    bf_key_derive(master, "stage", id->b, sizeof id->b, ret);
}

static void put_sector(const struct bf_env *env, const struct bf_key *key, const struct bf__info *info, bool with_key, uint8_t out[SECTOR])
{
    uint8_t aad[17], end[END_PLAIN];
    memset(out, 0, SECTOR);
    memcpy(out, MAGIC, 8);
    memcpy(out + 8, info->id.b, 16);
    if (with_key)
        bf_seal(env, key, place(&info->id, 'k', aad), info->key.b, BF_KEY_BYTES, out + KEY_AT);
    if (info->finished) {
        memcpy(end, info->sha256, 32);
        bf__put64(end + 32, (uint64_t)info->size);
        bf__put64(end + 40, (uint64_t)info->finished_ms);
        bf_seal(env, key, place(&info->id, 'e', aad), end, END_PLAIN, out + END_AT);
    }
}

size_t bf__info_pack(const struct bf_env *env, const struct bf_key *master, const struct bf__info *info, bool with_key, uint8_t *out)
{
    uint8_t plain[HEADER_PLAIN + BF_STAGE_METADATA_MAX], aad[17];
    struct bf_key key;
    assert(info->metadata_n <= BF_STAGE_METADATA_MAX);
    stage_key(master, &info->id, &key);
    put_sector(env, &key, info, with_key, out);
    size_t n = put_header(info, plain);
    bf__put32(out + SECTOR, (uint32_t)(n + BF_SEAL_OVERHEAD));
    bf_seal(env, &key, place(&info->id, 'h', aad), plain, n, out + SECTOR + 4);
    bf_key_wipe(&key);
    return SECTOR + 4 + n + BF_SEAL_OVERHEAD;
}

static enum bf_status write_new(int dir_fd, const char *name, const uint8_t *bytes, size_t n, struct bf_error *e)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "create %s", name);
    enum bf_status status = bf__fs_write(fd, bytes, n, 0, e);
    if (status == BF_OK)
        status = bf__fs_sync(fd, e);
    close(fd);
    return status;
}

enum bf_status bf__info_create(const struct bf_env *env, const struct bf_key *master, int dir_fd, const struct bf__info *info, struct bf_error *e)
{
    uint8_t bytes[BF__INFO_MAX];
    char name[BF__INFO_NAME], temporary[BF__INFO_NAME];
    size_t n = bf__info_pack(env, master, info, /* with_key= */ !info->finished, bytes);
    bf__info_name(&info->id, name);
    name_of(&info->id, ".new", temporary);
    enum bf_status status = write_new(dir_fd, temporary, bytes, n, e);
    if (status == BF_OK && renameat(dir_fd, temporary, dir_fd, name) < 0)
        status = bf_fail_errno(e, BF_E_IO, errno, "rename to %s", name);
    if (status != BF_OK) {
        (void)unlinkat(dir_fd, temporary, 0);
        return status;
    }
    return bf__fs_sync(dir_fd, e);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

static enum bf_status open_sector(const struct bf_key *key, const uint8_t *bytes, struct bf__info *info, struct bf_error *e)
{
    uint8_t aad[17], end[END_PLAIN];
    size_t n;
    if (!is_zero(bytes + KEY_AT, KEY_SEALED)) {
        enum bf_status status = bf_unseal(key, place(&info->id, 'k', aad), bytes + KEY_AT, KEY_SEALED, info->key.b, &n, e);
        if (status != BF_OK)
            return status;
    }
    if (!is_zero(bytes + END_AT, END_SEALED)) {
        enum bf_status status = bf_unseal(key, place(&info->id, 'e', aad), bytes + END_AT, END_SEALED, end, &n, e);
        if (status != BF_OK)
            return status;
        memcpy(info->sha256, end, 32);
        info->size = (int64_t)bf__get64(end + 32);
        info->finished_ms = (int64_t)bf__get64(end + 40);
        info->finished = true;
    }
    return BF_OK;
}

static enum bf_status open_bytes(const struct bf_key *key, const uint8_t *bytes, size_t have, struct bf__info *info, struct bf_error *e)
{
    uint8_t aad[17], plain[HEADER_PLAIN + BF_STAGE_METADATA_MAX];
    size_t n;
    if (have < SECTOR + 4 || memcmp(bytes, MAGIC, 8) != 0 || memcmp(bytes + 8, info->id.b, 16) != 0)
        return bf_fail(e, BF_E_CORRUPT, "not the info file of this upload");
    uint32_t sealed = bf__get32(bytes + SECTOR);
    if (sealed != have - SECTOR - 4 || sealed < HEADER_PLAIN + BF_SEAL_OVERHEAD || sealed > sizeof plain + BF_SEAL_OVERHEAD)
        return bf_fail(e, BF_E_CORRUPT, "info file of a wrong length");
    enum bf_status status = bf_unseal(key, place(&info->id, 'h', aad), bytes + SECTOR + 4, sealed, plain, &n, e);
    if (status == BF_OK && !get_header(plain, n, info))
        status = bf_fail(e, BF_E_CORRUPT, "info file of a wrong length");
    return status == BF_OK ? open_sector(key, bytes, info, e) : status;
}

enum bf_status bf__info_unpack(const struct bf_key *master, struct bf_uuid id, const uint8_t *bytes, size_t n, struct bf__info *ret,
                               struct bf_error *e)
{
    struct bf_key key;
    memset(ret, 0, offsetof(struct bf__info, metadata));
    ret->id = id;
    stage_key(master, &id, &key);
    enum bf_status status = open_bytes(&key, bytes, n, ret, e);
    bf_key_wipe(&key);
    return status;
}

enum bf_status bf__info_read(const struct bf_key *master, int dir_fd, struct bf_uuid id, struct bf__info *ret, struct bf_error *e)
{
    uint8_t bytes[BF__INFO_MAX + 1];
    char name[BF__INFO_NAME];
    size_t n = 0;
    bf__info_name(&id, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return bf_fail_errno(e, errno == ENOENT ? BF_E_NOT_FOUND : BF_E_IO, errno, "open %s", name);
    enum bf_status status = bf__fs_read(fd, bytes, sizeof bytes, 0, &n, e);
    close(fd);
    return status == BF_OK ? bf__info_unpack(master, id, bytes, n, ret, e) : status;
}

enum bf_status bf__info_finish(const struct bf_env *env, const struct bf_key *master, int dir_fd, struct bf__info *info, bool keep_key,
                               struct bf_error *e)
{
    uint8_t sector[SECTOR];
    char name[BF__INFO_NAME];
    struct bf_key key;
    bf__info_name(&info->id, name);
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", name);
    info->finished = true;
    stage_key(master, &info->id, &key);
    put_sector(env, &key, info, keep_key, sector);
    bf_key_wipe(&key);
    enum bf_status status = bf__fs_write(fd, sector, sizeof sector, 0, e);
    if (status == BF_OK)
        status = bf__fs_datasync(fd, e);
    close(fd);
    if (status != BF_OK)
        info->finished = false;
    else if (!keep_key)
        bf_key_wipe(&info->key);
    return status;
}
