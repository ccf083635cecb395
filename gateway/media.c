/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the media of visits and contracts, by (record, media id, variant) only: a hash opens nothing. The view is in the log before the first byte goes
 * out. Originals, which the server did not make, are served as attachments only.
 */
#include "gateway/internal.h"
#include "storage/media.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct bytes {
    struct bf_body_source source;
    struct bf_blob *blob;
    int64_t at, end;
};

struct range {
    int64_t from, to; /* to is one past the last byte */
    bool partial;
};

static long next_bytes(struct bf_body_source *source, void *buf, size_t max)
{
    struct bytes *b = BF_CONTAINER(source, struct bytes, source);
    size_t want = b->end - b->at < (int64_t)max ? (size_t)(b->end - b->at) : max, got = 0;
    if (want > 0 && (bf_blob_read(b->blob, b->at, buf, want, &got, NULL) != BF_OK || got == 0))
        return -1;
    b->at += (int64_t)got;
    return (long)got;
}

static void close_bytes(struct bf_body_source *source)
{
    struct bytes *b = BF_CONTAINER(source, struct bytes, source);
    bf_blob_close(&b->blob);
    free(b);
}

/* One range of RFC 9110 section 14; several, or another unit, are ignored as the RFC allows. */
static enum bf_status read_range(struct bf_call *call, int64_t size, const char *etag, struct range *ret, struct bf_error *e)
{
    struct bf_str text = bf_request_header(call->req, "range"), condition = bf_request_header(call->req, "if-range");
    uint64_t from, to;
    *ret = (struct range){.from = 0, .to = size};
    if (text.p == NULL || !bf_str_starts(text, BF_STR("bytes=")) || memchr(text.p, ',', text.n) != NULL)
        return BF_OK;
    if (condition.p != NULL && !bf_str_eqz(condition, etag))
        return BF_OK;
    text = bf_str(text.p + 6, text.n - 6);
    const char *dash = memchr(text.p, '-', text.n);
    if (dash == NULL)
        return BF_OK;
    struct bf_str first = bf_str(text.p, (size_t)(dash - text.p)), last = bf_str(dash + 1, text.n - first.n - 1);
    if (first.n == 0) { /* the last so many bytes */
        if (!bf_str_u64(last, INT64_MAX, &to))
            return BF_OK;
        if (to == 0 || size == 0)
            return bf_fail(e, BF_E_RANGE, "the last bytes that are asked for are none");
        *ret = (struct range){.from = (int64_t)to >= size ? 0 : size - (int64_t)to, .to = size, .partial = true};
        return BF_OK;
    }
    to = INT64_MAX;
    if (!bf_str_u64(first, INT64_MAX, &from) || (last.n > 0 && (!bf_str_u64(last, INT64_MAX, &to) || to < from)))
        return BF_OK;
    if ((int64_t)from >= size)
        return bf_fail(e, BF_E_RANGE, "the content has %lld bytes", (long long)size);
    *ret = (struct range){.from = (int64_t)from, .to = (int64_t)to >= size ? size : (int64_t)to + 1, .partial = true};
    return BF_OK;
}

/* What to serve of a medium. */
struct variant {
    const char *name; /* for the view log */
    const uint8_t *sha256;
    struct bf_str type;
    bool original;
};

static enum bf_status find_variant(struct bf_call *call, const struct bf_doc *media, struct variant *ret, struct bf_error *e)
{
    struct bf_str name = bf_request_param(call->req, "variant");
    struct bf_array variants = bf_get_array(&media->object, BF_MEDIA_VARIANTS);
    int state = bf_get_enum(&media->object, BF_MEDIA_STATE), word = bf_enum_find(&bf_enum_variant, name);
    if (bf_str_eqz(name, "original")) {
        if (state == BF_MEDIA_STATE_IS_AWAITED)
            return bf_fail(e, BF_E_NOT_FOUND, "the bytes have not arrived yet");
        *ret = (struct variant){
            .name = "original", .sha256 = bf_get_sha256(&media->object, BF_MEDIA_SHA256), .type = BF_STR("application/octet-stream"), .original = true};
        return BF_OK;
    }
    for (unsigned i = 0; i < variants.n; i++) {
        const struct bf_object *v = variants.items[i].object;
        if (word >= 0 && bf_get_enum(v, BF_VARIANT_NAME) == word) {
            *ret = (struct variant){
                .name = bf_enum_variant.words[word].word, .sha256 = bf_get_sha256(v, BF_VARIANT_SHA256), .type = bf_get_str(v, BF_VARIANT_TYPE)};
            return BF_OK;
        }
    }
    return bf_fail(e, BF_E_NOT_FOUND, "there is no such variant (yet)");
}

