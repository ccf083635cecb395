/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crypto.h"
#include "core/crypto_internal.h"
#include "core/env.h"
#include "tests/test.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* Hex digits to bytes in a buffer of the test; "" is empty. */
static struct bf_str bytes(uint8_t *buffer, size_t max, const char *hex)
{
    size_t n = strlen(hex) / 2;
    assert_true(n <= max && bf_unhex(bf_strz(hex), buffer, n));
    return bf_str((const char *)buffer, n);
}

static void assert_hex(const uint8_t *p, size_t n, const char *expected)
{
    char text[513];
    assert_true(n <= 256);
    bf_hex(p, n, text);
    assert_string_equal(text, expected);
}

static void sha_256_gives_the_examples_of_fips_180_4(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    uint8_t out[BF_SHA256_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bf_sha256(cases[i][0], strlen(cases[i][0]), out);
        assert_hex(out, sizeof out, cases[i][1]);
    }
}

static void a_saved_hash_state_goes_on_where_it_was(void **state)
{
    (void)state;
    struct bf_hash_state s, saved;
    uint8_t out[BF_SHA256_BYTES];
    bf_hash_init(&s);
    for (int i = 0; i < 1000000; i += 1000) { /* FIPS 180-4: a million times 'a'; saved and restored at odd places */
        char chunk[1000];
        memset(chunk, 'a', sizeof chunk);
        bf_hash_add(&s, chunk, (size_t)(i / 1000 % 64) + 1);
        memcpy(&saved, &s, sizeof s);
        memset(&s, 0xee, sizeof s);
        memcpy(&s, &saved, sizeof s);
        bf_hash_add(&s, chunk, 1000 - (size_t)(i / 1000 % 64) - 1);
    }
    bf_hash_end(&s, out);
    assert_hex(out, sizeof out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void hmac_matches_rfc_4231_with_keys_of_our_length(void **state)
{
    (void)state;
    struct bf_key key = {{0}};
    uint8_t out[BF_SHA256_BYTES];
    memset(key.b, 0x0b, 20); /* case 1: a shorter key is padded with zeros, as ours is */
    bf_hmac_sha256(&key, "Hi There", 8, out);
    assert_hex(out, sizeof out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    memset(key.b, 0, sizeof key.b);
    memcpy(key.b, "Jefe", 4); /* case 2 */
    bf_hmac_sha256(&key, "what do ya want for nothing?", 28, out);
    assert_hex(out, sizeof out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void hkdf_matches_rfc_5869(void **state)
{
    (void)state;
    static const struct {
        const char *from, *salt, *info, *out;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
         "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
         "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
         "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
         "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t from[80], salt[80], info[80], out[82];
        size_t n = strlen(cases[i].out) / 2;
        bf__hkdf_sha256(bytes(salt, sizeof salt, cases[i].salt), bytes(from, sizeof from, cases[i].from),
                        bytes(info, sizeof info, cases[i].info), out, n);
        assert_hex(out, n, cases[i].out);
    }
}

static void derived_keys_differ_by_purpose_and_context(void **state)
{
    (void)state;
    struct bf_key root = {{1}}, a, b;
    bf_key_derive(&root, "log", "xy", 2, &a);
    bf_key_derive(&root, "log", "xy", 2, &b);
    assert_memory_equal(a.b, b.b, sizeof a.b);
    bf_key_derive(&root, "logx", "y", 1, &b);
    assert_memory_not_equal(a.b, b.b, sizeof a.b);
    bf_key_derive(&root, "log", "xz", 2, &b);
    assert_memory_not_equal(a.b, b.b, sizeof a.b);
}

/* The GCM specification of McGrew and Viega, 256-bit test cases 13 to 16, which NIST took over. */
static const struct {
    const char *key, *nonce, *plain, *aad, *sealed, *tag;
} gcm_cases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255", "",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void aes_256_gcm_gives_the_published_vectors_again_and_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gcm_cases / sizeof gcm_cases[0]; i++) {
        uint8_t k[32], nonce[12], plain[64], aad[32], sealed[64], back[64], tag[16];
        struct bf_key key;
        bytes(k, sizeof k, gcm_cases[i].key);
        memcpy(key.b, k, sizeof k);
        bytes(nonce, sizeof nonce, gcm_cases[i].nonce);
        struct bf_str p = bytes(plain, sizeof plain, gcm_cases[i].plain), a = bytes(aad, sizeof aad, gcm_cases[i].aad);
        struct bf_gcm *gcm = bf_gcm_create(&key);
        for (int round = 0; round < 3; round++) { /* the context is used again after success and after failure */
            bf_gcm_seal(gcm, nonce, a, p.p, p.n, sealed, tag);
            assert_hex(sealed, p.n, gcm_cases[i].sealed);
            assert_hex(tag, sizeof tag, gcm_cases[i].tag);
            assert_true(bf_gcm_open(gcm, nonce, a, sealed, p.n, tag, back));
            assert_memory_equal(back, plain, p.n);
            tag[15] ^= 1;
            assert_false(bf_gcm_open(gcm, nonce, a, sealed, p.n, tag, back));
        }
        bf_gcm_destroy(&gcm);
        assert_null(gcm);
    }
}

static void sealed_data_opens_only_whole_and_in_its_place(void **state)
{
    (void)state;
    struct bf_env env;
    struct bf_key key, other;
    struct bf_error e;
    uint8_t sealed[5 + BF_SEAL_OVERHEAD], out[sizeof sealed];
    size_t n = 99;
    bf_env_fake(&env, 0, 7);
    bf_key_random(&env, &key);
    bf_key_random(&env, &other);
    bf_seal(&env, &key, BF_STR("here"), "hello", 5, sealed);
    assert_int_equal(bf_unseal(&key, BF_STR("here"), sealed, sizeof sealed, out, &n, &e), BF_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(bf_unseal(&other, BF_STR("here"), sealed, sizeof sealed, out, &n, &e), BF_E_CORRUPT);
    assert_int_equal(bf_unseal(&key, BF_STR("there"), sealed, sizeof sealed, out, &n, &e), BF_E_CORRUPT);
    assert_int_equal(bf_unseal(&key, BF_STR("here"), sealed, sizeof sealed - 1, out, &n, &e), BF_E_CORRUPT);
    assert_int_equal(bf_unseal(&key, BF_STR("here"), sealed, BF_SEAL_OVERHEAD - 1, out, &n, &e), BF_E_CORRUPT);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x10;
        assert_int_equal(bf_unseal(&key, BF_STR("here"), sealed, sizeof sealed, out, &n, &e), BF_E_CORRUPT);
        sealed[i] ^= 0x10;
    }
    bf_env_finish(&env);
}

static void sealed_data_opens_in_place_at_every_shift(void **state)
{
    (void)state;
    struct bf_env env;
    struct bf_key key = {{3}};
    struct bf_error e;
    enum { N = 1000, SHIFT = 12 };
    uint8_t plain[N], room[N + BF_SEAL_OVERHEAD + SHIFT];
    bf_env_fake(&env, 0, 8);
    bf_random(&env, plain, sizeof plain);
    for (size_t shift = 0; shift <= SHIFT; shift++) {
        size_t n = 0;
        bf_seal(&env, &key, BF_STR(""), plain, N, room);
        assert_int_equal(bf_unseal(&key, BF_STR(""), room, N + BF_SEAL_OVERHEAD, room + shift, &n, &e), BF_OK);
        assert_int_equal(n, N);
        assert_memory_equal(room + shift, plain, N);
    }
    bf_env_finish(&env);
}

static void passwords_are_hashed_with_argon2id(void **state)
{
    (void)state;
    char hash[BF_PASSWORD_HASH_MAX];
    struct bf_error e;
    assert_int_equal(bf_password_hash(BF_STR("correct horse"), 1, 8192, hash, &e), BF_OK);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=8,t=1,p=1$", 27), 0);
    assert_true(bf_password_check(hash, BF_STR("correct horse")));
    assert_false(bf_password_check(hash, BF_STR("correct horsE")));
    assert_false(bf_password_check("", BF_STR("")));
    assert_false(bf_password_check("$argon2id$v=19$m=8,t=1,p=1$", BF_STR("x")));
    assert_false(bf_password_needs_rehash(hash, 1, 8192));
    assert_true(bf_password_needs_rehash(hash, 2, 8192));
    assert_true(bf_password_needs_rehash("nonsense", 1, 8192));
}

static void a_key_file_is_made_once_and_kept_private(void **state)
{
    (void)state;
    const char *path = "key_file";
    struct bf_env env;
    struct bf_key a, b;
    struct bf_error e;
    struct stat st;
    bf_env_system(&env);
    unlink(path);
    assert_int_equal(bf_key_file(&env, path, false, &a, &e), BF_E_IO);
    assert_int_equal(bf_key_file(&env, path, true, &a, &e), BF_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(bf_key_file(&env, path, true, &b, &e), BF_OK);
    assert_memory_equal(a.b, b.b, sizeof a.b);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(bf_key_file(&env, path, true, &b, &e), BF_E_CONFIG);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(bf_key_file(&env, path, true, &b, &e), BF_E_CONFIG);
    assert_int_equal(bf_key_file(&env, "no/such/dir/key", true, &b, &e), BF_E_IO);
    bf_env_finish(&env);
}

struct racer {
    struct bf_env *env;
    struct bf_key key;
    enum bf_status status;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    r->status = bf_key_file(r->env, "race_key", true, &r->key, NULL);
    return NULL;
}

static void racing_creators_agree_on_one_key(void **state)
{
    (void)state;
    struct bf_env env;
    struct racer racers[4];
    pthread_t threads[4];
    bf_env_system(&env);
    unlink("race_key");
    for (int i = 0; i < 4; i++) {
        racers[i].env = &env;
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(racers[i].status, BF_OK);
        assert_memory_equal(racers[i].key.b, racers[0].key.b, BF_KEY_BYTES);
    }
    bf_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_256_gives_the_examples_of_fips_180_4),
        cmocka_unit_test(a_saved_hash_state_goes_on_where_it_was),
        cmocka_unit_test(hmac_matches_rfc_4231_with_keys_of_our_length),
        cmocka_unit_test(hkdf_matches_rfc_5869),
        cmocka_unit_test(derived_keys_differ_by_purpose_and_context),
        cmocka_unit_test(aes_256_gcm_gives_the_published_vectors_again_and_again),
        cmocka_unit_test(sealed_data_opens_only_whole_and_in_its_place),
        cmocka_unit_test(sealed_data_opens_in_place_at_every_shift),
        cmocka_unit_test(passwords_are_hashed_with_argon2id),
        cmocka_unit_test(a_key_file_is_made_once_and_kept_private),
        cmocka_unit_test(racing_creators_agree_on_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
