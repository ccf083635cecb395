/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/frames.h"
#include "storage/media/layout.h"
#include <stdlib.h>

struct entry {
    uint64_t offset, pos;
    uint32_t n;
    uint8_t nonce[BF__NONCE];
};

struct bf__frames {
    struct bf__io *io;
    struct bf__sealer sealer;
    struct bf__foot foot;
    uint64_t block_at; /* which INDEX record is in `block`; UINT64_MAX: none */
    unsigned block_n;
    struct entry frame; /* the DATA record in `plain`; n = 0: none */
    uint8_t block[BF__BODY_MAX + BF__TAG];
    uint8_t plain[BF__BODY_MAX + BF__TAG];
};

/* ---- writing ---- */

static uint64_t entries_in(uint64_t frames, uint64_t block)
{
    uint64_t left = frames - block * IX_ENTRIES_MAX;
    return left < IX_ENTRIES_MAX ? left : IX_ENTRIES_MAX;
}

static uint64_t block_pos(const struct bf__foot *foot, uint64_t block) { return foot->index_pos + block * (BF__OVERHEAD + BF__BODY_MAX); }

static void put_entry(uint8_t *at, const struct bf__record *rec)
{
    bf__put64(at + IX_OFFSET, rec->offset);
    bf__put64(at + IX_POS, rec->pos);
    bf__put32(at + IX_LEN, rec->n);
    memcpy(at + IX_NONCE, rec->nonce, BF__NONCE);
}

void bf__entries_add(struct bf__entries *entries, const struct bf__record *rec)
{
    if (!entries->known || entries->n == BF__ENTRIES_MAX) {
        entries->known = false;
        return;
    }
    if (entries->n == entries->room) {
        entries->room = entries->room == 0 ? 64 : entries->room * 2;
        entries->p = realloc(entries->p, entries->room * IX_ENTRY);
        if (entries->p == NULL)
            abort();
    }
    put_entry(entries->p + entries->n++ * IX_ENTRY, rec);
}

void bf__entries_cut(struct bf__entries *entries, uint64_t n)
{
    if (n < entries->n)
        entries->n = n;
    entries->known = entries->known || n == 0;
}

void bf__entries_free(struct bf__entries *entries)
{
    free(entries->p);
    *entries = (struct bf__entries){0};
}

/* Fills `body` with entries of the next `want` DATA records from *rec on. */
static enum bf_status gather(struct bf__io *io, uint64_t end, struct bf__record *rec, uint64_t want, uint8_t *body, struct bf_error *e)
{
    bool found;
    for (uint64_t i = 0; i < want;) {
        enum bf_status status = bf__next_head(io, end, rec, &found, e);
        if (status != BF_OK)
            return status;
        if (!found || (rec->type != BF__DATA && rec->type != BF__STATE))
            return bf_fail(e, BF_E_CORRUPT, "no record at %llu", (unsigned long long)rec->pos);
        if (rec->type == BF__DATA)
            put_entry(body + IX_ENTRY * i++, rec);
        bf__step(rec);
    }
    return BF_OK;
}

static enum bf_status write_foot(struct bf__io *io, struct bf__sealer *sealer, const struct bf__foot *foot, uint64_t pos, struct bf_error *e)
{
    uint8_t rec[BF__OVERHEAD + FT_BODY] = {0}, *body = rec + BF__HEAD;
    bf__put64(body + FT_SIZE, foot->size);
    bf__put64(body + FT_FRAMES, foot->frames);
    bf__put64(body + FT_INDEX, foot->index_pos);
    memcpy(body + FT_SHA256, foot->sha256, 32);
    size_t n = bf__record_seal(sealer, BF__FOOT, 0, pos, rec, FT_BODY);
    return io->vt->write(io, rec, n, pos, e);
}

/* The same from what is known. */
static void copy_entries(const struct bf__entries *entries, struct bf__record *rec, uint64_t from, uint64_t want, uint8_t *body)
{
    const uint8_t *last = entries->p + (from + want - 1) * IX_ENTRY;
    memcpy(body, entries->p + from * IX_ENTRY, want * IX_ENTRY);
    rec->offset = bf__get64(last + IX_OFFSET) + bf__get32(last + IX_LEN);
}

