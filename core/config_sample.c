/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config.h"

static void print_range(FILE *out, const struct bf_config_row *row)
{
    const char *unit = row->unit == NULL ? "" : row->unit;
    switch (row->type) {
    case BF_CF_INT:
        fprintf(out, "# %lld to %lld%s%s.\n", (long long)row->min, (long long)row->max, unit[0] != '\0' ? " " : "", unit);
        break;
    case BF_CF_BOOL:
        fprintf(out, "# yes or no.\n");
        break;
    case BF_CF_WORD:
        fprintf(out, "# One of %s.\n", row->words);
        break;
    case BF_CF_STR:
    case BF_CF_URI:
        if (row->max != 0)
            fprintf(out, "# %lld to %lld bytes.\n", (long long)row->min, (long long)row->max);
        break;
    case BF_CF_PATH:
    case BF_CF_SECRET:
        break;
    }
}

static void print_row(FILE *out, const struct bf_config_row *row)
{
    fprintf(out, "# %s\n", row->prose);
    print_range(out, row);
    if (row->type == BF_CF_SECRET)
        fprintf(out, "#%s_file = \n\n", row->key);
    else
        fprintf(out, "#%s = %s\n\n", row->key, row->def == NULL ? "" : row->def);
}

void bf_config_print_sample(FILE *out, const struct bf_config_row *const *tables, const unsigned *n_rows, unsigned n_tables)
{
    const char *section = "";
    fprintf(out, "# Each key stands here with its default. A key may also be given as KEY_file = PATH, or as the environment variable\n"
                 "# BAIFANG_SECTION_KEY, which wins. Secrets are taken only in these two ways.\n");
    for (unsigned t = 0; t < n_tables; t++)
        for (unsigned i = 0; i < n_rows[t]; i++) {
            const struct bf_config_row *row = &tables[t][i];
            if (strcmp(section, row->section) != 0)
                fprintf(out, "\n[%s]\n", row->section);
            section = row->section;
            print_row(out, row);
        }
}
