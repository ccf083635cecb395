/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/sample.h"
#include "core/arena.h"

static const struct bf_word kind_words[] = {{"call", "电话", "Call"}, {"visit", "拜访", "Visit"}, {"mail", "邮件", "Mail"}};
static const struct bf_enum kinds = {.name = "kind", .words = kind_words, .n_words = 3};

static const struct bf_field place_fields[P_ROWS] = {
    [P_CITY] = BF_FIELD("city", STRING, BF_F_REQUIRED, 1, 10, NORMAL, "城市", "City"),
    [P_STREET] = BF_FIELD("street", STRING, 0, 0, 10, PERSONAL, "街道", "Street"),
    [P_SECRET] = BF_FIELD("secret", STRING, BF_F_HIDDEN, 0, 10, NORMAL, "内部", "Internal"),
};

const struct bf_schema sample_place = {
    .name = "place", .zh = "地点", .en = "Place", .version = 1, .fields = place_fields, .n_fields = P_ROWS};

static bool is_mail(const struct bf_object *o) { return bf_get_enum(o, S_KIND) == KIND_MAIL; }

static const struct bf_field fields[S_ROWS] = {
    [S_NAME] = BF_FIELD("name", STRING, BF_F_REQUIRED, 1, 20, NORMAL, "名称", "Name"),
    [S_DONE] = BF_FIELD("done", BOOL, 0, 0, 0, NORMAL, "完成", "Done"),
    [S_COUNT] = BF_FIELD("count", INT, 0, -5, 1000, NORMAL, "数量", "Count"),
    [S_SCORE] = BF_FIELD("score", DOUBLE, 0, 0, 10, NORMAL, "得分", "Score"),
    [S_KIND] = BF_FIELD("kind", ENUM, 0, 0, 0, NORMAL, "方式", "Kind", .words = &kinds),
    [S_AT] = BF_FIELD("at", TIME, 0, 0, 0, NORMAL, "时间", "At"),
    [S_DAY] = BF_FIELD("day", DATE, 0, 0, 0, NORMAL, "日期", "Day"),
    [S_WALL] = BF_FIELD("wall", WALL, 0, 0, 0, NORMAL, "当地时间", "Wall time"),
    [S_ZONE] = BF_FIELD("tz", ZONE, 0, 0, 0, NORMAL, "时区", "Time zone"),
    [S_OWNER] = BF_FIELD("owner_id", UUID, BF_F_CREATE_ONLY | BF_F_V7, 0, 0, NORMAL, "负责人", "Owner"),
    [S_HASH] = BF_FIELD("hash", SHA256, 0, 0, 0, NORMAL, "校验和", "Hash"),
    [S_BLOB] = BF_FIELD("blob", BYTES, 0, 0, 8, NORMAL, "数据", "Blob"),
    [S_PLACE] = BF_FIELD("place", OBJECT, 0, 0, 0, NORMAL, "地点", "Place", .sub = &sample_place),
    [S_TAGS] = BF_FIELD("tags", ARRAY, 0, 0, 3, NORMAL, "标签", "Tags", .elem = BF_T_STRING, .elem_min = 1, .elem_max = 5),
    [S_PLACES] = BF_FIELD("places", ARRAY, 0, 0, 2, NORMAL, "地点", "Places", .elem = BF_T_OBJECT, .sub = &sample_place),
    [S_KINDS] = BF_FIELD("kinds", ARRAY, 0, 0, 2, NORMAL, "方式", "Kinds", .elem = BF_T_ENUM, .words = &kinds),
    [S_PHONE] = BF_FIELD("phone", STRING, 0, 0, 20, PERSONAL, "电话", "Phone"),
    [S_AMOUNT] = BF_FIELD("amount", INT, 0, 0, INT64_MAX, FINANCE, "金额", "Amount"),
    [S_REASON] =
        BF_FIELD("reason", STRING, 0, 0, 20, NORMAL, "原因", "Reason", .required_when = is_mail, .required_prose = "when kind is mail"),
    [S_STATE] = BF_FIELD("state", STRING, BF_F_SERVER | BF_F_REQUIRED, 0, 20, NORMAL, "状态", "State"),
    [S_INTERNAL] = BF_FIELD("internal", STRING, BF_F_HIDDEN, 0, 20, NORMAL, "内部", "Internal"),
    [S_PASSWORD] = BF_FIELD("password", STRING, BF_F_WRITE_ONLY | BF_F_SECRET, 0, 20, NORMAL, "密码", "Password"),
};

