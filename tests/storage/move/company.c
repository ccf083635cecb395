/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/move/company.h"
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/commit.h"
#include "storage/entry.h"
#include "storage/media.h"
#include "tests/test.h"

enum row { C_OWNER, C_PARENT, C_NAME, C_SCORE, C_AT, C_TAGS, C_LATER, C_ROWS };
enum { CUSTOMERS, VISITS, NOTES, TICKS };
enum { LARGE = 300000, SMALL = 5000, UPLOADED = 40000 }; /* bytes: the large ones have several chunks */
enum { DESTROYED = 1, DELETED_EVERY = 7 };

static const struct bf_field fields[C_ROWS] = {
    [C_OWNER] = BF_FIELD("owner", UUID, 0, 0, 0, NORMAL, "", ""),   [C_PARENT] = BF_FIELD("parent", UUID, 0, 0, 0, NORMAL, "", ""),
    [C_NAME] = BF_FIELD("name", STRING, 0, 0, 100, NORMAL, "", ""), [C_SCORE] = BF_FIELD("score", INT, 0, 0, 0, NORMAL, "", ""),
    [C_AT] = BF_FIELD("at", TIME, 0, 0, 0, NORMAL, "", ""),         [C_TAGS] = BF_FIELD("tags", ARRAY, 0, 0, 10, NORMAL, "", "", .elem = BF_T_STRING),
    [C_LATER] = BF_FIELD("later", STRING, 0, 0, 100, NORMAL, "", "")};
static const struct bf_schema schema = {.name = "thing", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = C_LATER};
static const struct bf_schema newer = {.name = "thing", .zh = "", .en = "", .version = 2, .fields = fields, .n_fields = C_ROWS};

static const struct bf_index by_name = {.name = "name", .fields = {C_NAME}, .n_fields = 1};
static const struct bf_index by_tags = {.name = "tags", .fields = {C_TAGS, C_SCORE}, .n_fields = 2, .multikey = true};
static const struct bf_index by_at = {.name = "at", .fields = {C_AT}, .n_fields = 1};
static const struct bf_index *const names[] = {&by_name}, *const tags[] = {&by_tags}, *const ats[] = {&by_at};

#define CUSTOMERS_OF(s) {.name = "customers", .schema = s, .logged = true, .subject = BF_ROW_ID, .owner = C_OWNER, .team = BF_ROW_NONE, .indexes = names, .n_indexes = 1}
#define VISITS_OF(s) {.name = "visits", .schema = s, .logged = true, .subject = C_PARENT, .owner = C_OWNER, .team = BF_ROW_NONE}
#define NOTES_OF(s) {.name = "notes", .schema = s, .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE, .indexes = tags, .n_indexes = 1}
#define TICKS_OF(s) {.name = "ticks", .schema = s, .cls = BF_SYSTEM_COLLECTION, .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE, .indexes = ats, .n_indexes = 1}
static const struct bf_collection ours[] = {CUSTOMERS_OF(&schema), VISITS_OF(&schema), NOTES_OF(&schema), TICKS_OF(&schema)};
static const struct bf_collection theirs[] = {CUSTOMERS_OF(&newer), VISITS_OF(&newer), NOTES_OF(&newer), TICKS_OF(&newer)};
const struct bf_collection *const company_collections[] = {&ours[0], &ours[1], &ours[2], &ours[3]};
const struct bf_collection *const company_newer_collections[] = {&theirs[0], &theirs[1], &theirs[2], &theirs[3]};

/* ---- ids ---- */

static struct bf_uuid id_of(unsigned company, unsigned kind, unsigned n)
{
    struct bf_uuid id = {{0}};
    id.b[0] = (uint8_t)(0x10 + 0x31 * company);
    id.b[1] = (uint8_t)kind;
    id.b[6] = 0x70;
    id.b[8] = 0x80;
    id.b[12] = (uint8_t)(n * 37); /* not in the order in which they are made */
    id.b[13] = (uint8_t)(n * 37 >> 8);
    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)n;
    return id;
}

