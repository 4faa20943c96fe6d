#include "text/text_checks.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/string_index.h"
#include "text/seam.h"
#include "text/unicode.h"

static bool ends_in_space(const char *text)
{
    size_t len = strlen(text), n;
    return len && unicode_is_space(utf8_last(text, len, &n));
}

static void check_seam(const struct dataset_row *row, struct lint *l)
{
    if (ends_in_space(row->clean))
        lint_add(l, LINT_TRAILING_SPACE, row->line, "%s", lint_quote(l, row->clean));
    const char *glued = seam_glued(row);
    if (glued)
        lint_add(l, LINT_NO_SPACE, row->line, "%s behind %s", lint_quote(l, glued),
                 lint_quote(l, row->clean));
}

// The mark of text that was decoded wrongly: U+FFFD; a byte-order mark or control character inside;
// UTF-8 read as Latin-1 or Windows-1252, which turns é into Ã© and ’ into â€™.
static bool is_garbled(const char *text)
{
    size_t len = text ? strlen(text) : 0, n;
    uint32_t before = 0;
    for (size_t at = 0; at < len; at += n) {
        uint32_t c = utf8_first(text + at, len - at, &n);
        bool twice = ((before == 0xc2 || before == 0xc3) && c >= 0x80 && c <= 0xbf)
                     || (before == 0xe2 && c == 0x20ac);
        bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c <= 0x9f);
        if (c == 0xfffd || c == 0xfeff || twice || control)
            return true;
        before = c;
    }
    return false;
}

static void check_encoding(const struct dataset_row *row, struct lint *l)
{
    const char *const texts[] = { row->clean, row->corrupt, row->target, row->foil };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is_garbled(texts[i])) {
            lint_add(l, LINT_GARBLED, row->line, "%s", lint_quote(l, texts[i]));
            return;
        }
}

static bool check_near(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    struct string_index seen = { 0 }; // what a prompt is folded to: the first item that is
    bool ok = true;
    for (size_t i = 0; ok && i < p->n; i++) {
        const struct dataset_row *row = p->items[i].row;
        struct buf folded = { 0 };
        const uint32_t *first = NULL;
        if (unicode_fold(row->clean, &folded))
            first = string_index_put_copy(&seen, folded.data ? folded.data : "", folded.len,
                                          (uint32_t)i);
        ok = first != NULL;
        const struct dataset_row *other = ok ? p->items[*first].row : row;
        if (strcmp(other->clean, row->clean) != 0)
            lint_add(l, LINT_NEAR_DUPLICATE, row->line, "%s is %s of line %" PRIu32,
                     lint_quote(l, row->clean), lint_quote(l, other->clean), other->line);
        buf_release(&folded);
    }
    string_index_release(&seen);
    return ok || abl_no_memory(err);
}

bool text_checks_run(const struct prompts *p, struct lint *l, struct abl_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        check_seam(p->items[i].row, l);
        check_encoding(p->items[i].row, l);
    }
    return check_near(p, l, err);
}
