/* SPDX-License-Identifier: Apache-2.0 */
/* Open event streams (GET /v1/events). Each stands at a place in the log and reads on from there when something was committed. Not for other modules. */
#pragma once
#include "gateway/internal.h"

struct bf_events *bf__event_hub_create(struct bf_gateway *gateway);
void bf__event_hub_drain(struct bf_events *events);    /* closes all; new ones are refused */
void bf__event_hub_destroy(struct bf_events **events); /* after the HTTP server has drained and the workers are idle */
