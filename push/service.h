/* SPDX-License-Identifier: Apache-2.0 */
/* Push: reminders become due here, and what is told to people goes out through their channels. */
#pragma once
#include "core/service.h"

extern const struct bf_service bf_push_service;
