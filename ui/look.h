// What the screen may consist of: what the terminal cannot show, and what the user wants of it.
#ifndef ABL_UI_LOOK_H
#define ABL_UI_LOOK_H

enum look {
    LOOK_ASCII = 1 << 0,
    LOOK_MONO = 1 << 1,
    LOOK_DARK = 1 << 2, // light on dark
    LOOK_PLAIN = LOOK_ASCII | LOOK_MONO,
};

// Auto: where the terminal has colours and NO_COLOR is not set (no-color.org).
enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#endif
