/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain HTTP/1.1 peer on a kernel-given port of 127.0.0.1 that does what the path says, so that a test reads as a list of paths:
 *
 *   /ok                  200, "hello"                       /echo               200, the request's body
 *   /status/NNN          NNN, "words of NNN"                /flaky/N/NNN        NNN for the first N requests to that path, then 200
 *   /after/NNN/SECONDS   NNN with Retry-After               /big/N              200, N bytes
 *   /half                promises 100 bytes, sends 10       /drop               closes without an answer
 *   /hang                answers 200 once peer_release      /redirect           302 to /secret
 *   /headers/N           200 with a header of N bytes       /head               200, the request's header block
 */
#pragma once
#include <stdbool.h>

struct peer;

struct peer *peer_start(void);
void peer_stop(struct peer **peer); /* releases what hangs */
int peer_port(const struct peer *peer);
/* "http://127.0.0.1:PORT" and `path`; valid for the next 255 calls of this. */
const char *peer_url(struct peer *peer, const char *path);
unsigned peer_requests(struct peer *peer);    /* received whole */
unsigned peer_connections(struct peer *peer); /* accepted */
void peer_await_requests(struct peer *peer, unsigned n);
void peer_release(struct peer *peer);
