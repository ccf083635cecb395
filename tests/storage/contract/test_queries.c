/* SPDX-License-Identifier: Apache-2.0 */
/* Queries against a model that looks at every document, with random documents and random queries (the same ones each time). */
#include "tests/storage/contract/suite.h"

enum { N_DOCS = 300, N_QUERIES = 400, N_OWNERS = 12, N_TAGS = 6 };

/* ---- the model: its own reading of what storage.h says ---- */

static struct bf_value id_value;

static const struct bf_value *row_of(const struct bf_doc *doc, int row)
{
    id_value = (struct bf_value){.type = BF_T_UUID, .uuid = doc->id};
    if (row == BF_ROW_ID)
        return &id_value;
    return doc->object.v[row].type > BF_T_NULL ? &doc->object.v[row] : NULL;
}

static int bytes_cmp(const void *a, size_t n, const void *b, size_t m)
{
    int c = memcmp(a, b, n < m ? n : m);
    return c != 0 ? c : n < m ? -1 : n > m;
}

static int scalar_cmp(int row, const struct bf_value *a, const struct bf_value *b)
{
    if (row == T_KIND) {
        const struct bf_word *words = thing_schema.fields[T_KIND].words->words;
        return strcmp(words[a->i].word, words[b->i].word);
    }
    if (a->type == BF_T_INT || a->type == BF_T_TIME)
        return a->i < b->i ? -1 : a->i > b->i;
    if (a->type == BF_T_DOUBLE)
        return a->d < b->d ? -1 : a->d > b->d;
    if (a->type == BF_T_BOOL)
        return a->b < b->b ? -1 : a->b > b->b;
    if (a->type == BF_T_UUID)
        return memcmp(a->uuid.b, b->uuid.b, 16);
    return bytes_cmp(a->s.p, a->s.n, b->s.p, b->s.n);
}

static bool has_item(int row, const struct bf_value *v, const struct bf_value *wanted)
{
    if (v->type != BF_T_ARRAY)
        return scalar_cmp(row, v, wanted) == 0;
    for (unsigned i = 0; i < v->array.n; i++)
        if (scalar_cmp(row, &v->array.items[i], wanted) == 0)
            return true;
    return false;
}

static bool meets(const struct bf_doc *doc, const struct bf_cond *c)
{
    const struct bf_value *v = row_of(doc, c->row);
    unsigned hits = 0;
    if (c->op == BF_EXISTS)
        return c->values->b == (v != NULL);
    if (v == NULL)
        return false;
    for (unsigned i = 0; i < c->n && (c->op == BF_IN || c->op == BF_ALL || c->op == BF_EQ); i++)
        hits += has_item(c->row, v, &c->values[i]);
    switch (c->op) {
    case BF_EQ:
    case BF_IN:
        return hits > 0;
    case BF_ALL:
        return hits == c->n;
    case BF_GE:
        return scalar_cmp(c->row, v, c->values) >= 0;
    case BF_GT:
        return scalar_cmp(c->row, v, c->values) > 0;
    case BF_LE:
        return scalar_cmp(c->row, v, c->values) <= 0;
    default:
        return scalar_cmp(c->row, v, c->values) < 0;
    }
}

static bool fixed(const struct bf_query *q, int row)
{
    for (unsigned i = 0; i < q->n_conds; i++)
        if (q->conds[i].row == row && (q->conds[i].op == BF_EQ || q->conds[i].op == BF_IN || q->conds[i].op == BF_ALL ||
                                       (q->conds[i].op == BF_EXISTS && !q->conds[i].values->b)))
            return true;
    return false;
}

static int order_cmp(const struct bf_query *q, const struct bf_doc *a, const struct bf_doc *b)
{
    bool leading = true;
    for (unsigned i = 0; q->index != NULL && i < q->index->n_fields; i++) {
        int row = q->index->fields[i];
        leading = leading && fixed(q, row);
        if (leading)
            continue;
        const struct bf_value *x = row_of(a, row), *y = row_of(b, row);
        int c = x == NULL || y == NULL ? (x != NULL) - (y != NULL) : scalar_cmp(row, x, y);
        if (c != 0)
            return c;
    }
    return memcmp(a->id.b, b->id.b, 16);
}

