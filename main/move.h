/* SPDX-License-Identifier: Apache-2.0 */
/* `baifang move`: the words behind the verb, and their doing. Returns the exit status. */
#pragma once

struct bf_config;
struct bf_env;

int bf_command_move(const struct bf_env *env, const struct bf_config *config, int n, char *const *words);
