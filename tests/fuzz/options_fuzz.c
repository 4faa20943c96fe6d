// The command line: the input's lines are its words.
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_WORDS = 100 };

void fuzz_options(const uint8_t *data, size_t size)
{
    static char program[] = "abltui";
    char *words[MAX_WORDS + 2] = { program };
    char *text = part_text((struct part){ (const char *)data, size });
    struct abl_err err = { 0 };
    struct cli cli;
    int n = 1;
    for (char *at = text; at && n <= MAX_WORDS; n++) {
        words[n] = at;
        at = strchr(at, '\n');
        if (at)
            *at++ = '\0';
    }
    memset(&cli, 0xaa, sizeof cli); // nothing of it may be left as it was
    if (fuzz_outcome(cli_parse(n, words, &cli, &err), &err)) {
        REQUIRE(cli.command < N_COMMANDS && cli.n_args <= MAX_OPERANDS && cli.n_data <= MAX_ARGS);
        REQUIRE(cli.run.experiment && cli.run.metric < N_METRICS && cli.n_tokenizers <= MAX_ARGS);
        REQUIRE(!cli.run.n_sources || cli.run.sources == cli.sources);
        for (size_t i = 0; i < cli.n_args; i++)
            REQUIRE(*cli.args[i] != '-' || !cli.args[i][1]);
    }
    free(text);
}