static struct bf_uuid tenant_of(unsigned company) { return id_of(company, 0, 0); }
static struct bf_uuid customer_of(unsigned company, unsigned n) { return id_of(company, 1, n); }
struct bf_uuid company_id(unsigned c) { return tenant_of(c); }
struct bf_uuid company_customer(unsigned c, unsigned n) { return customer_of(c, n); }
static struct bf_uuid user_of(unsigned company) { return id_of(company, 9, 0); }

static struct bf_request_id request_of(unsigned n)
{
    struct bf_request_id id = {{7}};
    memcpy(id.b + 4, &n, sizeof n);
    return id;
}

static const struct bf_collection *coll_of(const struct bf_store *store, unsigned which) { return bf_store_collection(store, ours[which].name); }

/* ---- filling ---- */

struct change {
    const struct bf_collection *customers, *visits;
    unsigned company, number;
};

static void fill_doc(struct bf_doc *doc, unsigned company, unsigned n, struct bf_arena *arena)
{
    struct bf_value *items = bf_arena_alloc(arena, 2 * sizeof *items);
    items[0] = (struct bf_value){.type = BF_T_STRING, .s = BF_STR("red")};
    items[1] = (struct bf_value){.type = BF_T_STRING, .s = bf_strz(bf_arena_printf(arena, "tag %u", n % 5))};
    bf_set_uuid(&doc->object, C_OWNER, user_of(company));
    bf_set_str(&doc->object, C_NAME, bf_strz(bf_arena_printf(arena, "名字 %u", n)));
    bf_set_int(&doc->object, C_SCORE, n % 11);
    doc->object.v[C_AT] = (struct bf_value){.type = BF_T_TIME, .i = 1700000000000 + n};
    bf_set_array(&doc->object, C_TAGS, items, n % 3);
    if (doc->object.schema == &newer && n % 2 == 0)
        bf_set_str(&doc->object, C_LATER, bf_strz(bf_arena_printf(arena, "later %u", n)));
}

/* A customer is made or changed, with a visit; now and then the visit of an earlier one is deleted. */
static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct change *c = ctx;
    struct bf_uuid customer = customer_of(c->company, c->number / 2), visit = id_of(c->company, 2, c->number);
    (void)e;
    if (c->number % DELETED_EVERY == DELETED_EVERY - 1) {
        bf_decision_tombstone(d, c->visits, id_of(c->company, 2, c->number - 1));
    } else {
        const struct bf_doc *old = bf_view_get(view, c->customers, customer);
        struct bf_doc *doc = old != NULL ? bf_doc_copy(arena, old) : bf_doc_create(arena, c->customers->schema, bf_view_tenant(view), customer);
        struct bf_doc *child = bf_doc_create(arena, c->visits->schema, bf_view_tenant(view), visit);
        fill_doc(doc, c->company, c->number, arena);
        fill_doc(child, c->company, c->number, arena);
        bf_set_uuid(&child->object, C_PARENT, customer);
        bf_decision_put(d, c->customers, doc);
        bf_decision_put(d, c->visits, child);
    }
    bf_decision_receipt(d, 201, bf_strz(bf_arena_printf(arena, "done %u", c->number)), customer);
    return BF_OK;
}

void company_change(struct bf_store *store, unsigned company, unsigned number, bool *ret_replay)
{
    struct change c = {coll_of(store, CUSTOMERS), coll_of(store, VISITS), company, number};
    struct bf_read reads[] = {{c.customers, customer_of(company, number / 2)}, {c.visits, id_of(company, 2, number)}, {c.visits, id_of(company, 2, number - 1)}};
    struct bf_submission sub = {.tenant = tenant_of(company), .actor = user_of(company), .request = request_of(number), .reads = reads, .n_reads = 3,
                                .decide = decide, .ctx = &c};
    struct bf_arena *arena = bf_arena_create();
    struct bf_receipt receipt;
    struct bf_error e = {0};
    if (bf_submit_wait(store, &sub, arena, &receipt, &e) != BF_OK)
        fail_msg("change %u of company %u: %s", number, company, e.cause);
    assert_string_equal(bf_arena_printf(arena, "%.*s", BF_FMT(receipt.body)), bf_arena_printf(arena, "done %u", number));
    if (ret_replay != NULL)
        *ret_replay = receipt.replay;
    bf_arena_destroy(&arena);
}

