/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: taken within its ranges, or refused with a cause. */
#include "core/config.h"
#include "tests/fuzz/fuzz.h"
#include <sys/mman.h>
#include <unistd.h>

static const struct bf_config_row rows[] = {
    {"http", "port", BF_CF_INT, "8443", 0, 65535, "", NULL, "Port"},
    {"http", "skew", BF_CF_INT, "0", -10, 10, "ms", NULL, "Skew"},
    {"http", "tls", BF_CF_BOOL, "yes", 0, 0, "", NULL, "TLS"},
    {"http", "name", BF_CF_STR, NULL, 0, 20, "", NULL, "Name"},
    {"stt", "provider", BF_CF_WORD, "off", 0, 0, "", "on|off", "Provider"},
    {"stt", "key", BF_CF_SECRET, NULL, 0, 20, "", NULL, "Key"},
};
static const struct bf_config_row *const tables[] = {rows};
static const unsigned n_rows[] = {sizeof rows / sizeof rows[0]};

static void check_values(const struct bf_config *c)
{
    EXPECT(bf_config_int(c, "http", "port") >= 0 && bf_config_int(c, "http", "port") <= 65535);
    EXPECT(bf_config_int(c, "http", "skew") >= -10 && bf_config_int(c, "http", "skew") <= 10);
    EXPECT(bf_config_str(c, "http", "name").n <= 20);
    EXPECT(bf_str_eqz(bf_config_str(c, "stt", "provider"), "on") || bf_str_eqz(bf_config_str(c, "stt", "provider"), "off"));
    EXPECT(bf_config_str(c, "stt", "key").n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    struct bf_config *config = NULL;
    struct bf_error e = {0};
    if (n > 0 && memmem(data, n, "_file", 5) != NULL) /* would open what the input names */
        return 0;
    int fd = memfd_create("config", MFD_CLOEXEC);
    EXPECT(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum bf_status status = bf_config_load(path, tables, n_rows, 1, &config, &e);
    if (status == BF_OK)
        check_values(config);
    else
        EXPECT(status == BF_E_CONFIG && e.cause[0] != '\0' && config == NULL);
    bf_config_destroy(&config);
    close(fd);
    return 0;
}
