/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an operator shards the database, as commands for mongosh. Tenant collections are sharded by the tenant, system collections by the bucket (mongo.h).
 * Zones divide both evenly, all collections at the same places: so everything of one company lies on one shard, and companies, whose ids are hashes,
 * spread over all.
 */
#include "storage/mongo/mongo.h"
#include "storage/mongo/shape.h"

struct plan {
    const char *database;
    const struct bf_str *shards;
    unsigned n_shards;
    struct bf_buf *out;
};

/* Where part `i` of `n` begins. */
static void put_tenant(struct bf_buf *out, unsigned i, unsigned n)
{
    if (i == 0)
        bf_buf_addz(out, "MinKey()");
    else if (i == n)
        bf_buf_addz(out, "MaxKey()");
    else
        bf_buf_printf(out, "UUID(\"%08llx-0000-0000-0000-000000000000\")", ((1ULL << 32) * i / n));
}

static void put_bucket(struct bf_buf *out, unsigned i, unsigned n)
{
    if (i == 0 || i == n)
        bf_buf_addz(out, i == 0 ? "MinKey()" : "MaxKey()");
    else
        bf_buf_printf(out, "%u", BF__M_BUCKETS * i / n);
}

static void put_ranges(const struct plan *p, const char *coll, bool of_tenants)
{
    void (*put)(struct bf_buf *, unsigned, unsigned) = of_tenants ? put_tenant : put_bucket;
    const char *key = of_tenants ? "t" : "b";
    for (unsigned i = 0; i < p->n_shards; i++) {
        bf_buf_printf(p->out, "sh.updateZoneKeyRange(\"%s.%s\", {%s: ", p->database, coll, key);
        put(p->out, i, p->n_shards);
        bf_buf_printf(p->out, "}, {%s: ", key);
        put(p->out, i + 1, p->n_shards);
        bf_buf_printf(p->out, "}, \"%s-%u\")\n", p->database, i);
    }
}

static void put_collection(const struct plan *p, const char *coll, bool of_tenants)
{
    put_ranges(p, coll, of_tenants);
    bf_buf_printf(p->out, "sh.shardCollection(\"%s.%s\", {%s: 1})\n", p->database, coll, of_tenants ? "t" : "b");
}

static void put_plan(const struct plan *p, const struct bf_collection *const *collections, unsigned n)
{
    bf_buf_printf(p->out, "sh.enableSharding(\"%s\")\n", p->database);
    for (unsigned i = 0; i < p->n_shards; i++)
        bf_buf_printf(p->out, "sh.addShardToZone(\"%.*s\", \"%s-%u\")\n", BF_FMT(p->shards[i]), p->database, i);
    for (unsigned i = 0; i < n; i++)
        put_collection(p, collections[i]->name, collections[i]->cls == BF_TENANT_COLLECTION);
    for (unsigned i = 0; i < BF__M_OWN; i++)
        put_collection(p, bf__m_own_names[i], i != BF__M_META);
}

enum bf_status bf__m_shard_plan(const char *place, const struct bf_collection *const *collections, unsigned n, const struct bf_str *shards,
                                unsigned n_shards, struct bf_buf *out, struct bf_error *e)
{
    struct bf__m_settings settings = {.uri = NULL};
    enum bf_status status = bf__m_settings(place, /* sessions= */ 0, &settings, e);
    if (status == BF_OK)
        put_plan(&(struct plan){.database = settings.database, .shards = shards, .n_shards = n_shards, .out = out}, collections, n);
    bf__m_settings_finish(&settings);
    return status;
}
