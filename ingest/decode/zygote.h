/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that forks one child per file. It was started by exec while its parent had no threads, holds no keys and reads no input: it
 * takes jobs from its socket, starts a child for each, kills it at its deadline, and says through the job's own pipe how it ended.
 */
#pragma once

struct bf_stt;

/* Serves until the other end of `socket_fd` is closed; then kills what runs. Returns the exit status of the process. */
int bf__zygote_serve(int socket_fd, struct bf_stt *stt);
