/* SPDX-License-Identifier: Apache-2.0 */
/* The socket between the supervisor and its server process: small datagrams (SOCK_SEQPACKET), with a descriptor where one is passed. The end
 * of the one process is the end of file of the other. */
#pragma once
#include <stdint.h>

enum bf_channel_kind {
    BF_CHANNEL_READY = 1, /* server -> supervisor: serving on `number` */
    BF_CHANNEL_ALIVE,     /* server -> supervisor: every event loop got on since the last time */
    BF_CHANNEL_ZYGOTE,    /* supervisor -> server: `fd` leads to a new zygote of the kind `number` (enum bf_zygote) */
};

struct bf_channel_message {
    uint32_t kind, number;
    int fd; /* -1: none */
};

/* 0, or -1 with errno. The descriptor stays the caller's. */
int bf_channel_send(int channel, const struct bf_channel_message *message);
/* 1: a message, its descriptor close-on-exec and the caller's; 0: the other side is gone; -1 with errno (EAGAIN: none there; EPROTO: not a
 * message). Does not wait. */
int bf_channel_receive(int channel, struct bf_channel_message *ret);
