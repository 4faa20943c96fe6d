// Every input of tests/fuzz/corpus through its target, without libFuzzer. A target runs in a process
// of its own: what goes wrong is told with the name of the input.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/folder.h"
#include "tests/support/check.h"
#include "tests/fuzz/targets.h"

enum { MAX_INPUT = 1 << 20 };

struct target {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
};

// Run every input; *at is the one that runs.
static void run_all(const struct target *t, const char *folder, const struct names *inputs,
                    volatile size_t *at)
{
    for (size_t i = 0; i < inputs->n; i++) {
        struct file_bytes bytes;
        struct abl_err err;
        char *path = file_join(folder, inputs->items[i]);
        *at = i;
        if (!path || !file_read(path, MAX_INPUT, &bytes, ABL_FAILED, &err))
            abort();
        // Without a byte behind the last, so that a step beyond it is seen.
        uint8_t *exact = malloc(bytes.size ? bytes.size : 1);
        if (!exact)
            abort();
        memcpy(exact, bytes.data, bytes.size);
        t->run(exact, bytes.size);
        free(exact);
        file_bytes_release(&bytes);
        free(path);
    }
}

static void corpus_keeps_every_promise(void **state)
{
    const struct target *t = *state;
    struct names inputs;
    struct abl_err err;
    char folder[256], words[256];
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", t->name);
    snprintf(words, sizeof words, "tests/fuzz/dict/%s.dict", t->name);
    CHECK(folder_names(folder, NULL, &inputs, &err));
    if (!inputs.n || !file_exists(words))
        fail_msg("'%s' or '%s' holds nothing", folder, words);
    size_t *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        run_all(t, folder, &inputs, at);
        names_release(&inputs);
        exit(0);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    if (status)
        fail_msg("'%s/%s' ends with status %d", folder, inputs.items[*at], status);
    munmap(at, sizeof *at);
    names_release(&inputs);
}

#define TARGET(name) { #name, fuzz_##name },
int main(void)
{
    static struct target targets[] = { FUZZ_TARGETS(TARGET) };
    enum { N_TARGETS = sizeof targets / sizeof *targets };
    struct CMUnitTest tests[N_TARGETS];
    static char names[N_TARGETS][64];
    for (size_t i = 0; i < N_TARGETS; i++) {
        snprintf(names[i], sizeof names[i], "%s_corpus_keeps_every_promise", targets[i].name);
        tests[i] = (struct CMUnitTest){ .name = names[i],
                                        .test_func = corpus_keeps_every_promise,
                                        .initial_state = &targets[i] };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
