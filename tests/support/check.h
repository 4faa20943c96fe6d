// What tests of calls that can fail share.
#ifndef ABL_TESTS_CHECK_H
#define ABL_TESTS_CHECK_H

// Fail the test with what `err`, a struct abl_err in sight, says where the call returns false.
#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s", err.text);                                                              \
    } while (0)

#endif
