/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http/listen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEAD_PEER_MS = 60 * 1000, BACKLOG = 4096, OTHER_DESCRIPTORS = 128 };

static enum bf_status parse(struct bf_str where, unsigned port, struct addrinfo **ret, struct bf_error *e)
{
    char host[128], service[8];
    size_t colon = where.n;
    while (colon > 0 && where.p[colon - 1] != ':')
        colon--;
    uint64_t given;
    if (colon < 2 || colon > sizeof host || !bf_str_u64(bf_str(where.p + colon, where.n - colon), 65535, &given))
        return bf_fail(e, BF_E_CONFIG, "listen \"%.*s\" is not ADDRESS:PORT", BF_FMT(where));
    struct bf_str h = bf_str(where.p, colon - 1);
    if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = bf_str(h.p + 1, h.n - 2);
    snprintf(host, sizeof host, "%.*s", BF_FMT(h));
    snprintf(service, sizeof service, "%u", port != 0 ? port : (unsigned)given);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, service, &hints, ret) != 0)
        return bf_fail(e, BF_E_CONFIG, "listen: \"%s\" is not a numeric address", host);
    return BF_OK;
}

enum bf_status bf__listen_check(struct bf_str where, struct bf_error *e)
{
    struct addrinfo *a;
    enum bf_status status = parse(where, 0, &a, e);
    if (status == BF_OK)
        freeaddrinfo(a);
    return status;
}

/* SO_REUSEPORT, which the loops share the port by, would also let another server of the same user in, unnoticed. 0, or an errno. */
static int find_taken(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int failed = bind(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
    close(fd);
    return failed;
}

static int open_socket(const struct addrinfo *a)
{
    int on = 1, dead = DEAD_PEER_MS;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    /* inherited by connections: a peer that takes nothing for a minute is gone */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    getsockname(fd, (struct sockaddr *)&sa, &n);
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port : ((struct sockaddr_in *)&sa)->sin_port);
}

enum bf_status bf__listen(struct bf_str where, unsigned *port, int *ret_fd, struct bf_error *e)
{
    struct addrinfo *a;
    enum bf_status status = parse(where, *port, &a, e);
    if (status != BF_OK)
        return status;
    int fd = -1, failed = *port == 0 ? find_taken(a) : 0;
    if (failed == 0 && (fd = open_socket(a)) < 0)
        failed = errno;
    freeaddrinfo(a);
    if (failed != 0)
        return bf_fail_errno(e, BF_E_IO, failed, "listening on %.*s", BF_FMT(where));
    *port = port_of(fd);
    *ret_fd = fd;
    return BF_OK;
}

enum bf_status bf__listen_take(int socket, unsigned *port, int *ret_fd, struct bf_error *e)
{
    int dead = DEAD_PEER_MS, on = 1;
    int fd = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK) < 0 ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "taking the socket over");
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
    *port = port_of(fd);
    *ret_fd = fd;
    return BF_OK;
}

unsigned bf__listen_capacity(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= (rlim_t)wanted + OTHER_DESCRIPTORS)
        return wanted;
    return limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? (unsigned)limit.rlim_cur - OTHER_DESCRIPTORS : OTHER_DESCRIPTORS;
}
