// stub until the reader is there
#include "text/definition.h"
bool definition_read_sentencepiece(struct definition *d, const char *folder, struct abl_err *err)
{
    (void)d;
    return abl_fail(err, ABL_BAD_MODEL, "tokenizer.model in '%s'", folder);
}
