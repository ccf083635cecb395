/* SPDX-License-Identifier: Apache-2.0 */
#include "main/commands.h"
#include "core/arena.h"
#include "core/config.h"
#include "main/admin.h"
#include "main/config.h"
#include "main/parts.h"
#include "main/store.h"
#include "storage/storage.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { INPUT_MAX = 4096, OUT_MAX = 1 << 20 };

static int fail(const struct bf_error *e)
{
    fprintf(stderr, "baifang: %s\n", e->cause);
    return EXIT_FAILURE;
}

/* One line of standard input, asked for without echo where that is a terminal. */
static enum bf_status read_input(struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    struct termios shown, hidden;
    bool terminal = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &shown) == 0;
    char *line = bf_arena_alloc(arena, INPUT_MAX);
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Password: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool got = fgets(line, INPUT_MAX, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!got)
        return bf_fail(e, BF_E_INVALID_BODY, "nothing came on standard input");
    *ret = bf_str(line, strcspn(line, "\n"));
    return BF_OK;
}

/* The server has another working directory: a path that a person typed becomes absolute. */
static struct bf_str absolute(struct bf_arena *arena, struct bf_str path)
{
    char cwd[PATH_MAX];
    if (path.n == 0 || path.p[0] == '/' || getcwd(cwd, sizeof cwd) == NULL)
        return path;
    return bf_strz(bf_arena_printf(arena, "%s/%.*s", cwd, BF_FMT(path)));
}

/* The new file `path`, by the rights of who called. */
static enum bf_status make_file(const char *path, int *ret, struct bf_error *e)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, errno == EEXIST ? BF_E_EXISTS : BF_E_IO, errno, "making %s", path);
    int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = dir < 0 || fsync(dir) < 0 ? errno : 0;
    if (dir >= 0)
        close(dir);
    if (failed == 0) {
        *ret = fd;
        return BF_OK;
    }
    close(fd);
    unlink(path);
    return bf_fail_errno(e, BF_E_IO, failed, "making %s", path);
}

/* What a command is about, and what came of it. */
struct act {
    const struct bf_env *env;
    const struct bf_config *config;
    struct bf_admin_found found;
    int n_args;
    const struct bf_str *args;
    struct bf_str input;
    int file; /* -1: none */
    struct bf_arena *arena;
    struct bf_str out;
};

