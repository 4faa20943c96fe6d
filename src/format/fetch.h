// A file on its way here from a server: what becomes of each thing that the server does. Status
// lines, headers, bytes, cuts and the time come in as data, and what to do next comes out; no
// socket, no file and no clock is touched, so that every course of events can be played.
//
//   step = fetch_begin(&f, …);
//   while (step == FETCH_ASK || step == FETCH_CHECK)
//       ask:   wait f.wait_ms; fetch_asked; request f.url from byte f.from on; for what comes
//              fetch_header, fetch_body and, every second or so, fetch_goes_on;
//              step = fetch_answered(…)
//       check: compare the hash of what is stored; step = fetch_checked(…)
#ifndef ABL_FORMAT_FETCH_H
#define ABL_FORMAT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/url.h"

enum { FETCH_TRIES = 6 };

// Times are in milliseconds of any one clock that only goes on.
struct fetch_rules {
    uint64_t least_rate; // bytes a second, as the mean of each window; at least one byte in one
    uint64_t window_ms;
    uint64_t pause_ms; // before the first new try; doubled each time
    uint64_t until_ms; // everything is over then
};

struct fetch_goal {
    const char *url; // what url_parse takes
    bool has_token;  // goes to the url's own protocol, host and port alone
    uint64_t size;   // of the file; at most, with any_size
    bool any_size;   // a text that is read whole each time, of which no hash is known: f->have
                     // bytes in the end
};

enum fetch_step {
    FETCH_ASK,   // make a request
    FETCH_CHECK, // all bytes are stored
    FETCH_DONE,
    FETCH_OVER, // f->end says why
};

enum fetch_end {
    FETCH_DENIED, // f->status, for good or in every try
    FETCH_CUT,    // no answer, or none that came to its end
    FETCH_SLOW,   // the same, as it fell below the least rate
    FETCH_WRONG,  // other bytes than were wanted, in every try
    FETCH_ASTRAY, // redirected to where nothing is fetched from
    FETCH_LATE,   // out of time; what came may be kept
};

struct fetch {
    struct fetch_rules rules;
    struct fetch_goal goal;

    // The request to make.
    char url[URL_SIZE];
    bool with_token;
    bool direct; // past any proxy: a token in the clear, or an address of this machine
    uint64_t from, wait_ms;

    // Its answer so far.
    long status;     // 0: none
    char reason[48]; // what the hub's header X-Error-Code says: "GatedRepo"; "" without
    uint64_t have;   // bytes stored

    enum fetch_end end;

    // Inside.
    char location[URL_SIZE];
    uint64_t retry_after_s, range_first;
    bool has_location, has_range, began, stopped, slow, late, wrong;
    size_t header_bytes, skipped;
    unsigned attempt, hops;
    uint64_t best, credited_ms; // most bytes that a try brought that counted as progress, and when
    uint64_t window_from_ms, received, window_received;
};

// What to do with bytes of a body.
struct fetch_take {
    size_t n;        // store so many of them
    uint64_t offset; // here
    bool anew;       // after all that was stored before is thrown away
    bool stop;       // and end the transfer
};

// have: bytes that are stored from an earlier time, of which nobody knows whether they are right.
enum fetch_step fetch_begin(struct fetch *f, const struct fetch_rules *rules,
                            const struct fetch_goal *goal, uint64_t have, uint64_t now_ms);

// The request is made now.
void fetch_asked(struct fetch *f, uint64_t now_ms);

// A status line or header with its line end. False: end the transfer.
bool fetch_header(struct fetch *f, const char *line, size_t n);
struct fetch_take fetch_body(struct fetch *f, size_t n, uint64_t now_ms);
// Whether the transfer may go on; asked while nothing comes, too.
bool fetch_goes_on(struct fetch *f, uint64_t now_ms);

// The transfer has ended; cut: before the answer was whole, or nobody answered.
enum fetch_step fetch_answered(struct fetch *f, bool cut, uint64_t now_ms);

// Whether the hash was right.
enum fetch_step fetch_checked(struct fetch *f, bool right, uint64_t now_ms);

#endif
