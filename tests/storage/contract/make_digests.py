# SPDX-License-Identifier: Apache-2.0
"""Writes digests.h: checksums, by Python's hashlib, of the bytes that test_uploads.c makes (byte i is (i * 7 + i // 251) % 256)."""
import hashlib
import sys

SIZES = [1, 55, 56, 63, 64, 65, 1000, 65535, 65536, 65537, 200000]
NAMES = {"sha1": "BF_DIGEST_SHA1", "sha256": "BF_DIGEST_SHA256", "md5": "BF_DIGEST_MD5"}

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("static const struct vector { size_t n; enum bf_stage_digest kind; unsigned digest_n; const char *hex; } vectors[] = {\n")
    for size in SIZES:
        data = bytes((i * 7 + i // 251) % 256 for i in range(size))
        for name, kind in NAMES.items():
            digest = hashlib.new(name, data)
            out.write(f'    {{{size}, {kind}, {digest.digest_size}, "{digest.hexdigest()}"}},\n')
    out.write("};\n")
