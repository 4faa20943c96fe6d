// Results do not depend on the plan: seeded variants with every subset of the savings.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "plan/variant.h"
#include "tests/support/devices.h"
#include "tests/support/mini_model.h"
#include "tests/support/random_variants.h"
#include "tests/support/rig.h"

static struct scratch scratch;

static int make_scratch(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

// What a list gives without any saving, and how far the same list with some of them may be from it.
static void compare_savings(const struct rig *naive, const struct rig *r, const struct variants *v,
                            unsigned left_out, int list)
{
    size_t n = naive->settings.n_prompts;
    for (size_t k = 0; k < v->n; k++)
        for (size_t p = 0; p < n; p++)
            same_stats(&r->rows[k * n + p], &naive->rows[k * n + p], 1e-4,
                       "%s, list %d without savings %x, %s, prompt %zu", r->settings.device, list,
                       left_out, v->items[k].label, p);
}

// Every subset of savings over the same lists; `folder` holds the model.
static void check_savings(const char *device, const char *folder, int n_lists)
{
    enum { N_OWN = 7, N = 9, N_DONORS = 9 };
    struct rig rigs[ALL_SAVINGS + 1];
    static struct random_variants list;
    struct prompt *own = prompts_random(N_OWN, 12, 60, 15), prompts[N];
    memcpy(prompts, own, N_OWN * sizeof *prompts);
    prompts[7] = own[2]; // a row twice, and its prompt with another question
    prompts[8] = own[2];
    prompts[8].target = own[2].foil;
    prompts[8].foil = own[2].target;
    struct prompt *donors = prompts_random(N_DONORS, 12, 60, 16);
    for (unsigned left_out = 0; left_out <= ALL_SAVINGS; left_out++) {
        struct rig_settings s = { .device = device,
                                  .model = folder,
                                  .prompts = prompts,
                                  .n_prompts = N,
                                  .donors = donors,
                                  .n_donors = N_DONORS,
                                  .donor_maps = { list.donor },
                                  .n_threads = 1, // waking a second takes longer than a product
                                  .left_out = left_out,
                                  .like = left_out ? rigs : NULL };
        rig_open(&rigs[left_out], &s);
    }
    struct rng rng;
    rng_seed(&rng, 1000);
    for (int k = 0; k < n_lists; k++) {
        random_variants_make(&list, &rng, &rigs[0].model->shape, N_DONORS, prompts, N);
        for (unsigned left_out = 0; left_out <= ALL_SAVINGS; left_out++)
            rig_run(&rigs[left_out], &list.v);
        for (unsigned left_out = 0; left_out < ALL_SAVINGS; left_out++)
            compare_savings(&rigs[ALL_SAVINGS], &rigs[left_out], &list.v, left_out, k);
    }
    for (unsigned left_out = ALL_SAVINGS + 1; left_out-- > 0;) // the first has what all borrow
        rig_close(&rigs[left_out]);
    prompts_random_free(donors);
    prompts_random_free(own);
}

// Of each of two models, and a tenth of others. The sanitizers look at memory, for which fewer will do.
#if defined(__SANITIZE_ADDRESS__)
enum { N_LISTS = 20 };
#else
enum { N_LISTS = 250 };
#endif

// A model of each trait that is beside or behind what the savings save.
static const char *const traits[] = {
    "tests/fixtures/archs/gemma2",  // norms before and behind, windows, soft caps
    "tests/fixtures/archs/gemma3",  // two bases
    "tests/fixtures/archs/smollm3", // layers without positions, which slide
    "tests/fixtures/archs/gptj",    // beside each other behind one norm, logits with a bias
    "tests/fixtures/archs/cohere2", // likewise, full layers without positions
    "tests/fixtures/archs/opt",     // positions that begin at another row
    "tests/fixtures/archs/bloom",   // leaning scores, normed embeddings
    "tests/fixtures/archs/olmo2",   // norms behind alone, of q and k whole
};

static void results_do_not_depend_on_the_plan(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    struct mini_model mini = { .n_layers = 3,
                               .n_heads = 3,
                               .d_model = 18,
                               .d_mlp = 31,
                               .n_vocab = 67,
                               .n_ctx = 12,
                               .dtype = "F32",
                               .seed = 19 };
    mini_model_write(&scratch, "plans", &mini);
    for (size_t i = 0; i < n; i++) {
        int n_lists = strcmp(devices[i], "cpu") == 0 ? N_LISTS : 10;
        check_savings(devices[i], scratch_path(&scratch, "plans"), n_lists);
        check_savings(devices[i], "tests/fixtures/archs/neox-parallel", n_lists);
        for (size_t k = 0; k < sizeof traits / sizeof *traits; k++)
            check_savings(devices[i], traits[k], n_lists / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_the_plan),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
