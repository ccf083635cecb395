/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The luma of the preview is looked at in tiles of 32 x 32; one on which there is something to read has contrast.
 *
 * Sharpness. The variance of the Laplacian says how much fine detail there is, but also how much writing, how dark the ink and how strong
 * the noise is. So it is taken where there is contrast, less the noise, and relative to the variance of the gradient: that leaves the
 * edges' width alone, 1 / (2 sigma^2) for an edge that was blurred by a Gaussian of sigma pixels. It is taken apart into its halves, across
 * and down, since a shaken photo is blurred in one direction: the worse one counts. The noise is told by the twist, the second difference
 * across of the second difference down, which writing hardly has; how much of it goes with how much twist, the quietest tiles say.
 *
 * Exposure. Dark is a picture whose brightest parts are; burnt out is one with much saturated area in which no ink is left.
 *
 * Cut edges. The bright tiles are paper when a clear step parts them from the others. The largest connected area of them, if there is
 * writing on it, is the page. It is cut where it lies on the picture's edge and writing goes up to there, if some other side shows desk. A
 * page that fills the picture is a close-up, of which nobody can know whether it is whole.
 */
#include "ingest/decode/legible.h"
#include <assert.h>
#include <stdlib.h>

enum {
    TILE = 32,
    ROW_STEP = 2, /* every second row of a tile is looked at */
    TILE_SAMPLES = TILE * TILE / ROW_STEP,
    SIDE_MIN = 640, /* of a picture; nothing is said of a smaller one */
    LEVELS = 256,
    HISTOGRAM_STEP = 4,
    DARK = 71,       /* luma: a quarter of the limited range */
    SATURATED = 231, /* 98 % of it */
    QUIET = 8,       /* one of so many tiles tells the noise */
    CONTRAST_MIN = 24,
    CONTRAST_NOISES = 10, /* of contrast, in standard deviations of the noise */
    NOISE_MIN = 2,        /* twist of a sample, squared: rounding alone makes 3 */
    WHITE_TWIST = 36,     /* what white noise of variance 1 makes of it */
    WRITING_SHARE = 5,    /* shares are in 1/1000; with less writing nothing is said of sharpness */
    SHARP_ENOUGH = 230,
    PAPER_IN_THE_DARK = 82, /* luma; when less than this share of a photo is brighter, it is too dark */
    BRIGHT_ENOUGH_SHARE = 20,
    INK = 150, /* luma: paper that has nothing darker on it is empty */
    BURNT_SHARE = 250,
    BURNT_INK_SHARE = 20,
    STEP_MIN = 40, /* luma, from desk to paper */
    GROUP_SHARE = 80, /* of the tiles, at least, are desk, and are paper */
    PAGE_SHARE = 150,
    PAGE_WRITING_SHARE = 150,
    NEAR = 4,        /* tiles from the picture's edge */
    CUT_SHARE = 300, /* of a side, with writing up to it */
    CLEAR_SHARE = 50,
};

/* More of the noise's Laplacian is taken off than is expected, so that what is left of it does not look like detail. */
static const double NOISE_DOUBT = 1.2;
/* What a JPEG's blocks leave beside writing, by its twist. */
static const double JPEG_GRADIENT = 1.2, JPEG_LAPLACIAN = 3.5;

struct tile {
    uint32_t gradient[2], laplacian[2], twist; /* sums of squares; across, down */
    uint8_t low, high;
    bool writing;
    uint16_t area; /* of connected paper; 0: none */
};

struct look {
    const struct bf_plane *luma;
    unsigned columns, rows, n;
    struct tile *tiles;                                 /* columns x rows, in the middle of the picture, a pixel or more from its edges */
    double noise;                                       /* its variance in the quietest tiles */
    double gradient_of_noise[2], laplacian_of_noise[2]; /* by its twist */
    uint32_t histogram[LEVELS], samples;
};

/* The sums of one row of a tile; differences in one direction are smoothed by 1 2 1 in the other. 16 bits, so that the compiler multiplies
 * and adds eight at a time. */
