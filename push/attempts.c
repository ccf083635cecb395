/* SPDX-License-Identifier: Apache-2.0 */
#include "push/internal.h"

#define X(WORD, text, zh_, en_) {.word = text, .zh = zh_, .en = en_},
static const struct bf_word words[] = {BF_ATTEMPT_STATE_WORDS(X)};
#undef X
const struct bf_enum bf__enum_attempt_state = {.name = "attempt_state", .words = words, .n_words = BF_ATTEMPT_STATES};

#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field fields[] = {BF_ATTEMPT_FIELDS(F)};
#undef F
const struct bf_schema bf__attempt_schema = {
    .name = "attempt", .zh = "推送尝试", .en = "Push attempt", .version = 1, .fields = fields, .n_fields = BF_ATTEMPT_ROWS};

static const struct bf_index by_user = {.name = "user", .fields = {BF_ATTEMPT_USER, BF_ATTEMPT_LAST_AT}, .n_fields = 2};
static const struct bf_index *const indexes[] = {&by_user};
const struct bf_collection bf__attempts = {.name = "push_attempts",
                                           .schema = &bf__attempt_schema,
                                           .cls = BF_TENANT_COLLECTION,
                                           .subject = BF_ROW_NONE,
                                           .owner = BF_ROW_NONE,
                                           .team = BF_ROW_NONE,
                                           .indexes = indexes,
                                           .n_indexes = 1};

struct bf_uuid bf__attempt_id(struct bf_uuid tenant, struct bf_uuid notification, struct bf_uuid device)
{
    struct bf_uuid name[3] = {tenant, notification, device};
    return bf_uuid_from_name(name, sizeof name);
}
