// report/number.h: any number printed and read back; base/number.h: any text read as a number.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/number.h"
#include "tests/fuzz/fuzz.h"

static bool is_plain(const char *text)
{
    return text[strspn(text, "+-.0123456789e")] == '\0';
}

static void print_double(double value)
{
    char text[NUMBER_SIZE];
    double back;
    number_format(value, text);
    REQUIRE(strlen(text) < NUMBER_SIZE && (*text != '\0') == (isfinite(value) != 0));
    if (!isfinite(value))
        return;
    REQUIRE(is_plain(text));
    REQUIRE(strtod(text, NULL) == value);
    REQUIRE(number_parse(text, &back) && back == value);
}

static void print_float(float value)
{
    char text[NUMBER_SIZE];
    number_format_float(value, text);
    REQUIRE((*text != '\0') == (isfinite(value) != 0));
    REQUIRE(!isfinite(value) || (is_plain(text) && strtof(text, NULL) == value));
}

static void print_fixed(double value, int decimals)
{
    char text[NUMBER_SIZE];
    number_fixed(value, decimals, text);
    REQUIRE(is_plain(text));
    if (isfinite(value) && fabs(value) < 1e6)
        REQUIRE(fabs(strtod(text, NULL) - value) <= 0.5000001 * pow(10, -decimals) + 1e-9);
}

static void read_text(const char *text)
{
    double value;
    uint64_t whole;
    char printed[NUMBER_SIZE];
    if (number_parse(text, &value)) {
        REQUIRE(isfinite(value));
        number_format(value, printed);
        REQUIRE(strtod(printed, NULL) == value);
    }
    if (number_parse_whole(text, &whole))
        REQUIRE(text[strspn(text, "0123456789")] == '\0' && strtoull(text, NULL, 10) == whole);
}

void fuzz_number(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    uint8_t decimals = next_byte(&rest) % 16;
    double value;
    float narrow;
    if (rest.len >= sizeof value) {
        memcpy(&value, rest.data, sizeof value);
        memcpy(&narrow, rest.data, sizeof narrow);
        print_double(value);
        print_float(narrow);
        print_fixed(value, decimals);
    }
    char *text = part_text(rest);
    read_text(text);
    free(text);
}
