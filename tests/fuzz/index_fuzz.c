// model.safetensors.index.json beside two shards, which hold the tensors a and b.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/hf_cache.h"
#include "model/checkpoint.h"
#include "tests/fuzz/fuzz.h"

static void write_shard(const char *name, char tensor)
{
    char file[128] = { 0 };
    int n = snprintf(file + 8, sizeof file - 8,
                     "{\"%c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", tensor);
    file[0] = (char)n;
    fuzz_write(name, (struct part){ file, 8 + (size_t)n + 4 });
}

void fuzz_index(const uint8_t *data, size_t size)
{
    struct checkpoint *c;
    struct abl_err err = { 0 };
    char missing[256];
    if (!size)
        return;
    if (!file_exists(fuzz_path("index/a.safetensors"))) {
        write_shard("index/a.safetensors", 'a');
        write_shard("index/b.safetensors", 'b');
    }
    fuzz_write("index/model.safetensors.index.json", (struct part){ (const char *)data, size });
    REQUIRE(hf_snapshot_missing(fuzz_path("index"), missing, sizeof missing, &err));
    REQUIRE(memchr(missing, '\0', sizeof missing));
    if (fuzz_outcome(checkpoint_open(fuzz_path("index"), &c, &err), &err)) {
        REQUIRE(c->n_tensors && c->n_tensors == c->n_files);
        REQUIRE(checkpoint_find(c, "a").entry || checkpoint_find(c, "b").entry);
        checkpoint_close(c);
    }
}
