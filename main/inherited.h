/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket that whoever started us opened (systemd's socket activation, sd_listen_fds(3)): it outlives us, so that nobody who connects while we
 * are started again is refused. */
#pragma once
#include "core/error.h"

/* *ret: the socket, close-on-exec and above the descriptors that children use, or 0 when none came. BF_E_CONFIG: something else came. Removes its variables
 * from the environment. */
enum bf_status bf_inherited_socket(int *ret, struct bf_error *e);
