// Answers that are several tokens' each, any of which will do: years above one, a set of synonyms.
#ifndef ABL_BASE_ANSWER_LISTS_H
#define ABL_BASE_ANSWER_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How the logits of a list become one: their mean, or ln of the sum of their exponentials, which
// is the logit of "any of them".
enum answer_rule { ANSWERS_MEAN, ANSWERS_LSE };

// How options and files spell it: "mean", "lse"; a name_list.
const char *answer_rule_name(size_t how);

struct id_list {
    const uint32_t *ids; // no two alike
    uint32_t n;
};

// The target's tokens and the foil's, at least one each.
struct answer_lists {
    struct id_list targets, foils;
    enum answer_rule how;
};

// Below, equal to or above 0 as a stands before, with or behind b: shorter ones first.
int id_list_compare(struct id_list a, struct id_list b);
bool id_list_has(struct id_list list, uint32_t id);

#endif
