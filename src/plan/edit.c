#include "plan/edit.h"

#include <assert.h>

bool edit_is_identity(const struct edit *e)
{
    switch (e->op) {
    case EDIT_SCALE:
        return e->factor == 1.0f;
    case EDIT_ADD:
        return e->factor == 0.0f || e->source == SOURCE_NONE;
    case EDIT_SET:
        return false;
    }
    assert(false && "known op");
    return false;
}
