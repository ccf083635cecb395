/* SPDX-License-Identifier: Apache-2.0 */
/* What the media suite stands on: a store that can be closed and opened again, at a clock the test moves. One source file per driver gives it; the
 * suite itself knows none. */
#pragma once
#include "core/env.h"
#include "storage/media.h"

struct rig {
    struct bf_env env;
    struct bf_store *store;
    void *impl;
};

enum { RIG_TTL_MS = 3600 * 1000, RIG_QUOTA = 8 << 20 };

void rig_open(struct rig *rig); /* a new store, empty, with the limits above */
void rig_reopen(struct rig *rig);
void rig_close(struct rig *rig);
