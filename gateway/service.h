/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway: the API for phones and browsers. docs/API.md says what it answers. */
#pragma once
#include "core/service.h"

extern const struct bf_service bf_gateway_service;
