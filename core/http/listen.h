/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "core/error.h"
#include "core/str.h"

/* A listening socket for "ADDRESS:PORT" or "[ADDRESS]:PORT" with SO_REUSEPORT. *port: the port to bind when not 0, else set to the one
 * taken. */
enum bf_status bf__listen(struct bf_str where, unsigned *port, int *ret_fd, struct bf_error *e);
/* How many of `wanted` connections the limit of descriptors allows; raises the soft limit to the hard one. */
unsigned bf__listen_capacity(unsigned wanted);
