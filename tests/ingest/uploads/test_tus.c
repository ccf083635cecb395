/* SPDX-License-Identifier: Apache-2.0 */
/* The values come from the protocol's text, and from Python's hashlib and base64. */
#include "core/arena.h"
#include "ingest/uploads/tus.h"
#include "tests/test.h"

#define ID_A "01a20209-d1a5-7352-9c3e-cebff0841095"
#define ID_B "01a20209-d202-7e11-ab67-50fa8aaf0139"

static void numbers_are_decimal_and_small_enough_for_javascript(void **state)
{
    static const struct {
        const char *text;
        int64_t n;
    } table[] = {{"0", 0}, {"1", 1}, {"9007199254740991", 9007199254740991}, {"9007199254740992", -1}, {"", -1}, {"-1", -1}, {"+1", -1},
                 {"1 ", -1}, {" 1", -1}, {"01", -1}, {"1.0", -1}, {"1e3", -1}, {"0x10", -1}, {"18446744073709551616", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t n = -1;
        bool good = bf_tus_read_number(bf_strz(table[i].text), &n);
        if (good != (table[i].n >= 0) || n != table[i].n)
            fail_msg("%s: %d %lld", table[i].text, good, (long long)n);
    }
    assert_false(bf_tus_read_number(bf_str(NULL, 0), &(int64_t){0}));
}

static void the_protocols_own_checksum_is_read(void **state)
{
    struct bf_tus_checksum sum;
    uint8_t hello_sha1[20];
    (void)state;
    assert_true(bf_unhex(BF_STR("2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"), hello_sha1, 20)); /* sha1 of "hello world" */
    assert_int_equal(bf_tus_read_checksum(BF_STR("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="), &sum, NULL), BF_OK);
    assert_int_equal(sum.kind, BF_DIGEST_SHA1);
    assert_int_equal(sum.n, 20);
    assert_memory_equal(sum.digest, hello_sha1, 20);
    assert_int_equal(bf_tus_read_checksum(BF_STR("sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="), &sum, NULL), BF_OK);
    assert_int_equal(sum.kind, BF_DIGEST_SHA256);
    assert_int_equal(bf_tus_read_checksum(BF_STR("md5 XrY7u+Ae7tCTyyK7j1rNww=="), &sum, NULL), BF_OK);
    assert_int_equal(sum.kind, BF_DIGEST_MD5);
    assert_int_equal(bf_tus_read_checksum(bf_str(NULL, 0), &sum, NULL), BF_OK);
    assert_int_equal(sum.kind, BF_DIGEST_NONE);
}

static void a_checksum_with_a_fault_is_refused(void **state)
{
    static const char *const faults[] = {"", "sha1", "sha1 ", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", "sha1 Kq5sNclPz7QV2-lfQIuc6R7oRu0=",
                                         "sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1 XrY7u+Ae7tCTyyK7j1rNww==", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
                                         "crc32 AAAAAA==", " sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct bf_tus_checksum sum;
        struct bf_error e = {0};
        if (bf_tus_read_checksum(bf_strz(faults[i]), &sum, &e) != BF_E_INVALID_HEADER || e.n_fields != 1)
            fail_msg("\"%s\" was taken", faults[i]);
    }
}

static void metadata_is_read_and_kept_as_it_was_sent(void **state)
{
    struct bf_tus_metadata m;
    /* filename "世界.jpg", an empty value, and blanks that some clients write behind commas */
    struct bf_str sent = BF_STR("filename 5LiW55WMLmpwZw==, type aW1hZ2UvanBlZw==,is_confidential");
    (void)state;
    assert_int_equal(bf_tus_read_metadata(sent, &m, NULL), BF_OK);
    assert_string_equal(m.type, "image/jpeg");
    assert_true(bf_str_eq(m.raw, sent));
    assert_false(m.is_capture);
    assert_int_equal(bf_tus_read_metadata(bf_str(NULL, 0), &m, NULL), BF_OK);
    assert_string_equal(m.type, "");
}

static void a_capture_names_its_installation_and_its_number(void **state)
{
    struct bf_tus_metadata m;
    struct bf_uuid device;
    (void)state;
    assert_true(bf_uuid_parse(BF_STR(ID_A), &device));
    assert_int_equal(
        bf_tus_read_metadata(BF_STR("type YXVkaW8vb2dn,device MDFhMjAyMDktZDFhNS03MzUyLTljM2UtY2ViZmYwODQxMDk1,capture_seq MTc="), &m, NULL), BF_OK);
    assert_true(m.is_capture);
    assert_true(bf_uuid_eq(&m.device, &device));
    assert_int_equal(m.capture_seq, 17);
}

static void metadata_with_a_fault_is_refused(void **state)
{
    static const char *const faults[] = {
        "type image/jpeg",                                         /* not base64 */
        "type aW1hZ2UvanBlZw==,type aW1hZ2UvanBlZw==",             /* twice */
        "type aW1hZ2UvanBlZw==,,a YQ==",                           /* no key */
        "type ",                                                   /* empty type */
        "type YQBi",                                               /* NUL */
        "t\xc3\xa4g YQ==",                                         /* a key that is no ASCII */
        "a  YQ==",                                                 /* two blanks */
        "a YQ== YQ==",                                             /* two values */
        "device MDFhMjAyMDktZDFhNS03MzUyLTljM2UtY2ViZmYwODQxMDk1", /* without its number */
        "capture_seq MTc=",                                        /* without its device */
        "capture_seq MA==,device MDFhMjAyMDktZDFhNS03MzUyLTljM2UtY2ViZmYwODQxMDk1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct bf_tus_metadata m;
        struct bf_error e = {0};
        if (bf_tus_read_metadata(bf_strz(faults[i]), &m, &e) != BF_E_INVALID_HEADER || e.n_fields == 0)
            fail_msg("\"%s\" was taken", faults[i]);
    }
}

static void metadata_has_limits(void **state)
{
    char text[BF_TUS_METADATA_MAX + 2];
    struct bf_tus_metadata m;
    size_t n = 0;
    (void)state;
    for (int i = 0; i <= BF_TUS_PAIRS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sk%d", i > 0 ? "," : "", i);
    assert_int_equal(bf_tus_read_metadata(bf_str(text, n), &m, NULL), BF_E_INVALID_HEADER);
    memset(text, 'k', sizeof text);
    assert_int_equal(bf_tus_read_metadata(bf_str(text, BF_TUS_METADATA_MAX), &m, NULL), BF_OK);
    assert_int_equal(bf_tus_read_metadata(bf_str(text, BF_TUS_METADATA_MAX + 1), &m, NULL), BF_E_INVALID_HEADER);
}

static void parts_are_named_by_paths_or_urls_in_order(void **state)
{
    struct bf_tus_concat c;
    struct bf_uuid a, b;
    (void)state;
    bf_uuid_parse(BF_STR(ID_A), &a);
    bf_uuid_parse(BF_STR(ID_B), &b);
    assert_int_equal(bf_tus_read_concat(BF_STR("partial"), &c, NULL), BF_OK);
    assert_int_equal(c.kind, BF_TUS_PARTIAL);
    assert_int_equal(bf_tus_read_concat(bf_str(NULL, 0), &c, NULL), BF_OK);
    assert_int_equal(c.kind, BF_TUS_WHOLE);
    assert_int_equal(
        bf_tus_read_concat(BF_STR("final;/v1/uploads/" ID_B " https://crm.example:8443/v1/uploads/" ID_A " /v1/uploads/" ID_B), &c, NULL), BF_OK);
    assert_int_equal(c.kind, BF_TUS_FINAL);
    assert_int_equal(c.n_parts, 3);
    assert_true(bf_uuid_eq(&c.parts[0], &b) && bf_uuid_eq(&c.parts[1], &a) && bf_uuid_eq(&c.parts[2], &b));
    assert_int_equal(c.prefix.n, 0);
    assert_int_equal(bf_tus_read_concat(BF_STR("final;https://a.example/v1/uploads/" ID_B " https://a.example/v1/uploads/" ID_A), &c, NULL), BF_OK);
    assert_true(bf_str_eq(c.prefix, BF_STR("https://a.example")));
    assert_int_equal(bf_tus_read_concat(BF_STR("final;https://a\r\nb/v1/uploads/" ID_B), &c, NULL), BF_OK);
    assert_int_equal(c.prefix.n, 0);
}

static void a_list_of_parts_with_a_fault_is_refused(void **state)
{
    static const char *const faults[] = {"", "final", "final;", "final; ", "partial;", "Final;/v1/uploads/" ID_A, "final;" ID_A, "final;/v2/uploads/" ID_A,
                                         "final;/v1/uploads/" ID_A "/", "final;x/v1/uploads/" ID_A, "final;/v1/uploads/01A20209-D1A5-7352-9C3E-CEBFF0841095"};
    char many[8 + 129 * 50] = "final;";
    struct bf_tus_concat c;
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (bf_tus_read_concat(bf_strz(faults[i]), &c, NULL) != BF_E_INVALID_HEADER)
            fail_msg("\"%s\" was taken", faults[i]);
    for (int i = 0; i < BF_STAGE_PARTS_MAX; i++)
        strcat(many, "/v1/uploads/" ID_A " ");
    assert_int_equal(bf_tus_read_concat(bf_strz(many), &c, NULL), BF_OK);
    assert_int_equal(c.n_parts, BF_STAGE_PARTS_MAX);
    strcat(many, "/v1/uploads/" ID_A);
    assert_int_equal(bf_tus_read_concat(bf_strz(many), &c, NULL), BF_E_INVALID_HEADER);
}

static void parts_and_metadata_share_the_room_of_a_stage(void **state)
{
    struct bf_arena *arena = bf_arena_create();
    char prefix[BF_TUS_PREFIX_MAX], metadata[BF_TUS_METADATA_MAX];
    (void)state;
    memset(prefix, 'p', sizeof prefix);
    memset(metadata, 'm', sizeof metadata);
    for (unsigned kind = 0; kind < 4; kind++) {
        struct bf_tus_concat c = {.kind = BF_TUS_FINAL, .prefix = bf_str(prefix, kind % 2 == 0 ? 0 : sizeof prefix)}, back;
        struct bf_str said = bf_str(metadata, kind < 2 ? 0 : sizeof metadata), rest;
        for (c.n_parts = 0; c.n_parts < BF_STAGE_PARTS_MAX; c.n_parts++)
            memset(c.parts[c.n_parts].b, (int)c.n_parts * 3, 16);
        struct bf_str packed = bf_tus_pack(arena, &c, said);
        assert_true(packed.n <= BF_STAGE_METADATA_MAX);
        assert_true(bf_tus_unpack(packed, &back, &rest));
        assert_int_equal(back.n_parts, c.n_parts);
        assert_memory_equal(back.parts, c.parts, sizeof c.parts);
        assert_true(bf_str_eq(back.prefix, c.prefix));
        assert_true(bf_str_eq(rest, said));
    }
    bf_arena_destroy(&arena);
}

static void what_is_no_list_of_parts_is_not_unpacked(void **state)
{
    static const char *const faults[] = {"type aW1hZ2UvcG5n,a", "", ";type aW1hZ2UvcG5n", "AaICCdGlc1KcPs6_8IQQlQ;\nhttps://a.example"};
    struct bf_tus_concat back;
    struct bf_str rest;
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_false(bf_tus_unpack(bf_strz(faults[i]), &back, &rest));
    assert_true(bf_tus_unpack(BF_STR("AaICCdGlc1KcPs6_8IQQlQ;"), &back, &rest));
}

static void the_path_of_an_upload_is_what_a_client_gives_back(void **state)
{
    char path[BF_TUS_PATH], header[BF_TUS_PATH + 8];
    struct bf_uuid id;
    struct bf_tus_concat c;
    (void)state;
    bf_uuid_parse(BF_STR(ID_A), &id);
    bf_tus_path(&id, path);
    assert_string_equal(path, "/v1/uploads/" ID_A);
    snprintf(header, sizeof header, "final;%s", path);
    assert_int_equal(bf_tus_read_concat(bf_strz(header), &c, NULL), BF_OK);
    assert_true(bf_uuid_eq(&c.parts[0], &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_decimal_and_small_enough_for_javascript),
        cmocka_unit_test(the_protocols_own_checksum_is_read),
        cmocka_unit_test(a_checksum_with_a_fault_is_refused),
        cmocka_unit_test(metadata_is_read_and_kept_as_it_was_sent),
        cmocka_unit_test(a_capture_names_its_installation_and_its_number),
        cmocka_unit_test(metadata_with_a_fault_is_refused),
        cmocka_unit_test(metadata_has_limits),
        cmocka_unit_test(parts_are_named_by_paths_or_urls_in_order),
        cmocka_unit_test(a_list_of_parts_with_a_fault_is_refused),
        cmocka_unit_test(parts_and_metadata_share_the_room_of_a_stage),
        cmocka_unit_test(what_is_no_list_of_parts_is_not_unpacked),
        cmocka_unit_test(the_path_of_an_upload_is_what_a_client_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
