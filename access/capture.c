/* SPDX-License-Identifier: Apache-2.0 */
#include "access/capture.h"
#include "crm/capture.h"
#include "crm/ids.h"

enum bf_status bf_decide_capture(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_caller *caller,
                                 struct bf_uuid device, int64_t seq, struct bf_error *e)
{
    struct bf_uuid id = bf_id_capture(caller->tenant, device);
    const struct bf_doc *before = bf_view_get(view, &bf_captures, id);
    struct bf_doc *capture = before != NULL ? bf_doc_copy(arena, before) : bf_doc_create(arena, &bf_capture_schema, caller->tenant, id);
    if (before == NULL)
        bf_capture_init(&capture->object, caller->user, device);
    struct bf_uuid user = bf_get_uuid(&capture->object, BF_CAPTURE_USER);
    if (!bf_uuid_eq(&user, &caller->user))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/device", "unknown", "this installation is not the caller's");
    enum bf_status status = bf_capture_add(arena, &capture->object, seq, e);
    if (status == BF_OK)
        bf_decision_put(d, &bf_captures, capture);
    return status;
}
