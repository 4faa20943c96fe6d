#include "base/answer_lists.h"

const char *answer_rule_name(size_t how)
{
    static const char *const names[] = { [ANSWERS_MEAN] = "mean", [ANSWERS_LSE] = "lse" };
    return how < sizeof names / sizeof *names ? names[how] : NULL;
}

int id_list_compare(struct id_list a, struct id_list b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    for (uint32_t i = 0; i < a.n; i++)
        if (a.ids[i] != b.ids[i])
            return a.ids[i] < b.ids[i] ? -1 : 1;
    return 0;
}

bool id_list_has(struct id_list list, uint32_t id)
{
    for (uint32_t i = 0; i < list.n; i++)
        if (list.ids[i] == id)
            return true;
    return false;
}
