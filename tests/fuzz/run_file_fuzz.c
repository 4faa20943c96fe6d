// A run file with its battery, tinyLab's or ours.
#include <stdlib.h>
#include <string.h>

#include "cli/tinylab_config.h"
#include "experiments/experiments.h"
#include "tests/fuzz/fuzz.h"

static void check_runs(const struct tinylab_config *c)
{
    REQUIRE(c->n && c->name && strlen(c->hash) == SHA256_HEX - 1);
    for (size_t i = 0; i < c->n; i++) {
        const struct config_run *r = &c->runs[i];
        REQUIRE(r->tag);
        if (r->failed) {
            fuzz_outcome(false, r->failed);
            continue;
        }
        REQUIRE(r->settings.experiment && r->settings.model && r->settings.data);
        REQUIRE(r->settings.metric < N_METRICS && r->settings.n_boot >= 10);
    }
}

void fuzz_run_file(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    struct part config = next_part(&rest);
    struct settings options;
    struct tinylab_config c;
    struct abl_err err = { 0 };
    if (!config.len)
        return;
    fuzz_write("run/config.json", config);
    fuzz_write("run/battery.json", rest);
    settings_default(&options, experiments[0]);
    options.model = options.device = NULL;
    options.n_boot = 0;
    options.data_dir = "data";
    bool ok = tinylab_config_read(fuzz_path("run/config.json"), &options, &c, &err);
    if (ok)
        check_runs(&c); // err may tell of one that the others go on without
    else
        fuzz_outcome(false, &err);
    for (size_t i = 0; i < c.n_notes; i++)
        REQUIRE(fuzz_is_printable(c.notes[i], strlen(c.notes[i]), ""));
    tinylab_config_release(&c);
}
