# SPDX-License-Identifier: Apache-2.0
"""Prints addresses with Python's own opinion of them ("ADDRESS 0|1"): both ends and both neighbours of special blocks, and random ones."""
import ipaddress
import random

BLOCKS_4 = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16
198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4""".split()
BLOCKS_6 = "::/128 ::1/128 ::ffff:0:0/96 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8".split()
# Where the registries changed, or where we are stricter than Python 3.11: judged by the table in the C test instead.
OURS_4 = [ipaddress.ip_network(n) for n in ("192.88.99.0/24", "192.0.0.0/24")]
GLOBAL_6 = ipaddress.ip_network("2000::/3")
OURS_6 = [ipaddress.ip_network(n) for n in ("2001::/23", "2002::/16", "2620:4f:8000::/48", "3fff::/20")]

random.seed(20261122)
found = set()
for text in BLOCKS_4 + BLOCKS_6:
    block = ipaddress.ip_network(text)
    low, high = int(block[0]), int(block[-1])
    make = ipaddress.IPv4Address if block.version == 4 else ipaddress.IPv6Address
    top = 2 ** block.max_prefixlen - 1
    found.update(make(n) for n in (low - 1, low, (low + high) // 2, high, high + 1) if 0 <= n <= top)
found.update(ipaddress.IPv4Address(random.getrandbits(32)) for _ in range(2000))
found.update(ipaddress.IPv6Address(random.getrandbits(125) | 1 << 125) for _ in range(2000))
for a in sorted(found, key=lambda a: (a.version, int(a))):
    if any(a in n for n in (OURS_4 if a.version == 4 else OURS_6)):
        continue
    public = a.is_global and not a.is_multicast and (a.version == 4 or a in GLOBAL_6)
    print(a, int(public))
