/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/memory/several.h"
#include "tests/directory.h"
#include <time.h>

static const struct bf_field fields[] = {[COUNTER_VALUE] = BF_FIELD("value", INT, 0, 0, 0, NORMAL, "", "")};
static const struct bf_schema schema = {.name = "counter", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = 1};
const struct bf_collection several_counters = {.name = "counters",
                                               .schema = &schema,
                                               .cls = BF_TENANT_COLLECTION,
                                               .logged = true,
                                               .subject = BF_ROW_ID,
                                               .owner = BF_ROW_NONE,
                                               .team = BF_ROW_NONE};
static const struct bf_collection *const collections[] = {&several_counters};

void several_open(struct several *s, unsigned at, const struct bf_driver_vtable *vt)
{
    char key[PATH_MAX + 32];
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", s->dir));
    if (bf__store_open(&s->env, &config, vt, s->memory, collections, 1, &s->stores[at], &e) != BF_OK)
        fail_msg("open: %s", e.cause);
}

struct several *several_create(unsigned n, const struct bf_driver_vtable *vt)
{
    struct several *s = calloc(1, sizeof *s);
    assert_true(s != NULL && n <= SEVERAL_MAX);
    bf_env_fake(&s->env, 1800000000000, 1);
    test_dir_make("several", s->dir, sizeof s->dir);
    s->memory = memory_create();
    s->arena = bf_arena_create();
    for (unsigned i = 0; i < n; i++)
        several_open(s, i, vt);
    return s;
}

void several_destroy(struct several **pointer)
{
    struct several *s = *pointer;
    for (unsigned i = 0; i < SEVERAL_MAX; i++)
        bf_store_close(&s->stores[i]);
    memory_destroy(&s->memory);
    bf_arena_destroy(&s->arena);
    bf_env_finish(&s->env);
    test_dir_remove(s->dir);
    free(s);
    *pointer = NULL;
}

static enum bf_status count_up(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_uuid *counter = ctx;
    const struct bf_doc *old = bf_view_get(view, &several_counters, *counter);
    struct bf_doc *doc = bf_doc_create(arena, &schema, bf_view_tenant(view), *counter);
    int64_t value = 1 + (old == NULL ? 0 : bf_get_int(&old->object, COUNTER_VALUE));
    (void)e;
    bf_set_int(&doc->object, COUNTER_VALUE, value);
    bf_decision_put(d, &several_counters, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)value)), (struct bf_uuid){{0}});
    return BF_OK;
}

enum bf_status several_count(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid counter, unsigned request, struct bf_arena *arena,
                             struct bf_receipt *ret)
{
    struct bf_read read = {&several_counters, counter};
    struct bf_submission sub = {.tenant = tenant, .actor = tenant, .reads = &read, .n_reads = 1, .decide = count_up, .ctx = &counter};
    memcpy(sub.request.b, &request, sizeof request);
    return bf_submit_wait(store, &sub, arena, ret, NULL);
}

struct bf_doc *several_get(struct several *s, unsigned at, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    struct bf_doc *doc = NULL;
    assert_int_equal(bf_store_get(s->stores[at], coll, tenant, id, s->arena, &doc, NULL), BF_OK);
    return doc;
}

void several_look_again(unsigned *looks)
{
    assert_true(++*looks < 12000);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}
