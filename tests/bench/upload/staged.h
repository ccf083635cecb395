/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads through the stage layer without HTTP, several at a time: each chunk is opened, sent in pieces of 16 KiB as TLS gives them, synced and closed, as
 * requests do. Each upload is a small state machine on its home, as on an HTTP loop.
 */
#pragma once
#include "core/env.h"
#include "core/pool.h"
#include "storage/media.h"

enum { STAGED_MAX = 8, STAGED_PIECE = 16384, STAGED_HOMES = 2 };

struct staged_load {
    const uint8_t *content; /* 1 MiB, repeated */
    size_t total, cadence;  /* bytes of each upload, and of a chunk */
    unsigned uploads;
};

struct staged_ran {
    double s; /* it took */
    struct bf_uuid ids[STAGED_MAX];
};

/* Sends and finishes them. Ends the process when something fails. */
void staged_run(const struct bf_env *env, struct bf_store *store, struct bf_pool **homes, const struct staged_load *load, struct staged_ran *ret);
void staged_delete(struct bf_store *store, const struct staged_load *load, const struct staged_ran *ran);
