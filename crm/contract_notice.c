/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/contract_notice.h"
#include "core/arena.h"
#include "crm/contract.h"
#include "crm/entities.h"

/* "Sent back: unreadable (page 2)". */
static struct bf_str retake_title(struct bf_arena *arena, const struct bf_object *contract, const struct bf_object *rejection, bool english)
{
    const struct bf_word *code = &bf_enum_rejection_code.words[bf_get_enum(rejection, BF_REJECTION_CODE)];
    int page = bf_has(rejection, BF_REJECTION_PAGE) ? bf_contract_find_page(contract, bf_get_uuid(rejection, BF_REJECTION_PAGE)) : -1;
    if (english)
        return bf_strz(page < 0 ? bf_arena_printf(arena, "Contract sent back: %s", code->en)
                                : bf_arena_printf(arena, "Contract sent back: %s (page %d)", code->en, page + 1));
    return bf_strz(page < 0 ? bf_arena_printf(arena, "合同退回：%s", code->zh) : bf_arena_printf(arena, "合同退回：%s（第 %d 页）", code->zh, page + 1));
}

/* Number and customer, and below them the reviewer's words. */
static struct bf_str body_of(struct bf_arena *arena, const struct bf_object *contract, const struct bf_doc *customer, struct bf_str words)
{
    struct bf_str number = bf_get_str(contract, BF_CONTRACT_NUMBER);
    struct bf_str name = customer == NULL || customer->tombstone ? bf_str("", 0) : bf_get_str(&customer->object, BF_CUSTOMER_NAME);
    return bf_strz(bf_arena_printf(arena, "%.*s · %.*s%s%.*s", BF_FMT(number), BF_FMT(name), words.n > 0 ? "\n" : "", BF_FMT(words)));
}

static void add_rejection(struct bf_arena *arena, struct bf_object *o, const struct bf_object *contract, const struct bf_object *rejection)
{
    const struct bf_object *mark =
        bf_has(rejection, BF_REJECTION_MARK) ? bf_contract_find_mark(contract, bf_get_uuid(rejection, BF_REJECTION_MARK)) : NULL;
    bf_set_object(o, BF_NOTIFICATION_REJECTION, bf_object_copy(arena, rejection));
    if (mark != NULL)
        bf_set_object(o, BF_NOTIFICATION_MARK, bf_object_copy(arena, mark));
}

struct bf_doc *bf_contract_notice(struct bf_arena *arena, struct bf_uuid id, const struct bf_doc *contract, const struct bf_doc *customer,
                                  const struct bf_doc *user, int kind, int64_t now_ms)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_notification_schema, contract->tenant, id);
    struct bf_object *o = &doc->object;
    const struct bf_object *c = &contract->object, *rejection = bf_get_object(c, BF_CONTRACT_REJECTION);
    bool english = bf_get_enum(&user->object, BF_USER_LANG) == BF_LANG_IS_EN, retake = kind == BF_NOTIFICATION_KIND_IS_RETAKE;
    bf_set_uuid(o, BF_NOTIFICATION_USER, user->id);
    bf_set_enum(o, BF_NOTIFICATION_KIND, kind);
    bf_set_uuid(o, BF_NOTIFICATION_CONTRACT, contract->id);
    bf_set_uuid(o, BF_NOTIFICATION_CUSTOMER, bf_get_uuid(c, BF_CONTRACT_CUSTOMER));
    bf_set_str(o, BF_NOTIFICATION_TITLE, retake ? retake_title(arena, c, rejection, english) : bf_strz(english ? "Contract approved" : "合同已通过"));
    bf_set_str(o, BF_NOTIFICATION_BODY, body_of(arena, c, customer, retake ? bf_get_str(rejection, BF_REJECTION_NOTE) : bf_str("", 0)));
    if (retake)
        add_rejection(arena, o, c, rejection);
    bf_set_int(o, BF_NOTIFICATION_CREATED_AT, now_ms);
    return doc;
}
