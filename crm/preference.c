/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/preference.h"

#define X(WORD, text, zh_, en_) BF_FIELD(text, OBJECT, 0, 0, 0, NORMAL, zh_, en_, .sub = &bf_ways_schema),
static const struct bf_field fields[] = {
    BF_NOTIFICATION_KIND_WORDS(X)
    BF_FIELD("mail_retired", STRING, BF_F_SERVER, 0, 120, PERSONAL, "失效的邮箱", "The address that a mail server called unknown"),
};
#undef X
const struct bf_schema bf_preference_schema = {
    .name = "preference", .zh = "通知偏好", .en = "Preferences", .version = 1, .fields = fields, .n_fields = BF_PREFERENCE_ROWS};

static bool by_default(int role, int kind, enum bf_ways_row row)
{
    if (row == BF_WAYS_PUSH)
        return true;
    return bf_str_starts(bf_strz(bf_enum_notification_kind.words[kind].word), BF_STR("digest_")) &&
           (role == BF_ROLE_IS_SUPERVISOR || role == BF_ROLE_IS_MANAGER);
}

bool bf_preference_wants(const struct bf_object *set, int role, int kind, enum bf_ways_row row)
{
    const struct bf_object *ways = set == NULL ? NULL : bf_get_object(set, (unsigned)kind);
    return ways != NULL && bf_has(ways, row) ? bf_get_bool(ways, row) : by_default(role, kind, row);
}

bool bf_preference_mail_goes(const struct bf_object *set, struct bf_str email)
{
    return email.n > 0 && (set == NULL || !bf_str_eq(bf_get_str(set, BF_PREFERENCE_MAIL_RETIRED), email));
}

static struct bf_object *ways_of(struct bf_arena *arena, struct bf_object *set, int kind)
{
    const struct bf_object *before = bf_get_object(set, (unsigned)kind);
    struct bf_object *ways = before == NULL ? bf_object_create(arena, &bf_ways_schema) : bf_object_copy(arena, before);
    bf_set_object(set, (unsigned)kind, ways);
    return ways;
}

void bf_preference_fill(struct bf_arena *arena, struct bf_object *set, int role)
{
    for (int kind = 0; kind < BF_NOTIFICATION_KIND_WORDS_N; kind++) {
        bool push = bf_preference_wants(set, role, kind, BF_WAYS_PUSH), mail = bf_preference_wants(set, role, kind, BF_WAYS_MAIL);
        struct bf_object *ways = ways_of(arena, set, kind);
        bf_set_bool(ways, BF_WAYS_PUSH, push);
        bf_set_bool(ways, BF_WAYS_MAIL, mail);
    }
}

void bf_preference_changed(struct bf_object *set, const struct bf_object *patch)
{
    for (unsigned kind = 0; kind < BF_NOTIFICATION_KIND_WORDS_N; kind++) {
        const struct bf_object *ways = patch->v[kind].type == BF_T_OBJECT ? bf_get_object(patch, kind) : NULL;
        if (ways != NULL && ways->v[BF_WAYS_MAIL].type == BF_T_BOOL && bf_get_bool(ways, BF_WAYS_MAIL))
            bf_unset(set, BF_PREFERENCE_MAIL_RETIRED);
    }
}

bool bf_preference_no_mail(struct bf_arena *arena, struct bf_object *set, int role, int kind)
{
    if (!bf_preference_wants(set, role, kind, BF_WAYS_MAIL))
        return false;
    bf_set_bool(ways_of(arena, set, kind), BF_WAYS_MAIL, false);
    return true;
}
