// Whom an address names, and where a reference leads.
#include "format/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void expect_parts(const char *text, bool secure, const char *host, unsigned port,
                         const char *rest)
{
    struct url u;
    if (!url_parse(text, &u))
        fail_msg("'%s' is refused", text);
    if (u.secure != secure || u.host_len != strlen(host) || strncmp(u.host, host, u.host_len) != 0
        || u.port != port || strcmp(u.rest, rest) != 0)
        fail_msg("'%s': found %d '%.*s' %u '%s'", text, u.secure, (int)u.host_len, u.host, u.port,
                 u.rest);
}

static void reads_host_and_port(void **state)
{
    (void)state;
    expect_parts("https://hub", true, "hub", 443, "");
    expect_parts("HTTP://Hub.example:8080/a?b#c", false, "Hub.example", 8080, "/a?b#c");
    expect_parts("http://[::1]:1/x", false, "[::1]", 1, "/x");
    expect_parts("https://hub?x@y", true, "hub", 443, "?x@y");
}

static void refuses_what_others_might_read_otherwise(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "hub",
                                       "ftp://hub",
                                       "file:///etc/passwd",
                                       "https:/hub",
                                       "https://",
                                       "https:///x",
                                       "https://user@hub/",
                                       "https://hub:80@other/",
                                       "https://hub\\@other/",
                                       "https://hub:/",
                                       "https://hub:0/",
                                       "https://hub:65536/",
                                       "https://hub:80x/",
                                       "https://h%75b/",
                                       "https://hub /",
                                       "https://hub\t/",
                                       "https://hub/\r\nX: y",
                                       "https://h\xc3\xbc/",
                                       "https://[::1/",
                                       "https://[]/",
                                       "https://[::1]x/",
                                       "https://hub;x/" };
    struct url u;
    char much[URL_SIZE + 32];
    for (size_t i = 0; i < COUNT(bad); i++)
        if (url_parse(bad[i], &u))
            fail_msg("'%s' is taken: host '%.*s'", bad[i], (int)u.host_len, u.host);
    memset(much, 'a', sizeof much);
    memcpy(much, "https://hub/", 12);
    much[URL_SIZE] = '\0';
    assert_false(url_parse(much, &u));
    much[URL_SIZE - 1] = '\0';
    assert_true(url_parse(much, &u));
}

static void knows_this_machine(void **state)
{
    (void)state;
    static const char *const here[]
        = { "http://localhost", "http://LocalHost:1/", "http://127.0.0.1",
            "http://127.255.0.9:80/x", "http://[::1]:8000" };
    static const char *const elsewhere[] = { "http://localhost.example.org",
                                             "http://127.0.0.1.example.org",
                                             "http://127.0.0",
                                             "http://127.0.0.1.",
                                             "http://1270.0.0.1",
                                             "http://0.0.0.0",
                                             "http://[::2]",
                                             "http://127.0.0.0001",
                                             "http://128.0.0.1" };
    struct url u;
    for (size_t i = 0; i < COUNT(here); i++)
        if (!url_parse(here[i], &u) || !url_is_loopback(&u))
            fail_msg("'%s' is not here", here[i]);
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        if (!url_parse(elsewhere[i], &u) || url_is_loopback(&u))
            fail_msg("'%s' is here", elsewhere[i]);
}

static void an_origin_is_protocol_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "https://hub/a", "https://HUB:443/b", true }, { "http://hub", "http://hub:80", true },
        { "https://hub", "http://hub", false },         { "https://hub", "http://hub:443", false },
        { "https://hub", "https://hub:444", false },    { "https://hub", "https://hub2", false },
        { "https://hub", "https://xhub", false }
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url a, b;
        assert_true(url_parse(cases[i].a, &a) && url_parse(cases[i].b, &b));
        if (url_same_origin(&a, &b) != cases[i].same)
            fail_msg("'%s' and '%s': expected %d", cases[i].a, cases[i].b, cases[i].same);
    }
}

// Expectations from RFC 3986, 5.4, as far as dots are left alone.
static void resolves_references(void **state)
{
    (void)state;
    static const struct {
        const char *base, *reference, *to; // NULL: none
    } cases[] = { { "https://a/b/c?d", "https://x/y", "https://x/y" },
                  { "https://a/b/c?d", "//g/h", "https://g/h" },
                  { "http://a/b", "//g", "http://g" },
                  { "https://a/b/c?d/e", "g", "https://a/b/g" },
                  { "https://a/b/c?d", "./g", "https://a/b/./g" },
                  { "https://a:8/b/c", "/g?x", "https://a:8/g?x" },
                  { "https://a/b/c?d", "?y", "https://a/b/c?y" },
                  { "https://a", "g", "https://a/g" },
                  { "https://a", "/g", "https://a/g" },
                  { "https://a?x", "g", "https://a/g" },
                  { "https://a/b/c?d", "g/h:i", "https://a/b/g/h:i" },
                  { "https://a/b", "ftp://x/y", NULL },
                  { "https://a/b", "javascript:x", NULL },
                  { "https://a/b", "https:/x", NULL },
                  { "https://a/b", "//u@x/y", NULL },
                  { "https://a/b", "/x y", NULL },
                  { "nothing", "/x", NULL } };
    char to[URL_SIZE];
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool ok = url_resolve(cases[i].base, cases[i].reference, to);
        if (ok != (cases[i].to != NULL) || (ok && strcmp(to, cases[i].to) != 0))
            fail_msg("'%s' from '%s': found '%s', expected '%s'", cases[i].reference, cases[i].base,
                     ok ? to : "none", cases[i].to ? cases[i].to : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reads_host_and_port),
                                        cmocka_unit_test(refuses_what_others_might_read_otherwise),
                                        cmocka_unit_test(knows_this_machine),
                                        cmocka_unit_test(an_origin_is_protocol_host_and_port),
                                        cmocka_unit_test(resolves_references) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
