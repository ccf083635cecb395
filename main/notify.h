/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd (Type=notify) how far we are; does nothing when it did not start us. See sd_notify(3). */
#pragma once
#include <stdint.h>

/* `state`: "READY=1", "STOPPING=1" ... */
void bf_notify(const char *state);
/* How often systemd wants to hear "WATCHDOG=1" of this process at least, in ms; 0: it does not. See sd_watchdog_enabled(3). */
int64_t bf_notify_watchdog_ms(void);
/* "RELOADING=1" with the clock value that systemd wants beside it; READY=1 ends the reload. */
void bf_notify_reloading(void);
