#include "ui/terminfo.h"

#include <unistd.h>

#include <curses.h>
#include <term.h> // takes words such as key_find for itself: hence this file

struct terminfo_says terminfo_look_up(const char *name)
{
    struct terminfo_says says = { 0 };
    int found;
    if (setupterm(name, STDOUT_FILENO, &found) != OK)
        return says;
    says.known = true;
    says.direct = tigetflag("RGB") > 0 && tigetnum("colors") > 256;
    says.promises = tigetflag("RGB") > 0 || tigetflag("Tc") > 0;
    del_curterm(cur_term);
    return says;
}
