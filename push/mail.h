/* SPDX-License-Identifier: Apache-2.0 */
/* A notification as a message of mail: RFC 5322 with every line ended by CRLF, text and HTML side by side (multipart/alternative), words of any script. Pure. */
#pragma once
#include "core/doc.h"

struct bf__mail {
    struct bf_uuid id; /* of the attempt: makes the Message-ID, so that a repetition is known */
    const struct bf_doc *notification;
    struct bf_str to, from, from_name;
    struct bf_str unsubscribe; /* URL that ends mail of this kind with one POST (RFC 8058) */
    bool english;
};

struct bf_str bf__mail_write(const struct bf__mail *mail, struct bf_arena *arena);
