/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/uploads/tus.h"
#include "core/arena.h"
#include <stdio.h>

#define PREFIX "/v1/uploads/"
static const uint64_t number_max = (UINT64_C(1) << 53) - 1;
enum { SHORT_ID = 22 }; /* 16 bytes in base64url */

static enum bf_status bad(struct bf_error *e, const char *header, const char *code, const char *detail)
{
    return bf_fail_field(e, BF_E_INVALID_HEADER, header, code, "%s", detail);
}

static struct bf_str trim(struct bf_str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = bf_str(s.p + 1, s.n - 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* Cuts the text in front of the first `at` off *rest; without one, all of it, and *rest becomes {NULL, 0}. */
static struct bf_str cut(struct bf_str *rest, char at)
{
    const char *found = rest->n == 0 ? NULL : memchr(rest->p, at, rest->n);
    struct bf_str head = *rest;
    if (found == NULL) {
        *rest = bf_str(NULL, 0);
        return head;
    }
    head.n = (size_t)(found - head.p);
    *rest = bf_str(found + 1, rest->n - head.n - 1);
    return head;
}

bool bf_tus_read_number(struct bf_str header, int64_t *ret)
{
    uint64_t n;
    if (header.p == NULL || !bf_str_u64(header, number_max, &n))
        return false;
    *ret = (int64_t)n;
    return true;
}

void bf_tus_path(const struct bf_uuid *id, char out[BF_TUS_PATH])
{
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    bf_uuid_text(id, out + sizeof PREFIX - 1);
}

/* ---- checksum ---- */

enum bf_status bf_tus_read_checksum(struct bf_str header, struct bf_tus_checksum *ret, struct bf_error *e)
{
    static const struct {
        const char *name;
        enum bf_stage_digest kind;
        size_t n;
    } offered[] = {{"sha1", BF_DIGEST_SHA1, 20}, {"sha256", BF_DIGEST_SHA256, 32}, {"md5", BF_DIGEST_MD5, 16}};
    *ret = (struct bf_tus_checksum){.kind = BF_DIGEST_NONE};
    if (header.p == NULL)
        return BF_OK;
    struct bf_str value = header, name = cut(&value, ' ');
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        if (!bf_str_eqz(name, offered[i].name))
            continue;
        long n = bf_unbase64(value, ret->digest, sizeof ret->digest);
        if (n < 0 || (size_t)n != offered[i].n)
            return bad(e, "Upload-Checksum", "bad_base64", "a digest of this algorithm in base64");
        ret->kind = offered[i].kind;
        ret->n = offered[i].n;
        return BF_OK;
    }
    return bad(e, "Upload-Checksum", "unknown_word", "sha1, sha256 or md5, a space, the digest in base64");
}

/* ---- metadata ---- */

struct pair {
    struct bf_str key;
    char value[BF_TUS_METADATA_MAX];
    size_t n;
};

static bool is_visible(struct bf_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

static bool read_pair(struct bf_str text, struct pair *ret)
{
    struct bf_str value = trim(text);
    ret->key = cut(&value, ' ');
    long n = bf_unbase64(value, ret->value, sizeof ret->value);
    ret->n = n < 0 ? 0 : (size_t)n;
    return ret->key.n > 0 && is_visible(ret->key) && n >= 0;
}

static enum bf_status take_type(const struct pair *pair, struct bf_tus_metadata *m, struct bf_error *e)
{
    if (pair->n == 0 || pair->n > BF_TUS_TYPE_MAX || memchr(pair->value, '\0', pair->n) != NULL)
        return bad(e, "Upload-Metadata", "bad_type", "type: a media type of at most 100 bytes");
    memcpy(m->type, pair->value, pair->n);
    m->type[pair->n] = '\0';
    return BF_OK;
}

static enum bf_status take_pair(const struct pair *pair, struct bf_tus_metadata *m, bool *has_device, struct bf_error *e)
{
    struct bf_str value = bf_str(pair->value, pair->n);
    if (bf_str_eqz(pair->key, "type"))
        return take_type(pair, m, e);
    if (bf_str_eqz(pair->key, "device")) {
        *has_device = bf_uuid_parse(value, &m->device);
        return *has_device ? BF_OK : bad(e, "Upload-Metadata", "bad_uuid", "device: a lower-case UUID");
    }
    if (bf_str_eqz(pair->key, "capture_seq") && (!bf_tus_read_number(value, &m->capture_seq) || m->capture_seq == 0))
        return bad(e, "Upload-Metadata", "too_small", "capture_seq: a number from 1 on");
    return BF_OK;
}

enum bf_status bf_tus_read_metadata(struct bf_str header, struct bf_tus_metadata *ret, struct bf_error *e)
{
    struct bf_str keys[BF_TUS_PAIRS_MAX], rest = header;
    struct pair pair;
    bool has_device = false;
    unsigned n = 0;
    *ret = (struct bf_tus_metadata){.raw = header};
    if (header.n > BF_TUS_METADATA_MAX)
        return bad(e, "Upload-Metadata", "too_long", "at most 4096 bytes");
    while (trim(rest).n > 0) {
        if (n == BF_TUS_PAIRS_MAX)
            return bad(e, "Upload-Metadata", "too_long", "at most 32 pairs");
        if (!read_pair(cut(&rest, ','), &pair))
            return bad(e, "Upload-Metadata", "bad_base64", "pairs of a key and a value in base64, separated by commas");
        for (unsigned i = 0; i < n; i++)
            if (bf_str_eq(keys[i], pair.key))
                return bad(e, "Upload-Metadata", "duplicate", "a key stands twice");
        keys[n++] = pair.key;
        enum bf_status status = take_pair(&pair, ret, &has_device, e);
        if (status != BF_OK)
            return status;
    }
    ret->is_capture = has_device && ret->capture_seq > 0;
    if (has_device != (ret->capture_seq > 0))
        return bad(e, "Upload-Metadata", "required", "device and capture_seq come together");
    return BF_OK;
}

/* ---- concatenation ---- */

/* ".../v1/uploads/ID", of whatever scheme and host: a proxy may have another name for us than we have. */
static bool read_url(struct bf_str url, struct bf_uuid *ret, struct bf_str *ret_prefix)
{
    enum { TAIL = sizeof PREFIX - 1 + BF_UUID_TEXT - 1 };
    if (url.n < TAIL)
        return false;
    struct bf_str tail = bf_str(url.p + url.n - TAIL, TAIL);
    bool absolute = memmem(url.p, url.n, "://", 3) != NULL;
    *ret_prefix = bf_str(url.p, url.n - TAIL);
    return (url.n == TAIL || absolute) && bf_str_starts(tail, BF_STR(PREFIX)) && bf_uuid_parse(bf_str(tail.p + sizeof PREFIX - 1, BF_UUID_TEXT - 1), ret);
}

static bool read_part(struct bf_str url, struct bf_tus_concat *c)
{
    struct bf_str prefix;
    if (!read_url(url, &c->parts[c->n_parts], &prefix))
        return false;
    if (c->n_parts++ == 0)
        c->prefix = is_visible(prefix) && prefix.n <= BF_TUS_PREFIX_MAX ? prefix : BF_STR(""); /* it is given back in a header */
    else if (!bf_str_eq(prefix, c->prefix))
        c->prefix = BF_STR("");
    return true;
}

enum bf_status bf_tus_read_concat(struct bf_str header, struct bf_tus_concat *ret, struct bf_error *e)
{
    struct bf_str rest = header;
    ret->kind = BF_TUS_WHOLE;
    ret->n_parts = 0;
    ret->prefix = BF_STR("");
    if (header.p == NULL)
        return BF_OK;
    if (bf_str_eqz(header, "partial")) {
        ret->kind = BF_TUS_PARTIAL;
        return BF_OK;
    }
    if (!bf_str_eqz(cut(&rest, ';'), "final"))
        return bad(e, "Upload-Concat", "unknown_word", "partial, or final; and the URLs of the parts");
    ret->kind = BF_TUS_FINAL;
    for (rest = trim(rest); rest.n > 0; rest = trim(rest)) {
        if (ret->n_parts == BF_STAGE_PARTS_MAX)
            return bad(e, "Upload-Concat", "too_long", "at most 128 parts");
        if (!read_part(cut(&rest, ' '), ret))
            return bad(e, "Upload-Concat", "bad_url", "every part is an upload of this server");
    }
    return ret->n_parts > 0 ? BF_OK : bad(e, "Upload-Concat", "required", "a final upload has parts");
}

/* "ID,ID,...;METADATA", ids in base64url: no metadata of a client begins so, since a key is followed by a space, a comma or the end. A prefix stands before
 * the metadata, between two line feeds, which no header has. */
_Static_assert(BF_STAGE_PARTS_MAX * (SHORT_ID + 1) + BF_TUS_PREFIX_MAX + 2 + BF_TUS_METADATA_MAX <= BF_STAGE_METADATA_MAX, "any final upload fits");

struct bf_str bf_tus_pack(struct bf_arena *arena, const struct bf_tus_concat *concat, struct bf_str metadata)
{
    char *text = bf_arena_alloc(arena, (size_t)concat->n_parts * (SHORT_ID + 1) + concat->prefix.n + metadata.n + 4), *p = text;
    for (unsigned i = 0; i < concat->n_parts; i++) {
        p += bf_base64url(concat->parts[i].b, 16, p);
        *p++ = i + 1 < concat->n_parts ? ',' : ';';
    }
    if (concat->prefix.n > 0) {
        *p++ = '\n';
        p = mempcpy(p, concat->prefix.p, concat->prefix.n);
        *p++ = '\n';
    }
    if (metadata.n > 0)
        p = mempcpy(p, metadata.p, metadata.n);
    return bf_str(text, (size_t)(p - text));
}

bool bf_tus_unpack(struct bf_str packed, struct bf_tus_concat *ret, struct bf_str *ret_metadata)
{
    struct bf_str rest = packed, ids = cut(&rest, ';');
    *ret = (struct bf_tus_concat){.kind = BF_TUS_FINAL, .prefix = BF_STR("")};
    if (ids.n == packed.n)
        return false;
    while (ids.n > 0) {
        if (ret->n_parts == BF_STAGE_PARTS_MAX || bf_unbase64url(cut(&ids, ','), ret->parts[ret->n_parts].b, 16) != 16)
            return false;
        ret->n_parts++;
    }
    if (rest.n > 0 && rest.p[0] == '\n') {
        rest = bf_str(rest.p + 1, rest.n - 1);
        ret->prefix = cut(&rest, '\n');
        if (rest.p == NULL)
            return false;
    }
    *ret_metadata = rest;
    return ret->n_parts > 0;
}
