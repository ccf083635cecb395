/* SPDX-License-Identifier: Apache-2.0 */
/* One try of one call, as libcurl sees it. */
#include "core/client/address.h"
#include "core/client/client.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- callbacks ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct bf__transfer *t = arg;
    (void)purpose;
    if (!t->url.any_address && !bf_address_is_public(&address->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Runs before each request goes out, on connections out of the pool too: those another call opened under other rules, and those on which
 * libcurl repeats a request by itself. */
static int before_request(void *arg, char *peer, char *own, int peer_port, int own_port)
{
    struct bf__transfer *t = arg;
    (void)own, (void)peer_port, (void)own_port;
    if (!t->url.any_address && !bf_address_text_is_public(peer)) {
        t->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (t->sent && !t->call->repeatable)
        return CURL_PREREQFUNC_ABORT;
    t->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t take_head(char *p, size_t size, size_t n, void *arg)
{
    struct bf__transfer *t = arg;
    struct bf_str line = bf_str(p, size * n);
    if (bf_str_starts(line, BF_STR("HTTP/"))) /* after a 1xx */
        bf_buf_reset(&t->head);
    if (bf_buf_add(&t->head, line.p, line.n))
        return line.n;
    t->too_large = true;
    return CURL_WRITEFUNC_ERROR;
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
    struct bf__transfer *t = arg;
    if (bf_buf_add(&t->body, p, size * n))
        return size * n;
    t->too_large = true;
    return CURL_WRITEFUNC_ERROR;
}

/* ---- request ---- */

static void add_header(struct bf__transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer == NULL)
        abort();
    t->headers = longer;
}

static void make_headers(struct bf__transfer *t)
{
    const struct bf_fetch *call = t->call;
    bool typed = call->n_parts > 0;
    struct bf_buf line;
    bf_buf_init(&line, BF__HEADER_LINE);
    for (unsigned i = 0; i < call->n_headers; i++) {
        const struct bf_fetch_header *h = &call->headers[i];
        typed = typed || bf_str_ieq(bf_strz(h->name), BF_STR("content-type"));
        bf_buf_reset(&line);
        /* libcurl's notation for a header without value is a semicolon. */
        if (bf_buf_printf(&line, h->value.n > 0 ? "%s: %.*s" : "%s;", h->name, BF_FMT(h->value)) && bf_buf_addc(&line, '\0'))
            add_header(t, line.p);
    }
    bf_buf_finish(&line);
    add_header(t, "Expect:"); /* a server that ignores it would cost a second */
    if (!typed)
        add_header(t, "Content-Type:");
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void make_parts(struct bf__transfer *t)
{
    t->mime = curl_mime_init(t->easy);
    for (unsigned i = 0; i < t->call->n_parts; i++) {
        const struct bf_fetch_part *p = &t->call->parts[i];
        struct bf__part_reader *reader = malloc(sizeof *reader);
        curl_mimepart *part = curl_mime_addpart(t->mime);
        if (reader == NULL || part == NULL)
            abort();
        *reader = (struct bf__part_reader){p->data, 0};
        curl_mime_name(part, p->name);
        if (p->file_name != NULL)
            curl_mime_filename(part, p->file_name);
        if (p->type != NULL)
            curl_mime_type(part, p->type);
        curl_mime_data_cb(part, (curl_off_t)p->data.n, bf__part_read, bf__part_seek, free, reader);
    }
    curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->mime);
}

static void make_body(struct bf__transfer *t)
{
    const struct bf_fetch *call = t->call;
    if (call->n_parts > 0) {
        make_parts(t);
    } else if (strcmp(call->method, "GET") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
        return;
    } else {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, call->body.n > 0 ? call->body.p : "");
    }
    if (strcmp(call->method, "POST") != 0)
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, call->method);
}

/* ---- handles ---- */

/* A handle with everything that does not change from call to call; setting it anew for each costs as much as sending. */
static CURL *make_handle(const struct bf_client *c)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        abort();
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http"); /* which of them a call may use was judged with its URL */
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver thread that hangs does not hold up the stop */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "baifang/" BF_VERSION);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    if (c->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    if (c->resolve != NULL)
        curl_easy_setopt(easy, CURLOPT_RESOLVE, c->resolve);
    return easy;
}

