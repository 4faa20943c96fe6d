// Exit status 0 if the file is one strict JSON value: build/tests/strict_json FILE
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"

int main(int argc, char **argv)
{
    struct abl_err err = { 0 };
    struct file_bytes text;
    struct json j;
    if (argc != 2 || !file_read(argv[1], 1u << 30, &text, ABL_BAD_DATA, &err))
        return 2;
    bool ok = json_open(&j, argv[1], text.data, text.size, ABL_BAD_DATA, &err) && json_skip(&j)
              && json_end(&j);
    json_close(&j);
    file_bytes_release(&text);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    return !ok;
}
