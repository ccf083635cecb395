/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header syntax of tus 1.0 (https://tus.io/protocols/resumable-upload): what a client says about an upload. Pure: no request, no storage.
 * Every reader fails with the header's name as field and a status that is the answer.
 */
#pragma once
#include "core/error.h"
#include "core/uuid.h"
#include "storage/media.h"

struct bf_arena;

enum { BF_TUS_TYPE_MAX = 100, BF_TUS_METADATA_MAX = 4096, BF_TUS_PAIRS_MAX = 32, BF_TUS_PREFIX_MAX = 300 };

/* Upload-Checksum: "sha1 BASE64". 400 for an algorithm that is not offered or a digest of another length. */
struct bf_tus_checksum {
    enum bf_stage_digest kind; /* BF_DIGEST_NONE: the header is absent */
    uint8_t digest[32];
    size_t n;
};
enum bf_status bf_tus_read_checksum(struct bf_str header, struct bf_tus_checksum *ret, struct bf_error *e);

/* Upload-Metadata: "key BASE64,key BASE64,key". Keys are distinct; those that mean nothing to us are kept and given back. */
struct bf_tus_metadata {
    struct bf_str raw;              /* as sent */
    char type[BF_TUS_TYPE_MAX + 1]; /* empty: absent */
    bool is_capture;                /* the upload is a capture of its own: of this installation, under this number */
    struct bf_uuid device;
    int64_t capture_seq;
};
enum bf_status bf_tus_read_metadata(struct bf_str header, struct bf_tus_metadata *ret, struct bf_error *e);

/* Upload-Concat: "partial", or "final;URL URL ...", each URL one of ours, absolute or not. A part may stand several times. */
enum bf_tus_kind { BF_TUS_WHOLE, BF_TUS_PARTIAL, BF_TUS_FINAL };
struct bf_tus_concat {
    enum bf_tus_kind kind; /* BF_TUS_WHOLE: the header is absent */
    unsigned n_parts;
    struct bf_uuid parts[BF_STAGE_PARTS_MAX];
    struct bf_str prefix; /* what stands in each URL before our path: scheme and host; empty where the parts differ. Not copied */
};
enum bf_status bf_tus_read_concat(struct bf_str header, struct bf_tus_concat *ret, struct bf_error *e);

/* A final upload's parts and metadata in the room that a stage has for metadata (it fits, whatever was read by the readers above), and back. The text lives
 * in `arena`. */
struct bf_str bf_tus_pack(struct bf_arena *arena, const struct bf_tus_concat *concat, struct bf_str metadata);
bool bf_tus_unpack(struct bf_str packed, struct bf_tus_concat *ret, struct bf_str *ret_metadata);

/* Upload-Offset, Upload-Length: a decimal number up to 2^53 - 1, which JavaScript clients can count to. */
bool bf_tus_read_number(struct bf_str header, int64_t *ret);

/* The path of an upload; Location and Upload-Concat have it. */
enum { BF_TUS_PATH = 12 + BF_UUID_TEXT };
void bf_tus_path(const struct bf_uuid *id, char out[BF_TUS_PATH]);
