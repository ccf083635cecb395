/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/mongo/shard_keys.h"
#include "tests/test.h"

static bool is_key(const bson_iter_t *it, const char *key)
{
    bson_iter_t sub;
    if (!BSON_ITER_HOLDS_DOCUMENT(it)) /* the value itself */
        return strcmp(key, "t") == 0 ? BSON_ITER_HOLDS_BINARY(it) : BSON_ITER_HOLDS_INT32(it);
    if (!bson_iter_recurse(it, &sub) || !bson_iter_next(&sub))
        return false;
    if (strcmp(bson_iter_key(&sub), "$in") == 0)
        return strcmp(key, "b") == 0 && BSON_ITER_HOLDS_ARRAY(&sub);
    return strcmp(bson_iter_key(&sub), "$gte") == 0 && BSON_ITER_HOLDS_BINARY(&sub); /* from one tenant on */
}

/* The shard key stands at the top of the filter or document. */
static bool names_key(const bson_iter_t *document, const char *key)
{
    bson_iter_t it;
    return BSON_ITER_HOLDS_DOCUMENT(document) && bson_iter_recurse(document, &it) && bson_iter_find(&it, key) && is_key(&it, key);
}

/* Each item of the list, or what it holds under `name`. */
static bool all_name_key(const bson_t *body, const char *list, const char *name, const char *key)
{
    bson_iter_t it, item, at;
    unsigned n = 0;
    if (!bson_iter_init_find(&it, body, list) || !bson_iter_recurse(&it, &item))
        return false;
    for (; bson_iter_next(&item); n++) {
        if (name == NULL ? !names_key(&item, key)
                         : !bson_iter_recurse(&item, &at) || !bson_iter_find(&at, name) || !names_key(&at, key))
            return false;
    }
    return n > 0;
}

static bool pipeline_names_key(const bson_t *body, const char *key)
{
    bson_iter_t it, stage, at;
    return bson_iter_init_find(&it, body, "pipeline") && bson_iter_recurse(&it, &stage) && bson_iter_next(&stage) &&
           bson_iter_recurse(&stage, &at) && bson_iter_find(&at, "$match") && names_key(&at, key);
}

static bool filter_names_key(const bson_t *body, const char *key)
{
    bson_iter_t it;
    return bson_iter_init_find(&it, body, "filter") && names_key(&it, key);
}

/* "t", "b", or NULL for what is no collection of ours. */
static const char *key_of(const struct shard_keys *keys, const char *coll)
{
    for (unsigned i = 0; i < keys->n; i++)
        if (strcmp(keys->collections[i]->name, coll) == 0)
            return keys->collections[i]->cls == BF_TENANT_COLLECTION ? "t" : "b";
    if (strcmp(coll, "log") == 0 || strcmp(coll, "media.files") == 0 || strcmp(coll, "media.chunks") == 0)
        return "t";
    return strcmp(coll, "meta") == 0 ? "b" : NULL;
}

/* {level: "majority"}, or {w: "majority", j: true}. */
static bool is_sure(const bson_t *body, bool reads)
{
    bson_iter_t it, at;
    if (!bson_iter_init_find(&it, body, reads ? "readConcern" : "writeConcern") || !BSON_ITER_HOLDS_DOCUMENT(&it))
        return false;
    bool is_majority = bson_iter_recurse(&it, &at) && bson_iter_find(&at, reads ? "level" : "w") && BSON_ITER_HOLDS_UTF8(&at) &&
                       strcmp(bson_iter_utf8(&at, NULL), "majority") == 0;
    bool is_journaled = bson_iter_recurse(&it, &at) && bson_iter_find(&at, "j") && bson_iter_as_bool(&at);
    return is_majority && (reads || is_journaled);
}

static bool names_its_key(const char *command, const bson_t *body, const char *key)
{
    if (strcmp(command, "insert") == 0)
        return all_name_key(body, "documents", NULL, key);
    if (strcmp(command, "update") == 0)
        return all_name_key(body, "updates", "q", key);
    if (strcmp(command, "delete") == 0)
        return all_name_key(body, "deletes", "q", key);
    return strcmp(command, "find") == 0 ? filter_names_key(body, key) : strcmp(command, "aggregate") == 0 && pipeline_names_key(body, key);
}

const char *shard_keys_fault(const struct shard_keys *keys, const char *command, const bson_t *body)
{
    /* Of the collection as a whole, or going on with what was asked before. */
    static const char *const whole[] = {"listIndexes", "createIndexes", "dropIndexes", "getMore", "killCursors", "endSessions"};
    bson_iter_t it;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(command, whole[i]) == 0)
            return NULL;
    if (!bson_iter_init(&it, body) || !bson_iter_next(&it) || !BSON_ITER_HOLDS_UTF8(&it))
        return "it names no collection";
    const char *key = key_of(keys, bson_iter_utf8(&it, NULL));
    if (key == NULL)
        return "its collection is not ours";
    if (!names_its_key(command, body, key))
        return "it does not name its shard key";
    bool reads = strcmp(command, "find") == 0 || strcmp(command, "aggregate") == 0;
    return is_sure(body, reads) ? NULL : "it does not ask for majority";
}

static void on_started(void *ctx, const char *command, const bson_t *body)
{
    struct shard_keys *keys = ctx;
    pthread_mutex_lock(&keys->lock);
    const char *fault = shard_keys_fault(keys, command, body);
    keys->heard++;
    keys->writes += strcmp(command, "insert") == 0 || strcmp(command, "update") == 0 || strcmp(command, "delete") == 0;
    if (fault != NULL && keys->fault[0] == '\0') {
        char *text = bson_as_relaxed_extended_json(body, NULL);
        snprintf(keys->fault, sizeof keys->fault, "%s: %s: %s", command, fault, text);
        bson_free(text);
    }
    pthread_mutex_unlock(&keys->lock);
}

void shard_keys_init(struct shard_keys *keys)
{
    *keys = (struct shard_keys){.tap = {on_started, keys}};
    pthread_mutex_init(&keys->lock, NULL);
}

void shard_keys_finish(struct shard_keys *keys)
{
    pthread_mutex_destroy(&keys->lock);
    assert_true(keys->heard > 0);
    if (keys->fault[0] != '\0')
        fail_msg("%s", keys->fault);
}

void *shard_keys_listen(struct shard_keys *keys, const struct bf_collection *const *collections, unsigned n)
{
    assert_true(n <= SHARD_KEYS_MAX);
    pthread_mutex_lock(&keys->lock);
    memcpy(keys->collections, collections, n * sizeof(struct bf_collection *));
    keys->n = n;
    pthread_mutex_unlock(&keys->lock);
    return &keys->tap;
}
