/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors are sealed (AES-256-GCM): they show nothing of keys or positions and cannot be made up. Inside stand the store's incarnation and
 * the epoch of the caller's rights; the tenant, the user, the installation (zero for a session without one) and the purpose are bound as
 * associated data: a cursor of one phone would leave another without what the first already has.
 */
#include "access/call.h"
#include "access/internal.h"
#include "core/arena.h"
#include <stdio.h>

enum { CURSOR_MAX = 2048 };

struct head {
    uint32_t incarnation;
    uint32_t reserved;
    int64_t epoch;
};

static struct bf_str aad(struct bf_call *call, const char *purpose)
{
    size_t n = strlen(purpose);
    char *p = bf_arena_alloc(call->arena, 48 + n);
    memcpy(p, &call->caller.tenant, 16);
    memcpy(p + 16, &call->caller.user, 16);
    memcpy(p + 32, &call->caller.device, 16);
    memcpy(p + 48, purpose, n);
    return bf_str(p, 48 + n);
}

struct bf_str bf_cursor_seal(struct bf_call *call, const char *purpose, struct bf_str plain)
{
    struct head head = {.incarnation = bf_store_incarnation(call->store), .epoch = call->caller.epoch};
    size_t n = sizeof head + plain.n;
    char *in = bf_arena_alloc(call->arena, n), *text = bf_arena_alloc(call->arena, (n + BF_SEAL_OVERHEAD) * 4 / 3 + 4);
    uint8_t *sealed = bf_arena_alloc(call->arena, n + BF_SEAL_OVERHEAD);
    memcpy(in, &head, sizeof head);
    memcpy(in + sizeof head, plain.p, plain.n);
    bf_seal(call->env, &call->access->cursor_key, aad(call, purpose), in, n, sealed);
    return bf_str(text, bf_base64url(sealed, n + BF_SEAL_OVERHEAD, text));
}

enum bf_status bf_cursor_open(struct bf_call *call, const char *purpose, struct bf_str text, struct bf_str *ret, struct bf_error *e)
{
    uint8_t *sealed = bf_arena_alloc(call->arena, CURSOR_MAX);
    long n = bf_unbase64url(text, sealed, CURSOR_MAX);
    size_t plain_n;
    struct head head;
    if (n < (long)(sizeof head + BF_SEAL_OVERHEAD) ||
        bf_unseal(&call->access->cursor_key, aad(call, purpose), sealed, (size_t)n, sealed, &plain_n, NULL) != BF_OK)
        return bf_fail_field(e, BF_E_INVALID_QUERY, "after", "bad_cursor", "a cursor as it was given to this user");
    memcpy(&head, sealed, sizeof head);
    if (head.incarnation != bf_store_incarnation(call->store))
        return bf_fail(e, BF_E_RESYNC, "the server was restored since");
    if (head.epoch != call->caller.epoch)
        return bf_fail(e, BF_E_RESYNC, "the account's rights changed since");
    *ret = bf_str((char *)sealed + sizeof head, plain_n - sizeof head);
    return BF_OK;
}
