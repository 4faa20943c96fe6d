#include "text/lint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/printable.h"

enum { QUOTED_BYTES = 60 };

struct lint_rule {
    enum finding_level level;
    const char *kind, *what, *remedy;
};

// Errors stand before warnings: findings come in this order.
static const struct lint_rule rules[N_LINTS] = {
    [LINT_EMPTY_PROMPT]
    = { FINDING_ERROR, "empty-prompt", "the clean prompt is empty", "write a prompt" },
    [LINT_NO_TOKEN] = { FINDING_ERROR, "no-token", "the tokenizer has no token for a character",
                        "rewrite the prompt" },
    [LINT_PROMPT_TOO_LONG]
    = { FINDING_ERROR, "prompt-too-long", "the prompt is longer than the model's context",
        "shorten the prompt" },
    [LINT_MULTI_TOKEN_TARGET]
    = { FINDING_ERROR, "multi-token-target", "the target is not one token behind the prompt",
        "give it its leading space or choose a shorter word" },
    [LINT_MULTI_TOKEN_FOIL]
    = { FINDING_ERROR, "multi-token-foil", "the foil is not one token behind the prompt",
        "give it its leading space or choose a shorter word" },
    [LINT_TARGET_IS_FOIL] = { FINDING_ERROR, "target-is-foil", "target and foil are the same token",
                              "choose another foil" },
    [LINT_ID_OUT_OF_RANGE]
    = { FINDING_ERROR, "id-out-of-range", "a token id is beyond the model's vocabulary",
        "use the tokenizer that belongs to the model" },
    [LINT_REPEATED_ANSWER]
    = { FINDING_WARNING, "repeated-answer", "a list names a token twice", "it counts once" },
    [LINT_GAVE_SPACE]
    = { FINDING_NOTE, "gave-space", "target and foil have been given their leading space",
        "--fix-spaces asks for it" },
    [LINT_SPLIT_LEAK]
    = { FINDING_WARNING, "split-leak", "the clean prompt is also in another split",
        "keep a prompt in one split only" },
    [LINT_CLUSTER_LEAK]
    = { FINDING_WARNING, "cluster-leak", "the cluster has rows in another split too",
        "keep a cluster in one split only" },
    [LINT_TARGET_IN_PROMPT]
    = { FINDING_NOTE, "target-in-prompt", "the prompt already says the target",
        "what is measured is copying, as the task may mean it: which of its words the model takes "
        "where the foil stands there too" },
    [LINT_ANSWER_AT_END]
    = { FINDING_WARNING, "answer-at-end", "most prompts end with their own target",
        "repeating the last word answers them; end before the answer" },
    [LINT_CONSTANT_LABEL] = { FINDING_WARNING, "constant-label", "every row has the same target",
                              "a constant answer scores as well; vary the target" },
    [LINT_CONSTANT_FOIL] = { FINDING_WARNING, "constant-foil", "every row has the same foil",
                             "disliking one word scores as well; vary the foil" },
    [LINT_LOPSIDED_LABEL]
    = { FINDING_WARNING, "lopsided-label", "one target stands in more than two thirds of the rows",
        "a constant answer scores nearly as well; balance the targets" },
    [LINT_ONE_SIDED]
    = { FINDING_WARNING, "one-sided", "no pair of words is ever asked the other way round",
        "a preference between words answers every row; add rows with target and foil swapped" },
    [LINT_CONTRADICTION]
    = { FINDING_WARNING, "contradiction", "the prompt is also asked with target and foil swapped",
        "keep the row that is right" },
    [LINT_DUPLICATE_ROW]
    = { FINDING_WARNING, "duplicate-row", "clean prompt, target and foil repeat an earlier row",
        "remove the repetition" },
    [LINT_DUPLICATE_PROMPT]
    = { FINDING_WARNING, "duplicate-prompt", "the clean prompt repeats with another target or foil",
        "such rows are resampled together, as one cluster" },
    [LINT_NEAR_DUPLICATE]
    = { FINDING_WARNING, "near-duplicate", "the clean prompt repeats but for case or white space",
        "remove it, or give both rows one \"cluster\"" },
    [LINT_UNEQUAL_LENGTHS]
    = { FINDING_WARNING, "unequal-lengths", "clean and corrupt differ in token count",
        "patches align them from the end; make them equally long" },
    [LINT_CORRUPT_IS_CLEAN]
    = { FINDING_WARNING, "corrupt-is-clean", "clean and corrupt are the same text",
        "patching such a row does nothing; change what the answer hangs on" },
    [LINT_NO_CORRUPT]
    = { FINDING_WARNING, "no-corrupt", "there is no corrupt prompt", "patching needs one" },
    [LINT_SPECIAL_TOKEN] = { FINDING_WARNING, "special-token-in-text",
                             "the text spells a special token and is read as that token",
                             "remove it unless that is meant" },
    [LINT_TRAILING_SPACE]
    = { FINDING_WARNING, "trailing-space", "the clean prompt ends in white space",
        "leave the space to the target, as its first character" },
    [LINT_NO_SPACE] = { FINDING_WARNING, "no-space", "the answer continues the prompt's last word",
                        "begin target and foil with a space" },
    [LINT_GARBLED] = { FINDING_WARNING, "garbled-text", "a text looks decoded wrongly",
                       "write the file anew from its source, as UTF-8" },
    [LINT_SPAN_WITHOUT_TOKENS]
    = { FINDING_WARNING, "span-without-tokens", "the tokenizer has no tokens for a span",
        "such a row has no position of that name; name whole words" },
    [LINT_LOW_ACCURACY]
    = { FINDING_WARNING, "low-accuracy", "the model prefers the target in fewer than 60 % of rows",
        "effects on a task that it cannot do say little; take another model or task" },
};

