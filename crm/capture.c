/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/capture.h"
#include "core/arena.h"
#include "crm/entities.h"
#include <assert.h>

void bf_capture_init(struct bf_object *capture, struct bf_uuid user, struct bf_uuid device)
{
    bf_set_uuid(capture, BF_CAPTURE_USER, user);
    bf_set_uuid(capture, BF_CAPTURE_DEVICE, device);
    bf_set_int(capture, BF_CAPTURE_THROUGH, 0);
    bf_set_array(capture, BF_CAPTURE_ABOVE, NULL, 0);
}

/* Index of the first number that is not below `seq`. */
static unsigned lower_bound(struct bf_array above, int64_t seq)
{
    unsigned low = 0, high = above.n;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (above.items[middle].i < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool bf_capture_has(const struct bf_object *capture, int64_t seq)
{
    struct bf_array above = bf_get_array(capture, BF_CAPTURE_ABOVE);
    unsigned at = lower_bound(above, seq);
    return seq <= bf_get_int(capture, BF_CAPTURE_THROUGH) || (at < above.n && above.items[at].i == seq);
}

/* The gap before `above` is closed up to `through`: takes in what follows it without a gap. */
static void advance(struct bf_object *capture, int64_t through)
{
    struct bf_array above = bf_get_array(capture, BF_CAPTURE_ABOVE);
    unsigned taken = 0;
    while (taken < above.n && above.items[taken].i == through + 1) {
        through++;
        taken++;
    }
    bf_set_int(capture, BF_CAPTURE_THROUGH, through);
    if (taken > 0)
        bf_set_array(capture, BF_CAPTURE_ABOVE, above.items + taken, above.n - taken);
}

static void insert(struct bf_arena *arena, struct bf_object *capture, int64_t seq)
{
    struct bf_array above = bf_get_array(capture, BF_CAPTURE_ABOVE);
    struct bf_value *items = bf_arena_calloc(arena, above.n + 1, sizeof *items);
    unsigned at = lower_bound(above, seq);
    for (unsigned i = 0; i < above.n; i++)
        items[i < at ? i : i + 1] = above.items[i];
    items[at] = (struct bf_value){.type = BF_T_INT, .i = seq};
    bf_set_array(capture, BF_CAPTURE_ABOVE, items, above.n + 1);
}

enum bf_status bf_capture_add(struct bf_arena *arena, struct bf_object *capture, int64_t seq, struct bf_error *e)
{
    int64_t through = bf_get_int(capture, BF_CAPTURE_THROUGH);
    assert(seq >= 1);
    if (bf_capture_has(capture, seq))
        return BF_OK;
    if (seq == through + 1) {
        advance(capture, seq);
        return BF_OK;
    }
    if (bf_get_array(capture, BF_CAPTURE_ABOVE).n >= BF_CAPTURE_ABOVE_MAX)
        return bf_fail(e, BF_E_CONFLICT, "too many captures beyond a gap: send number %lld first", (long long)through + 1);
    insert(arena, capture, seq);
    return BF_OK;
}

unsigned bf_capture_gaps(struct bf_arena *arena, const struct bf_object *capture, struct bf_capture_gap **ret)
{
    struct bf_array above = bf_get_array(capture, BF_CAPTURE_ABOVE);
    struct bf_capture_gap *gaps = bf_arena_calloc(arena, above.n, sizeof *gaps);
    int64_t before = bf_get_int(capture, BF_CAPTURE_THROUGH);
    unsigned n = 0;
    for (unsigned i = 0; i < above.n; i++) {
        if (above.items[i].i > before + 1)
            gaps[n++] = (struct bf_capture_gap){before + 1, above.items[i].i - 1};
        before = above.items[i].i;
    }
    *ret = gaps;
    return n;
}
