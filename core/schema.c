/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schema.h"

/* Tables have a few dozen rows at most: comparing lengths first makes the walk cheaper than hashing the name. */
int bf_schema_find(const struct bf_schema *schema, struct bf_str name)
{
    for (unsigned i = 0; i < schema->n_fields; i++)
        if (bf_str_eqz(name, schema->fields[i].name))
            return (int)i;
    return -1;
}

int bf_enum_find(const struct bf_enum *words, struct bf_str word)
{
    for (unsigned i = 0; i < words->n_words; i++)
        if (bf_str_eqz(word, words->words[i].word))
            return (int)i;
    return -1;
}
