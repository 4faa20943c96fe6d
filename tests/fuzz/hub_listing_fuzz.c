// What the hub answers: a file's name or nothing, then the list of files.
#include <stdlib.h>
#include <string.h>

#include "format/hub_listing.h"
#include "tests/fuzz/fuzz.h"

static const char hex[] = "0123456789abcdef";

// Names become paths in the cache, hashes the names of blobs.
static void check_file(const struct hub_file *f)
{
    REQUIRE(*f->name && *f->name != '.' && !strpbrk(f->name, "/\\"));
    REQUIRE(f->hash && strlen(f->hash) == (f->is_sha256 ? 64 : 40));
    REQUIRE(strspn(f->hash, hex) == strlen(f->hash));
}

void fuzz_hub_listing(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    char *file = part_text(next_part(&rest)), *text = part_text(rest);
    struct hub_repository from = { "https://hub", "org/name" };
    struct hub_listing l;
    struct abl_err err = { 0 };
    if (fuzz_outcome(hub_listing_read(&from, *file ? file : NULL, text, rest.len, &l, &err),
                     &err)) {
        REQUIRE(l.n && strlen(l.commit) == HUB_COMMIT);
        REQUIRE(strspn(l.commit, hex) == HUB_COMMIT);
        bool weights = false;
        for (size_t i = 0; i < l.n; i++) {
            check_file(&l.files[i]);
            REQUIRE(l.files[i].is_weights || !weights); // those with weights last
            weights = weights || l.files[i].is_weights;
        }
        REQUIRE(weights);
        hub_listing_release(&l);
    }
    free(text);
    free(file);
}
