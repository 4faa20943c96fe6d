#include "session/readings.h"

void readings_release(struct readings *r)
{
    arena_release(&r->arena);
    *r = (struct readings){ 0 };
}
