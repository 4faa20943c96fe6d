// JSON files of expected numbers, written by the scripts in tools/. Each function fails the test
// where the file is not as asked.
#ifndef ABL_TESTS_FIXTURE_H
#define ABL_TESTS_FIXTURE_H

#include <stddef.h>

#include <cjson/cJSON.h>

// Owned: free through cJSON_Delete.
cJSON *fixture_read(const char *path);
// The rest is borrowed from the object or list.
const cJSON *fixture_at(const cJSON *object, const char *key);
const char *fixture_text(const cJSON *object, const char *key);
double fixture_number(const cJSON *item);
double fixture_nth(const cJSON *list, size_t i);

#endif
