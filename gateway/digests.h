/* SPDX-License-Identifier: Apache-2.0 */
/* Between digests.c and exceptions.c only: the next digest that there will be. */
#pragma once
#include "access/staff.h"
#include "gateway/internal.h"

struct bf__next_digest {
    struct bf_digest_company company;
    struct bf_str zone; /* whose days are meant: the caller's, else the company's */
    struct bf_digest_day day;
};
/* BF_E_FORBIDDEN for who is told of nobody: all but supervisors, managers and, `audited`, auditors (G-11). Blocks. */
enum bf_status bf__next_digest(struct bf_call *call, bool audited, struct bf__next_digest *ret, struct bf_error *e);