static void add_row(struct tile *tile, const unsigned char *p, size_t stride)
{
    const unsigned char *above = p - stride - 1, *row = p - 1, *below = p + stride - 1;
    int16_t smooth[TILE + 2], first[TILE + 2], second[TILE + 2]; /* down; from one pixel before the row */
    uint32_t gx = 0, gy = 0, lx = 0, ly = 0, twist = 0;
    for (int x = 0; x < TILE + 2; x++) {
        smooth[x] = (int16_t)(above[x] + 2 * row[x] + below[x]);
        first[x] = (int16_t)(below[x] - row[x]);
        second[x] = (int16_t)(above[x] - 2 * row[x] + below[x]);
    }
    for (int x = 1; x <= TILE; x++) {
        int16_t across = (int16_t)(smooth[x + 1] - smooth[x]), across2 = (int16_t)(smooth[x - 1] - 2 * smooth[x] + smooth[x + 1]),
                down = (int16_t)(first[x - 1] + 2 * first[x] + first[x + 1]), down2 = (int16_t)(second[x - 1] + 2 * second[x] + second[x + 1]),
                twist2 = (int16_t)(second[x - 1] - 2 * second[x] + second[x + 1]);
        gx += (uint32_t)(across * across);
        gy += (uint32_t)(down * down);
        lx += (uint32_t)(across2 * across2);
        ly += (uint32_t)(down2 * down2);
        twist += (uint32_t)(twist2 * twist2);
    }
    for (int x = 0; x < TILE; x++) {
        tile->low = p[x] < tile->low ? p[x] : tile->low;
        tile->high = p[x] > tile->high ? p[x] : tile->high;
    }
    tile->gradient[0] += gx, tile->gradient[1] += gy;
    tile->laplacian[0] += lx, tile->laplacian[1] += ly;
    tile->twist += twist;
}

static void look_at_tiles(struct look *look)
{
    const struct bf_plane *luma = look->luma;
    size_t left = (luma->w - look->columns * TILE) / 2, top = (luma->h - look->rows * TILE) / 2;
    for (unsigned i = 0; i < look->n; i++) {
        struct tile *tile = &look->tiles[i];
        const unsigned char *p = luma->p + (top + i / look->columns * TILE) * luma->w + left + i % look->columns * TILE;
        *tile = (struct tile){.low = UINT8_MAX};
        for (unsigned y = 0; y < TILE; y += ROW_STEP)
            add_row(tile, p + (size_t)y * luma->w, luma->w);
    }
}

static void count_levels(struct look *look)
{
    const struct bf_plane *luma = look->luma;
    for (size_t y = 0; y < luma->h; y += HISTOGRAM_STEP)
        for (size_t x = 0; x < luma->w; x += HISTOGRAM_STEP)
            look->histogram[luma->p[y * luma->w + x]]++, look->samples++;
}

static uint64_t detail(const struct tile *tile) { return (uint64_t)tile->laplacian[0] + tile->laplacian[1]; }

/* The least detail that an eighth of the tiles do not exceed, by halving: qsort would ask the system how much memory there is, which the
 * sandbox answers with death. */
