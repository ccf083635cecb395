/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/mongo/drivers.h"
#include "core/arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bf_driver_vtable chosen; /* the driver's table has no place for more */
static const char *place;

static enum bf_status open_there(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    struct bf_driver_open other = *how;
    other.place = place;
    enum bf_status status = bf__driver_mongo.open(&other, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &chosen;
    return status;
}

/* ---- faults ---- */

/* Who comes second believes that it was first. */
static enum bf_status append_whatever_is_there(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    enum bf_status status = bf__driver_mongo.append(s, append, e);
    return status == BF_E_EXISTS ? BF_OK : status;
}

/* An answer that was lost is taken for a yes. */
static enum bf_status append_hopefully(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    enum bf_status status = bf__driver_mongo.append(s, append, e);
    return status == BF_E_UNKNOWN_OUTCOME ? BF_OK : status;
}

/* Stores each request under an id that is another at each try, so that nobody finds it again. */
static enum bf_status append_anew(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    struct bf_raw_append again = *append;
    struct bf_arena *arena = bf_arena_create();
    struct bf_request_id *ids = bf_arena_calloc(arena, append->n_requests, sizeof *ids);
    for (unsigned i = 0; i < append->n_requests; i++) {
        ids[i] = append->requests[i];
        ids[i].b[15] = (uint8_t)(append->entry.n & 0xff);
        ids[i].b[14] = (uint8_t)(append->entry.n >> 8 & 0xff);
    }
    again.requests = ids;
    enum bf_status status = bf__driver_mongo.append(s, &again, e);
    bf_arena_destroy(&arena);
    return status;
}

/* Says now and then that documents follow the log, and leaves them behind. */
static enum bf_status apply_mostly(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    enum { ONE_IN = 16 };
    static atomic_uint count;
    return atomic_fetch_add(&count, 1) % ONE_IN == ONE_IN - 1 ? BF_OK : bf__driver_mongo.apply(s, applies, n, arena, e);
}

/* ---- by name ---- */

const struct bf_driver_vtable *driver_named(const char *name, const char *uri)
{
    place = uri + sizeof "mongodb:" - 1;
    chosen = bf__driver_mongo;
    chosen.open = open_there;
    if (strcmp(name, "whatever") == 0) {
        chosen.append = append_whatever_is_there;
    } else if (strcmp(name, "hopeful") == 0) {
        chosen.append = append_hopefully;
    } else if (strcmp(name, "anew") == 0) {
        chosen.append = append_anew;
    } else if (strcmp(name, "forgetful") == 0) {
        chosen.apply = apply_mostly;
    } else if (strcmp(name, "plain") != 0) {
        fprintf(stderr, "there is no driver %s\n", name);
        exit(2);
    }
    return &chosen;
}
