// How the Vulkan engine would run on devices that are not here: by what drivers may say. Limits are
// the least of the Vulkan specification's table "Required Limits" unless a test says otherwise.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/vulkan/way.h"

static struct offers least(void)
{
    return (struct offers){
        .is_1_1 = true,
        .has_queue = true,
        .subgroup_size = 1,
        .max_subgroups = UINT32_MAX,
        .limits = { .maxComputeWorkGroupInvocations = 128,
                    .maxComputeWorkGroupSize = { 128, 128, 64 },
                    .maxComputeSharedMemorySize = 16384,
                    .maxPushConstantsSize = 128,
                    .maxPerStageDescriptorStorageBuffers = 4,
                    .maxPerStageDescriptorSampledImages = 16,
                    .maxStorageBufferRange = 1u << 27,
                    .maxTexelBufferElements = 65536 },
    };
}

// What GPUs have in common.
static struct offers usual(uint32_t subgroup_size)
{
    struct offers o = least();
    o.subgroup_size = subgroup_size;
    o.shuffles = o.is_exact = true;
    o.push_descriptors = 32;
    o.limits.maxComputeWorkGroupInvocations = o.limits.maxComputeWorkGroupSize[0] = 1024;
    o.limits.maxPerStageDescriptorStorageBuffers = 1u << 20;
    o.limits.maxTexelBufferElements = 1u << 27;
    return o;
}

static struct way chosen(const struct offers *o)
{
    struct way w;
    const char *lacks = way_choose(o, &w);
    if (lacks)
        fail_msg("lacks %s", lacks);
    return w;
}

static void expect_lack(const struct offers *o, const char *what)
{
    struct way w;
    const char *lacks = way_choose(o, &w);
    if (!lacks || strcmp(lacks, what) != 0)
        fail_msg("lacks %s, expected %s", lacks ? lacks : "nothing", what);
}

static void subgroups_of_any_power_of_two_are_teams(void **state)
{
    (void)state;
    for (uint32_t size = 4; size <= 128; size *= 2) {
        struct offers o = usual(size);
        struct way w = chosen(&o);
        assert_true(w.subgroups && w.push && !w.alone && !w.texels);
        assert_int_equal(w.lanes, size);
        assert_int_equal(w.threads, 256);
        o.is_cpu = true;
        w = chosen(&o);
        assert_true(w.subgroups && w.alone && w.texels);
        assert_int_equal(w.lanes, size);
    }
}

static void other_subgroups_are_left_for_shared_memory(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 1, 2, 3, 12, 48, 256 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct offers o = usual(sizes[i]);
        o.is_cpu = i % 2;
        struct way w = chosen(&o);
        assert_true(!w.subgroups && !w.alone && !w.texels);
        assert_int_equal(w.lanes, 32);
    }
    struct offers o = usual(32);
    o.shuffles = false;
    assert_false(chosen(&o).subgroups);
    o = usual(32);
    o.is_exact = false; // the driver may compile for 8, 16 or 32
    assert_false(chosen(&o).subgroups);
}

static void workgroups_shrink_to_what_fits(void **state)
{
    (void)state;
    struct offers o = usual(32);
    o.limits.maxComputeWorkGroupInvocations = 128;
    assert_int_equal(chosen(&o).threads, 128);
    o = usual(32);
    o.limits.maxComputeWorkGroupSize[0] = 255;
    assert_int_equal(chosen(&o).threads, 128);
    o = usual(16);
    o.max_subgroups = 8;
    assert_int_equal(chosen(&o).threads, 128);
    o.max_subgroups = 7; // of 16: 112 lanes
    assert_false(chosen(&o).subgroups);
    assert_int_equal(chosen(&o).threads, 256);
    o.is_cpu = true; // a workgroup is one subgroup
    assert_true(chosen(&o).subgroups && chosen(&o).alone);
    o = usual(32);
    o.limits.maxComputeWorkGroupInvocations = 127;
    expect_lack(&o, "workgroups of 128");
}

static void few_storage_buffers_are_made_up_for_by_texel_buffers(void **state)
{
    (void)state;
    struct offers o = usual(32);
    o.limits.maxPerStageDescriptorStorageBuffers = 6;
    struct way w = chosen(&o);
    assert_true(w.texels && w.alone);
    o.limits.maxTexelBufferElements = 65536;
    expect_lack(&o, "7 storage buffers in a shader");
    o.limits.maxPerStageDescriptorStorageBuffers = 7;
    assert_false(chosen(&o).texels);
    o.is_cpu = true; // SwiftShader: texel buffers too short for a model
    assert_true(chosen(&o).alone && !chosen(&o).texels);
}

static void push_descriptors_are_a_choice(void **state)
{
    (void)state;
    struct offers o = usual(32);
    o.push_descriptors = 6;
    assert_false(chosen(&o).push);
    o.push_descriptors = 7;
    assert_true(chosen(&o).push);
    o.push_descriptors = 0;
    assert_false(chosen(&o).push);
}

static void the_least_of_vulkan_needs_storage_buffers_only(void **state)
{
    (void)state;
    struct offers o = least();
    expect_lack(&o, "7 storage buffers in a shader");
    o.limits.maxPerStageDescriptorStorageBuffers = 7;
    struct way w = chosen(&o);
    assert_true(!w.push && !w.subgroups && !w.alone && !w.texels);
    assert_int_equal(w.threads, 128);
    o.is_1_1 = false;
    expect_lack(&o, "Vulkan 1.1");
    o.is_1_1 = true;
    o.has_queue = false;
    expect_lack(&o, "a compute queue");
}

static void restrictions_of_tests_take_offers_away(void **state)
{
    (void)state;
    setenv("ABLTUI_VULKAN_WITHOUT", "push_descriptors,workgroups_of_256", 1);
    struct offers o = usual(32);
    offers_restrict(&o);
    struct way w = chosen(&o);
    assert_true(!w.push && w.subgroups && w.threads == 128);
    setenv("ABLTUI_VULKAN_WITHOUT", "shuffles", 1);
    o = usual(32);
    offers_restrict(&o);
    w = chosen(&o);
    assert_true(w.push && !w.subgroups && w.threads == 256);
    unsetenv("ABLTUI_VULKAN_WITHOUT");
    setenv("ABLTUI_VULKAN_GEMM", "texel", 1);
    o = usual(32);
    offers_restrict(&o);
    assert_true(chosen(&o).alone && chosen(&o).texels);
    setenv("ABLTUI_VULKAN_GEMM", "tile", 1);
    o.is_cpu = true;
    offers_restrict(&o);
    assert_false(chosen(&o).alone);
    unsetenv("ABLTUI_VULKAN_GEMM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subgroups_of_any_power_of_two_are_teams),
        cmocka_unit_test(other_subgroups_are_left_for_shared_memory),
        cmocka_unit_test(workgroups_shrink_to_what_fits),
        cmocka_unit_test(few_storage_buffers_are_made_up_for_by_texel_buffers),
        cmocka_unit_test(push_descriptors_are_a_choice),
        cmocka_unit_test(the_least_of_vulkan_needs_storage_buffers_only),
        cmocka_unit_test(restrictions_of_tests_take_offers_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
