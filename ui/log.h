// The log: messages in a ring, and the lines that they fold into, which are what scrolls.
#ifndef ABL_UI_LOG_H
#define ABL_UI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/layout.h"

enum { MAX_LOG = 256 };

struct log_message {
    char *text; // owned; NULL where memory was out
    bool is_error;
};

struct log {
    struct log_message messages[MAX_LOG]; // a ring: the newest is messages[(n - 1) % MAX_LOG]
    size_t n;                             // so far
    size_t back;                          // lines that it is scrolled back by
};

// A line on the screen: a whole message or a part of one.
struct log_part {
    const char *text; // not terminated; borrowed
    size_t len;
    uint32_t indent; // columns: 0 where the message begins
    bool is_error;
};

// Keep a message; the oldest makes room. What is being read stays where it is, in `pane`, where the
// log is drawn, of no width where it is not.
void log_add(struct log *log, bool is_error, const char *text, struct rect pane);
void log_release(struct log *log);

// i = 0 is the newest message; NULL past the oldest.
const struct log_message *log_message_at(const struct log *log, size_t i);

// i = 0 is the last line of the newest message, width in columns. False past the oldest.
bool log_part_at(const struct log *log, uint32_t width, size_t i, struct log_part *out);

// How far it can be scrolled back.
size_t log_back_limit(const struct log *log, struct rect pane);

#endif
