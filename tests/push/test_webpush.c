/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/env.h"
#include "push/webpush.h"
#include "tests/test.h"
#include <unistd.h>

static void unpack(const char *text, void *out, size_t n) { assert_int_equal(bf_unbase64url(bf_strz(text), out, n), (long)n); }

/* RFC 8291, section 5 and appendix A */
static const char plain_text[] = "When I grow up, I want to be a watermelon";
static const char auth_text[] = "BTBZMqHH6r4Tts7J_aSIgg";
static const char browser_public[] = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
static const char server_secret[] = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
static const char server_public[] = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
static const char salt_text[] = "DGv6ra1nlYgDCS1FRnbzlw";
static const char body_text[] =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

static void the_example_of_rfc_8291_comes_out_byte_for_byte(void **state)
{
    (void)state;
    struct bf_p256 *curve = bf_p256_create();
    struct bf_webpush_subscription to;
    uint8_t secret[BF_P256_SECRET], point[BF_P256_POINT], wanted_point[BF_P256_POINT], salt[BF_WEBPUSH_SALT];
    uint8_t wanted[144], body[BF_WEBPUSH_RECORD];
    unpack(auth_text, to.auth, sizeof to.auth);
    unpack(browser_public, to.p256dh, sizeof to.p256dh);
    unpack(server_secret, secret, sizeof secret);
    unpack(server_public, wanted_point, sizeof wanted_point);
    unpack(salt_text, salt, sizeof salt);
    unpack(body_text, wanted, sizeof wanted);
    assert_true(bf_p256_public(curve, secret, point));
    assert_memory_equal(point, wanted_point, sizeof point);
    assert_int_equal(bf__webpush_encrypt(curve, &to, secret, point, salt, bf_strz(plain_text), body), sizeof wanted);
    assert_memory_equal(body, wanted, sizeof wanted);
    bf_p256_destroy(&curve);
}

static void points_off_the_curve_and_secrets_out_of_range_are_refused(void **state)
{
    (void)state;
    struct bf_p256 *curve = bf_p256_create();
    uint8_t secret[BF_P256_SECRET], point[BF_P256_POINT], shared[32], zero[BF_P256_SECRET] = {0}, high[BF_P256_SECRET];
    unpack(server_secret, secret, sizeof secret);
    unpack(browser_public, point, sizeof point);
    assert_true(bf_p256_agree(curve, secret, point, shared));
    point[64] ^= 1;
    assert_false(bf_p256_agree(curve, secret, point, shared));
    point[64] ^= 1;
    point[0] = 2;
    assert_false(bf_p256_agree(curve, secret, point, shared));
    memset(point, 0, sizeof point); /* the point at infinity in OpenSSL's notation begins with 0 */
    assert_false(bf_p256_agree(curve, secret, point, shared));
    memset(high, 0xff, sizeof high);
    assert_false(bf_p256_public(curve, zero, point));
    assert_false(bf_p256_public(curve, high, point));
    bf_p256_destroy(&curve);
}

static void an_origin_is_written_as_rfc_6454_says(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *origin;
    } table[] = {
        {"https://fcm.googleapis.com/fcm/send/abc", "https://fcm.googleapis.com"},
        {"HTTPS://Push.Example:443/x", "https://push.example"},
        {"https://push.example:8443?x", "https://push.example:8443"},
        {"http://push.lan:80/", "http://push.lan"},
        {"http://push.lan:443/", "http://push.lan:443"},
        {"https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"},
        {"https://push.example", "https://push.example"},
        {"https://user@push.example/", NULL},
        {"https:///x", NULL},
        {"https://:443/", NULL},
        {"ftp://push.example/", NULL},
        {"https://a b/", NULL},
        {"", NULL},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        char origin[280];
        bool ok = bf__webpush_origin(bf_strz(table[i].endpoint), origin, sizeof origin);
        if (ok != (table[i].origin != NULL) || (ok && strcmp(origin, table[i].origin) != 0))
            fail_msg("%s: %s", table[i].endpoint, ok ? origin : "refused");
    }
}

