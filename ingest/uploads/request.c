/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says: its method, perhaps overridden, and its headers. */
#include "crm/entities.h"
#include "crm/media_type.h"
#include "ingest/uploads/uploads.h"

static enum bf_status bad(struct bf_error *e, const char *header, const char *code, const char *detail)
{
    return bf_fail_field(e, BF_E_INVALID_HEADER, header, code, "%s", detail);
}

/* X-HTTP-Method-Override is for clients whose network lets no PATCH or DELETE through. */
static enum bf_status read_op(struct bf_request *req, enum bf__tus_op *ret, struct bf_error *e)
{
    static const struct {
        const char *method;
        bool of_one;
        enum bf__tus_op op;
    } ops[] = {{"POST", false, BF__TUS_CREATE}, {"PATCH", true, BF__TUS_PATCH}, {"HEAD", true, BF__TUS_HEAD}, {"DELETE", true, BF__TUS_DELETE}};
    struct bf_str method = bf_request_method(req), other = bf_request_header(req, "x-http-method-override");
    bool of_one = bf_request_param(req, "id").p != NULL;
    if (other.p != NULL)
        method = other;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i].of_one == of_one && bf_str_eqz(method, ops[i].method)) {
            *ret = ops[i].op;
            return BF_OK;
        }
    return bf_fail(e, BF_E_METHOD_NOT_ALLOWED, "this method does nothing here");
}

static enum bf_status read_type(struct bf_request *req, struct bf_error *e)
{
    if (bf_str_eqz(bf_request_header(req, "content-type"), "application/offset+octet-stream"))
        return BF_OK;
    return bf_fail_field(e, BF_E_UNSUPPORTED_TYPE, "Content-Type", "unsupported_type", "application/offset+octet-stream");
}

static enum bf_status read_length(struct bf_request *req, struct bf__tus_request *r, struct bf_error *e)
{
    struct bf_str length = bf_request_header(req, "upload-length"), deferred = bf_request_header(req, "upload-defer-length");
    r->has_length = length.p != NULL;
    r->is_deferred = deferred.p != NULL;
    if (r->has_length && !bf_tus_read_number(length, &r->length))
        return bad(e, "Upload-Length", "wrong_type", "a number of bytes");
    if (r->is_deferred && !bf_str_eqz(deferred, "1"))
        return bad(e, "Upload-Defer-Length", "unknown_word", "1");
    return BF_OK;
}

/* The bytes of a part mean nothing by themselves; those of all others must be of a kind that a visit may name (G-04). */
static enum bf_status check_type(const struct bf__tus_request *r, struct bf_error *e)
{
    struct bf_str type = bf_strz(r->metadata.type);
    if (r->concat.kind == BF_TUS_PARTIAL)
        return BF_OK;
    if (type.n == 0)
        return bad(e, "Upload-Metadata", "required", "type: the media type");
    if (bf_media_type_is_allowed(BF_MEDIA_KIND_IS_PHOTO, type) || bf_media_type_is_allowed(BF_MEDIA_KIND_IS_VOICE, type))
        return BF_OK;
    return bf_fail_field(e, BF_E_UNSUPPORTED_TYPE, "Upload-Metadata", "unsupported_type", "type: not a picture or recording that is taken");
}

static enum bf_status check_creation(const struct bf__tus_request *r, struct bf_error *e)
{
    if (r->concat.kind == BF_TUS_FINAL) {
        if (r->has_length || r->is_deferred)
            return bad(e, "Upload-Length", "read_only", "the length of a final upload is that of its parts");
        if (r->has_body)
            return bf_fail(e, BF_E_INVALID_BODY, "a final upload takes no bytes of its own");
    } else if (r->has_length == r->is_deferred) {
        return bad(e, "Upload-Length", "required", "Upload-Length, or Upload-Defer-Length: 1");
    }
    return check_type(r, e);
}

static enum bf_status read_creation(struct bf_request *req, struct bf__tus_request *r, struct bf_error *e)
{
    enum bf_status status = r->has_body ? read_type(req, e) : BF_OK;
    if (status == BF_OK)
        status = read_length(req, r, e);
    if (status == BF_OK)
        status = bf_tus_read_concat(bf_request_header(req, "upload-concat"), &r->concat, e);
    if (status == BF_OK)
        status = bf_tus_read_metadata(bf_request_header(req, "upload-metadata"), &r->metadata, e);
    return status == BF_OK ? check_creation(r, e) : status;
}

static enum bf_status read_patch(struct bf_request *req, struct bf__tus_request *r, struct bf_error *e)
{
    enum bf_status status = read_type(req, e);
    if (status == BF_OK)
        status = read_length(req, r, e);
    if (status == BF_OK && !bf_tus_read_number(bf_request_header(req, "upload-offset"), &r->offset))
        status = bad(e, "Upload-Offset", "required", "the number of bytes that are there");
    return status;
}

enum bf_status bf__tus_read(struct bf_request *req, int64_t body_length, struct bf__tus_request *ret, struct bf_error *e)
{
    struct bf__tus_request *r = ret;
    memset(r, 0, sizeof *r);
    r->has_body = body_length != 0;
    r->body_length = body_length;
    if (!bf_str_eqz(bf_request_header(req, "tus-resumable"), "1.0.0"))
        return bf_fail_field(e, BF_E_TUS_VERSION, "Tus-Resumable", "unknown_word", "1.0.0");
    if (bf_request_query_count(req) > 0)
        return bf_fail(e, BF_E_INVALID_QUERY, "an upload takes no query parameters");
    enum bf_status status = read_op(req, &r->op, e);
    if (status == BF_OK && r->op != BF__TUS_CREATE && !bf_uuid_parse(bf_request_param(req, "id"), &r->id))
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such upload");
    if (status == BF_OK && (r->op == BF__TUS_CREATE || r->op == BF__TUS_PATCH))
        status = bf_tus_read_checksum(bf_request_header(req, "upload-checksum"), &r->checksum, e);
    if (status == BF_OK && r->op == BF__TUS_CREATE)
        status = read_creation(req, r, e);
    if (status == BF_OK && r->op == BF__TUS_PATCH)
        status = read_patch(req, r, e);
    return status;
}