/* A spare one goes back as a plain POST without headers and body; what was used for anything else is not worth cleaning. */
static void put_back(struct bf_client *c, struct bf__transfer *t)
{
    bool plain = t->mime == NULL && t->call->mail == NULL && strcmp(t->call->method, "POST") == 0;
    if (plain && c->n_spare < BF_CLIENT_SPARE_HANDLES_MAX) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, NULL);
        c->spare[c->n_spare++] = t->easy;
    } else {
        curl_easy_cleanup(t->easy);
    }
    t->easy = NULL;
}

static void set_call(struct bf__transfer *t, int64_t now_ms)
{
    const struct bf_fetch *call = t->call;
    int64_t left_ms = t->deadline_ms - now_ms;
    assert(left_ms > 0);
    curl_easy_setopt(t->easy, CURLOPT_URL, call->url);
    /* Wait for a connection that can be shared rather than open the next: only where that is known to come. A peer that turns out to speak
     * HTTP/1.1 would make the others wait for the first call's end. */
    curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, t->host->multiplexes ? 1L : 0L);
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms_max);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms < call->try_ms_max ? left_ms : call->try_ms_max));
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_words);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

bool bf__transfer_begin(struct bf__transfer *t, int64_t now_ms)
{
    struct bf_client *c = t->client;
    assert(t->easy == NULL);
    t->easy = c->n_spare > 0 ? c->spare[--c->n_spare] : make_handle(c);
    t->sent = t->refused = t->too_large = false;
    t->curl_words[0] = '\0';
    bf_buf_reset(&t->head);
    bf_buf_reset(&t->body);
    set_call(t, now_ms);
    if (t->call->mail != NULL) {
        bf__mail_make(t);
    } else {
        make_headers(t);
        make_body(t);
    }
    return curl_multi_add_handle(c->multi, t->easy) == CURLM_OK;
}

void bf__transfer_end(struct bf__transfer *t)
{
    struct bf_client *c = t->client;
    curl_multi_remove_handle(c->multi, t->easy);
    struct curl_slist *headers = t->headers;
    curl_mime *mime = t->mime;
    put_back(c, t);
    curl_mime_free(mime);
    curl_slist_free_all(headers);
    t->mime = NULL;
    t->headers = NULL;
}

void bf__transfer_free(struct bf__transfer *t)
{
    assert(t->easy == NULL);
    bf_buf_finish(&t->head);
    bf_buf_finish(&t->body);
    free(t);
}

/* ---- faults ---- */

static enum bf_status status_of(const struct bf__transfer *t, CURLcode code)
{
    if (t->too_large)
        return BF_E_TOO_LARGE;
    if (t->refused && !t->sent)
        return BF_E_FORBIDDEN;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return BF_E_DEADLINE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_LOGIN_DENIED:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return BF_E_UPSTREAM;
    default:
        return t->sent ? BF_E_UNKNOWN_OUTCOME : BF_E_UNAVAILABLE;
    }
}

enum bf_status bf__transfer_fault(struct bf__transfer *t, CURLcode code, struct bf_error *e)
{
    enum bf_status status = status_of(t, code);
    const char *words = t->curl_words[0] != '\0' ? t->curl_words : curl_easy_strerror(code);
    if (status == BF_E_TOO_LARGE)
        words = "the answer is above its cap";
    else if (status == BF_E_FORBIDDEN)
        words = "the name leads to an address that is not public";
    if (status == BF_E_FORBIDDEN)
        bf__client_count(t->client, &t->client->refused_address, BF_M_CALLS_REFUSED);
    return bf_fail(e, status, "%s: %s", t->url.origin, words);
}
