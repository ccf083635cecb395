/* SPDX-License-Identifier: Apache-2.0 */
/* The server process: it has the store open, and is home to the services of its daemon. Started by the supervisor only, with their channel as descriptor 3. */
#pragma once

struct bf_config;
struct bf_daemon;
struct bf_env;

/* Serves until SIGTERM, SIGINT or the end of the channel; then drains. SIGHUP: reload. When a sync of the store failed it ends by itself within a
 * second. `socket`: a listening one to accept from, 0: none, the configuration says where. Returns the exit status of the process: 0 after a drain, 74 (EX_IOERR) after a failed sync, 78 (EX_CONFIG) when configuration or store
 * forbid a start, 1 otherwise. */
int bf_server_run(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, int channel, int socket);
