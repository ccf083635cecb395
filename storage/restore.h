/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "storage/internal.h"

/* Erases from a restored store, which nobody serves yet, what was erased after its backup was made: documents first, by entries of their own, then
 * the keys. `key_file`: beside it stands the register. BF_E_CONFIG when that is
 * older than the backup. Done again, it changes nothing. */
enum bf_status bf__restore_erase(struct bf_store *store, const char *key_file, struct bf_error *e);
/* A request id of the restore's own. */
struct bf_request_id bf__restore_request(const struct bf_env *env);
