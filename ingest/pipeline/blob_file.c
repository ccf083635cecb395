/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pipeline/pipeline.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIECE = 256 << 10 };

static enum bf_status write_all(int fd, const char *p, size_t n, struct bf_error *e)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return bf_fail_errno(e, BF_E_IO, errno, "memory file");
        p += w;
        n -= (size_t)w;
    }
    return BF_OK;
}

static enum bf_status copy(struct bf_blob *blob, int fd, struct bf_error *e)
{
    char *piece = malloc(PIECE);
    int64_t offset = 0;
    size_t n = 1;
    enum bf_status status = BF_OK;
    if (piece == NULL)
        abort();
    while (status == BF_OK && n > 0) {
        status = bf_blob_read(blob, offset, piece, PIECE, &n, e);
        if (status == BF_OK)
            status = write_all(fd, piece, n, e);
        offset += (int64_t)n;
    }
    free(piece);
    return status;
}

enum bf_status bf__blob_file(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32], int *ret,
                             struct bf_error *e)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    enum bf_status status = bf_blob_open(store, tenant, holder, sha256, &blob, &info, e);
    if (status != BF_OK)
        return status;
    int fd = memfd_create("bf-blob", MFD_CLOEXEC);
    status = fd < 0 ? bf_fail_errno(e, BF_E_IO, errno, "memory file") : copy(blob, fd, e);
    bf_blob_close(&blob);
    if (status != BF_OK) {
        if (fd >= 0)
            close(fd);
        return status;
    }
    *ret = fd;
    return BF_OK;
}
