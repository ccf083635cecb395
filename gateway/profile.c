/* SPDX-License-Identifier: Apache-2.0 */
/* What a person keeps current about the own person (ACC-20): how to be reached, time zone and language. All else is an administrator's (PER-21). */
#include "crm/contact_means.h"
#include "gateway/internal.h"
#include <stdio.h>

static void check_rows(const struct bf_caller *caller, const struct bf_object *patch, struct bf_error *e)
{
    uint64_t rows = bf_permission_rows((int)caller->role, BF_SUBJECT_USER, /* self= */ true);
    for (unsigned row = 0; row < patch->schema->n_fields; row++) {
        char pointer[64];
        if (patch->v[row].type == BF_T_NONE || (rows & UINT64_C(1) << row))
            continue;
        snprintf(pointer, sizeof pointer, "/%s", patch->schema->fields[row].name);
        bf_fail_field(e, BF_E_FORBIDDEN, pointer, "forbidden", "an administrator keeps this");
    }
}

static void check_means(const struct bf_object *user, struct bf_error *e)
{
    struct bf_str phone = bf_get_str(user, BF_USER_PHONE), email = bf_get_str(user, BF_USER_EMAIL);
    if (phone.n > 0 && !bf_phone_is_valid(phone))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/phone", "bad_phone", "this is no telephone number");
    if (email.n > 0 && !bf_email_is_valid(email))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/email", "bad_email", "this is no email address");
}

static enum bf_status apply(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct bf_call *call = ctx;
    struct bf_error faults = {0};
    (void)view, (void)d, (void)arena, (void)before;
    check_rows(&call->caller, patch, &faults);
    if (faults.status == BF_OK)
        check_means(&after->object, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

static void change_profile(struct bf_call *call, void *service)
{
    (void)service;
    bf__patch(call, &(struct bf_change){.subject = BF_SUBJECT_USER,
                                        .coll = &bf_users,
                                        .parent_row = BF_ROW_NONE,
                                        .id = call->caller.user,
                                        .apply = apply,
                                        .ctx = call});
}

const struct bf_endpoint bf__profile_change = {.run = change_profile};
