/* SPDX-License-Identifier: Apache-2.0 */
/* The `baifang` program: reads the command line, loads the configuration, hands over. */
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "main/commands.h"
#include "main/config.h"
#include "main/move.h"
#include "main/server.h"
#include "main/services.h"
#include "main/spawn.h"
#include "main/supervisor.h"
#include <getopt.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/baifang/baifang.conf"

enum action { RUN, CHECK_CONFIG, PRINT_CONFIG, VERSION, HELP };

struct options {
    enum action action;
    const char *config_path; /* NULL: defaults */
    char *verb;              /* NULL: none */
    int n_args;              /* of the verb */
    char **args;
};

struct context {
    const struct options *options;
    const struct bf_config *config;
    const struct bf_env *env;
};

static const char help[] =
    "baifang [--config FILE] VERB\n"
    "  serve                  serve until SIGTERM, everything in one process\n"
    "  gateway, ingest, push  the same, each a part of it: any number of each on one database\n"
    "  admin COMMAND ...      administrate the installation; `admin help` lists the commands\n"
    "  backup DIRECTORY       copy the store into a new directory, also while it serves\n"
    "  restore [--no-erasures] DIRECTORY\n"
    "                         make the store from a backup; the store must not exist. --no-erasures: although the register\n"
    "                         of erasures is not there, since nobody was ever erased\n"
    "  move --from URI --to URI\n"
    "                         move the store to another, new one (embedded:DIRECTORY, mongodb://...), while nobody serves either; with a\n"
    "                         password in it: --from-file, --to-file PATH. Broken off, the same command goes on\n"
    "  check [--mend]         verify the store, also while it serves\n"
    "  --check-config         read the configuration and say what is wrong with it\n"
    "  --print-config         print a commented sample of it\n"
    "  --version\n"
    "Without --config, " DEFAULT_CONFIG " is read where it exists.\n";

static int fault(const char *which, const char *what)
{
    fprintf(stderr, "baifang: %s%s%s\n", which, *which == '\0' ? "" : " ", what);
    return EX_USAGE;
}

static int fail(const struct bf_error *e)
{
    fprintf(stderr, "baifang: %s\n", e->cause);
    return e->status == BF_E_CONFIG ? EX_CONFIG : EXIT_FAILURE;
}

/* Options up to the first word that is none. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {{"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
                                          {"print-config", no_argument, NULL, 'p'}, {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c, at = optind;
    for (; (c = getopt_long(argc, argv, "+:", table, NULL)) != -1; at = optind) {
        if (c == 'c')
            o->config_path = optarg;
        else if (c == ':')
            return fault(argv[at], "needs a value");
        else if (c == '?')
            return fault(argv[at], "is not an option; see --help");
        else
            o->action = c == 'k' ? CHECK_CONFIG : c == 'p' ? PRINT_CONFIG : c == 'v' ? VERSION : HELP;
    }
    return 0;
}

static bool is_ours(const char *word) { return strncmp(word, "--config", 8) == 0 || strcmp(word, "--check-config") == 0; }

/* Options may stand before the verb, and ours right behind it; all else behind it is the verb's. */
static int parse(int argc, char **argv, struct options *ret)
{
    *ret = (struct options){.action = RUN, .config_path = access(DEFAULT_CONFIG, R_OK) == 0 ? DEFAULT_CONFIG : NULL};
    opterr = 0;
    int status = parse_options(argc, argv, ret);
    if (status != 0 || optind == argc)
        return status;
    ret->verb = argv[optind++];
    if (optind < argc && is_ours(argv[optind]) && (status = parse_options(argc, argv, ret)) != 0)
        return status;
    ret->n_args = argc - optind;
    ret->args = argv + optind;
    return 0;
}

static int run_daemon(const struct context *c)
{
    struct bf_error e = {0};
    if (bf_main_make_data_dir(c->config, &e) != BF_OK)
        return fail(&e);
    return bf_supervisor_run(c->env, c->config, bf_daemon_named(c->options->verb), c->options->config_path);
}