static void write_one(struct bf_store *store, enum bf_write_kind kind, const struct bf_collection *coll, const struct bf_doc *doc, int64_t rev)
{
    struct bf_write w = {.kind = kind, .coll = coll, .doc = doc, .rev = rev};
    assert_int_equal(bf_store_write(store, &w, 1, NULL, NULL), BF_OK);
}

static void add_note(struct bf_store *store, unsigned company, unsigned n)
{
    struct bf_arena *arena = bf_arena_create();
    const struct bf_collection *notes = coll_of(store, NOTES), *ticks = coll_of(store, TICKS);
    struct bf_doc *note = bf_doc_create(arena, notes->schema, tenant_of(company), id_of(company, 3, n));
    struct bf_doc *tick = bf_doc_create(arena, ticks->schema, (struct bf_uuid){{0}}, id_of(company, 4, n));
    fill_doc(note, company, n, arena);
    fill_doc(tick, company, n, arena);
    write_one(store, BF_W_INSERT, notes, note, 0);
    if (n % 4 == 0)
        write_one(store, BF_W_REPLACE, notes, note, 1);
    if (n % 3 == 0)
        write_one(store, BF_W_INSERT, ticks, tick, 0);
    bf_arena_destroy(&arena);
}

void company_forget_note(struct bf_store *store, unsigned company, unsigned n)
{
    struct bf_doc doc = {.tenant = tenant_of(company), .id = id_of(company, 3, n)};
    write_one(store, BF_W_DELETE, coll_of(store, NOTES), &doc, 0);
}

/* ---- media ---- */

/* Of no content that another file has. */
static struct bf_str bytes_of(unsigned company, unsigned kind, size_t n, struct bf_arena *arena)
{
    char *p = bf_arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7 + i / 251 + company * 31 + kind * 101);
    return bf_str(p, n);
}

static struct bf_stage_new upload_of(unsigned company, unsigned n)
{
    return (struct bf_stage_new){.id = id_of(company, 5, n), .tenant = tenant_of(company), .user = user_of(company), .length = UPLOADED, .max_bytes = 4 << 20,
                                 .metadata = BF_STR("filename d2Vp")};
}

