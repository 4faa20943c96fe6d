#include "cli/print.h"

#include "base/buf.h"
#include "base/name_text.h"
#include "base/say.h"

#include <stdio.h>
#include <string.h>

const char *size_text(uint64_t bytes, char out[SIZE_TEXT])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 1024 && u + 1 < sizeof units / sizeof *units; u++)
        v /= 1024;
    snprintf(out, SIZE_TEXT, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

bool print_json(cJSON *document, struct abl_err *err)
{
    char *text = document ? cJSON_Print(document) : NULL;
    cJSON_Delete(document);
    if (!text)
        return abl_no_memory(err);
    size_t len = strlen(text);
    text[len] = '\n'; // in the place of its NUL
    bool ok = say_json(text, len + 1, err);
    cJSON_free(text);
    return ok;
}

void add_name(cJSON *o, const char *key, const char *name)
{
    struct buf text = { 0 };
    name_text(name, &text);
    if (!text.failed)
        cJSON_AddStringToObject(o, key, text.data ? text.data : "");
    buf_release(&text);
}

void print_findings(const struct prompts *p)
{
    for (size_t i = 0; i < p->n_findings; i++)
        say(SAY_ERR, "%s: %s\n", finding_level_name(p->findings[i].level), p->findings[i].text);
}

void print_compat(const struct session *session)
{
    const char *banner = conventions_of(session->settings.compat)->banner;
    if (banner)
        say(SAY_ERR, "%s\n%zu of %zu rows are padded\n", banner, session->prompts->n_padded,
            session->prompts->n);
}
