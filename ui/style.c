#include "ui/style.h"

#include "ui/look.h"

static struct style colored(uint8_t r, uint8_t g, uint8_t b, unsigned flags)
{
    return (struct style){ .fg = { true, { r, g, b } }, .flags = flags };
}

struct style style_plain(void)
{
    return (struct style){ 0 };
}

struct style style_dim(void)
{
    return (struct style){ .flags = STYLE_DIM };
}

struct style style_bold(void)
{
    return (struct style){ .flags = STYLE_BOLD };
}

struct style style_accent(void)
{
    return colored(46, 134, 222, STYLE_BOLD);
}

struct style style_warn(void)
{
    return colored(208, 108, 32, STYLE_BOLD);
}

struct style style_effect(double t, unsigned look)
{
    struct rgb back = look & LOOK_DARK ? palette_diverging_dark(t) : palette_diverging(t);
    return (struct style){ .fg = { true, palette_ink(back) }, .bg = { true, back } };
}
