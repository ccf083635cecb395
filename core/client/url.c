/* SPDX-License-Identifier: Apache-2.0 */
#include "core/client/url.h"
#include "core/client/address.h"
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

struct parts {
    char *scheme, *host, *port, *user;
};

bool bf_list_next(struct bf_str *list, struct bf_str *ret)
{
    if (list->n == 0)
        return false;
    const char *p = list->p, *end = list->p + list->n;
    while (p < end && (*p == ',' || *p == ' '))
        p++;
    const char *from = p;
    while (p < end && *p != ',' && *p != ' ')
        p++;
    *list = bf_str(p, (size_t)(end - p));
    *ret = bf_str(from, (size_t)(p - from));
    return ret->n > 0;
}

/* "host" names every port of it, "host:port" one; an IPv6 address stands in brackets. */
static bool is_named(struct bf_str named, const char *host, const char *port)
{
    char with_port[BF_HOST_NAME_MAX + 8];
    struct bf_str item;
    snprintf(with_port, sizeof with_port, "%s:%s", host, port);
    while (bf_list_next(&named, &item))
        if (bf_str_ieq(item, bf_strz(host)) || bf_str_ieq(item, bf_strz(with_port)))
            return true;
    return false;
}

static void strip_brackets(const char *host, char out[BF_HOST_NAME_MAX + 1])
{
    size_t n = strlen(host);
    bool bracketed = n > 1 && host[0] == '[' && host[n - 1] == ']';
    snprintf(out, BF_HOST_NAME_MAX + 1, "%.*s", (int)(bracketed ? n - 2 : n), bracketed ? host + 1 : host);
}

static enum bf_status judge(const struct parts *u, enum bf_url_from from, struct bf_str named, struct bf_url *ret, struct bf_error *e)
{
    char host[BF_HOST_NAME_MAX + 1];
    if (strlen(u->host) > BF_HOST_NAME_MAX)
        return bf_fail(e, BF_E_UNPROCESSABLE, "the URL's host name is too long");
    if (u->user != NULL)
        return bf_fail(e, BF_E_UNPROCESSABLE, "the URL has a user name in it");
    bool https = strcmp(u->scheme, "https") == 0;
    bool mail = from == BF_URL_CONFIG && (strcmp(u->scheme, "smtps") == 0 || strcmp(u->scheme, "smtp") == 0);
    if (!https && !mail && strcmp(u->scheme, "http") != 0)
        return bf_fail(e, BF_E_UNPROCESSABLE, "the URL is neither https nor http");
    bool any_address = from == BF_URL_CONFIG || is_named(named, u->host, u->port);
    if (!any_address && !https)
        return bf_fail(e, BF_E_FORBIDDEN, "the URL is not https");
    strip_brackets(u->host, host);
    if (!any_address && bf_address_is_literal(host) && !bf_address_text_is_public(host))
        return bf_fail(e, BF_E_FORBIDDEN, "the URL's address is not a public one");
    ret->https = https;
    ret->mail = mail;
    ret->any_address = any_address;
    snprintf(ret->origin, sizeof ret->origin, "%s://%s:%s", u->scheme, u->host, u->port);
    for (char *p = ret->origin; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return BF_OK;
}

static bool take_apart(CURLU *h, const char *url, struct parts *ret)
{
    return curl_url_set(h, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(h, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
           curl_url_get(h, CURLUPART_HOST, &ret->host, CURLU_PUNYCODE) == CURLUE_OK && ret->host[0] != '\0' &&
           curl_url_get(h, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

enum bf_status bf_url_judge(const char *url, enum bf_url_from from, struct bf_str named, struct bf_url *ret, struct bf_error *e)
{
    struct parts parts = {0};
    CURLU *h = curl_url();
    if (h == NULL)
        return bf_fail(e, BF_E_UNAVAILABLE, "out of memory");
    enum bf_status status;
    if (strlen(url) > BF_URL_MAX || !take_apart(h, url, &parts)) {
        status = bf_fail(e, BF_E_UNPROCESSABLE, "not an absolute http or https URL");
    } else {
        curl_url_get(h, CURLUPART_USER, &parts.user, 0);
        status = judge(&parts, from, named, ret, e);
    }
    curl_free(parts.scheme);
    curl_free(parts.host);
    curl_free(parts.port);
    curl_free(parts.user);
    curl_url_cleanup(h);
    return status;
}
