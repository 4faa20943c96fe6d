#include "model/weights_hash.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct weights_hash {
    const struct checkpoint *checkpoint;
    pthread_t thread;
    bool has_thread; // which has not been waited for
    atomic_bool stop;
    bool ok;
    char sha256[SHA256_HEX];
    struct abl_err err;
};

static void *take(void *context)
{
#ifdef __linux__ // where this is of the thread; what computes goes first
    setpriority(PRIO_PROCESS, 0, 10);
#endif
    struct weights_hash *h = context;
    h->ok = checkpoint_sha256(h->checkpoint, &h->stop, h->sha256, &h->err);
    return NULL;
}

// Signals are others' business.
static bool start_thread(struct weights_hash *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&h->thread, NULL, take, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct weights_hash *weights_hash_begin(const struct checkpoint *c)
{
    struct weights_hash *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->checkpoint = c;
    atomic_init(&h->stop, false);
    h->has_thread = start_thread(h);
    if (!h->has_thread) {
        free(h);
        return NULL;
    }
    return h;
}

struct weights_hash *weights_hash_known(const struct checkpoint *c, const char *sha256)
{
    struct weights_hash *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->checkpoint = c;
    h->ok = strlen(sha256) + 1 == sizeof h->sha256;
    if (h->ok)
        memcpy(h->sha256, sha256, sizeof h->sha256);
    else
        abl_fail(&h->err, ABL_FAILED, "it was not known when the run began");
    return h;
}

bool weights_hash_get(struct weights_hash *h, char out[SHA256_HEX], struct abl_err *err)
{
    if (h->has_thread)
        pthread_join(h->thread, NULL);
    h->has_thread = false;
    if (h->ok)
        memcpy(out, h->sha256, SHA256_HEX);
    else if (err)
        *err = h->err;
    return h->ok;
}

void weights_hash_free(struct weights_hash *h)
{
    if (!h)
        return;
    atomic_store(&h->stop, true);
    if (h->has_thread)
        pthread_join(h->thread, NULL);
    free(h);
}
