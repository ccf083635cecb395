/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config.h"
#include "tests/test.h"
#include <unistd.h>

static const struct bf_config_row http_rows[] = {
    {"http", "port", BF_CF_INT, "8443", 0, 65535, "", NULL, "TCP port; 0: any free one"},
    {"http", "tls", BF_CF_BOOL, "yes", 0, 0, "", NULL, "Serve TLS"},
    {"http", "name", BF_CF_STR, NULL, 1, 2000, "", NULL, "Host name"},
    {"http", "cert", BF_CF_PATH, NULL, 0, 0, "", NULL, "Certificate"},
    {"http", "skew_ms", BF_CF_INT, "-5", -1000, 1000, "ms", NULL, "Skew"},
};
static const struct bf_config_row stt_rows[] = {
    {"stt", "provider", BF_CF_WORD, "pocketsphinx", 0, 0, "", "pocketsphinx|openai|off", "Speech to text"},
    {"stt", "key", BF_CF_SECRET, NULL, 0, 100, "", NULL, "API key"},
    {"stt", "base", BF_CF_URI, NULL, 0, 100, "", NULL, "Database"},
};
static const struct bf_config_row *const tables[] = {http_rows, stt_rows};
static const unsigned n_rows[] = {5, 3};

static void write_text(const char *path, const void *text, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static enum bf_status load(const char *text, struct bf_config **ret, struct bf_error *e)
{
    write_text("t.ini", text, strlen(text));
    return bf_config_load("t.ini", tables, n_rows, 2, ret, e);
}

static void without_a_file_defaults_hold(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    assert_int_equal(bf_config_load(NULL, tables, n_rows, 2, &c, &e), BF_OK);
    assert_int_equal(bf_config_int(c, "http", "port"), 8443);
    assert_int_equal(bf_config_int(c, "http", "skew_ms"), -5);
    assert_true(bf_config_bool(c, "http", "tls"));
    assert_string_equal(bf_config_str(c, "http", "name").p, "");
    assert_string_equal(bf_config_str(c, "stt", "provider").p, "pocketsphinx");
    bf_config_destroy(&c);
    assert_null(c);
}

static void the_file_is_read_as_written(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    char text[1500], name[1001];
    memset(name, 'x', 1000);
    name[1000] = '\0';
    snprintf(text, sizeof text,
             "; comment\n# comment\n\n[http]\nport = 0\r\n  tls = off\nname = a ; b # c %s\n[stt]\nprovider=openai\n[http]\nskew_ms=-1000",
             name);
    assert_int_equal(load(text, &c, &e), BF_OK);
    assert_int_equal(bf_config_int(c, "http", "port"), 0);
    assert_false(bf_config_bool(c, "http", "tls"));
    assert_int_equal(bf_config_str(c, "http", "name").n, 1010);
    assert_int_equal(strncmp(bf_config_str(c, "http", "name").p, "a ; b # c x", 11), 0);
    assert_string_equal(bf_config_str(c, "stt", "provider").p, "openai");
    assert_int_equal(bf_config_int(c, "http", "skew_ms"), -1000);
    bf_config_destroy(&c);
}

static void each_mistake_is_fatal_and_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cause;
    } cases[] = {
        {"[http]\nprot = 1\n", "t.ini:2: there is no key prot in section [http]"},
        {"[htp]\nport = 1\n", "t.ini:2: there is no section [htp] (key port)"},
        {"port = 1\n", "t.ini:1: there is no section [] (key port)"},
        {"[http]\nport = 1\n\nport = 2\n", "t.ini:4: http.port was already given in line 2"},
        {"[http]\nport = 65536\n", "t.ini:2: http.port must be 0 to 65535, not 65536"},
        {"[http]\nport = -1\n", "t.ini:2: http.port must be 0 to 65535, not -1"},
        {"[http]\nport = 0x10\n", "t.ini:2: http.port must be a whole number, not \"0x10\""},
        {"[http]\nport = 99999999999999999999\n", "t.ini:2: http.port must be a whole number, not \"99999999999999999999\""},
        {"[http]\nport =\n", "t.ini:2: http.port must be a whole number, not \"\""},
        {"[http]\nport = 8443 ; TLS\n", "t.ini:2: http.port must be a whole number, not \"8443 ; TLS\""},
        {"[http]\ntls = maybe\n", "t.ini:2: http.tls must be yes or no, not \"maybe\""},
        {"[http]\nname =\n", "t.ini:2: http.name must have 1 to 2000 bytes, not 0"},
        {"[stt]\nprovider = open\n", "t.ini:2: stt.provider must be one of pocketsphinx|openai|off, not \"open\""},
        {"[stt]\nprovider = pocketsphinx|openai\n",
         "t.ini:2: stt.provider must be one of pocketsphinx|openai|off, not \"pocketsphinx|openai\""},
        {"[stt]\nkey = hunter2\n", "t.ini:2: stt.key is a secret: give key_file = PATH or set BAIFANG_STT_KEY"},
        {"[stt]\nbase = mongodb://u:hunter2@h/d\n", "t.ini:2: stt.base holds a password: give base_file = PATH or set BAIFANG_STT_BASE"},
        {"[stt]\nbase = mongodb://h/?tlsCertificateKeyFilePassword=hunter2\n",
         "t.ini:2: stt.base holds a password: give base_file = PATH or set BAIFANG_STT_BASE"},
        {"[stt]\nkey_file = /no/such/file\n", "t.ini:2: /no/such/file: No such file or directory"},
        {"[http]\nnonsense\n", "t.ini:2: neither [section] nor key = value"},
        {"[http\n", "t.ini:1: neither [section] nor key = value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bf_config *c = NULL;
        struct bf_error e = {0};
        assert_int_equal(load(cases[i].text, &c, &e), BF_E_CONFIG);
        assert_string_equal(e.cause, cases[i].cause);
        assert_null(c);
    }
}