static enum bf_status write_blocks(struct bf__io *io, struct bf__sealer *sealer, const struct bf__foot *foot, const struct bf__entries *entries,
                                   uint8_t *rec, uint64_t *ret_pos, struct bf_error *e)
{
    struct bf__record at = {.pos = BF__FILE_START};
    uint64_t pos = foot->index_pos;
    bool are_known = entries != NULL && entries->known && entries->n == foot->frames;
    for (uint64_t block = 0; block * IX_ENTRIES_MAX < foot->frames; block++) {
        uint64_t n = entries_in(foot->frames, block);
        enum bf_status status = BF_OK;
        if (are_known)
            copy_entries(entries, &at, block * IX_ENTRIES_MAX, n, rec + BF__HEAD);
        else
            status = gather(io, foot->index_pos, &at, n, rec + BF__HEAD, e);
        if (status != BF_OK)
            return status;
        size_t whole = bf__record_seal(sealer, BF__INDEX, block, pos, rec, n * IX_ENTRY);
        if ((status = io->vt->write(io, rec, whole, pos, e)) != BF_OK)
            return status;
        pos += whole;
    }
    if (at.offset != foot->size)
        return bf_fail(e, BF_E_CORRUPT, "the records hold %llu bytes instead of %llu", (unsigned long long)at.offset,
                       (unsigned long long)foot->size);
    *ret_pos = pos;
    return BF_OK;
}

enum bf_status bf__index_write(struct bf__io *io, struct bf__sealer *sealer, const struct bf__point *point, const struct bf__entries *entries,
                               const uint8_t sha256[32], struct bf_error *e)
{
    struct bf__foot foot = {.size = point->offset, .frames = point->frames, .index_pos = point->pos};
    memcpy(foot.sha256, sha256, 32);
    uint8_t *rec = malloc(BF__OVERHEAD + BF__BODY_MAX);
    if (rec == NULL)
        abort();
    uint64_t pos = foot.index_pos;
    enum bf_status status = write_blocks(io, sealer, &foot, entries, rec, &pos, e);
    free(rec);
    return status == BF_OK ? write_foot(io, sealer, &foot, pos, e) : status;
}

/* ---- reading ---- */

/* Reads and opens the body of the record at `rec->pos` whose head must say what `rec` says; the nonce is taken from the head unless `known`. */
static enum bf_status read_record(struct bf__io *io, struct bf__sealer *sealer, struct bf__record *rec, bool known, uint8_t *body, bool *ret_whole,
                                  struct bf_error *e)
{
    uint8_t head[BF__HEAD];
    struct bf__record found;
    size_t n;
    *ret_whole = false;
    enum bf_status status = io->vt->read(io, head, sizeof head, rec->pos, &n, e);
    if (status != BF_OK || n < sizeof head || !bf__record_head(head, rec->offset, rec->pos, &found))
        return status;
    if (found.type != rec->type || found.n != rec->n || (known && memcmp(found.nonce, rec->nonce, BF__NONCE) != 0))
        return BF_OK;
    status = io->vt->read(io, body, rec->n + BF__TAG, rec->pos + BF__HEAD, &n, e);
    *ret_whole = status == BF_OK && n == rec->n + BF__TAG && bf__record_open(sealer, &found, body, body + rec->n);
    return status;
}

/* The foot's numbers must describe this very file: then no sum of them can go wrong later. */
static bool foot_fits(const struct bf__foot *foot, uint64_t foot_pos)
{
    if (foot->index_pos < BF__FILE_START || foot->index_pos > foot_pos || foot->frames > foot_pos || foot->frames > foot->size)
        return false;
    uint64_t blocks = (foot->frames + IX_ENTRIES_MAX - 1) / IX_ENTRIES_MAX;
    return (foot->frames == 0) == (foot->size == 0) && foot->size <= foot_pos &&
           foot_pos - foot->index_pos == foot->frames * IX_ENTRY + blocks * BF__OVERHEAD;
}