static enum bf_status run_here(struct act *a, void *service, struct bf_error *e)
{
    struct bf_buf out;
    bf_buf_init(&out, OUT_MAX);
    enum bf_status status = a->found.command->run(service, a->n_args, a->args, a->input, a->arena, &out, e);
    a->out = bf_str_dup(a->arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    if (status != BF_OK && e->n_fields > 0) /* as the server's answer has it */
        bf_fail(e, status, "%s: %s: %s", bf_arena_strdup(a->arena, e->cause), e->fields[0].pointer, e->fields[0].detail);
    return status;
}

static enum bf_status with_own_store(struct act *a, struct bf_error *e)
{
    struct bf_store *store;
    enum bf_status status = bf_main_open_store(a->env, a->config, a->arena, /* broken= */ NULL, /* ctx= */ NULL, &store, e);
    if (status != BF_OK)
        return status;
    status = run_here(a, &(struct bf_admin_store){.env = a->env, .config = a->config, .store = store, .file = a->file}, e);
    bf_store_close(&store);
    return status;
}

/* A service's command needs the service, which needs access; nothing of theirs runs but the command. */
static enum bf_status with_own_service(struct act *a, struct bf_error *e)
{
    const struct bf_service *wanted = bf_services[a->found.service], *access = bf_services[0];
    const struct bf_service *const works[] = {access, wanted == access ? NULL : wanted, NULL};
    const struct bf_daemon here = {.name = "admin", .works = works};
    struct bf_parts parts;
    enum bf_status status = bf_parts_open(a->env, a->config, &here, /* broken= */ NULL, /* broken_ctx= */ NULL, &parts, e);
    if (status == BF_OK)
        status = run_here(a, parts.services[a->found.service], e);
    bf_parts_end_services(&parts);
    bf_parts_close(&parts);
    return status;
}

/* On a store that several processes may open, here. Else it is the running server's; where none runs, main's own commands open the store. */
static enum bf_status carry_out(struct act *a, int n, const struct bf_str *words, struct bf_error *e)
{
    if (bf_admin_needs_no_store(a->found.command))
        return run_here(a, &(struct bf_admin_store){.env = a->env, .config = a->config, .file = -1}, e);
    if (bf_main_store_is_shared(a->config))
        return a->found.service < 0 ? with_own_store(a, e) : with_own_service(a, e);
    enum bf_status status = bf_admin_ask(bf_main_data_dir(a->config), n, words, a->input, a->file, a->arena, &a->out, e);
    return status == BF_E_UNAVAILABLE && a->found.service < 0 ? with_own_store(a, e) : status;
}

static void list_commands(const struct bf_admin_command *table, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        printf("%s %s\n    %s\n", table[i].name, table[i].args, table[i].prose);
}

static int list_all_commands(void)
{
    list_commands(bf_admin_own_commands, bf_admin_n_own_commands);
    for (unsigned i = 0; i < bf_n_services; i++)
        list_commands(bf_services[i]->commands, bf_services[i]->n_commands);
    return 0;
}

static enum bf_status run(const struct bf_env *env, const struct bf_config *config, int n, struct bf_str *words, struct bf_arena *arena,
                          struct bf_str *ret_out, struct bf_error *e)
{
    struct act a = {.env = env, .config = config, .file = -1, .arena = arena};
    enum bf_status status = bf_admin_find(n, words, &a.found, e);
    if (status == BF_OK && a.found.command->takes_input)
        status = read_input(arena, &a.input, e);
    if (status != BF_OK)
        return status;
    struct bf_str *args = words + a.found.n_words;
    a.n_args = n - a.found.n_words;
    a.args = args;
    if (bf_admin_takes_path(a.found.command) && a.n_args > 0)
        args[0] = absolute(arena, args[0]);
    if (bf_admin_writes_file(a.found.command) && (status = make_file(args[0].p, &a.file, e)) != BF_OK)
        return status;
    status = carry_out(&a, n, words, e);
    *ret_out = a.out;
    if (a.file >= 0)
        close(a.file);
    if (a.file >= 0 && status != BF_OK)
        unlink(args[0].p);
    return status;
}

int bf_command_admin(const struct bf_env *env, const struct bf_config *config, int n, char *const *words)
{
    struct bf_str list[BF_ADMIN_WORDS_MAX], out = bf_str("", 0);
    struct bf_error e = {0};
    if (n == 1 && strcmp(words[0], "help") == 0)
        return list_all_commands();
    for (int i = 0; i < n && i < BF_ADMIN_WORDS_MAX; i++)
        list[i] = bf_strz(words[i]);
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = run(env, config, n < BF_ADMIN_WORDS_MAX ? n : BF_ADMIN_WORDS_MAX, list, arena, &out, &e);
    printf("%.*s", BF_FMT(out));
    int ret = status == BF_OK ? 0 : fail(&e);
    bf_arena_destroy(&arena);
    return ret;
}

int bf_command_restore(const struct bf_env *env, const struct bf_config *config, const char *backup, int without_erasures)
{
    struct bf_store_config store_config;
    struct bf_error e = {0};
    struct bf_arena *arena = bf_arena_create();
    unsigned n;
    const struct bf_collection **all = bf_services_collections(arena, &n);
    bf_main_store_config(config, arena, &store_config);
    enum bf_status status = bf_main_make_data_dir(config, &e);
    if (status == BF_OK)
        status = bf_store_restore(env, backup, &store_config, without_erasures, all, n, &e);
    if (status == BF_OK)
        printf("%.*s was made from %s.\n", BF_FMT(store_config.uri), backup);
    bf_arena_destroy(&arena);
    return status == BF_OK ? 0 : fail(&e);
}
