/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "core/error.h"
#include "core/str.h"

/* Is it "ADDRESS:PORT" or "[ADDRESS]:PORT" with a numeric address? BF_E_CONFIG when not. */
enum bf_status bf__listen_check(struct bf_str where, struct bf_error *e);
/* A listening socket with SO_REUSEPORT. *port: the port to bind when not 0; else, for the first one, set to the one taken, and refused when
 * somebody else listens there. */
enum bf_status bf__listen(struct bf_str where, unsigned *port, int *ret_fd, struct bf_error *e);
/* The same socket once more, for a loop of its own: `socket` listens already. Sets *port to its. */
enum bf_status bf__listen_take(int socket, unsigned *port, int *ret_fd, struct bf_error *e);
/* How many of `wanted` connections the limit of descriptors allows; raises the soft limit to the hard one. */
unsigned bf__listen_capacity(unsigned wanted);
