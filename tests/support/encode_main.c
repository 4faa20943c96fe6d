// Token ids of JSON strings, one a line: encode FOLDER < strings.jsonl > ids.txt.
// encode - OWNER reads folders too, each behind a @, for the strings that follow. tools/*.py use it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/names.h"
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

// "@FOLDER": open by `like`. Print "@BOS NOTES", or "@refused: why".
static void switch_folder(const char *folder, enum owner like, struct tokenizer **t)
{
    struct abl_err err = { 0 };
    uint32_t bos;
    tokenizer_free(*t);
    *t = NULL;
    if (!model_tokenizer_open(folder, like, t, &err) || !tokenizer_bos(*t, BOS_AUTO, &bos, &err)) {
        printf("@refused: %s\n", err.text);
        return;
    }
    if (bos == TOKEN_NONE)
        fputs("@none", stdout);
    else
        printf("@%u", bos);
    const struct owner_notes *notes = tokenizer_notes(*t);
    for (size_t i = 0; i < notes->n; i++)
        printf(" | %s", notes->lines[i]);
    puts("");
}

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct tokenizer *t = NULL;
    char *line = NULL;
    size_t cap = 0, like = OWNER_TRANSFORMERS_5;
    bool many = argc == 3 && strcmp(argv[1], "-") == 0;
    bool ok = many        ? name_find(owner_name, 0, argv[2], strlen(argv[2]), &like)
              : argc == 2 ? model_tokenizer_open(argv[1], OWNER_TRANSFORMERS_5, &t, &err)
                          : abl_fail(&err, ABL_USAGE, "usage: encode FOLDER, or encode - OWNER");
    for (ssize_t n; ok && (n = getline(&line, &cap, stdin)) > 0;) {
        if (many && line[0] == '@') {
            line[n - 1] = '\0';
            switch_folder(line + 1, (enum owner)like, &t);
        } else if (t)
            ok = encode_line(t, line, (size_t)n, &err);
    }
    free(line);
    tokenizer_free(t);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : (int)err.code;
}