enum bf_status bf__foot_read(struct bf__io *io, struct bf__sealer *sealer, uint64_t size, struct bf__foot *ret, bool *ret_whole, struct bf_error *e)
{
    uint8_t body[FT_BODY + BF__TAG];
    *ret_whole = false;
    if (size < BF__FILE_START + BF__OVERHEAD + FT_BODY)
        return BF_OK;
    struct bf__record rec = {.type = BF__FOOT, .n = FT_BODY, .pos = size - BF__OVERHEAD - FT_BODY};
    enum bf_status status = read_record(io, sealer, &rec, false, body, ret_whole, e);
    if (status != BF_OK || !*ret_whole)
        return status;
    *ret = (struct bf__foot){.size = bf__get64(body + FT_SIZE), .frames = bf__get64(body + FT_FRAMES), .index_pos = bf__get64(body + FT_INDEX)};
    memcpy(ret->sha256, body + FT_SHA256, 32);
    *ret_whole = foot_fits(ret, rec.pos);
    return BF_OK;
}

static enum bf_status read_block(struct bf__io *io, struct bf__sealer *sealer, const struct bf__foot *foot, uint64_t block, uint8_t *body, bool *ret_whole,
                                 struct bf_error *e)
{
    struct bf__record rec = {.type = BF__INDEX,
                             .n = (uint32_t)(entries_in(foot->frames, block) * IX_ENTRY),
                             .pos = block_pos(foot, block),
                             .offset = block};
    return read_record(io, sealer, &rec, false, body, ret_whole, e);
}

enum bf_status bf__index_holds(struct bf__io *io, struct bf__sealer *sealer, const struct bf__foot *foot, uint8_t *scratch, bool *ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bool whole = true;
    for (uint64_t block = 0; whole && status == BF_OK && block * IX_ENTRIES_MAX < foot->frames; block++)
        status = read_block(io, sealer, foot, block, scratch, &whole, e);
    *ret = whole;
    return status;
}

static enum bf_status open_foot(struct bf__frames *f, struct bf_error *e)
{
    uint64_t size;
    uint8_t start[BF__FILE_START], expected[BF__FILE_START];
    bool whole;
    size_t n;
    enum bf_status status = f->io->vt->size(f->io, &size, e);
    if (status == BF_OK)
        status = f->io->vt->read(f->io, start, sizeof start, 0, &n, e);
    if (status != BF_OK)
        return status;
    bf__file_start(&f->sealer.file, expected);
    if (n != sizeof start || memcmp(start, expected, n) != 0)
        return bf_fail(e, BF_E_CORRUPT, "not the file of this blob");
    status = bf__foot_read(f->io, &f->sealer, size, &f->foot, &whole, e);
    if (status != BF_OK)
        return status;
    return whole ? BF_OK : bf_fail(e, BF_E_CORRUPT, "the file has no foot of this key");
}

enum bf_status bf__frames_open(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__frames **ret,
                               struct bf_error *e)
{
    struct bf__frames *f = malloc(sizeof *f);
    if (f == NULL)
        abort();
    f->io = io;
    f->block_at = UINT64_MAX;
    f->frame.n = 0;
    bf__sealer_init(&f->sealer, env, key, id);
    enum bf_status status = open_foot(f, e);
    if (status != BF_OK)
        bf__frames_close(&f);
    else
        *ret = f;
    return status;
}

void bf__frames_close(struct bf__frames **frames)
{
    struct bf__frames *f = frames == NULL ? NULL : *frames;
    if (f == NULL)
        return;
    bf__sealer_finish(&f->sealer);
    bf__io_close(&f->io);
    free(f);
    *frames = NULL;
}

const struct bf__foot *bf__frames_foot(const struct bf__frames *f) { return &f->foot; }

static struct entry entry_at(const struct bf__frames *f, unsigned i)
{
    const uint8_t *at = f->block + (size_t)i * IX_ENTRY;
    struct entry entry = {.offset = bf__get64(at + IX_OFFSET), .pos = bf__get64(at + IX_POS), .n = bf__get32(at + IX_LEN)};
    memcpy(entry.nonce, at + IX_NONCE, BF__NONCE);
    return entry;
}

