/* SPDX-License-Identifier: Apache-2.0 */
#include "main/commands.h"
#include "core/arena.h"
#include "core/config.h"
#include "main/admin.h"
#include "main/config.h"
#include "main/services.h"
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

static enum bf_status with_own_store(const struct bf_env *env, const struct bf_config *config, const struct bf_admin_found *found, int n_args,
                                     const struct bf_str *args, int file, struct bf_arena *arena, struct bf_str *ret_out, struct bf_error *e)
{
    struct bf_store *store;
    struct bf_buf out;
    enum bf_status status = bf_main_open_store(env, config, arena, /* broken= */ NULL, /* ctx= */ NULL, &store, e);
    if (status != BF_OK)
        return status;
    bf_buf_init(&out, OUT_MAX);
    status = found->command->run(&(struct bf_admin_store){.env = env, .store = store, .file = file}, n_args, args, bf_str("", 0), arena, &out, e);
    *ret_out = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    bf_store_close(&store);
    return status;
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
    struct bf_admin_found found;
    struct bf_str input = bf_str("", 0);
    enum bf_status status = bf_admin_find(n, words, &found, e);
    if (status == BF_OK && found.command->takes_input)
        status = read_input(arena, &input, e);
    if (status != BF_OK)
        return status;
    int n_args = n - found.n_words, file = -1;
    struct bf_str *args = words + found.n_words;
    if (found.service < 0 && n_args > 0 && args[0].p[0] != '-')
        args[0] = absolute(arena, args[0]);
    if (bf_admin_writes_file(found.command) && (status = make_file(args[0].p, &file, e)) != BF_OK)
        return status;
    status = bf_admin_ask(bf_main_data_dir(config), n, words, input, file, arena, ret_out, e);
    if (status == BF_E_UNAVAILABLE && found.service < 0)
        status = with_own_store(env, config, &found, n_args, args, file, arena, ret_out, e);
    if (file >= 0)
        close(file);
    if (file >= 0 && status != BF_OK)
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
