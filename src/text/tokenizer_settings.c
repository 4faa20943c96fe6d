#include "text/tokenizer_settings.h"

#include <stdlib.h>

#include "text/token.h"

struct tokenizer_settings tokenizer_settings_none(void)
{
    return (struct tokenizer_settings){ .config_bos = TOKEN_NONE, .config_eos = TOKEN_NONE };
}

void tokenizer_settings_release(struct tokenizer_settings *s)
{
    free(s->additional.items);
    free(s->map_additional.items);
    free(s->extra.items);
    free(s->named.items);
    free(s->other.items);
    free(s->stated.items);
    free(s->decoder.items);
    free(s->plain.items);
    arena_release(&s->arena);
    *s = tokenizer_settings_none();
}
