/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target includes. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Stays on in every build, and says what was expected. */
#define EXPECT(condition)                                                                                                                  \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                                                       \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)
