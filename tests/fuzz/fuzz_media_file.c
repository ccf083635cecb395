/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of an upload's data file, and reading of a blob. An input that starts with 'r' is the file as it is. Any other is a list of records (type,
 * length, body), which are sealed here with the right key, so that the bodies behind the seal are fuzzed as well. A flag makes a body that does
 * not open, another a STATE that fits what stands before it.
 */
#include "core/env.h"
#include "storage/media/frames.h"
#include "storage/media/layout.h"
#include "tests/fuzz/fuzz.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BROKEN = 0x80, FITTING = 0x40, FILE_MAX = 1 << 20 };

static const struct bf_key key = {{1}};
static const struct bf_uuid id = {{2}};

static void put(int fd, const void *p, size_t n) { EXPECT(write(fd, p, n) == (ssize_t)n); }

static void put_records(int fd, struct bf__sealer *sealer, const uint8_t *data, size_t n)
{
    static uint8_t rec[BF__OVERHEAD + BF__BODY_MAX];
    uint64_t pos = BF__FILE_START, offset = 0, blocks = 0, frames = 0;
    uint8_t tags[BF__TAG] = {0};
    while (n >= 3 && pos < FILE_MAX) {
        enum bf__record_type type = (enum bf__record_type)(1 + (data[0] & 3));
        bool broken = (data[0] & BROKEN) != 0, fitting = (data[0] & FITTING) != 0;
        size_t len = 1 + (data[1] | (size_t)data[2] << 8), have;
        data += 3;
        n -= 3;
        if (type == BF__STATE)
            len = BF__STATE_BODY;
        else if (type == BF__FOOT)
            len = FT_BODY;
        have = len < n ? len : n;
        memset(rec + BF__HEAD, 0, len);
        memcpy(rec + BF__HEAD, data, have);
        data += have;
        n -= have;
        if (type == BF__STATE && fitting) {
            bf__put64(rec + BF__HEAD + ST_OFFSET, offset);
            bf__put64(rec + BF__HEAD + ST_FRAMES, frames);
            memcpy(rec + BF__HEAD + ST_TAGS, tags, BF__TAG);
        }
        size_t whole = bf__record_seal(sealer, type, type == BF__INDEX ? blocks++ : type == BF__FOOT ? 0 : offset, pos, rec, len);
        if (type == BF__DATA) {
            bf__tags_add(tags, rec + whole - BF__TAG);
            frames++;
        } else if (type == BF__STATE) {
            memset(tags, 0, sizeof tags);
        }
        rec[BF__HEAD] ^= broken;
        put(fd, rec, whole);
        pos += whole;
        offset += type == BF__DATA ? len : 0;
    }
}

static void read_blob(const struct bf_env *env, int fd)
{
    static uint8_t buf[100000];
    struct bf__frames *frames;
    size_t n;
    if (bf__frames_open(env, bf__io_file(dup(fd)), &key, id, &frames, NULL) != BF_OK)
        return;
    uint64_t size = bf__frames_foot(frames)->size;
    if (bf__frames_read(frames, 0, buf, sizeof buf, &n, NULL) == BF_OK)
        EXPECT(n == (size < sizeof buf ? size : sizeof buf));
    if (bf__frames_read(frames, (int64_t)(size / 2), buf, 10, &n, NULL) == BF_OK)
        EXPECT(n <= 10);
    bf__frames_close(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bf_env env;
    struct bf__sealer sealer;
    struct bf__recovered r;
    uint8_t start[BF__FILE_START];
    if (n == 0)
        return 0;
    bf_env_fake(&env, 0, 1);
    int fd = memfd_create("media", MFD_CLOEXEC);
    EXPECT(fd >= 0);
    bf__sealer_init(&sealer, &env, &key, id);
    bf__file_start(&id, start);
    put(fd, start, sizeof start);
    if (data[0] == 'r')
        put(fd, data + 1, n - 1);
    else
        put_records(fd, &sealer, data, n);
    struct bf__io *io = bf__io_file(fd);
    EXPECT(bf__recover(io, &sealer, &r, NULL) == BF_OK);
    EXPECT(r.point.pos >= BF__FILE_START && r.point.pos <= r.size && r.point.offset < r.size);
    EXPECT((uint64_t)r.position.offset == r.point.offset);
    read_blob(&env, fd);
    bf__sealer_finish(&sealer);
    bf__io_close(&io);
    bf_env_finish(&env);
    return 0;
}
