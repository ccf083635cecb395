/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a durable, hashed and sealed upload costs: SHA-256 and AES-256-GCM by OpenSSL over 64 KiB at a time, one write each, and an fdatasync at
 * each acknowledged position. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct upload_bare;

enum { UPLOAD_BARE_FRAME = 65536 };

struct upload_bare *upload_bare_open(int dir_fd, const char *name);
uint8_t *upload_bare_space(struct upload_bare *u, size_t *ret_n); /* where the next bytes go */
void upload_bare_got(struct upload_bare *u, size_t n);           /* hashes, seals and writes a frame that is full */
void upload_bare_sync(struct upload_bare *u);                    /* the rest of the frame, then fdatasync */
void upload_bare_close(struct upload_bare *u);

double cpu_seconds(void); /* of this process so far, all threads, user and system */