static enum bf_status load_block(struct bf__frames *f, uint64_t block, struct bf_error *e)
{
    bool whole;
    if (f->block_at == block)
        return BF_OK;
    f->block_at = UINT64_MAX;
    enum bf_status status = read_block(f->io, &f->sealer, &f->foot, block, f->block, &whole, e);
    if (status != BF_OK)
        return status;
    if (!whole)
        return bf_fail(e, BF_E_CORRUPT, "index record %llu does not open", (unsigned long long)block);
    f->block_at = block;
    f->block_n = (unsigned)entries_in(f->foot.frames, block);
    return BF_OK;
}

/* Loads the INDEX record that covers `offset`: a search over their first entries, which costs one read when there is one. */
static enum bf_status seek_block(struct bf__frames *f, uint64_t offset, struct bf_error *e)
{
    uint64_t low = 0, high = (f->foot.frames - 1) / IX_ENTRIES_MAX;
    if (f->block_at != UINT64_MAX && entry_at(f, 0).offset <= offset) {
        struct entry last = entry_at(f, f->block_n - 1);
        if (offset < last.offset + last.n)
            return BF_OK;
    }
    while (low < high) {
        uint64_t middle = (low + high + 1) / 2;
        enum bf_status status = load_block(f, middle, e);
        if (status != BF_OK)
            return status;
        if (entry_at(f, 0).offset <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return load_block(f, low, e);
}

static enum bf_status seek_frame(struct bf__frames *f, uint64_t offset, struct entry *ret, struct bf_error *e)
{
    enum bf_status status = seek_block(f, offset, e);
    if (status != BF_OK)
        return status;
    unsigned low = 0, high = f->block_n - 1;
    while (low < high) {
        unsigned middle = (low + high + 1) / 2;
        if (entry_at(f, middle).offset <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    struct entry entry = entry_at(f, low);
    if (entry.offset > offset || offset - entry.offset >= entry.n || entry.n > BF__BODY_MAX || entry.pos >= f->foot.index_pos)
        return bf_fail(e, BF_E_CORRUPT, "the index has no record for offset %llu", (unsigned long long)offset);
    *ret = entry;
    return BF_OK;
}

static enum bf_status load_frame(struct bf__frames *f, uint64_t offset, struct bf_error *e)
{
    struct entry entry;
    bool whole;
    if (f->frame.n != 0 && offset >= f->frame.offset && offset - f->frame.offset < f->frame.n)
        return BF_OK;
    f->frame.n = 0;
    enum bf_status status = seek_frame(f, offset, &entry, e);
    if (status != BF_OK)
        return status;
    struct bf__record rec = {.type = BF__DATA, .n = entry.n, .pos = entry.pos, .offset = entry.offset};
    memcpy(rec.nonce, entry.nonce, BF__NONCE);
    if ((status = read_record(f->io, &f->sealer, &rec, true, f->plain, &whole, e)) != BF_OK)
        return status;
    if (!whole)
        return bf_fail(e, BF_E_CORRUPT, "the record at %llu does not open", (unsigned long long)entry.pos);
    f->frame = entry;
    return BF_OK;
}

enum bf_status bf__frames_read(struct bf__frames *f, int64_t offset, void *buf, size_t n, size_t *ret, struct bf_error *e)
{
    uint8_t *to = buf;
    size_t have = 0;
    while (have < n && offset >= 0 && (uint64_t)offset + have < f->foot.size) {
        uint64_t at = (uint64_t)offset + have;
        enum bf_status status = load_frame(f, at, e);
        if (status != BF_OK) {
            memset(buf, 0, have);
            return status;
        }
        size_t skip = at - f->frame.offset, take = f->frame.n - skip;
        if (take > n - have)
            take = n - have;
        memcpy(to + have, f->plain + skip, take);
        have += take;
    }
    *ret = have;
    return BF_OK;
}