static unsigned model_find(const struct bf_query *q, struct bf_doc *const *docs, unsigned n, struct bf_doc **ret)
{
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        bool all = docs[i] != NULL;
        for (unsigned j = 0; j < q->n_conds && all; j++)
            all = meets(docs[i], &q->conds[j]);
        if (!all)
            continue;
        unsigned at = found++;
        while (at > 0 && (q->descending ? order_cmp(q, ret[at - 1], docs[i]) < 0 : order_cmp(q, ret[at - 1], docs[i]) > 0)) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = docs[i];
    }
    return found;
}

/* ---- random documents and queries ---- */

static const char *const names[] = {"", "a", "aa", "ab", "b", "张三", "张三丰", "z\x01", "zz", "Z"};
static const char *const tags[N_TAGS] = {"red", "green", "blue", "re", "redder", "绿"};

static struct bf_value random_value(struct suite *s, int row)
{
    struct bf_value v = {.type = row == BF_ROW_ID ? BF_T_UUID : row == T_TAGS ? BF_T_STRING : thing_schema.fields[row].type};
    switch (row) {
    case BF_ROW_ID:
        v.uuid = suite_uuid(1 + (unsigned)suite_random(s, N_DOCS));
        break;
    case T_OWNER:
        v.uuid = suite_uuid(1000 + (unsigned)suite_random(s, N_OWNERS));
        break;
    case T_NAME:
        v.s = bf_strz(names[suite_random(s, sizeof names / sizeof *names)]);
        break;
    case T_TAGS:
        v.s = bf_strz(tags[suite_random(s, N_TAGS)]);
        break;
    case T_KIND:
        v.i = (int64_t)suite_random(s, N_KINDS);
        break;
    case T_RATIO:
        v.d = ((double)suite_random(s, 9) - 4) / 2;
        break;
    case T_FLAG:
        v.b = suite_random(s, 2) == 0;
        break;
    default: {
        static const int64_t wide[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
        v.i = wide[suite_random(s, 8)];
    }
    }
    return v;
}

static struct bf_doc *random_doc(struct suite *s, unsigned i, struct bf_uuid tenant)
{
    static const int rows[] = {T_OWNER, T_NAME, T_KIND, T_SCORE, T_RATIO, T_AT, T_FLAG};
    struct bf_doc *doc = bf_doc_create(s->arena, &thing_schema, tenant, suite_uuid(i));
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        if (suite_random(s, 5) > 0)
            doc->object.v[rows[r]] = random_value(s, rows[r]);
    unsigned n = (unsigned)suite_random(s, 5);
    struct bf_value *list = bf_arena_calloc(s->arena, n + 1, sizeof *list);
    for (unsigned t = 0; t < n; t++)
        list[t] = random_value(s, T_TAGS);
    if (n > 0 || suite_random(s, 2) == 0)
        bf_set_array(&doc->object, T_TAGS, list, n);
    return doc;
}

static struct bf_cond random_cond(struct suite *s, int row, enum bf_cond_op op)
{
    static const struct bf_value yes = {.type = BF_T_BOOL, .b = true}, no = {.type = BF_T_BOOL, .b = false};
    unsigned n = op == BF_IN ? (unsigned)suite_random(s, 6) : op == BF_ALL ? 1 + (unsigned)suite_random(s, 3) : 1;
    struct bf_value *values = bf_arena_calloc(s->arena, n + 1, sizeof *values);
    for (unsigned i = 0; i < n; i++)
        values[i] = random_value(s, row);
    if (op == BF_EXISTS)
        return (struct bf_cond){row, op, suite_random(s, 2) == 0 ? &yes : &no, 1};
    return (struct bf_cond){row, op, values, n};
}

static void random_query(struct suite *s, struct bf_query *q, struct bf_cond *conds)
{
    static const struct bf_index *const choices[] = {NULL,          NULL, &notes_by_owner, &notes_by_tags, &notes_by_kind, &notes_by_ratio,
                                                     &notes_by_flag};
    static const int others[] = {T_OWNER, T_NAME, T_KIND, T_SCORE, T_RATIO, T_AT, T_FLAG, BF_ROW_ID};
    *q = (struct bf_query){.coll = &notes, .tenant = tenant_a, .conds = conds, .index = choices[suite_random(s, 7)]};
    q->descending = suite_random(s, 2) == 0;
    if (q->index == &notes_by_tags) {
        static const enum bf_cond_op ops[] = {BF_EQ, BF_IN, BF_ALL};
        conds[q->n_conds++] = random_cond(s, T_TAGS, ops[suite_random(s, 3)]);
    }
    for (unsigned i = q->n_conds; q->index != NULL && i < q->index->n_fields && suite_random(s, 3) > 0; i++) /* along the index's fields */
        conds[q->n_conds++] =
            random_cond(s, q->index->fields[i], suite_random(s, 3) == 0 ? BF_IN : (enum bf_cond_op)suite_random(s, BF_EXISTS + 1));
    while (q->n_conds < 5 && suite_random(s, 3) == 0) /* and beside them */
        conds[q->n_conds++] = random_cond(s, others[suite_random(s, 8)], (enum bf_cond_op)suite_random(s, BF_EXISTS + 1));
    if (q->n_conds < 5 && suite_random(s, 6) == 0)
        conds[q->n_conds++] = random_cond(s, T_TAGS, BF_ALL);
}

/* All pages of a query, glued; checks what holds of every page. */
static unsigned read_pages(struct suite *s, struct bf_query q, struct bf_doc **ret)
{
    unsigned n = 0;
    q.limit = 1 + (unsigned)suite_random(s, suite_random(s, 3) == 0 ? 10 : 150);
    do {
        struct bf_page page;
        struct bf_error e = {0};
        if (bf_store_find(s->store, &q, s->arena, &page, &e) != BF_OK)
            fail_msg("find: %s", e.cause);
        assert_true(page.n <= q.limit && n + page.n <= N_DOCS);
        assert_true(page.n > 0 || page.next.n == 0);
        memcpy(ret + n, page.docs, page.n * sizeof *ret);
        n += page.n;
        q.after = page.next;
    } while (q.after.n > 0);
    return n;
}

static void compare(struct suite *s, const struct bf_query *q, struct bf_doc *const *docs, unsigned n_query)
{
    struct bf_doc *expected[N_DOCS], *found[N_DOCS];
    unsigned n = model_find(q, docs, N_DOCS, expected), m = read_pages(s, *q, found);
    if (n != m)
        fail_msg("query %u: %u found, %u expected", n_query, m, n);
    for (unsigned i = 0; i < n; i++)
        if (!bf_uuid_eq(&found[i]->id, &expected[i]->id) || !bf_object_eq(&found[i]->object, &expected[i]->object))
            fail_msg("query %u: another document at %u", n_query, i);
    int64_t count = -1;
    struct bf_query all = *q;
    all.limit = 100000;
    assert_int_equal(bf_store_count(s->store, &all, &count, NULL), BF_OK);
    assert_int_equal(count, n);
    all.limit = 3;
    assert_int_equal(bf_store_count(s->store, &all, &count, NULL), BF_OK);
    assert_int_equal(count, n < 3 ? n : 3);
}

static void print_fault(void *ctx, const char *line)
{
    (void)ctx;
    print_error("%s\n", line);
}

static void write_all(struct suite *s, const struct bf_write *writes, unsigned n)
{
    enum bf_status rets[2 * N_DOCS];
    assert_int_equal(bf_store_write(s->store, writes, n, rets, NULL), BF_OK);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(rets[i], BF_OK);
}

static void random_queries_find_what_a_full_look_finds(void **state)
{
    struct suite *s = *state;
    struct bf_doc *docs[N_DOCS];
    struct bf_write writes[2 * N_DOCS];
    struct bf_cond conds[8];
    struct bf_query q;
    unsigned n = 0;
    for (unsigned i = 0; i < N_DOCS; i++) { /* and another tenant's under the same ids */
        docs[i] = random_doc(s, i + 1, tenant_a);
        writes[n++] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = docs[i]};
        writes[n++] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = random_doc(s, i + 1, tenant_b)};
    }
    write_all(s, writes, n);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < N_QUERIES / 2; i++) {
            random_query(s, &q, conds);
            compare(s, &q, docs, round * N_QUERIES / 2 + i);
        }
        for (unsigned i = 0, w = 0; round == 0 && i < N_DOCS; i++) { /* change half of them, delete some, ask again */
            bool gone = i % 7 == 0;
            if (i % 2 == 1 && !gone)
                continue;
            if (!gone)
                docs[i] = random_doc(s, i + 1, tenant_a);
            writes[w] = (struct bf_write){.kind = gone ? BF_W_DELETE : BF_W_PUT, .coll = &notes, .doc = docs[i]};
            write_all(s, &writes[w], 1);
            if (gone)
                docs[i] = NULL;
        }
    }
    struct bf_check_report report;
    assert_int_equal(bf_store_check(s->store, false, print_fault, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
}

static void a_page_costs_what_it_shows_not_what_there_is(void **state)
{
    struct suite *s = *state;
    enum { ALL = 10000, MINE = 50, LIMIT = 20 };
    struct bf_write *writes = calloc(ALL, sizeof *writes);
    enum bf_status *rets = calloc(ALL, sizeof *rets);
    struct bf_page page;
    s->limits.queue_max = 2 * ALL;
    suite_reopen(s);
    for (unsigned i = 0; i < ALL; i++) {
        struct bf_doc *doc = bf_doc_create(s->arena, &thing_schema, tenant_a, suite_uuid(i + 1));
        bf_set_uuid(&doc->object, T_OWNER, suite_uuid(i % (ALL / MINE) == 0 ? 7 : 8 + i % 9));
        bf_set_int(&doc->object, T_SCORE, (int64_t)i);
        writes[i] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = doc};
    }
    assert_int_equal(bf_store_write(s->store, writes, ALL, rets, NULL), BF_OK);
    struct bf_value owners[3] = {
        {.type = BF_T_UUID, .uuid = suite_uuid(7)}, {.type = BF_T_UUID, .uuid = suite_uuid(8)}, {.type = BF_T_UUID, .uuid = suite_uuid(9)}};
    struct bf_cond mine = {T_OWNER, BF_EQ, owners, 1}, team = {T_OWNER, BF_IN, owners, 3};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = &mine, .n_conds = 1, .index = &notes_by_owner, .limit = LIMIT};
    unsigned n = 0;
    do {
        assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
        assert_true(page.examined <= LIMIT + 4);
        n += page.n;
        q.after = page.next;
    } while (q.after.n > 0);
    assert_int_equal(n, MINE);
    q.after = bf_str(NULL, 0);
    q.conds = &team;
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
    assert_int_equal(page.n, LIMIT);
    assert_true(page.examined <= 2 * LIMIT + 8 * 3);
    free(writes);
    free(rets);
}

