/* SPDX-License-Identifier: Apache-2.0 */
/* How often something of each tenant changed outside the log, by this process and by others: what the poller of heads (heads.c) has to tell and has heard.
 * Thread-safe. */
#pragma once
#include "core/uuid.h"

struct bf__nudges;

struct bf__nudges *bf__nudges_create(void);
void bf__nudges_destroy(struct bf__nudges **nudges); /* NULL is fine */

/* `n` more of this process's own, of which the others are to be told. */
void bf__nudges_add(struct bf__nudges *nudges, struct bf_uuid tenant, unsigned n);
/* Takes out a tenant that others are to be told of, and how many there were; false: there is none. */
bool bf__nudges_take(struct bf__nudges *nudges, struct bf_uuid *ret_tenant, unsigned *ret_n);
/* The store counts so many: is that more than was heard of before? */
bool bf__nudges_hear(struct bf__nudges *nudges, struct bf_uuid tenant, int64_t count);
