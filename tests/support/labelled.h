// Variants looked up by the labels that expected numbers come with.
#ifndef ABL_TESTS_LABELLED_H
#define ABL_TESTS_LABELLED_H

#include "plan/variant.h"

// Number of the variant with this label, or NO_VARIANT.
size_t labelled(const struct variants *v, const char *label);

#endif
