// Token ids of JSON strings, one a line: encode FOLDER < strings.jsonl > ids.txt.
// tools/check_tokenizer.py reads it.
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "model/model.h"
#include "text/tokenizer.h"

// Print the ids of one line's text, or "refused: why".
static bool encode_line(const struct tokenizer *t, const char *line, size_t len,
                        struct abl_err *err)
{
    struct json j;
    struct json_text text;
    struct token_ids ids = { 0 };
    bool ok = json_open(&j, "line", line, len, ABL_BAD_DATA, err) && json_string(&j, &text)
              && json_end(&j);
    if (ok && tokenizer_encode(t, text.data, text.len, &ids, err)) {
        for (size_t i = 0; i < ids.n; i++)
            printf("%s%u", i ? " " : "", ids.ids[i]);
        puts("");
    } else if (ok)
        printf("refused: %s\n", err->text);
    token_ids_release(&ids);
    json_close(&j);
    return ok;
}

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct tokenizer *t = NULL;
    char *line = NULL;
    size_t cap = 0;
    bool ok = argc == 2 ? model_tokenizer_open(argv[1], OWNER_TRANSFORMERS_5, &t, &err)
                        : abl_fail(&err, ABL_USAGE, "usage: encode FOLDER < strings.jsonl");
    for (ssize_t n; ok && (n = getline(&line, &cap, stdin)) > 0;)
        ok = encode_line(t, line, (size_t)n, &err);
    free(line);
    tokenizer_free(t);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : (int)err.code;
}