const struct bf_schema sample_schema = {.name = "sample", .zh = "样本", .en = "Sample", .version = 1, .fields = fields, .n_fields = S_ROWS};

static void set_lists(struct bf_arena *arena, struct bf_object *o)
{
    struct bf_value *tags = bf_arena_calloc(arena, 2, sizeof *tags);
    tags[0] = (struct bf_value){.type = BF_T_STRING, .s = BF_STR("a")};
    tags[1] = (struct bf_value){.type = BF_T_STRING, .s = BF_STR("\xe4\xb8\xad")};
    bf_set_array(o, S_TAGS, tags, 2);
    struct bf_object *place = bf_object_create(arena, &sample_place);
    bf_set_str(place, P_CITY, BF_STR("Urumqi"));
    bf_set_str(place, P_STREET, BF_STR("Road 1"));
    bf_set_str(place, P_SECRET, BF_STR("x"));
    bf_set_object(o, S_PLACE, place);
    struct bf_value *places = bf_arena_calloc(arena, 1, sizeof *places);
    places[0] = (struct bf_value){.type = BF_T_OBJECT, .object = place};
    bf_set_array(o, S_PLACES, places, 1);
    struct bf_value *words = bf_arena_calloc(arena, 2, sizeof *words);
    words[0] = (struct bf_value){.type = BF_T_ENUM, .i = KIND_MAIL};
    words[1] = (struct bf_value){.type = BF_T_ENUM, .i = KIND_CALL};
    bf_set_array(o, S_KINDS, words, 2);
}

struct bf_object *sample_full(struct bf_arena *arena)
{
    struct bf_object *o = bf_object_create(arena, &sample_schema);
    uint8_t hash[32];
    struct bf_uuid owner;
    for (int i = 0; i < 32; i++)
        hash[i] = (uint8_t)i;
    bf_uuid_parse(BF_STR("0192f0a1-7b2c-7d3e-8f40-0123456789ab"), &owner);
    bf_set_str(o, S_NAME, BF_STR("Zhang \"San\""));
    bf_set_bool(o, S_DONE, true);
    bf_set_int(o, S_COUNT, -3);
    bf_set_double(o, S_SCORE, 2.5);
    bf_set_enum(o, S_KIND, KIND_VISIT);
    bf_set_int(o, S_AT, 1795323600000);
    bf_set_str(o, S_DAY, BF_STR("2026-11-22"));
    bf_set_str(o, S_WALL, BF_STR("2026-11-22T13:00"));
    bf_set_str(o, S_ZONE, BF_STR("Asia/Shanghai"));
    bf_set_uuid(o, S_OWNER, owner);
    bf_set_sha256(o, S_HASH, hash);
    bf_set_str(o, S_BLOB, BF_STR("\x00\xff\x10"));
    set_lists(arena, o);
    bf_set_str(o, S_PHONE, BF_STR("13800000000"));
    bf_set_int(o, S_AMOUNT, 9007199254740993);
    bf_set_str(o, S_REASON, BF_STR(""));
    bf_set_str(o, S_STATE, BF_STR("open"));
    bf_set_str(o, S_INTERNAL, BF_STR("inner"));
    bf_set_str(o, S_PASSWORD, BF_STR("hunter2"));
    return o;
}
