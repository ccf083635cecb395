/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline of uploads over TLS: a thread per connection reads TLS 1.3 records into a 64 KiB frame, hashes, seals and writes it, and at each CADENCE
 * bytes calls fdatasync and answers one byte. The clients are processes of their own, so that the CPU time printed is the server's alone.
 *
 *   bare_upload CADENCE TOTAL CLIENTS DIR      bytes between two acknowledgements; bytes and number of clients
 *
 * prints: bare_upload cadence=.. clients=.. bytes=.. cpu_s_per_gb=.. cpu_us_per_ack=..
 */
#include "tests/bench/upload/upload_bare.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64 };

struct plan {
    size_t cadence, total;
    unsigned clients;
    int dir, listener;
    SSL_CTX *tls;
};

struct connection {
    const struct plan *plan;
    unsigned number;
    int fd;
    pthread_t thread;
};

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static SSL_CTX *server_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    must(X509_sign(cert, key, EVP_sha256()) > 0, "certificate");
    must(SSL_CTX_use_certificate(tls, cert) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1, "certificate");
    X509_free(cert);
    EVP_PKEY_free(key);
    return tls;
}

static void send_all(SSL *ssl, const struct plan *plan)
{
    static uint8_t bytes[1 << 20];
    size_t sent = 0, since = 0;
    char answer;
    memset(bytes, 0x5a, sizeof bytes);
    while (sent < plan->total) {
        size_t n = sizeof bytes;
        n = n > plan->cadence - since ? plan->cadence - since : n;
        n = n > plan->total - sent ? plan->total - sent : n;
        must(SSL_write(ssl, bytes, (int)n) == (int)n, "SSL_write");
        sent += n;
        since += n;
        if (since == plan->cadence || sent == plan->total) {
            must(SSL_read(ssl, &answer, 1) == 1, "answer");
            since = 0;
        }
    }
}

static void client(const struct plan *plan, const struct sockaddr_in *to)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(tls);
    must(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0, "connect");
    SSL_set_fd(ssl, fd);
    must(SSL_connect(ssl) == 1, "SSL_connect");
    send_all(ssl, plan);
    _exit(0);
}

static void receive(SSL *ssl, struct upload_bare *u, const struct plan *plan)
{
    size_t got = 0, since = 0;
    while (got < plan->total) {
        size_t room;
        uint8_t *to = upload_bare_space(u, &room);
        room = room > plan->cadence - since ? plan->cadence - since : room;
        int n = SSL_read(ssl, to, (int)room);
        must(n > 0, "SSL_read");
        upload_bare_got(u, (size_t)n);
        got += (size_t)n;
        since += (size_t)n;
        if (since == plan->cadence || got == plan->total) {
            upload_bare_sync(u);
            must(SSL_write(ssl, "+", 1) == 1, "SSL_write");
            since = 0;
        }
    }
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    char name[32];
    SSL *ssl = SSL_new(c->plan->tls);
    SSL_set_fd(ssl, c->fd);
    must(SSL_accept(ssl) == 1, "SSL_accept");
    snprintf(name, sizeof name, "bare-%u", c->number);
    struct upload_bare *u = upload_bare_open(c->plan->dir, name);
    receive(ssl, u, c->plan);
    upload_bare_close(u);
    unlinkat(c->plan->dir, name, 0);
    SSL_free(ssl);
    close(c->fd);
    return NULL;
}

static int start_clients(struct plan *plan)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    plan->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(plan->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(plan->listener, CLIENTS_MAX) == 0, "listen");
    must(getsockname(plan->listener, (struct sockaddr *)&at, &n) == 0, "getsockname");
    for (unsigned i = 0; i < plan->clients; i++) {
        pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0)
            client(plan, &at);
    }
    return 0;
}

static void run(struct plan *plan)
{
    struct connection connections[CLIENTS_MAX];
    start_clients(plan);
    double before = cpu_seconds();
    for (unsigned i = 0; i < plan->clients; i++) {
        connections[i] = (struct connection){.plan = plan, .number = i, .fd = accept4(plan->listener, NULL, NULL, SOCK_CLOEXEC)};
        must(connections[i].fd >= 0, "accept");
        must(pthread_create(&connections[i].thread, NULL, serve, &connections[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < plan->clients; i++)
        pthread_join(connections[i].thread, NULL);
    double cpu = cpu_seconds() - before, bytes = (double)plan->total * plan->clients;
    double acks = (double)((plan->total + plan->cadence - 1) / plan->cadence) * plan->clients;
    printf("bare_upload cadence=%zu clients=%u bytes=%.0f cpu_s_per_gb=%.3f cpu_us_per_ack=%.1f\n", plan->cadence, plan->clients, bytes,
           cpu / (bytes / 1e9), cpu / acks * 1e6);
    while (wait(NULL) > 0)
        continue;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare_upload CADENCE TOTAL CLIENTS DIR\n");
        return 2;
    }
    struct plan plan = {.cadence = strtoull(argv[1], NULL, 10), .total = strtoull(argv[2], NULL, 10), .clients = (unsigned)strtoul(argv[3], NULL, 10)};
    plan.dir = open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(plan.dir >= 0, argv[4]);
    if (plan.cadence == 0 || plan.total == 0 || plan.clients == 0 || plan.clients > CLIENTS_MAX)
        return 2;
    plan.tls = server_tls();
    run(&plan);
    SSL_CTX_free(plan.tls);
    return 0;
}
