/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands, and main's own: those that work on the store as a whole. */
#include "core/arena.h"
#include "core/log.h"
#include "main/admin.h"
#include "main/config.h"
#include "main/services.h"
#include "storage/jobs.h"

static void say(void *ctx, const char *line)
{
    struct bf_buf *out = ctx;
    bf_buf_addz(out, line);
    bf_buf_addc(out, '\n');
}

static enum bf_status run_key_export(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                     struct bf_buf *out, struct bf_error *e)
{
    struct bf_admin_store *s = service;
    (void)n_args, (void)input, (void)arena;
    if (s->file < 0)
        return bf_fail(e, BF_E_INVALID_BODY, "key export: no file came with the command");
    enum bf_status status = bf_store_export_key(s->store, s->file, e);
    if (status == BF_OK)
        bf_buf_printf(out, "The master key is in %.*s: move it to where the backups are not.\n", BF_FMT(args[0]));
    return status;
}

static enum bf_status run_backup(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                 struct bf_buf *out, struct bf_error *e)
{
    struct bf_admin_store *s = service;
    struct bf_error why = {0};
    (void)n_args, (void)input;
    enum bf_status status = bf_store_backup(s->store, bf_str_dup(arena, args[0]).p, say, out, &why);
    if (status == BF_OK)
        return BF_OK;
    if (status == BF_E_CANCELLED)
        return bf_fail(e, status, "%s; what is in %.*s is no backup: remove it", why.cause, BF_FMT(args[0]));
    return bf_fail(e, status, "%s%s", why.cause, status == BF_E_IO ? "; the server makes it, so its user and its unit must let it write there" : "");
}

static enum bf_status run_check(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                struct bf_buf *out, struct bf_error *e)
{
    struct bf_admin_store *s = service;
    struct bf_check_report r = {0};
    bool mend = n_args == 1;
    (void)input, (void)arena;
    if (mend && !bf_str_eqz(args[0], "--mend"))
        return bf_fail(e, BF_E_INVALID_QUERY, "check: %.*s is not an option; --mend is", BF_FMT(args[0]));
    enum bf_status status = bf_store_check(s->store, mend, say, out, &r, e);
    for (unsigned i = 0; i < bf_n_services; i++)
        for (unsigned j = 0; status == BF_OK && j < bf_services[i]->n_derivations; j++)
            status = bf_store_check_jobs(s->store, bf_services[i]->derivations[j], mend, say, out, &r, e);
    bf_buf_printf(out, "documents %lld, keys %lld, entries %lld, blobs %lld: %lld faults, %lld mended\n", (long long)r.documents,
                  (long long)r.keys, (long long)r.entries, (long long)r.blobs, (long long)r.faults, (long long)r.mended);
    if (status == BF_OK && r.faults > r.mended)
        return bf_fail(e, BF_E_CORRUPT, "%lld faults%s", (long long)(r.faults - r.mended), mend ? " could not be mended" : "; see check --mend");
    return status;
}

static enum bf_status run_shard_plan(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                     struct bf_buf *out, struct bf_error *e)
{
    const struct bf_admin_store *s = service;
    struct bf_store_config store;
    unsigned n;
    (void)input;
    const struct bf_collection **all = bf_services_collections(arena, &n);
    bf_main_store_config(s->config, arena, &store);
    return bf_store_shard_plan(&store, all, n, args, (unsigned)n_args, out, e);
}

const struct bf_admin_command bf_admin_own_commands[] = {
    {"backup", "DIRECTORY", "copies the store into a new directory while it serves", 1, 1, 0, run_backup},
    {"check", "[--mend]", "verifies everything that is stored against what it derives from", 0, 1, 0, run_check},
    {"key export", "FILE", "writes a copy of the master key to a new file", 1, 1, 0, run_key_export},
    {"shard-plan", "[SHARD ...]", "prints the commands by which a database is sharded, before it is used; the named shards get equal parts", 0, BF_SHARDS_MAX, 0,
     run_shard_plan},
};
const unsigned bf_admin_n_own_commands = sizeof bf_admin_own_commands / sizeof *bf_admin_own_commands;

bool bf_admin_needs_no_store(const struct bf_admin_command *command) { return command->run == run_shard_plan; }

bool bf_admin_takes_path(const struct bf_admin_command *command) { return command->run == run_key_export || command->run == run_backup; }

bool bf_admin_writes_file(const struct bf_admin_command *command) { return command->run == run_key_export; }

/* How many words the name has if the words begin with it, else 0. */
static int match(const char *name, int n, const struct bf_str *words)
{
    int matched = 0;
    for (const char *p = name; *p != '\0'; matched++) {
        size_t len = strcspn(p, " ");
        if (matched == n || !bf_str_eq(words[matched], bf_str(p, len)))
            return 0;
        p += len + (p[len] == ' ');
    }
    return matched;
}

static void search(const struct bf_admin_command *table, unsigned n_table, int service, int n, const struct bf_str *words,
                   struct bf_admin_found *best, struct bf_buf *names)
{
    for (unsigned i = 0; i < n_table; i++) {
        int m = match(table[i].name, n, words);
        if (m > best->n_words)
            *best = (struct bf_admin_found){.command = &table[i], .service = service, .n_words = m};
        bf_buf_printf(names, "%s%s", names->n > 0 ? ", " : "", table[i].name);
    }
}

enum bf_status bf_admin_find(int n, const struct bf_str *words, struct bf_admin_found *ret, struct bf_error *e)
{
    struct bf_admin_found best = {.command = NULL};
    struct bf_buf names;
    bf_buf_init(&names, BF_CAUSE_MAX);
    search(bf_admin_own_commands, bf_admin_n_own_commands, -1, n, words, &best, &names);
    for (unsigned i = 0; i < bf_n_services; i++)
        search(bf_services[i]->commands, bf_services[i]->n_commands, (int)i, n, words, &best, &names);
    enum bf_status status = BF_OK;
    if (best.command == NULL)
        status = n == 0 ? bf_fail(e, BF_E_NOT_FOUND, "a command is missing: one of %.*s", BF_FMT(bf_buf_str(&names)))
                        : bf_fail(e, BF_E_NOT_FOUND, "%.*s is not a command; there are %.*s", BF_FMT(words[0]), BF_FMT(bf_buf_str(&names)));
    else if (n - best.n_words < best.command->args_min || n - best.n_words > best.command->args_max)
        status = bf_fail(e, BF_E_INVALID_QUERY, "%s takes %s", best.command->name, *best.command->args == '\0' ? "no arguments" : best.command->args);
    else
        *ret = best;
    bf_buf_finish(&names);
    return status;
}
