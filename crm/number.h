/* SPDX-License-Identifier: Apache-2.0 */
/* Customer numbers (CUS-11, G-22): KH, year and month in the tenant's zone, and a serial of at least three digits that grows beyond 999. */
#pragma once
#include "core/str.h"

struct bf_arena;

/* The period whose counter (bf_id_number_counter) gives the serial. False when `zone` is not known or the year has not four digits. */
bool bf_number_period(struct bf_str zone, int64_t now_ms, int *ret_year, int *ret_month);

/* "KH202310001" for the first of October 2023; serial from 1. In `arena`. */
struct bf_str bf_number_text(struct bf_arena *arena, int year, int month, int64_t serial);