const char *finding_level_name(size_t level)
{
    static const char *const names[]
        = { [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error", [FINDING_NOTE] = "note" };
    return level < sizeof names / sizeof *names ? names[level] : NULL;
}

void lint_add(struct lint *l, enum lint_kind kind, uint32_t line, const char *example, ...)
{
    struct lint_note *note = &l->notes[kind];
    bool drops = rules[kind].level == FINDING_ERROR && l->fates[kind] != LINT_KEPT;
    bool first = !note->n_rows, tells = drops && !l->row_kind;
    l->row_refused = l->row_refused || (drops && l->fates[kind] == LINT_REFUSED);
    if (note->n_rows < FINDING_LINES)
        note->lines[note->n_rows] = line;
    note->n_rows++;
    if (!first && !tells)
        return;
    char text[512];
    va_list args;
    va_start(args, example);
    vsnprintf(text, sizeof text, example, args);
    va_end(args);
    const char *kept = arena_strdup(l->arena, text);
    l->failed = l->failed || !kept;
    if (first)
        note->example = kept;
    if (tells) {
        l->row_kind = rules[kind].kind;
        l->row_why = kept;
    }
}

// Length of text's first characters that fit into most bytes.
static size_t cut(const char *text, size_t len, size_t most)
{
    if (len <= most)
        return len;
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}

const char *lint_quote(struct lint *l, const char *text)
{
    struct buf b = { 0 };
    size_t len = strlen(text), kept = cut(text, len, QUOTED_BYTES);
    buf_char(&b, '\'');
    printable_add(&b, text, kept);
    buf_str(&b, kept < len ? "…'" : "'");
    const char *quoted = b.failed ? NULL : arena_strndup(l->arena, b.data, b.len);
    buf_release(&b);
    l->failed = l->failed || !quoted;
    return quoted ? quoted : "";
}

// "line 4", "lines 4 and 9", "lines 4, 9, 12, …"
static void add_lines(struct buf *b, const struct lint_note *note)
{
    uint32_t n = note->n_rows < FINDING_LINES ? note->n_rows : FINDING_LINES;
    buf_str(b, note->n_rows == 1 ? "line " : "lines ");
    for (uint32_t i = 0; i < n; i++) {
        bool last = i + 1 == note->n_rows;
        buf_printf(b, "%s%" PRIu32, !i ? "" : last ? " and " : ", ", note->lines[i]);
    }
    if (note->n_rows > FINDING_LINES)
        buf_str(b, ", …");
}

// "3 rows (lines 4, 9 and 12): the foil is …, such as ' Zanzibar' is 3 tokens;
// choose a shorter word"
static const char *write_up(struct lint *l, enum lint_kind kind)
{
    static const char *const fates[] = { "", "dropped ", "kept " };
    bool is_error = rules[kind].level == FINDING_ERROR;
    const struct lint_rule *rule = &rules[kind];
    const struct lint_note *note = &l->notes[kind];
    struct buf b = { 0 };
    buf_printf(&b, "%s%" PRIu32 " %s (", is_error ? fates[l->fates[kind]] : "", note->n_rows,
               note->n_rows == 1 ? "row" : "rows");
    add_lines(&b, note);
    buf_printf(&b, "): %s: %s; %s", rule->what, note->example, rule->remedy);
    if (is_error && l->fates[kind] == LINT_REFUSED)
        buf_str(&b, ", or leave such rows out with --skip-bad");
    const char *text = b.failed ? NULL : arena_strndup(l->arena, b.data, b.len);
    buf_release(&b);
    return text;
}

bool lint_findings(struct lint *l, struct finding **out, size_t *n, struct abl_err *err)
{
    struct finding *findings = arena_alloc(l->arena, N_LINTS, sizeof *findings);
    size_t count = 0;
    if (!findings || l->failed)
        return abl_no_memory(err);
    for (enum lint_kind kind = 0; kind < N_LINTS; kind++) {
        const struct lint_note *note = &l->notes[kind];
        if (!note->n_rows)
            continue;
        bool forbids = rules[kind].level == FINDING_ERROR && l->fates[kind] == LINT_REFUSED;
        const char *text = write_up(l, kind);
        if (!text)
            return abl_no_memory(err);
        findings[count++]
            = (struct finding){ .level = forbids                              ? FINDING_ERROR
                                         : rules[kind].level == FINDING_ERROR ? FINDING_WARNING
                                                                              : rules[kind].level,
                                .kind = rules[kind].kind,
                                .n_rows = note->n_rows,
                                .first_line = note->lines[0],
                                .lines = { note->lines[0], note->lines[1], note->lines[2] },
                                .text = text };
    }
    *out = findings;
    *n = count;
    return true;
}
