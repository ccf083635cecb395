/* SPDX-License-Identifier: Apache-2.0 */
/* The server process: owner of the store, home of every service. Started by the supervisor only, with their channel as descriptor 3. */
#pragma once

struct bf_config;
struct bf_env;

/* Serves until SIGTERM, SIGINT or the end of the channel; then drains. SIGHUP: reload. Returns the exit status of the process: 0 after a drain,
 * 78 (EX_CONFIG) when configuration or store forbid a start, 1 otherwise. */
int bf_server_run(const struct bf_env *env, const struct bf_config *config, int channel);
