// The parsers that are fuzzed, one function each: NAME_fuzz.c holds fuzz_NAME, corpus/NAME its first
// inputs, dict/NAME.dict its words. A function takes any bytes and aborts where a promise is broken.
#ifndef ABL_TESTS_FUZZ_TARGETS_H
#define ABL_TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGETS(X)                                                                            \
    X(cells)                                                                                       \
    X(config)                                                                                      \
    X(csv)                                                                                         \
    X(gguf)                                                                                        \
    X(gguf_model)                                                                                  \
    X(hf_cache)                                                                                    \
    X(hub_listing)                                                                                 \
    X(imports)                                                                                     \
    X(index)                                                                                       \
    X(json)                                                                                        \
    X(jsonl)                                                                                       \
    X(merges)                                                                                      \
    X(model)                                                                                       \
    X(number)                                                                                      \
    X(options)                                                                                     \
    X(ov_file)                                                                                     \
    X(printing)                                                                                    \
    X(pull)                                                                                        \
    X(rebuild)                                                                                     \
    X(run_file)                                                                                    \
    X(safetensors)                                                                                 \
    X(selections)                                                                                  \
    X(sentencepiece)                                                                               \
    X(terminal)                                                                                    \
    X(tokenizer_json)

#define DECLARE(name) void fuzz_##name(const uint8_t *data, size_t size);
FUZZ_TARGETS(DECLARE)
#undef DECLARE

#endif
