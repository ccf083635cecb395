/* SPDX-License-Identifier: Apache-2.0 */
/* The joined configuration: main's own rows ([server], [http], [store], [workers], [decode], [log], [clock]), the HTTP client's and every
 * service's. Strings returned here live in the arena or as long as the configuration. */
#pragma once
#include "core/config.h"
#include "core/http_server.h"
#include "core/log.h"
#include "storage/storage.h"

struct bf_arena;
struct bf_daemon;

/* `path` NULL: defaults and environment only. */
enum bf_status bf_main_config_load(const char *path, struct bf_config **ret, struct bf_error *e);
/* BF_E_CONFIG: what forbids a start though every value is in its range: an address, a certificate, a store, what a service says. */
enum bf_status bf_main_config_check(const struct bf_config *config, struct bf_error *e);
void bf_main_config_print(FILE *out);

/* The directory that holds what is this machine's: store/ (of an embedded store) and its admin.sock, tls/, master.key unless configured elsewhere. */
struct bf_str bf_main_data_dir(const struct bf_config *config);
/* Makes the data directory and its tls/ (0700) when absent. */
enum bf_status bf_main_make_data_dir(const struct bf_config *config, struct bf_error *e);
void bf_main_store_config(const struct bf_config *config, struct bf_arena *arena, struct bf_store_config *ret);
void bf_main_http_config(const struct bf_config *config, const struct bf_daemon *daemon, struct bf_arena *arena, struct bf_http_config *ret);
/* Whether several processes may work on the configured store. */
bool bf_main_store_is_shared(const struct bf_config *config);
/* BF_E_CONFIG: several processes cannot work on the configured store, and `daemon` does not do everything. */
enum bf_status bf_main_check_daemon(const struct bf_config *config, const struct bf_daemon *daemon, struct bf_error *e);
enum bf_log_level bf_main_log_level(const struct bf_config *config);
/* The sandboxed decoder's program: configured, else `baifang-decode` beside this program or in ../libexec/baifang. */
const char *bf_main_decoder(const struct bf_config *config, struct bf_arena *arena);