static void answer(struct bf_call *call, struct bf_blob *blob, const struct variant *variant, const struct range *range, int64_t size, const char *etag)
{
    struct bytes *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    *b = (struct bytes){.source = {.next = next_bytes, .close = close_bytes, .length = range->to - range->from},
                        .blob = blob,
                        .at = range->from,
                        .end = range->to};
    struct bf_header headers[7] = {
        {.name = "content-type", .value = variant->type},
        {.name = "etag", .value = bf_strz(etag)},
        {.name = "accept-ranges", .value = BF_STR("bytes")},
        {.name = "content-security-policy", .value = BF_STR("sandbox; default-src 'none'")},
        {.name = "cross-origin-resource-policy", .value = BF_STR("same-origin")},
    };
    unsigned n = 5;
    if (variant->original)
        headers[n++] = (struct bf_header){.name = "content-disposition", .value = BF_STR("attachment")};
    if (range->partial)
        headers[n++] = (struct bf_header){.name = "content-range",
                                          .value = bf_strz(bf_arena_printf(call->arena, "bytes %lld-%lld/%lld", (long long)range->from,
                                                                           (long long)range->to - 1, (long long)size))};
    bf_reply_source(call->req, range->partial ? 206 : 200, headers, n, &b->source);
}

/* Whose media: the rights, and the row that names the record of the path. */
struct owner {
    enum bf_subject subject;
    unsigned row;
};

static enum bf_status load_media(struct bf_call *call, const struct owner *owner, struct bf_doc **ret, struct bf_error *e)
{
    struct bf_uuid record, media;
    enum bf_status status = bf_call_id(call, "id", &record, e);
    if (status == BF_OK)
        status = bf_call_id(call, "media_id", &media, e);
    if (status == BF_OK)
        status = bf__load_child(call, owner->subject, BF_ACTION_READ, &bf_media, BF_MEDIA_CUSTOMER, media, ret, e);
    if (status != BF_OK)
        return status;
    struct bf_uuid of = bf_get_uuid(&(*ret)->object, owner->row);
    return bf_uuid_eq(&of, &record) ? BF_OK : bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
}

/* The wrap is the customer's once ingest has bound the bytes; before that the uploader's own is the only one. */
static enum bf_status open_blob(struct bf_call *call, const struct bf_doc *media, const struct variant *variant, struct bf_blob **ret,
                                struct bf_blob_info *info, struct bf_error *e)
{
    struct bf_uuid customer = bf_get_uuid(&media->object, BF_MEDIA_CUSTOMER), uploader = bf_get_uuid(&media->object, BF_MEDIA_UPLOADER);
    enum bf_status status = bf_blob_open(call->store, media->tenant, customer, variant->sha256, ret, info, e);
    if (status == BF_E_NOT_FOUND && variant->original)
        status = bf_blob_open(call->store, media->tenant, uploader, variant->sha256, ret, info, e);
    return status;
}

static void read_media(struct bf_call *call, const struct owner *owner)
{
    struct bf_doc *media;
    struct variant variant = {.original = false};
    struct bf_blob *blob = NULL;
    struct bf_blob_info info;
    struct range range;
    struct bf_error e = {0};
    char etag[67] = "\"";
    enum bf_status status = load_media(call, owner, &media, &e);
    if (status == BF_OK)
        status = find_variant(call, media, &variant, &e);
    if (status == BF_OK)
        status = open_blob(call, media, &variant, &blob, &info, &e);
    if (status == BF_OK) {
        bf_hex(variant.sha256, 32, etag + 1);
        memcpy(etag + 65, "\"", 2);
        status = read_range(call, info.size, etag, &range, &e);
    }
    if (status == BF_OK)
        status = bf_call_viewed_now(call, "media", variant.name, media->id, &e);
    if (status == BF_OK) {
        answer(call, blob, &variant, &range, info.size, bf_arena_strdup(call->arena, etag));
        return;
    }
    bf_blob_close(&blob);
    bf_call_fail(call, &e);
}

static void read_visit_media(struct bf_call *call, void *service)
{
    static const struct owner owner = {.subject = BF_SUBJECT_MEDIA, .row = BF_MEDIA_VISIT};
    (void)service;
    read_media(call, &owner);
}

/* A page is seen by whoever sees the contract. */
static void read_contract_media(struct bf_call *call, void *service)
{
    static const struct owner owner = {.subject = BF_SUBJECT_CONTRACT, .row = BF_MEDIA_CONTRACT};
    (void)service;
    read_media(call, &owner);
}

const struct bf_endpoint bf__visit_media_read = {.run = read_visit_media}, bf__contract_media_read = {.run = read_contract_media};