static uint64_t quiet_limit(const struct look *look)
{
    uint64_t low = 0, high = UINT64_C(1) << 33;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        unsigned n = 0;
        for (unsigned i = 0; i < look->n; i++)
            n += detail(&look->tiles[i]) <= middle;
        if (n * QUIET >= look->n)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What the quietest tiles have of everything, by their twist. */
static void find_noise(struct look *look)
{
    uint64_t limit = quiet_limit(look), n = 0, twist = 0;
    double gradient[2] = {0}, laplacian[2] = {0};
    for (unsigned i = 0; i < look->n; i++) {
        const struct tile *tile = &look->tiles[i];
        if (detail(tile) > limit)
            continue;
        for (unsigned d = 0; d < 2; d++)
            gradient[d] += tile->gradient[d], laplacian[d] += tile->laplacian[d];
        twist += tile->twist;
        n++;
    }
    assert(n > 0);
    bool noisy = twist >= n * TILE_SAMPLES * NOISE_MIN;
    look->noise = (double)twist / (double)(n * TILE_SAMPLES * WHITE_TWIST);
    for (unsigned d = 0; d < 2; d++) {
        look->gradient_of_noise[d] = noisy ? gradient[d] / (double)twist : JPEG_GRADIENT;
        look->laplacian_of_noise[d] = noisy && laplacian[d] < twist * JPEG_LAPLACIAN ? laplacian[d] / (double)twist : JPEG_LAPLACIAN;
    }
}

static unsigned find_writing(struct look *look)
{
    double least = CONTRAST_NOISES * CONTRAST_NOISES * look->noise;
    unsigned n = 0;
    for (unsigned i = 0; i < look->n; i++) {
        struct tile *tile = &look->tiles[i];
        unsigned contrast = (unsigned)(tile->high - tile->low);
        tile->writing = contrast >= CONTRAST_MIN && contrast * contrast >= least;
        n += tile->writing;
    }
    return n;
}

static double sharpness(const struct look *look, unsigned d)
{
    double gradient = 0, laplacian = 0, twist = 0;
    for (unsigned i = 0; i < look->n; i++) {
        const struct tile *tile = &look->tiles[i];
        if (!tile->writing)
            continue;
        gradient += tile->gradient[d];
        laplacian += tile->laplacian[d];
        twist += tile->twist;
    }
    gradient -= twist * look->gradient_of_noise[d];
    laplacian -= twist * look->laplacian_of_noise[d] * NOISE_DOUBT;
    return gradient > 0 && laplacian > 0 ? laplacian / gradient : 0;
}

/* ---- exposure ---- */

static uint32_t permille(uint64_t part, uint64_t whole) { return (uint32_t)((part * 1000 + whole / 2) / whole); }

/* Of the levels from `from` to `to` - 1. */
static uint32_t share(const struct look *look, unsigned from, unsigned to)
{
    uint64_t n = 0;
    for (unsigned level = from; level < to; level++)
        n += look->histogram[level];
    return permille(n, look->samples);
}

/* Saturated, and so are the tiles around it: not a page's edge. */
static bool is_inside_bright(const struct look *look, unsigned column, unsigned row)
{
    const struct tile *tile = &look->tiles[row * look->columns + column];
    return tile->high >= SATURATED && tile[-1].high >= SATURATED && tile[1].high >= SATURATED &&
           tile[-(ptrdiff_t)look->columns].high >= SATURATED && tile[look->columns].high >= SATURATED;
}

static bool is_burnt_out(const struct look *look)
{
    unsigned inside = 0, ink = 0;
    for (unsigned row = 1; row + 1 < look->rows; row++)
        for (unsigned column = 1; column + 1 < look->columns; column++)
            if (is_inside_bright(look, column, row)) {
                inside++;
                ink += look->tiles[row * look->columns + column].low < INK;
            }
    return permille(inside, look->n) >= BURNT_SHARE && permille(ink, inside) <= BURNT_INK_SHARE;
}

/* ---- the page ---- */

/* Otsu's threshold over the tiles' paper (their brightest level): the one that parts them into two groups that are each as even as can
 * be. 0: no clear step, or a group of next to nothing. */
static unsigned paper_level(const struct look *look)
{
    uint32_t counts[LEVELS] = {0};
    uint64_t sum = 0, below = 0, sum_below = 0;
    double best = 0, step = 0;
    unsigned level = 0;
    for (unsigned i = 0; i < look->n; i++)
        counts[look->tiles[i].high]++, sum += look->tiles[i].high;
    for (unsigned v = 0; v + 1 < LEVELS; v++) {
        below += counts[v], sum_below += (uint64_t)v * counts[v];
        if (permille(below, look->n) < GROUP_SHARE || permille(look->n - below, look->n) < GROUP_SHARE)
            continue;
        double apart = (double)(sum - sum_below) / (look->n - below) - (double)sum_below / below;
        double between = apart * apart * (double)below * (double)(look->n - below);
        if (between > best)
            best = between, step = apart, level = v + 1;
    }
    return step >= STEP_MIN ? level : 0;
}

/* Gives the connected paper that `start` belongs to its number; returns how many tiles it has. `todo` has room for all tiles. */
static unsigned number_area(struct look *look, unsigned start, unsigned level, unsigned area, unsigned *todo)
{
    unsigned waiting = 0, n = 0;
    todo[waiting++] = start;
    look->tiles[start].area = (uint16_t)area;
    while (waiting > 0) {
        unsigned i = todo[--waiting], column = i % look->columns, row = i / look->columns;
        const unsigned around[] = {i - 1, i + 1, i - look->columns, i + look->columns};
        const bool there[] = {column > 0, column + 1 < look->columns, row > 0, row + 1 < look->rows};
        n++;
        for (unsigned k = 0; k < 4; k++)
            if (there[k] && look->tiles[around[k]].high >= level && look->tiles[around[k]].area == 0) {
                look->tiles[around[k]].area = (uint16_t)area;
                todo[waiting++] = around[k];
            }
    }
    return n;
}

/* The number of the largest paper, if it is a page: large, and with writing on it; otherwise 0. */
static unsigned find_page(struct look *look, unsigned level, unsigned *todo)
{
    unsigned areas = 0, page = 0, most = 0, writing = 0;
    for (unsigned i = 0; i < look->n; i++)
        if (look->tiles[i].high >= level && look->tiles[i].area == 0) {
            unsigned n = number_area(look, i, level, ++areas, todo);
            if (n > most)
                most = n, page = areas;
        }
    for (unsigned i = 0; i < look->n; i++)
        writing += look->tiles[i].area == page && look->tiles[i].writing;
    return permille(most, look->n) >= PAGE_SHARE && permille(writing, most) >= PAGE_WRITING_SHARE ? page : 0;
}

enum side { LEFT, RIGHT, TOP, BOTTOM, SIDES };

static const struct tile *tile_at(const struct look *look, enum side side, unsigned along, unsigned depth)
{
    unsigned column = side == LEFT ? depth : side == RIGHT ? look->columns - 1 - depth : along;
    unsigned row = side == TOP ? depth : side == BOTTOM ? look->rows - 1 - depth : along;
    return &look->tiles[row * look->columns + column];
}

/* Shares of a side: where the page lies on it, and where writing goes up to it. */
struct contact {
    uint32_t page, writing;
};

static struct contact look_at_side(const struct look *look, enum side side, unsigned page)
{
    unsigned n = side == LEFT || side == RIGHT ? look->rows : look->columns, on = 0, written = 0;
    for (unsigned along = 0; along < n; along++) {
        unsigned near = 0;
        if (tile_at(look, side, along, 0)->area != page)
            continue;
        for (unsigned depth = 0; depth < NEAR; depth++)
            near += tile_at(look, side, along, depth)->writing;
        on++;
        written += near + 1 >= NEAR; /* the edge of another sheet is no deeper than a tile */
    }
    return (struct contact){.page = permille(on, n), .writing = permille(written, n)};
}

static bool runs_out(const struct look *look, unsigned page)
{
    bool cut = false, clear = false;
    for (enum side side = LEFT; side < SIDES; side++) {
        struct contact c = look_at_side(look, side, page);
        cut = cut || c.writing >= CUT_SHARE;
        clear = clear || c.page <= CLEAR_SHARE;
    }
    return cut && clear;
}

static bool find_cut(struct look *look, bool *ret)
{
    unsigned level = paper_level(look);
    *ret = false;
    if (level == 0)
        return true;
    unsigned *todo = malloc(look->n * sizeof *todo);
    if (todo == NULL)
        return false;
    unsigned page = find_page(look, level, todo);
    free(todo);
    *ret = page != 0 && runs_out(look, page);
    return true;
}

/* ---- all of it ---- */

static void judge(const struct look *look, unsigned writing, bool cut, struct bf_legibility *ret)
{
    *ret = (struct bf_legibility){.judged = 1, .dark_share = share(look, 0, DARK), .bright_share = share(look, SATURATED, LEVELS)};
    if (permille(writing, look->n) >= WRITING_SHARE) {
        double across = sharpness(look, 0), down = sharpness(look, 1), worse = across < down ? across : down;
        ret->has_sharpness = 1;
        ret->sharpness = worse * 1000 < BF_PHOTO_SHARPNESS_MAX ? (uint32_t)(worse * 1000 + 0.5) : BF_PHOTO_SHARPNESS_MAX;
    }
    bool hints[BF_PHOTO_HINTS] = {[BF_PHOTO_BLURRED] = ret->has_sharpness && ret->sharpness < SHARP_ENOUGH,
                                  [BF_PHOTO_TOO_DARK] = share(look, PAPER_IN_THE_DARK, LEVELS) < BRIGHT_ENOUGH_SHARE,
                                  [BF_PHOTO_TOO_BRIGHT] = is_burnt_out(look),
                                  [BF_PHOTO_CUT_EDGE] = cut};
    for (unsigned i = 0; i < BF_PHOTO_HINTS; i++)
        ret->hints |= (uint32_t)hints[i] << i;
}

bool bf__legible(const struct bf_plane *luma, struct bf_legibility *ret)
{
    struct look look = {.luma = luma};
    bool cut = false;
    *ret = (struct bf_legibility){0};
    if (luma->w < SIDE_MIN || luma->h < SIDE_MIN)
        return true;
    look.columns = (luma->w - 2) / TILE;
    look.rows = (luma->h - 2) / TILE;
    look.n = look.columns * look.rows;
    look.tiles = malloc(look.n * sizeof *look.tiles);
    bool ok = look.tiles != NULL;
    if (ok) {
        look_at_tiles(&look);
        count_levels(&look);
        find_noise(&look);
        unsigned writing = find_writing(&look);
        ok = find_cut(&look, &cut);
        judge(&look, writing, cut, ret);
    }
    free(look.tiles);
    return ok;
}
