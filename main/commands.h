/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that a person types and that end by themselves. Each prints what came of it and returns the exit status. */
#pragma once

struct bf_config;
struct bf_env;

/* A command of administration. On a store that several processes may open this one opens it, too, and carries it out; else the running server is asked,
 * and main's own (backup, check, key export) work without one, too. */
int bf_command_admin(const struct bf_env *env, const struct bf_config *config, int n, char *const *words);
int bf_command_restore(const struct bf_env *env, const struct bf_config *config, const char *backup, int without_erasures);