/* Not for people: what the supervisor starts. */
static int run_server(const struct context *c)
{
    const struct bf_daemon *daemon = bf_daemon_named(c->options->args[0]);
    int socket = c->options->n_args > 1 ? BF_SPAWN_SOCKET_FD : 0;
    return daemon == NULL ? fault("server", "is started by a supervisor") : bf_server_run(c->env, c->config, daemon, BF_SPAWN_FD, socket);
}

static int run_admin(const struct context *c) { return bf_command_admin(c->env, c->config, c->options->n_args, c->options->args); }

/* `backup` and `check` are commands of administration, too: the verb is their first word. */
static int run_own(const struct context *c)
{
    char *words[] = {c->options->verb, c->options->n_args > 0 ? c->options->args[0] : NULL};
    return bf_command_admin(c->env, c->config, c->options->n_args + 1, words);
}

static int run_restore(const struct context *c)
{
    char *const *words = c->options->args;
    int without_erasures = strcmp(words[0], "--no-erasures") == 0;
    if (c->options->n_args != 1 + without_erasures)
        return fault("restore", "takes a directory, with --no-erasures before it where no register of erasures is");
    return bf_command_restore(c->env, c->config, words[without_erasures], without_erasures);
}

static int run_move(const struct context *c) { return bf_command_move(c->env, c->config, c->options->n_args, c->options->args); }

static const struct verb {
    const char *name, *args;
    int args_min, args_max;
    int (*run)(const struct context *context);
} verbs[] = {
    {"serve", "no arguments", 0, 0, run_daemon},  {"gateway", "no arguments", 0, 0, run_daemon}, {"ingest", "no arguments", 0, 0, run_daemon},
    {"push", "no arguments", 0, 0, run_daemon},   {"server", "a daemon", 1, 2, run_server},      {"admin", "a command", 1, 32, run_admin},
    {"backup", "a directory", 1, 1, run_own},     {"check", "only --mend", 0, 1, run_own},       {"restore", "a directory", 1, 2, run_restore},
    {"move", "--from URI and --to URI", 2, 4, run_move},
};

static const struct verb *find_verb(const char *name)
{
    for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int run_verb(const struct verb *verb, const struct options *options, const struct bf_config *config)
{
    struct bf_env env;
    struct bf_error e = {0};
    struct bf_str clock = bf_config_str(config, "clock", "file");
    if (clock.n == 0)
        bf_env_system(&env);
    else if (bf_env_shifted(&env, clock.p, &e) != BF_OK)
        return fail(&e);
    env.log = bf_log_create(STDERR_FILENO, bf_main_log_level(config));
    env.metrics = bf_metrics_create();
    int status = verb->run(&(struct context){.options = options, .config = config, .env = &env});
    bf_metrics_destroy(&env.metrics);
    bf_log_destroy(&env.log);
    bf_env_finish(&env);
    return status;
}

static int with_config(const struct verb *verb, const struct options *options)
{
    struct bf_config *config;
    struct bf_error e = {0};
    if (bf_main_config_load(options->config_path, &config, &e) != BF_OK)
        return fail(&e);
    int status = 0;
    if (options->action != CHECK_CONFIG)
        status = run_verb(verb, options, config);
    else if (bf_main_config_check(config, &e) != BF_OK)
        status = fail(&e);
    bf_config_destroy(&config);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    const struct verb *verb = NULL;
    (void)setenv("MONGOC_DISABLE_SHM", "1", /* overwrite= */ 0); /* for what is started from here: a file of libmongoc's would outlive a process that is killed */
    int status = parse(argc, argv, &options);
    if (status != 0)
        return status;
    if (options.action == VERSION)
        return puts("baifang " BF_VERSION) < 0;
    if (options.action == HELP)
        return fputs(help, stdout) < 0;
    if (options.action == PRINT_CONFIG) {
        bf_main_config_print(stdout);
        return 0;
    }
    if (options.verb != NULL && (verb = find_verb(options.verb)) == NULL)
        return fault(options.verb, "is not a verb; see --help");
    if (verb == NULL && options.action != CHECK_CONFIG)
        return fault("", "a verb is missing; see --help");
    if (verb != NULL && (options.n_args < verb->args_min || options.n_args > verb->args_max)) {
        fprintf(stderr, "baifang: %s takes %s\n", verb->name, verb->args);
        return EX_USAGE;
    }
    return with_config(verb, &options);
}
