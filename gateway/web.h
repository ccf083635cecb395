/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages for browsers, as a service of their own beside the API: GET /console, and /assets/{name} with what it loads. Its files are in gateway/web; the
 * tables below are written by tools/build-web. A build with BF_WEB=OFF has none of it. Not for other modules but main, which mounts the service.
 */
#pragma once
#include "core/error.h"
#include "core/service.h"
#include "core/str.h"

struct bf_buf;

extern const struct bf_service bf_web_service;

/* ---- what tools/build-web writes ---- */

enum bf__coding { BF__IDENTITY, BF__GZIP, BF__BROTLI, BF__CODINGS }; /* the later, the smaller */

struct bf__web_asset {
    const char *name; /* holds its content's hash: never another content */
    const char *type;
    const char *hash;
    struct bf_str bodies[BF__CODINGS]; /* p == NULL where packing saves nothing */
};
extern const struct bf__web_asset bf__web_assets[]; /* by name */
extern const unsigned bf__web_n_assets;

enum { BF__AHEAD_MAX = 8 };

struct bf__web_page {
    const char *head[2]; /* by enum bf_lang: all between <head>'s title and its end */
    const char *policy;  /* Content-Security-Policy */
    struct {
        int role;          /* BF_ROLE_IS_... */
        const char *links; /* to what the first view of that role needs besides; NULL: no more rows */
    } ahead[BF__AHEAD_MAX];
};
extern const struct bf__web_page bf__web_console;

/* ---- for the files of the pages ---- */

struct bf_endpoint;
extern const struct bf_endpoint bf__web_asset_read;
/* The best coding that the client takes and that there is (RFC 9110 section 12.5.3); identity when in doubt. */
enum bf__coding bf__web_coding(const struct bf__web_asset *asset, struct bf_str accept_encoding);
/* Appends text as it may stand in HTML, between tags and in quoted attributes. The only function that does. */
void bf__html_escape(struct bf_buf *out, struct bf_str text);
