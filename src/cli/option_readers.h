// Readers of options' values: most are for any option that says in its row where the value goes and
// what it may be.
#ifndef ABL_CLI_OPTION_READERS_H
#define ABL_CLI_OPTION_READERS_H

#include "cli/option.h"

option_reader option_flag;     // sets the row's flag
option_reader option_true;     // a bool becomes true
option_reader option_text;     // any but an empty one
option_reader option_heads;    // heads or sets, or @FILE that has them
option_reader option_count;    // a whole number from least to most
option_reader option_bytes;    // the same with a unit K, M, G or T
option_reader option_duration; // seconds: a whole number with a unit s, m, h or d
option_reader option_share;    // a number between 0 and 1
option_reader option_part;     // a number from 0 on, or a percentage
option_reader option_name;     // the value of a name, from `first` on
option_reader option_bits;     // names with commas between them, a bit each

// Of one option each.
option_reader option_data, option_tokenizer, option_source; // lists
option_reader option_experiment, option_ablate, option_shares, option_size, option_suffix,
    option_shard, option_map, option_template, option_corrupt, option_foil;

#endif
