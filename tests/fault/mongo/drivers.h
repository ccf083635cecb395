/* SPDX-License-Identifier: Apache-2.0 */
/* The MongoDB driver as the workers use it: "plain", or with one fault built in, by which is tried whether the tests would see it. */
#pragma once
#include "storage/driver.h"

/* On the database of `uri`, which lives as long as the store. Ends the process when there is none of that name. One for a process. */
const struct bf_driver_vtable *driver_named(const char *name, const char *uri);
