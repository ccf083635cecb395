/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable creates of a visit through a store, 32 in flight: what store_bench and mongo_bench have in common.
 *
 * A create reads five documents and puts five: visit (five indexes), verdict (three), capture, the week's count, the rep's last record; its
 * receipt has about 900 bytes. Creates go to the tenants in turn.
 */
#pragma once
#include "storage/storage.h"

enum { CREATES_IN_FLIGHT = 32, CREATES_CUSTOMERS = 2000, CREATES_TENANTS_MAX = 64 };

extern const struct bf_collection *const creates_collections[];
extern const unsigned creates_n_collections;
extern const struct bf_collection *const creates_visits;
extern const struct bf_index *const creates_by_owner; /* of visits: owner, time */

struct bf_uuid creates_tenant(unsigned i);
struct bf_uuid creates_visit(unsigned n); /* the id of create number n */
struct bf_uuid creates_owner(unsigned n); /* and whose it is */
/* A visit as create number n stores it. */
struct bf_doc *creates_document(struct bf_arena *arena, struct bf_uuid tenant, unsigned n, int64_t at_ms);

struct creates_ran {
    double per_s;
    double group; /* creates in an entry */
};
/* Creates number `first` to first + n - 1, spread over the tenants. Ends the process when one fails. */
void creates_run(struct bf_store *store, unsigned tenants, unsigned first, unsigned n, struct creates_ran *ret);
