/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crypto.h"
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

enum { UNCOMPRESSED_BYTES = 65 };

bool bf_is_p256_point(const void *p, size_t n)
{
    if (n != UNCOMPRESSED_BYTES || *(const unsigned char *)p != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    if (point == NULL)
        abort();
    bool ok = EC_POINT_oct2point(group, point, p, n, NULL) == 1; /* refuses what is not on the curve */
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return ok;
}
