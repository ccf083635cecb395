/* SPDX-License-Identifier: Apache-2.0 */
/* The people and customers that an answer names by id, so that whoever may read the record sees who and what it is about. Not for other modules. */
#pragma once
#include "gateway/internal.h"

enum { BF__NAMES_MAX = 200 };

struct bf__names {
    struct bf_uuid users[BF__NAMES_MAX], customers[BF__NAMES_MAX];
    unsigned n_users, n_customers;
    bool any_customer; /* else those that the caller may read: a reviewer sees whose contract it is */
};
void bf__names_add_user(struct bf__names *names, struct bf_uuid user);
void bf__names_add_customer(struct bf__names *names, struct bf_uuid customer);
/* What a customer, a visit or a task names. */
void bf__names_add_record(struct bf__names *names, const struct bf_object *record);
/* "names": {id: name} */
enum bf_status bf__names_write(struct bf_call *call, const struct bf__names *names, struct bf_jw *w, struct bf_error *e);

/* GET of the record of the path, whole, with its names. Ends the call. */
void bf__read_with_names(struct bf_call *call, enum bf_subject subject, const struct bf_collection *coll);