static void too_many_ranges_are_refused(void **state)
{
    struct suite *s = *state;
    enum { N = 40 };
    struct bf_value times[N], flags[2] = {{.type = BF_T_BOOL, .b = true}, {.type = BF_T_BOOL}}, kinds[N_KINDS], words[N];
    struct bf_page page;
    for (int i = 0; i < N; i++) {
        times[i] = (struct bf_value){.type = BF_T_TIME, .i = i};
        words[i] = (struct bf_value){.type = BF_T_STRING, .s = bf_strz(bf_arena_printf(s->arena, "w%d", i))};
    }
    for (int i = 0; i < N_KINDS; i++)
        kinds[i] = (struct bf_value){.type = BF_T_ENUM, .i = i};
    struct bf_cond conds[] = {
        {T_KIND, BF_IN, kinds, N_KINDS}, {T_FLAG, BF_IN, flags, 2}, {T_AT, BF_IN, times, N}, {T_NAME, BF_IN, words, N}};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = conds, .n_conds = 4, .index = &notes_by_kind, .limit = 5};
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_E_INVALID_QUERY);
    q.n_conds = 3;
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
}

SUITE_PART(suite_queries, SUITE_TEST(random_queries_find_what_a_full_look_finds), SUITE_TEST(a_page_costs_what_it_shows_not_what_there_is),
           SUITE_TEST(too_many_ranges_are_refused));
