/* SPDX-License-Identifier: Apache-2.0 */
/* Health and metrics of the process, in every one of them. */
#pragma once
#include "core/service.h"

extern const struct bf_service bf_health_service;
