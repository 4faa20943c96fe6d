#include "ui/terminfo.h"

#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
#include <term.h> // takes words such as key_find for itself: hence this file

#include "ui/depth.h"

const char *terminfo_direct_entry(char *name, size_t size)
{
    int found;
    if (!depth_direct_entry(getenv("TERM"), getenv("COLORTERM"), name, size)
        || setupterm(name, STDOUT_FILENO, &found) != OK)
        return NULL;
    bool direct = tigetflag("RGB") > 0;
    del_curterm(cur_term);
    return direct ? name : NULL;
}
