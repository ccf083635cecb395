/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"
#include "push/internal.h"

enum { IDS_MAX = 20, BODY_BYTES_MAX = 1500, WHOLE_BODY = 8000 };

struct bf_str bf__cut(struct bf_str s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return bf_str(s.p, max);
}

static void write_ids(struct bf_jw *w, struct bf_array ids)
{
    bf_jw_array(w);
    for (unsigned i = 0; i < ids.n && i < IDS_MAX; i++)
        bf_jw_uuid(w, &ids.items[i].uuid);
    bf_jw_end_array(w);
}

static void write_object(struct bf_jw *w, const char *key, const struct bf_object *o)
{
    if (o == NULL)
        return;
    bf_jw_key(w, key);
    bf_jw_object(w);
    bf_jw_fields(w, o, 1u << BF_C_NORMAL);
    bf_jw_end_object(w);
}

/* Of a review: what to take again, and where on the page. */
static void write_contract(struct bf_jw *w, const struct bf_object *o)
{
    struct bf_uuid contract = bf_get_uuid(o, BF_NOTIFICATION_CONTRACT);
    if (bf_uuid_is_zero(&contract))
        return;
    bf_jw_key(w, "contract");
    bf_jw_uuid(w, &contract);
    write_object(w, "rejection", bf_get_object(o, BF_NOTIFICATION_REJECTION));
    write_object(w, "mark", bf_get_object(o, BF_NOTIFICATION_MARK));
}

/* Whom it tells is known to a phone. */
static void write_person(struct bf_jw *w, const struct bf_object *o)
{
    struct bf_uuid user = bf_get_uuid(o, BF_NOTIFICATION_USER);
    bf_jw_key(w, "user");
    bf_jw_uuid(w, &user);
    bf_jw_key(w, "created_at");
    bf_jw_time(w, bf_get_int(o, BF_NOTIFICATION_CREATED_AT));
}

static struct bf_str write_message(const struct bf_doc *notification, size_t body_max, bool with_person, struct bf_arena *arena)
{
    const struct bf_object *o = &notification->object;
    struct bf_uuid customer = bf_get_uuid(o, BF_NOTIFICATION_CUSTOMER);
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 64 * 1024);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "id");
    bf_jw_uuid(&w, &notification->id);
    bf_jw_key(&w, "kind");
    bf_jw_str(&w, bf_strz(bf_enum_notification_kind.words[bf_get_enum(o, BF_NOTIFICATION_KIND)].word));
    bf_jw_key(&w, "title");
    bf_jw_str(&w, bf_get_str(o, BF_NOTIFICATION_TITLE));
    bf_jw_key(&w, "body");
    bf_jw_str(&w, bf__cut(bf_get_str(o, BF_NOTIFICATION_BODY), body_max));
    bf_jw_key(&w, "reminders");
    write_ids(&w, bf_get_array(o, BF_NOTIFICATION_REMINDERS));
    if (!bf_uuid_is_zero(&customer)) {
        bf_jw_key(&w, "customer");
        bf_jw_uuid(&w, &customer);
    }
    write_contract(&w, o);
    if (bf_has(o, BF_NOTIFICATION_TASK)) {
        struct bf_uuid task = bf_get_uuid(o, BF_NOTIFICATION_TASK);
        bf_jw_key(&w, "task");
        bf_jw_uuid(&w, &task);
    }
    if (with_person)
        write_person(&w, o);
    bf_jw_end_object(&w);
    struct bf_str json = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    return json;
}

/* Escapes may make the words longer than they are. */
struct bf_str bf__message(const struct bf_doc *notification, struct bf_arena *arena)
{
    struct bf_str json = {NULL, 0};
    size_t body_max = BODY_BYTES_MAX;
    do {
        json = write_message(notification, body_max, /* with_person= */ false, arena);
        body_max /= 2;
    } while (json.n > BF_WEBPUSH_PAYLOAD_MAX);
    return json;
}

struct bf_str bf__webhook_message(const struct bf_doc *notification, struct bf_arena *arena)
{
    return write_message(notification, WHOLE_BODY, /* with_person= */ true, arena);
}

/* What would be a link, a mention, code or a colour stands there in its full-width form. */
static void add_plain(struct bf_buf *out, struct bf_str s)
{
    static const struct {
        char c;
        const char *wide;
    } marks[] = {{'<', "＜"}, {'>', "＞"}, {'[', "［"}, {']', "］"}, {'`', "｀"}, {'*', "＊"}, {'#', "＃"}};
    for (size_t i = 0; i < s.n; i++) {
        unsigned k = 0;
        while (k < sizeof marks / sizeof *marks && marks[k].c != s.p[i])
            k++;
        if (k < sizeof marks / sizeof *marks)
            bf_buf_addz(out, marks[k].wide);
        else
            bf_buf_addc(out, s.p[i]);
    }
}

struct bf_str bf__markdown(const struct bf_doc *notification, struct bf_arena *arena)
{
    const struct bf_object *o = &notification->object;
    struct bf_buf out;
    bf_buf_init(&out, 64 * 1024);
    bf_buf_addz(&out, "**");
    add_plain(&out, bf_get_str(o, BF_NOTIFICATION_TITLE));
    bf_buf_addz(&out, "**\n");
    add_plain(&out, bf_get_str(o, BF_NOTIFICATION_BODY));
    struct bf_str text = bf_str_dup(arena, bf__cut(bf_buf_str(&out), BF_WECOM_BYTES_MAX));
    bf_buf_finish(&out);
    return text;
}
