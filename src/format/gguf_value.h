// A value of a GGUF file's metadata, as it is once it is read.
#ifndef ABL_FORMAT_GGUF_VALUE_H
#define ABL_FORMAT_GGUF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The file's widths of whole numbers and floats fold into one each.
enum gguf_kind { GGUF_UINT, GGUF_INT, GGUF_FLOAT, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY };

struct gguf_string {
    const char *data; // NUL-terminated behind len bytes; sound UTF-8 is not promised
    size_t len;
};

struct gguf_value {
    struct gguf_string key;
    enum gguf_kind kind, item; // item: of an array's elements, never GGUF_ARRAY
    size_t n;                  // elements of an array
    union {
        uint64_t u; // GGUF_UINT
        int64_t i;
        double f;
        bool b;
        struct gguf_string s;
        const uint64_t *us; // (n) of an array, by its item kind
        const int64_t *is;
        const double *fs;
        const bool *bs;
        const struct gguf_string *ss;
    };
};

#endif
