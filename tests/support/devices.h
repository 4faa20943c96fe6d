// The engines that tests run on.
#ifndef ABL_TESTS_DEVICES_H
#define ABL_TESTS_DEVICES_H

#include <stddef.h>

// Names for engine_open: "cpu", and "vulkan" where a device opens; ABLTUI_TEST_DEVICES ("cpu",
// "cpu,vulkan") leaves others out. Returns how many of the two.
size_t test_devices(const char *out[2]);

#endif
