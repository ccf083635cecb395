/* SPDX-License-Identifier: Apache-2.0 */
#include "core/client/address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct block {
    uint8_t prefix[16];
    uint8_t bits;
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast */
static const struct block not_public_4[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* carrier-grade NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link local; cloud metadata */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relay, deprecated */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarking */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

/* Inside 2000::/3, the only block IANA gives out as global unicast: https://www.iana.org/assignments/iana-ipv6-special-registry */
static const struct block not_public_6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarking */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* AS112 direct delegation */
    {{0x3f, 0xff}, 20},                   /* documentation */
};

static const struct block global_unicast_6 = {{0x20}, 3};
static const struct block six_to_four = {{0x20, 0x02}, 16};
static const struct block nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};

static bool within(const uint8_t *address, const struct block *block)
{
    unsigned bytes = block->bits / 8, rest = block->bits % 8;
    if (memcmp(address, block->prefix, bytes) != 0)
        return false;
    return rest == 0 || ((address[bytes] ^ block->prefix[bytes]) >> (8 - rest)) == 0;
}

static bool within_any(const uint8_t *address, const struct block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (within(address, &blocks[i]))
            return true;
    return false;
}

static bool is_public_4(const uint8_t a[4]) { return !within_any(a, not_public_4, sizeof not_public_4 / sizeof not_public_4[0]); }

static bool is_public_6(const uint8_t a[16])
{
    if (within(a, &nat64)) /* what a host without IPv4 reaches the IPv4 internet by */
        return is_public_4(a + 12);
    if (within(a, &six_to_four))
        return is_public_4(a + 2);
    return within(a, &global_unicast_6) && !within_any(a, not_public_6, sizeof not_public_6 / sizeof not_public_6[0]);
}

bool bf_address_is_public(const struct sockaddr *address)
{
    switch (address->sa_family) {
    case AF_INET: {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public_4((const uint8_t *)&in.sin_addr);
    }
    case AF_INET6: {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return is_public_6(in6.sin6_addr.s6_addr);
    }
    default:
        return false;
    }
}

bool bf_address_text_is_public(const char *text)
{
    uint8_t a[16];
    if (inet_pton(AF_INET, text, a) == 1)
        return is_public_4(a);
    return inet_pton(AF_INET6, text, a) == 1 && is_public_6(a);
}

bool bf_address_is_literal(const char *text)
{
    uint8_t a[16];
    return inet_pton(AF_INET, text, a) == 1 || strchr(text, ':') != NULL;
}
