/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/validity.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/text.h"
#include "crm/entities.h"
#include "crm/visit.h"
#include <assert.h>

#define REASON(word) (1u << BF_VERDICT_REASON_IS_##word)

enum {
    INVALID_REASONS = REASON(TOO_SHORT) | REASON(NO_CONTACT) | REASON(NO_CONTENT),
    /* What a transcript may still heal. */
    TEXT_REASONS = REASON(TOO_SHORT) | REASON(NO_CONTENT),
};

static bool is_blank(struct bf_str s) { return bf_text_units(s) == 0; }

/* The parts on lines of their own, so that the last word of one never joins the first of the next. */
static struct bf_str text_of(struct bf_arena *arena, const struct bf_validity_input *in)
{
    struct bf_str content = bf_get_str(in->visit, BF_VISIT_CONTENT), result = bf_get_str(in->visit, BF_VISIT_RESULT);
    size_t n = content.n + 1 + result.n;
    for (unsigned i = 0; i < in->n_confirmed; i++)
        n += 1 + in->confirmed[i].n;
    char *text = bf_arena_alloc(arena, n), *p = text;
    if (content.n > 0)
        p = mempcpy(p, content.p, content.n);
    *p++ = '\n';
    if (result.n > 0)
        p = mempcpy(p, result.p, result.n);
    for (unsigned i = 0; i < in->n_confirmed; i++) {
        *p++ = '\n';
        if (in->confirmed[i].n > 0)
            p = mempcpy(p, in->confirmed[i].p, in->confirmed[i].n);
    }
    assert((size_t)(p - text) == n);
    return bf_str(text, n);
}

/* FUP-10: content is what was written, or what was said and confirmed. */
static bool has_content(const struct bf_validity_input *in)
{
    if (!is_blank(bf_get_str(in->visit, BF_VISIT_CONTENT)))
        return true;
    for (unsigned i = 0; i < in->n_confirmed; i++)
        if (!is_blank(in->confirmed[i]))
            return true;
    return false;
}

static bool is_phrase(struct bf_arena *arena, struct bf_array phrases, struct bf_str text)
{
    struct bf_str folded = bf_text_fold(arena, text);
    for (unsigned i = 0; i < phrases.n; i++)
        if (bf_str_eq(folded, bf_text_fold(arena, phrases.items[i].s)))
            return true;
    return false;
}

/* FUP-11: the whole content, written or said, whatever its width, case and spaces, is nothing but such phrases. There is content. */
static bool is_banned(struct bf_arena *arena, const struct bf_validity_input *in)
{
    struct bf_array phrases = bf_get_array(in->policy, BF_POLICY_BANNED_PHRASES);
    struct bf_str written = bf_get_str(in->visit, BF_VISIT_CONTENT);
    bool banned = is_blank(written) || is_phrase(arena, phrases, written);
    for (unsigned i = 0; banned && i < in->n_confirmed; i++)
        banned = is_blank(in->confirmed[i]) || is_phrase(arena, phrases, in->confirmed[i]);
    return banned;
}

static bool is_ascii_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* `word` in `text`, both folded. A Latin word must begin where a word begins ("order" is not in "border"), and may go on ("ordered"). */
static bool names(struct bf_str text, struct bf_str word)
{
    const char *end = text.p + text.n;
    for (const char *at = text.p; word.n > 0 && at < end; at++) {
        at = memmem(at, (size_t)(end - at), word.p, word.n);
        if (at == NULL)
            return false;
        bool inside = at > text.p && is_ascii_word(at[-1]) && is_ascii_word(at[0]);
        if (!inside)
            return true;
    }
    return false;
}

/* A word that stands in a folded text as it was written needs no folding: that is asked first, since folding each word costs most. */
static bool names_one_of(struct bf_arena *arena, struct bf_str folded, struct bf_array words)
{
    for (unsigned i = 0; i < words.n; i++)
        if (names(folded, words.items[i].s))
            return true;
    for (unsigned i = 0; i < words.n; i++)
        if (names(folded, bf_text_fold(arena, words.items[i].s)))
            return true;
    return false;
}

/* G-20 asks for this only where the customer has a topic list. */
static bool is_off_topic(struct bf_arena *arena, const struct bf_validity_input *in, struct bf_str folded)
{
    struct bf_array topics = bf_get_array(in->customer, BF_CUSTOMER_TOPICS);
    return topics.n > 0 && !names_one_of(arena, folded, topics) &&
           !names_one_of(arena, folded, bf_get_array(in->policy, BF_POLICY_TOPIC_WORDS));
}