static void a_line_too_long_or_not_text_is_refused(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    char *text = malloc(6001);
    memcpy(text, "[http]\nname = ", 14);
    memset(text + 14, 'x', 5986);
    text[6000] = '\0';
    assert_int_equal(load(text, &c, &e), BF_E_CONFIG);
    assert_string_equal(e.cause, "t.ini:2: line is longer than 4093 bytes");
    free(text);
    assert_int_equal(load("[http]\nname = \xff\n", &c, &e), BF_E_CONFIG);
    assert_string_equal(e.cause, "t.ini: not UTF-8 text");
    write_text("t.ini", "[http]\nport = 1\0\n", 17);
    assert_int_equal(bf_config_load("t.ini", tables, n_rows, 2, &c, &e), BF_E_CONFIG);
    assert_int_equal(bf_config_load("no.ini", tables, n_rows, 2, &c, &e), BF_E_CONFIG);
    assert_string_equal(e.cause, "no.ini: No such file or directory");
}

static void values_come_from_files_and_the_environment_wins(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    write_text("secret.txt", "s3cret\n\n", 8);
    assert_int_equal(load("[stt]\nkey_file = secret.txt\n[http]\nport = 1\n", &c, &e), BF_OK);
    assert_string_equal(bf_config_str(c, "stt", "key").p, "s3cret\n");
    bf_config_destroy(&c);
    setenv("BAIFANG_STT_KEY", "other", 1);
    setenv("BAIFANG_HTTP_PORT", "99", 1);
    assert_int_equal(load("[stt]\nkey_file = secret.txt\n[http]\nport = 1\n", &c, &e), BF_OK);
    assert_string_equal(bf_config_str(c, "stt", "key").p, "other");
    assert_int_equal(bf_config_int(c, "http", "port"), 99);
    bf_config_destroy(&c);
    setenv("BAIFANG_HTTP_PORT", "x", 1);
    assert_int_equal(load("", &c, &e), BF_E_CONFIG);
    assert_string_equal(e.cause, "environment variable BAIFANG_HTTP_PORT: http.port must be a whole number, not \"x\"");
    unsetenv("BAIFANG_HTTP_PORT");
    unsetenv("BAIFANG_STT_KEY");
}

static void an_address_with_a_password_comes_from_a_file_and_one_without_from_anywhere(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    write_text("base.txt", "mongodb://u:hunter2@h/d\n", 24);
    assert_int_equal(load("[stt]\nbase_file = base.txt\n", &c, &e), BF_OK);
    assert_string_equal(bf_config_str(c, "stt", "base").p, "mongodb://u:hunter2@h/d");
    bf_config_destroy(&c);
    assert_int_equal(load("[stt]\nbase = mongodb://u@h:27017,i:27017/d?authMechanism=MONGODB-X509\n", &c, &e), BF_OK);
    bf_config_destroy(&c);
}

static void a_secret_too_long_is_not_shown(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    char secret[200];
    memset(secret, 'q', sizeof secret);
    write_text("secret.txt", secret, sizeof secret);
    assert_int_equal(load("[stt]\nkey_file = secret.txt\n", &c, &e), BF_E_CONFIG);
    assert_null(strstr(e.cause, "qq"));
}

static void the_sample_loads_and_gives_the_defaults(void **state)
{
    (void)state;
    struct bf_config *c;
    struct bf_error e;
    FILE *f = fopen("sample.ini", "w+");
    bf_config_print_sample(f, tables, n_rows, 2);
    rewind(f);
    char text[4096];
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    assert_non_null(strstr(text, "[http]\n# TCP port; 0: any free one\n# 0 to 65535.\n#port = 8443\n"));
    assert_non_null(strstr(text, "# -1000 to 1000 ms.\n#skew_ms = -5\n"));
    assert_non_null(strstr(text, "# One of pocketsphinx|openai|off.\n#provider = pocketsphinx\n"));
    assert_non_null(strstr(text, "#key_file = \n"));
    assert_int_equal(bf_config_load("sample.ini", tables, n_rows, 2, &c, &e), BF_OK);
    assert_int_equal(bf_config_int(c, "http", "port"), 8443);
    bf_config_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_defaults_hold),
        cmocka_unit_test(the_file_is_read_as_written),
        cmocka_unit_test(each_mistake_is_fatal_and_named_with_its_line),
        cmocka_unit_test(a_line_too_long_or_not_text_is_refused),
        cmocka_unit_test(values_come_from_files_and_the_environment_wins),
        cmocka_unit_test(an_address_with_a_password_comes_from_a_file_and_one_without_from_anywhere),
        cmocka_unit_test(a_secret_too_long_is_not_shown),
        cmocka_unit_test(the_sample_loads_and_gives_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
