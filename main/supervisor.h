/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baifang serve`, and each of the daemons: keeps one server process and its sandbox processes, where it decodes, alive. It has one thread, reads no input from the network and holds no
 * keys; everything is forked from here, so nothing ever forks from a process with threads.
 *
 *   start --> server up --ready--> serving --died--> restarted: after 100 ms, doubling while runs are shorter than 10 s, at most 10 s
 *                |                    |
 *                +--died: give up     +--SIGTERM, SIGINT: drain, then end
 *
 * A server that dies before it was ever ready is not tried again: its configuration or its store is wrong, and the exit status says so. SIGHUP goes on
 * to the server. systemd's watchdog is fed while the server says that its event loops get on; while there is none that was ready, by the supervisor itself.
 * A listening socket that systemd opened goes to each server in turn (inherited.h). When the supervisor itself dies, the server sees the end of their socket and drains.
 */
#pragma once
#include "core/error.h"

struct bf_config;
struct bf_daemon;
struct bf_env;

/* Serves until told to stop. `config_path` may be NULL. Returns the exit status of the process. */
int bf_supervisor_run(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, const char *config_path);