static bool is_repeated(const struct bf_validity_input *in, const struct bf_validity *v)
{
    assert(in->last_digest.n == 0 || in->last_digest.n == BF_DIGEST_BYTES);
    return in->last_digest.n > 0 && memcmp(in->last_digest.p, v->digest, BF_DIGEST_BYTES) == 0;
}

static unsigned reasons_of(struct bf_arena *arena, const struct bf_validity_input *in, struct bf_str folded, const struct bf_validity *v)
{
    unsigned reasons = 0;
    if (v->units < bf_get_int(in->policy, BF_POLICY_MIN_UNITS))
        reasons |= REASON(TOO_SHORT);
    if (bf_get_array(in->visit, BF_VISIT_CONTACTS).n == 0)
        reasons |= REASON(NO_CONTACT);
    if (!has_content(in))
        return reasons | REASON(NO_CONTENT);
    if (is_banned(arena, in))
        reasons |= REASON(BANNED_PHRASE);
    if (is_repeated(in, v))
        reasons |= REASON(REPEATED);
    if (is_off_topic(arena, in, folded))
        reasons |= REASON(OFF_TOPIC);
    return reasons;
}

static int verdict_of(unsigned reasons)
{
    if (reasons & REASON(VOICE_UNCONFIRMED))
        return BF_VALIDITY_IS_WAITING;
    if (reasons & INVALID_REASONS)
        return BF_VALIDITY_IS_INVALID;
    return reasons != 0 ? BF_VALIDITY_IS_DOUBTFUL : BF_VALIDITY_IS_VALID;
}

struct bf_validity bf_validity_judge(struct bf_arena *arena, const struct bf_validity_input *in)
{
    struct bf_str text = text_of(arena, in), folded = bf_text_fold(arena, text);
    struct bf_validity v = {.units = bf_text_units(text), .from_transcript = in->n_confirmed > 0};
    bf_sha256(folded.p, folded.n, v.digest);
    v.reasons = reasons_of(arena, in, folded, &v);
    if ((v.reasons & TEXT_REASONS) && bf_visit_voices(in->visit) > in->n_confirmed)
        v.reasons |= REASON(VOICE_UNCONFIRMED);
    v.validity = verdict_of(v.reasons);
    v.counts = v.validity == BF_VALIDITY_IS_VALID || v.validity == BF_VALIDITY_IS_DOUBTFUL;
    v.remember = v.validity != BF_VALIDITY_IS_WAITING && v.units > 0;
    return v;
}

bool bf_validity_is_open(int validity) { return validity == BF_VALIDITY_IS_WAITING; }

/* ---- words ---- */

static const struct {
    const char *zh, *en;
} hints[BF_VERDICT_REASON_WORDS_N] = {
    [BF_VERDICT_REASON_IS_TOO_SHORT] = {"写到至少 %u 个字（现有 %u 个）：谈了什么，结果如何",
                                        "Write at least %u words (there are %u): what was said, and what came of it"},
    [BF_VERDICT_REASON_IS_NO_CONTACT] = {"选择见到或联系到的联系人", "Name the contact who was met or reached"},
    [BF_VERDICT_REASON_IS_NO_CONTENT] = {"填写跟进内容：需求、渠道、预算或进展",
                                         "Write what was talked about: need, channel, budget or progress"},
    [BF_VERDICT_REASON_IS_BANNED_PHRASE] = {"不要只写无效用语，请写清谈了什么", "Say what happened, not only this phrase"},
    [BF_VERDICT_REASON_IS_REPEATED] = {"与上一条记录相同，请写这次的新情况", "This repeats the last record: write what is new"},
    [BF_VERDICT_REASON_IS_OFF_TOPIC] = {"请写明客户的需求、渠道、预算、进展或关注话题",
                                        "Name a need, channel, budget, progress or one of the customer's topics"},
    [BF_VERDICT_REASON_IS_VOICE_UNCONFIRMED] = {"录音转写后，请确认或修改文本",
                                                "Confirm or correct the text of the recording when it is there"},
};

struct bf_str bf_validity_hint(struct bf_arena *arena, int reason, enum bf_lang lang, unsigned units, unsigned min_units)
{
    assert(reason >= 0 && reason < BF_VERDICT_REASON_WORDS_N);
    const char *words = lang == BF_LANG_ZH ? hints[reason].zh : hints[reason].en;
    if (reason != BF_VERDICT_REASON_IS_TOO_SHORT)
        return bf_strz(words);
    return bf_strz(bf_arena_printf(arena, words, min_units, units));
}
