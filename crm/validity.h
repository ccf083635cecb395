/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a follow-up record valid (FUP-09 to FUP-12, G-03, G-19, G-20)?
 *
 * The text of a record is its content and its result (FUP-02), and, once the rep confirmed them, the transcripts of its voice notes (G-03).
 *
 *   too_short          the text has fewer units than the policy asks for (FUP-09, G-19)      invalid
 *   no_contact         nobody is named as met (FUP-10)                                       invalid
 *   no_content         neither content nor confirmed transcript (FUP-10)                     invalid
 *   banned_phrase      content and confirmed transcripts are nothing but banned phrases
 *                      (FUP-11, G-20, G-03)                                                  doubtful
 *   repeated           the text is that of the rep's last record on the customer (G-20)      doubtful
 *   off_topic          the customer has a topic list, and the text names none of it, nor
 *                      need, channel, budget or progress (G-20)                              doubtful
 *   voice_unconfirmed  what was written does not suffice, and a voice note is unconfirmed    waiting
 *
 * A doubtful record counts until a supervisor marks it unrelated (G-20). A waiting one, whatever else it lacks, is judged once more
 * when its transcript is confirmed; other verdicts are made once (G-21). Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

enum { BF_DIGEST_BYTES = 32 };

struct bf_validity_input {
    const struct bf_object *policy; /* full (crm/policy.h) */
    const struct bf_object *visit;
    const struct bf_object *customer; /* its topics count */
    const struct bf_str *confirmed;   /* confirmed transcripts of its voice notes, each at most once; NULL when there are none */
    unsigned n_confirmed;
    struct bf_str last_digest; /* BF_DIGEST_BYTES of the rep's last record on this customer, or {NULL, 0} */
};

struct bf_validity {
    int validity;         /* BF_VALIDITY_IS_... */
    unsigned reasons;     /* bits 1 << BF_VERDICT_REASON_IS_... */
    unsigned units;       /* G-19 units of the text */
    bool from_transcript; /* a confirmed transcript was part of the text */
    bool counts;          /* in the week's records (FUP-15): valid or doubtful */
    bool remember;        /* keep `digest` as the rep's last record on the customer: not of waiting records, nor of empty text */
    /* SHA-256 of the folded text (bf_text_fold): the same words in another width or case, or with other spaces, are the same record (G-20) */
    uint8_t digest[BF_DIGEST_BYTES];
};

struct bf_validity bf_validity_judge(struct bf_arena *arena, const struct bf_validity_input *in);

/* True when a record with this verdict is judged once more on its confirmed transcript (G-03, G-21). */
bool bf_validity_is_open(int validity);

/* What would make such a record valid, for the person who reads the receipt (issue of one reason; G-18). `units` and `min_units` fill the
 * numbers of too_short. In `arena` or constant. */
struct bf_str bf_validity_hint(struct bf_arena *arena, int reason, enum bf_lang lang, unsigned units, unsigned min_units);