/* The large one is a customer's, the small one of the customer whose key is destroyed; of two uploads one has become a record's. */
static void add_media(struct bf_store *store, struct home *home, unsigned company)
{
    struct bf_arena *arena = bf_arena_create();
    uint8_t sha256[32];
    struct bf_uuid tenant = tenant_of(company);
    assert_int_equal(bf_blob_put(store, tenant, customer_of(company, 0), bytes_of(company, 0, LARGE, arena), sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_put(store, tenant, customer_of(company, DESTROYED), bytes_of(company, 1, SMALL, arena), sha256, NULL), BF_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct bf_stage_new new = upload_of(company, i);
        struct bf_str bytes = bytes_of(company, 2 + i, UPLOADED, arena);
        assert_int_equal(upload_whole(home, store, &new, bytes.p, bytes.n, sha256), BF_OK);
    }
    assert_int_equal(bf_blob_bind(store, tenant, user_of(company), customer_of(company, 0), sha256, NULL), BF_OK);
    bf_arena_destroy(&arena);
}

void companies_fill(const struct companies *companies, struct bf_store *store, struct home *home)
{
    assert_true(companies->n <= COMPANY_MAX);
    for (unsigned c = 0; c < companies->n; c++) {
        for (unsigned i = 0; i < companies->entries; i++)
            company_change(store, c, i + 1, NULL);
        for (unsigned i = 0; i < companies->notes; i++)
            add_note(store, c, i);
        if (companies->has_media)
            add_media(store, home, c);
        assert_int_equal(bf_store_destroy_subject(store, tenant_of(c), customer_of(c, DESTROYED), companies->entries, NULL), BF_OK);
    }
    assert_int_equal(bf__meta_set(store, "key_exported", BF_STR("yes"), NULL), BF_OK);
}

/* ---- all of it as a text ---- */

struct dump {
    struct bf_store *store;
    struct bf_session *s;
    struct bf_buf text;
    struct bf_arena *arena;
};

static void put_hex(struct dump *d, const char *label, const void *p, size_t n)
{
    char *hex = bf_arena_alloc(d->arena, 2 * n + 1);
    bf_hex(p, n, hex);
    bf_buf_addz(&d->text, label);
    bf_buf_addz(&d->text, hex);
}

static void put_number(struct dump *d, const char *label, int64_t i) { bf_buf_addz(&d->text, bf_arena_printf(d->arena, "%s%lld", label, (long long)i)); }

static void dump_collection(struct dump *d, const struct bf_collection *coll)
{
    struct bf_row *rows;
    unsigned n;
    assert_int_equal(d->store->driver->vt->scan(d->s, coll, NULL, 100000, d->arena, &rows, &n, NULL), BF_OK);
    for (unsigned i = 0; i < n; i++) {
        assert_non_null(rows[i].doc);
        struct bf_str bson = bf__bson_encode(d->arena, rows[i].doc);
        bf_buf_addz(&d->text, coll->name);
        put_hex(d, " ", rows[i].tenant.b, 16);
        put_hex(d, " ", rows[i].id.b, 16);
        put_number(d, " rev ", rows[i].doc->rev);
        put_number(d, " n ", rows[i].doc->n);
        put_number(d, " k ", rows[i].doc->k);
        put_number(d, " x ", rows[i].doc->tombstone);
        put_hex(d, " ", bson.p, bson.n);
        bf_buf_addz(&d->text, "\n");
    }
}

static void dump_log(struct dump *d, struct bf_uuid tenant)
{
    struct bf_raw_entry *entry;
    struct bf__entry parsed;
    unsigned n = 1;
    for (int64_t at = 0; n > 0; at++) {
        assert_int_equal(d->store->driver->vt->log_read(d->s, tenant, at, 1, SIZE_MAX, true, d->arena, &entry, &n, NULL), BF_OK);
        if (n == 0)
            break;
        put_number(d, "entry ", entry->n);
        put_hex(d, " ", entry->header.p, entry->header.n);
        put_hex(d, " ", entry->payload.p, entry->payload.n);
        put_hex(d, " ", entry->leaf, 32);
        assert_int_equal(bf__entry_parse(d->arena, entry->header, bf_str(NULL, 0), &parsed, NULL), BF_OK);
        for (unsigned i = 0; i < parsed.n_requests; i++) {
            int64_t found;
            assert_int_equal(d->store->driver->vt->log_requests(d->s, tenant, &parsed.requests[i].id, 1, &found, NULL), BF_OK);
            put_number(d, " request in ", found);
        }
        bf_buf_addz(&d->text, "\n");
    }
}

static void dump_fact(struct dump *d, const char *name)
{
    struct bf_str value;
    assert_int_equal(bf__meta_get(d->store, name, d->arena, &value, NULL), BF_OK);
    bf_buf_addz(&d->text, name);
    put_hex(d, " ", value.p, value.n);
    bf_buf_addz(&d->text, "\n");
}

static void dump_blob(struct dump *d, unsigned company, struct bf_uuid holder, struct bf_str bytes)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    uint8_t sha256[32];
    size_t n = 0;
    bf_sha256(bytes.p, bytes.n, sha256);
    enum bf_status status = bf_blob_open(d->store, tenant_of(company), holder, sha256, &blob, &info, NULL);
    put_number(d, "blob: ", status);
    if (status == BF_OK) {
        char *back = bf_arena_alloc(d->arena, bytes.n + 1);
        assert_int_equal(bf_blob_read(blob, 0, back, bytes.n + 1, &n, NULL), BF_OK);
        bf_blob_close(&blob);
        put_number(d, " same ", n == bytes.n && memcmp(back, bytes.p, n) == 0);
    }
    bf_buf_addz(&d->text, "\n");
}

