// A libcurl that is older than the one at hand, preloaded: ODD_CURL_VERSION is the number that it
// tells, ODD_CURL_LACKS lists options, by number and with commas around each, that it does not
// know. The program looks its functions up by name.
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

typedef CURLcode set_option(CURL *, CURLoption, ...);
typedef curl_version_info_data *tell_version(CURLversion);
typedef void *look_up(void *, const char *);

static struct {
    set_option *set;
    tell_version *version;
} real;

static CURLcode set_known(CURL *c, CURLoption option, ...)
{
    const char *lacks = getenv("ODD_CURL_LACKS");
    char number[16];
    va_list args;
    snprintf(number, sizeof number, ",%d,", (int)option);
    if (lacks && strstr(lacks, number))
        return CURLE_UNKNOWN_OPTION;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return real.set(c, option, value);
}

static curl_version_info_data *tell_older(CURLversion which)
{
    static curl_version_info_data told;
    const char *version = getenv("ODD_CURL_VERSION");
    told = *real.version(which);
    if (version) {
        told.version_num = (unsigned)strtoul(version, NULL, 16);
        told.version = "of old";
    }
    return &told;
}

void *dlsym(void *library, const char *name)
{
    static look_up *real_dlsym;
    void *symbol, *mine = NULL;
    if (!real_dlsym) {
        symbol = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (!symbol)
            symbol = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        if (!symbol)
            symbol = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17"); // aarch64
        memcpy(&real_dlsym, &symbol, sizeof symbol);
    }
    symbol = real_dlsym(library, name);
    if (strcmp(name, "curl_easy_setopt") == 0) {
        set_option *set = set_known;
        memcpy(&real.set, &symbol, sizeof symbol);
        memcpy(&mine, &set, sizeof mine);
    } else if (strcmp(name, "curl_version_info") == 0) {
        tell_version *tell = tell_older;
        memcpy(&real.version, &symbol, sizeof symbol);
        memcpy(&mine, &tell, sizeof mine);
    }
    return mine ? mine : symbol;
}
