/* SPDX-License-Identifier: Apache-2.0 */
/* What a call's URL says, and whether it may be called at all. */
#pragma once
#include "core/error.h"
#include "core/http_client.h"

enum { BF_HOST_NAME_MAX = 255, BF_ORIGIN_MAX = 280, BF_URL_MAX = 4096 };

struct bf_url {
    char origin[BF_ORIGIN_MAX]; /* "https://push.example:443": scheme, host in lower case, port always */
    bool https;
    bool mail; /* smtp or smtps: of the configuration only */
    bool any_address; /* the address rules do not hold: the configuration supplied the URL, or names its host */
};

/* UNPROCESSABLE: not an absolute http or https URL with a host, too long, or with user and password in it. FORBIDDEN: a user's URL that is
 * not https or whose host is an address out of bounds. `named` is the configuration's list. Hosts given as numbers (decimal, octal, hex)
 * are addresses here as they are for the resolver. */
enum bf_status bf_url_judge(const char *url, enum bf_url_from from, struct bf_str named, struct bf_url *ret, struct bf_error *e);

/* Takes the next item of a list separated by commas and spaces; false at its end. */
bool bf_list_next(struct bf_str *list, struct bf_str *ret);