static void dump_upload(struct dump *d, unsigned company, unsigned n)
{
    struct bf_stage_new new = upload_of(company, n);
    struct bf_stage_info info = {.offset = -2};
    enum bf_status status = bf_stage_info(d->store, new.tenant, new.user, new.id, d->arena, &info, NULL);
    put_number(d, "upload: ", status);
    put_number(d, " offset ", info.offset);
    put_number(d, " length ", info.length);
    put_number(d, " expires ", info.expires_ms);
    put_number(d, " finished ", info.finished);
    put_hex(d, " ", info.sha256, 32);
    put_hex(d, " ", info.metadata.p, info.metadata.n);
    bf_buf_addz(&d->text, "\n");
}

static void dump_media(struct dump *d, unsigned c)
{
    dump_blob(d, c, customer_of(c, 0), bytes_of(c, 0, LARGE, d->arena));
    dump_blob(d, c, customer_of(c, DESTROYED), bytes_of(c, 1, SMALL, d->arena));
    for (unsigned i = 0; i < 2; i++) {
        dump_blob(d, c, user_of(c), bytes_of(c, 2 + i, UPLOADED, d->arena));
        dump_upload(d, c, i);
    }
    dump_blob(d, c, customer_of(c, 0), bytes_of(c, 3, UPLOADED, d->arena));
}

struct bf_str companies_dump(const struct companies *companies, struct bf_store *store, struct bf_arena *arena)
{
    struct dump d = {.store = store, .arena = arena};
    const struct bf_collection *const own[] = {&bf__coll_subject_keys, &bf__coll_jobs, &bf__coll_cursors, &bf__coll_blobs, &bf__coll_restored};
    static const char *const facts[] = {"incarnation", "key_check", "key_exported", "moving"};
    bf_buf_init(&d.text, SIZE_MAX / 2);
    d.s = store->driver->vt->reader(store->driver);
    for (unsigned i = 0; i < COMPANY_COLLECTIONS; i++)
        dump_collection(&d, coll_of(store, i));
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        dump_collection(&d, own[i]);
    for (unsigned c = 0; c < companies->n; c++)
        dump_log(&d, tenant_of(c));
    store->driver->vt->release(store->driver, d.s);
    for (unsigned i = 0; i < sizeof facts / sizeof *facts; i++)
        dump_fact(&d, facts[i]);
    for (unsigned c = 0; companies->has_media && c < companies->n; c++)
        dump_media(&d, c);
    struct bf_str text = bf_str_dup(arena, bf_buf_str(&d.text));
    bf_buf_finish(&d.text);
    return text;
}

void companies_expect_same(struct bf_str had, struct bf_str got)
{
    size_t at = 0, line = 0;
    while (at < had.n && at < got.n && had.p[at] == got.p[at]) {
        if (had.p[at] == '\n')
            line = at + 1;
        at++;
    }
    if (at < had.n || at < got.n)
        fail_msg("they differ: \"%.300s\" was, \"%.300s\" is", line < had.n ? had.p + line : "", line < got.n ? got.p + line : "");
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    print_error("check: %s\n", line);
}

void companies_expect_sound(struct bf_store *store)
{
    struct bf_check_report report;
    assert_int_equal(bf_store_check(store, /* mend= */ false, say, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    assert_true(report.entries > 0 && report.documents > 0);
}
