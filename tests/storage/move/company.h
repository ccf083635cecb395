/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made-up companies with all that a store can hold: records changed and deleted, a subject whose key was destroyed, fields that only a newer build knows,
 * documents outside the log, media of records and of uploads. And all of a store as one text, to be held against another's.
 */
#pragma once
#include "storage/internal.h"
#include "tests/storage/media/uploads.h"

enum { COMPANY_COLLECTIONS = 4, COMPANY_MAX = 4 };

/* As this build has them, and as a newer one that writes a field more. */
extern const struct bf_collection *const company_collections[COMPANY_COLLECTIONS], *const company_newer_collections[COMPANY_COLLECTIONS];

struct companies {
    unsigned n, entries, notes; /* how many companies; of each: at least so many entries, and documents outside the log */
    bool has_media;
};

/* Into a new store that was opened with the newer collections. */
void companies_fill(const struct companies *companies, struct bf_store *store, struct home *home);
/* One change of company `c` more, under the request number; *ret_replay: it was there. */
void company_change(struct bf_store *store, unsigned c, unsigned request, bool *ret_replay);
struct bf_uuid company_id(unsigned c), company_customer(unsigned c, unsigned n);
void company_forget_note(struct bf_store *store, unsigned c, unsigned note);

/* Every document, entry, request and fact, read by the driver's own means, and the content of media, read as a holder does. */
struct bf_str companies_dump(const struct companies *companies, struct bf_store *store, struct bf_arena *arena);
/* Fails the test where two of them differ, and shows the first line that does. */
void companies_expect_same(struct bf_str had, struct bf_str got);
void companies_expect_sound(struct bf_store *store); /* by bf_store_check */
