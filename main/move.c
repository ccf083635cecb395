/* SPDX-License-Identifier: Apache-2.0 */
#include "main/move.h"
#include "core/arena.h"
#include "main/config.h"
#include "main/services.h"
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { FROM, TO, SIDES };

static const char *const names[SIDES] = {"--from", "--to"};

/* The addresses; each lives in memory that is wiped. */
struct sides {
    struct bf_str uris[SIDES];
};

static int fault(const struct bf_error *e, int status)
{
    fprintf(stderr, "baifang: %s\n", e->cause);
    return status;
}

/* A command line is seen by everybody on the machine. */
static enum bf_status take_uri(struct sides *s, unsigned side, const char *word, struct bf_error *e)
{
    if (bf_config_has_password(bf_strz(word)))
        return bf_fail(e, BF_E_CONFIG, "%s holds a password, which everybody on this machine could see: put the address into a file, and give %s-file PATH",
                       names[side], names[side]);
    char *copy = strdup(word);
    if (copy == NULL)
        abort();
    s->uris[side] = bf_strz(copy);
    return BF_OK;
}

/* `word` is an option's name, or "NAME=VALUE"; *used says how many words it took. */
static enum bf_status take_option(struct sides *s, const char *word, const char *next, int *used, struct bf_error *e)
{
    size_t n = strcspn(word, "=");
    const char *value = word[n] == '=' ? word + n + 1 : next;
    *used = word[n] == '=' ? 1 : 2;
    for (unsigned side = 0; side < SIDES; side++) {
        size_t name_n = strlen(names[side]);
        bool is_file = n == name_n + 5 && memcmp(word + name_n, "-file", 5) == 0;
        if (strncmp(word, names[side], name_n) != 0 || (n != name_n && !is_file))
            continue;
        if (value == NULL)
            return bf_fail(e, BF_E_CONFIG, "%.*s needs a value", (int)n, word);
        if (s->uris[side].p != NULL)
            return bf_fail(e, BF_E_CONFIG, "%s stands twice", names[side]);
        return is_file ? bf_config_read_value(value, &s->uris[side], e) : take_uri(s, side, value, e);
    }
    return bf_fail(e, BF_E_CONFIG, "move: %.*s is not an option; it takes --from URI and --to URI, or --from-file and --to-file PATH", (int)n, word);
}

static enum bf_status parse(struct sides *s, int n, char *const *words, struct bf_error *e)
{
    int used;
    enum bf_status status = BF_OK;
    for (int i = 0; i < n && status == BF_OK; i += used)
        status = take_option(s, words[i], i + 1 < n ? words[i + 1] : NULL, &used, e);
    for (unsigned side = 0; side < SIDES && status == BF_OK; side++)
        if (s->uris[side].p == NULL)
            status = bf_fail(e, BF_E_CONFIG, "move: %s (or %s-file) is missing", names[side], names[side]);
    return status;
}

/* Somebody may watch, and end it. */
static void say(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
    fflush(stdout);
}

static enum bf_status run(const struct bf_env *env, const struct bf_config *config, const struct sides *s, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_store_config stores[SIDES];
    enum bf_status status = BF_OK;
    unsigned n;
    const struct bf_collection **all = bf_services_collections(arena, &n);
    for (unsigned side = 0; side < SIDES && status == BF_OK; side++) {
        bf_main_store_config(config, arena, &stores[side]);
        stores[side].uri = s->uris[side];
        struct bf_error why = {0};
        if (bf_store_check_config(&stores[side], &why) != BF_OK)
            status = bf_fail(e, BF_E_CONFIG, "%s: %s", names[side], why.cause);
    }
    if (status == BF_OK)
        status = bf_store_move(env, &stores[FROM], &stores[TO], all, n, say, NULL, e);
    bf_arena_destroy(&arena);
    return status;
}

int bf_command_move(const struct bf_env *env, const struct bf_config *config, int n, char *const *words)
{
    struct sides s = {.uris = {{NULL, 0}}};
    struct bf_error e = {0};
    int status = 0;
    if (parse(&s, n, words, &e) != BF_OK)
        status = fault(&e, EX_USAGE);
    else if (run(env, config, &s, &e) != BF_OK)
        status = fault(&e, e.status == BF_E_CONFIG ? EX_CONFIG : EXIT_FAILURE);
    for (unsigned side = 0; side < SIDES; side++)
        bf_config_free_value(&s.uris[side]);
    return status;
}
