/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Administration of one box: `baifang admin`, `backup`, `check` talk to the running server over a Unix socket in the data directory. The kernel says
 * who is at the other end (SO_PEERCRED): root, and the user the server runs as, are let in.
 *
 * A conversation is one line of JSON each way: {"words":["user","add",...],"input":"..."} and {"status":"ok","out":"..."}, or a problem's code with its
 * "cause". A file that the command writes is opened by the client and travels beside the request.
 */
#pragma once
#include "core/service.h"

struct bf_admin;

/* ---- commands ---- */

/* What main's own commands work on. */
struct bf_admin_store {
    const struct bf_env *env;
    const struct bf_config *config;
    struct bf_store *store; /* NULL: of a command that needs none */
    int file; /* what the caller opened for the command to write; -1: nothing */
};

struct bf_admin_found {
    const struct bf_admin_command *command;
    int service; /* index in bf_services; -1: main's own, run with a struct bf_admin_store */
    int n_words; /* of the command's name; what follows are its arguments */
};

/* The command with the longest name that the words begin with, its count of arguments checked. BF_E_NOT_FOUND says what there is. */
enum bf_status bf_admin_find(int n, const struct bf_str *words, struct bf_admin_found *ret, struct bf_error *e);
extern const struct bf_admin_command bf_admin_own_commands[]; /* key export, backup, check */
extern const unsigned bf_admin_n_own_commands;
/* It looks at the configuration only, so that it is carried out where it is given. */
bool bf_admin_needs_no_store(const struct bf_admin_command *command);
/* Its first argument, where there is one, is the path of something. */
bool bf_admin_takes_path(const struct bf_admin_command *command);
/* Its first argument is a file, which the client makes with the caller's rights and hands over: the server may not write where root may. */
bool bf_admin_writes_file(const struct bf_admin_command *command);

/* ---- the server's side ---- */

/* Listens at `dir`/admin.sock. `services` are the handles in the order of bf_services; all outlive it. */
enum bf_status bf_admin_start(const struct bf_env *env, const struct bf_config *config, struct bf_store *store, void *const *services, struct bf_str dir,
                              struct bf_admin **ret, struct bf_error *e);
/* Removes the socket, takes no more and ends what may take long (a backup); does not wait for it. NULL is fine. */
void bf_admin_close(struct bf_admin *admin);
/* The same, then waits for what runs. NULL or *NULL is fine. */
void bf_admin_stop(struct bf_admin **admin);

/* ---- the client's side ---- */

/* Asks the server whose data directory is `dir`; `ret_out` lies in `arena`. `file` goes along unless it is -1, and stays the caller's.
 * BF_E_UNAVAILABLE when no server listens there. */
enum bf_status bf_admin_ask(struct bf_str dir, int n, const struct bf_str *words, struct bf_str input, int file, struct bf_arena *arena,
                            struct bf_str *ret_out, struct bf_error *e);

/* ---- what both use ---- */

enum { BF_ADMIN_LINE_MAX = 1 << 20, BF_ADMIN_WORDS_MAX = 32 };

/* A connected or listening socket of `dir`/admin.sock (whose path may be longer than a sun_path), or -1 with errno. */
int bf__admin_connect(const char *dir);
int bf__admin_listen(const char *dir);
void bf__admin_unlink(const char *dir);
/* One line without its newline, at most as long as `line` may grow. *ret_file: a descriptor that came with it, the caller's to close, or -1. */
enum bf_status bf__admin_read_line(int fd, struct bf_buf *line, int *ret_file, struct bf_error *e);
/* `file` goes along with the first byte unless it is -1. */
enum bf_status bf__admin_write(int fd, struct bf_str text, int file, struct bf_error *e);