struct fixture {
    struct bf_env env;
    struct bf_webpush *webpush;
    struct bf_arena *arena;
    struct bf_webpush_subscription to;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct bf_error e;
    unlink("vapid.key");
    bf_env_fake(&f->env, 1800000000000, 3);
    if (bf_webpush_open(&f->env, "vapid.key", BF_STR("mailto:a@b.example"), &f->webpush, &e) != BF_OK)
        fail_msg("%s", e.cause);
    f->arena = bf_arena_create();
    f->to.endpoint = BF_STR("https://push.example/p/1");
    unpack(browser_public, f->to.p256dh, sizeof f->to.p256dh);
    unpack(auth_text, f->to.auth, sizeof f->to.auth);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bf_webpush_close(&f->webpush);
    bf_arena_destroy(&f->arena);
    bf_env_finish(&f->env);
    free(f);
    return 0;
}

static struct bf_webpush_request make(struct fixture *f, const char *endpoint)
{
    struct bf_webpush_message message = {.payload = BF_STR("hello"), .ttl_s = 60};
    struct bf_webpush_request r = {0};
    f->to.endpoint = bf_strz(endpoint);
    assert_int_equal(bf_webpush_make(f->webpush, &f->to, &message, f->arena, &r, NULL), BF_OK);
    return r;
}

static struct bf_str token_of(const struct bf_webpush_request *r)
{
    assert_string_equal(r->headers[0].name, "authorization");
    return r->headers[0].value;
}

static void a_token_is_kept_for_its_origin_and_renewed_before_it_ends(void **state)
{
    struct fixture *f = *state;
    struct bf_webpush_request first = make(f, "https://push.example/p/1"), same = make(f, "https://push.example/p/2");
    assert_true(bf_str_eq(token_of(&first), token_of(&same)));
    struct bf_webpush_request other = make(f, "https://other.example/p/2");
    assert_false(bf_str_eq(token_of(&first), token_of(&other)));
    bf_env_fake_advance(&f->env, 6 * 3600 * 1000 - 1000);
    same = make(f, "https://push.example/p/3");
    assert_true(bf_str_eq(token_of(&first), token_of(&same)));
    bf_env_fake_advance(&f->env, 1000);
    struct bf_webpush_request renewed = make(f, "https://push.example/p/3");
    assert_false(bf_str_eq(token_of(&first), token_of(&renewed)));
}

static void tokens_of_many_origins_give_way_to_each_other(void **state)
{
    struct fixture *f = *state;
    char endpoint[64];
    for (int i = 0; i < 200; i++) {
        snprintf(endpoint, sizeof endpoint, "https://p%d.example/x", i);
        struct bf_webpush_request r = make(f, endpoint);
        assert_true(token_of(&r).n > 100);
    }
}

static void no_two_messages_share_a_key_or_a_salt(void **state)
{
    struct fixture *f = *state;
    struct bf_webpush_request a = make(f, "https://push.example/p/1"), b = make(f, "https://push.example/p/1");
    assert_int_equal(a.body.n, b.body.n);
    assert_memory_not_equal(a.body.p, b.body.p, BF_WEBPUSH_SALT);
    assert_memory_not_equal(a.body.p + 21, b.body.p + 21, BF_P256_POINT);
}

static void a_subject_that_is_no_address_is_a_fault_of_the_configuration(void **state)
{
    struct fixture *f = *state;
    struct bf_webpush *w = NULL;
    assert_int_equal(bf_webpush_open(&f->env, "vapid.key", BF_STR("ops@example"), &w, NULL), BF_E_CONFIG);
    assert_null(w);
}

static void a_topic_of_other_characters_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bf_webpush_request r;
    struct bf_webpush_message bad = {.topic = BF_STR("a b")}, long_one = {.topic = BF_STR("123456789012345678901234567890123")};
    assert_int_equal(bf_webpush_make(f->webpush, &f->to, &bad, f->arena, &r, NULL), BF_E_UNPROCESSABLE);
    assert_int_equal(bf_webpush_make(f->webpush, &f->to, &long_one, f->arena, &r, NULL), BF_E_UNPROCESSABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_8291_comes_out_byte_for_byte),
        cmocka_unit_test(points_off_the_curve_and_secrets_out_of_range_are_refused),
        cmocka_unit_test(an_origin_is_written_as_rfc_6454_says),
        TEST(a_token_is_kept_for_its_origin_and_renewed_before_it_ends),
        TEST(tokens_of_many_origins_give_way_to_each_other),
        TEST(no_two_messages_share_a_key_or_a_salt),
        TEST(a_subject_that_is_no_address_is_a_fault_of_the_configuration),
        TEST(a_topic_of_other_characters_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
