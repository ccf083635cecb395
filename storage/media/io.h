/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one media file, wherever they lie: in a file of this machine (io_file.c), or in the store's database (io_store.c). They are written at
 * the end, may be cut, and are durable after a sync. One thread at a time.
 */
#pragma once
#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bf__io;
struct bf__position;

/* What a sync makes durable with the bytes, where the place has room for it. */
struct bf__io_note {
    const struct bf__position *position; /* of the STATE that ends them; NULL: none does */
    const uint8_t *sha256;               /* the file is complete, with this content; NULL: it is not */
};

struct bf__io_vtable {
    /* Not NULL: what is found at an opening was synced, all of it, and nothing else is there; it ends at this offset of the content. */
    uint64_t (*synced_offset)(struct bf__io *io);
    enum bf_status (*read)(struct bf__io *io, void *p, size_t n, uint64_t pos, size_t *ret_n, struct bf_error *e); /* short only at the end */
    enum bf_status (*write)(struct bf__io *io, const void *p, size_t n, uint64_t pos, struct bf_error *e);
    enum bf_status (*truncate)(struct bf__io *io, uint64_t size, struct bf_error *e);
    enum bf_status (*sync)(struct bf__io *io, const struct bf__io_note *note, struct bf_error *e);
    enum bf_status (*size)(struct bf__io *io, uint64_t *ret, struct bf_error *e);
    bool (*is_nameless)(struct bf__io *io); /* the last close frees its blocks, which takes as long as it is large */
    void (*close)(struct bf__io *io);
};

struct bf__io {
    const struct bf__io_vtable *vt;
};

/* Takes the descriptor over. */
struct bf__io *bf__io_file(int fd);
void bf__io_close(struct bf__io **io);
