// The safetensors container: u64 header length, JSON header, tensors back to back. Read strictly:
// https://github.com/huggingface/safetensors (format section of its README).
#ifndef ABL_FORMAT_SAFETENSORS_H
#define ABL_FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/tensor_file.h"

// Parse header[0..size) of a file with data_len bytes behind it. name is for
// messages. Refused (ABL_BAD_MODEL): what is not the strict format — duplicate
// names, unknown types, shapes that overflow or do not fill their range, holes,
// overlaps, a range beyond the data or data beyond the ranges.
bool safetensors_parse(const char *name, const void *header, size_t size, uint64_t data_len,
                       struct tensor_directory *out, struct abl_err *err);

// Owned by the caller: tensor_file_close.
bool safetensors_open(const char *path, struct tensor_file *out, struct abl_err *err);

#endif
