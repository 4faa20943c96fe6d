#include "ui/depth.h"

#include <stdio.h>
#include <string.h>

// The colours 16 to 255 of xterm: a 6x6x6 cube and 24 greys.
static int cube_level(int v)
{
    return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

static int cube_value(int level)
{
    return level ? 55 + 40 * level : 0;
}

static int square(int v)
{
    return v * v;
}

static int color_256(struct rgb c)
{
    int r = cube_level(c.r), g = cube_level(c.g), b = cube_level(c.b);
    int mean = (c.r + c.g + c.b) / 3, grey = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10;
    int grey_value = 8 + 10 * grey;
    int to_cube
        = square(c.r - cube_value(r)) + square(c.g - cube_value(g)) + square(c.b - cube_value(b));
    int to_grey = square(c.r - grey_value) + square(c.g - grey_value) + square(c.b - grey_value);
    return to_grey < to_cube ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

// The eight basic colours as terminals show them, in ANSI order; the bright eight follow.
static int color_16(struct rgb c, int n)
{
    static const unsigned char table[16][3]
        = { { 0, 0, 0 },       { 205, 0, 0 },   { 0, 205, 0 },   { 205, 205, 0 },
            { 0, 0, 238 },     { 205, 0, 205 }, { 0, 205, 205 }, { 229, 229, 229 },
            { 127, 127, 127 }, { 255, 0, 0 },   { 0, 255, 0 },   { 255, 255, 0 },
            { 92, 92, 255 },   { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 } };
    int best = 0, nearest = 1 << 30;
    for (int i = 0; i < n; i++) {
        int d = square(c.r - table[i][0]) + square(c.g - table[i][1]) + square(c.b - table[i][2]);
        if (d < nearest) {
            nearest = d;
            best = i;
        }
    }
    return best;
}

enum depth depth_of(int n_colors)
{
    return n_colors > 256    ? DEPTH_DIRECT
           : n_colors == 256 ? DEPTH_256
           : n_colors >= 16  ? DEPTH_16
           : n_colors >= 8   ? DEPTH_8
                             : DEPTH_MONO;
}

int depth_color(enum depth depth, struct color c)
{
    enum { N_INDEXED = 8 }; // direct entries read smaller numbers as the basic colours
    if (!c.set)
        return -1;
    int direct = c.rgb.r << 16 | c.rgb.g << 8 | c.rgb.b;
    switch (depth) {
    case DEPTH_DIRECT:
        return direct < N_INDEXED ? N_INDEXED : direct;
    case DEPTH_256:
        return color_256(c.rgb);
    case DEPTH_16:
        return color_16(c.rgb, 16);
    case DEPTH_8:
        return color_16(c.rgb, 8);
    case DEPTH_MONO:
        break;
    }
    return -1;
}

bool depth_colorterm(const char *colorterm)
{
    return colorterm && (!strcmp(colorterm, "truecolor") || !strcmp(colorterm, "24bit"));
}

bool depth_direct_entry(const char *term, char *out, size_t size)
{
    static const char *const endings[] = { "-256color", "-88color", "-16color", "-color", "" };
    size_t len = strlen(term);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (len <= n || strcmp(term + len - n, endings[i]) != 0)
            continue;
        int need = snprintf(out, size, "%.*s-direct", (int)(len - n), term);
        return need > 0 && (size_t)need < size;
    }
    return false;
}

bool depth_is_like_xterm(const char *term)
{
    static const char *const names[]
        = { "xterm", "alacritty", "foot",    "kitty", "wezterm", "ghostty", "konsole",
            "vte",   "gnome",     "contour", "st-",   "rio",     "iterm",   "mintty" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strncmp(term, names[i], strlen(names[i])))
            return true;
    return false;
}
