/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service (access, gateway, ingest, push ...) gives to main, which alone knows them all: its rows of the configuration, its collections,
 * its routes, what it reads from the log, its administrative commands, and how it starts and ends. Services never see each other; what
 * they need they find in the context.
 *
 * Order of a start:  configuration -> store (all collections) -> open (in the order of main's table) -> log follower (all consumers)
 *                    -> HTTP server (all routes) -> run
 * Order of an end:   drain (reverse order) -> HTTP drain -> calls to others end -> follower stops -> close (reverse order)
 *                    -> stage threads end -> HTTP loops end -> store closes -> workers end
 *
 * All functions run on the server's main thread, one at a time. Any of the pointers may be NULL.
 */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include <stdint.h>

struct bf_access;
struct bf_arena;
struct bf_buf;
struct bf_client;
struct bf_collection;
struct bf_config;
struct bf_config_row;
struct bf_consumer;
struct bf_derivation;
struct bf_env;
struct bf_pool;
struct bf_route;
struct bf_route_table;
struct bf_store;

/* Everything lives until the last `close` returned. */
struct bf_service_ctx {
    const struct bf_env *env;
    const struct bf_config *config;
    struct bf_store *store;
    struct bf_pool *workers;  /* runs the handlers of routes; blocking storage calls belong there */
    struct bf_client *client; /* requests to others */
    struct bf_access *access; /* set when the access service was opened: the others may use it from their `open` on */
    /* All routes of all services, for /openapi.json, also those that another process answers: set before the HTTP server starts, so valid in every handler
     * and in `run`, not in `open`. */
    const struct bf_route_table *route_tables;
    unsigned n_route_tables;
    struct bf_str upload_url; /* where clients upload; empty: at the address that they know */
};

typedef enum bf_status bf_admin_fn(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                   struct bf_buf *out, struct bf_error *e);

/* A command of `baifang admin`: "user add", with its arguments described for people. Runs on a thread that may block. What it prints goes to
 * `out` as text; a failure goes to `e`. `input` is what the client read from its standard input for commands with `takes_input` (a
 * password, without the newline), else empty. Every act is recorded in the log under the actor "the box's administrator" (a zero uuid). */
struct bf_admin_command {
    const char *name;  /* words joined by one space */
    const char *args;  /* "TENANT LOGIN [--role ROLE]" */
    const char *prose; /* one line */
    int args_min, args_max;
    int takes_input;
    bf_admin_fn *run;
};

/* The sandbox processes that the supervisor starts: one forks the decoders of pictures and recordings, the other those of speech. */
enum bf_zygote { BF_ZYGOTE_MEDIA, BF_ZYGOTE_SPEECH, BF_ZYGOTES };

struct bf_service {
    const char *name;
    const struct bf_config_row *config;
    unsigned n_config;
    /* Rows of a part of the service that has a table of its own. */
    const struct bf_config_row *(*more_config)(unsigned *ret_n);
    const struct bf_collection *const *collections;
    unsigned n_collections;
    const struct bf_route *routes; /* mounted with the service's handle as `service` */
    unsigned n_routes;
    const struct bf_admin_command *commands;
    unsigned n_commands;
    const struct bf_derivation *const *derivations; /* jobs that `check` finds missing */
    unsigned n_derivations;

    /* What forbids a start and is seen in the configuration alone: `open` refuses the same. For --check-config; changes nothing. */
    enum bf_status (*check_config)(const struct bf_config *config, struct bf_error *e);
    /* Makes the handle; nothing calls in from outside before every service was opened. On failure the process does not start. Where only the routes are
     * mounted, neither `consumers` nor `run` is called. */
    enum bf_status (*open)(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e);
    /* The consumers of the log, valid as long as the handle; and the names of all of them, ended by NULL, also for processes that do not open it. */
    const char *const *consumer_names;
    const struct bf_consumer *(*consumers)(void *service, unsigned *ret_n);
    /* Requests are being served: start timers, pollers, schedulers. */
    enum bf_status (*run)(void *service, struct bf_error *e);
    /* A sandbox process was started, at the beginning or in place of one that died: `fd`, the service's end of its socket, is handed over. */
    void (*take_zygote)(void *service, enum bf_zygote kind, int fd);
    /* SIGHUP: read again what may change while running (keys, certificates). */
    enum bf_status (*reload)(void *service, struct bf_error *e);
    /* Take no new background work. Does not wait. */
    void (*drain)(void *service);
    /* Ends and joins the service's threads, frees; clears *service. */
    void (*close)(void **service);
};
