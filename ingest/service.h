/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest: resumable uploads (tus 1.0), pictures and recordings made ready, recordings turned into text. */
#pragma once
#include "core/service.h"

extern const struct bf_service bf_ingest_service;
