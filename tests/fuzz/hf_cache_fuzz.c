// The hub's cache: an id, a revision, what stands in its ref, and variables that say where the
// cache is.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/hf_cache.h"
#include "tests/fuzz/fuzz.h"

static const char commit[] = "0123456789abcdef0123456789abcdef01234567";

// What is a name stays below the cache as a path.
static void check_names(const char *id, const char *revision)
{
    if (hf_id_valid(id)) {
        char *path = hf_repo_path("/root", id);
        REQUIRE(path && strncmp(path, "/root/models--", 14) == 0);
        REQUIRE(!strchr(path + 6, '/') && !strstr(path, ".."));
        free(path);
    }
    if (hf_revision_valid(revision))
        REQUIRE(*revision != '/' && !strstr(revision, "..") && !strstr(revision, "//")
                && revision[strlen(revision) - 1] != '/');
}

static void find(const char *id, const char *revision)
{
    char *found = NULL, root[512];
    struct abl_err err = { 0 };
    snprintf(root, sizeof root, "%s", fuzz_path("cache"));
    REQUIRE(hf_cache_find(root, id, revision, &found, &err));
    REQUIRE(fuzz_outcome(true, &err));
    if (found) {
        const char *folder = strstr(found, "/snapshots/");
        REQUIRE(strncmp(found, root, strlen(root)) == 0 && folder && file_is_dir(found));
        REQUIRE(strcmp(folder + strlen("/snapshots/"), commit) == 0);
    }
    free(found);
}

void fuzz_hf_cache(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    char *id = part_text(next_part(&rest)), *revision = part_text(next_part(&rest));
    struct part ref = next_part(&rest);
    char *cache = part_text(next_part(&rest)), *home = part_text(rest);
    if (!file_exists(fuzz_path("cache/models--a--b/snapshots")))
        fuzz_write(
            "cache/models--a--b/snapshots/0123456789abcdef0123456789abcdef01234567/config.json",
            (struct part){ "{}", 2 });
    check_names(id, revision);
    fuzz_write("cache/models--a--b/refs/main", ref);
    find("a/b", NULL);
    if (hf_revision_valid(revision))
        find("a/b", revision);
    if (hf_id_valid(id))
        find(id, NULL);
    struct hf_environment e = { .hf_hub_cache = cache, .home = home };
    char *root = hf_cache_root(&e);
    REQUIRE(!*cache || root);
    free(root);
    free(id);
    free(revision);
    free(cache);
    free(home);
}
