/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a URL that a user supplied may reach: those that are globally reachable unicast by the IANA special-purpose registries
 * (RFC 6890 and its updates). NAT64 and 6to4 addresses are judged by the IPv4 address inside; IPv4-mapped ones are never public. */
#pragma once
#include <stdbool.h>

struct sockaddr;

/* False for every family but AF_INET and AF_INET6. */
bool bf_address_is_public(const struct sockaddr *address);
/* The same for text as inet_pton takes it, without brackets. Text that is no address: false. */
bool bf_address_text_is_public(const char *text);
bool bf_address_is_literal(const char *text); /* is it an IPv4 or IPv6 address at all? A zone ("%eth0") counts as part of one */
