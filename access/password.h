/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords (ACC-04, G-10): long enough, not a common one, not made of the person's own name. Checking and hashing (Argon2id) cost tens of
 * milliseconds and belong on the password thread.
 */
#pragma once
#include "core/error.h"
#include "core/str.h"

struct bf_passwords; /* the list of common passwords */

struct bf_passwords *bf_passwords_create(void);
void bf_passwords_destroy(struct bf_passwords **passwords);
/* BF_E_UNPROCESSABLE with pointer /new_password and code too_short, common_password, contains_name or too_simple. */
enum bf_status bf_password_accept(const struct bf_passwords *passwords, struct bf_str password, struct bf_str login, unsigned chars_min,
                                  struct bf_error *e);
