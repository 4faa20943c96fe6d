#include "base/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

// Address space that a job may take beyond what the program has.
#define JOB_BYTES (UINT64_C(2) << 30)

enum { NO_MEMORY_STATUS = 99 };

struct jobs {
    pid_t pid;
    int control; // requests go out here
    pthread_mutex_t lock;
};

// What goes to the helper, with two descriptors: where the job reads and writes, and where its end
// is reported.
struct request {
    job_function *work;
    unsigned seconds;
};

struct job {
    struct buf done, failed; // of a job done here: its frames, and why it failed
    bool here;
    size_t at; // read of `done`
    int data, ended;
    unsigned seconds;
};

struct job_outlet {
    struct buf *here; // NULL: to the descriptor
    int data;
    unsigned seconds;
};

enum frame_kind { FRAME_PUT, FRAME_FAILED };

struct frame {
    enum frame_kind kind;
    size_t len;
};

// ------------------------------------------------------------------------------------ descriptors

static bool send_all(int fd, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len) {
        ssize_t n = send(fd, from, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        from += n;
        len -= (size_t)n;
    }
    return true;
}

// False at the end, and where nothing comes until `deadline` (0: wait for ever).
static bool receive_all(int fd, void *bytes, size_t len, double deadline)
{
    char *to = bytes;
    while (len) {
        double left = deadline > 0 ? deadline - now_seconds() : 0;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (deadline > 0 && (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) == 0)) {
            errno = ETIMEDOUT;
            return false;
        }
        ssize_t n = read(fd, to, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : 0;
            return false;
        }
        to += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_request(int control, const struct request *r, int data, int ended)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } room = { 0 };
    int fds[2] = { data, ended };
    struct iovec part = { .iov_base = (void *)(uintptr_t)r, .iov_len = sizeof *r };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = room.bytes,
                        .msg_controllen = sizeof room.bytes };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    ssize_t n;
    do
        n = sendmsg(control, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *r;
}

static bool receive_request(int control, struct request *r, int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } room = { 0 };
    struct iovec part = { .iov_base = r, .iov_len = sizeof *r };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = room.bytes,
                        .msg_controllen = sizeof room.bytes };
    ssize_t n;
    do
        n = recvmsg(control, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n == (ssize_t)sizeof *r ? CMSG_FIRSTHDR(&m) : NULL;
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return false;
    memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return true;
}

// ---------------------------------------------------------------------------------- in the helper

bool job_put(struct job_outlet *to, const struct buf *bytes, struct abl_err *err)
{
    struct frame f = { FRAME_PUT, bytes->len };
    if (bytes->failed)
        return abl_no_memory(err);
    if (to->here) {
        buf_add(to->here, &f, sizeof f);
        buf_add(to->here, bytes->data, bytes->len);
        return !to->here->failed || abl_no_memory(err);
    }
    alarm(0); // whoever takes it may be busy
    bool ok = send_all(to->data, &f, sizeof f) && send_all(to->data, bytes->data, bytes->len);
    alarm(to->seconds);
    return ok || abl_fail(err, ABL_FAILED, "nobody takes it: %s", strerror(errno));
}

static void limit_memory(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    bool known = f && fscanf(f, "%lu", &pages) == 1;
    if (f)
        fclose(f);
    uint64_t now = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit r;
    if (!known || now >> 40 || getrlimit(RLIMIT_AS, &r) != 0) // sanitizers map terabytes
        return;
    if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > now + JOB_BYTES)
        r.rlim_cur = now + JOB_BYTES;
    setrlimit(RLIMIT_AS, &r);
}

static bool read_input(int data, struct buf *in)
{
    size_t len;
    char block[4096];
    if (!receive_all(data, &len, sizeof len, 0))
        return false;
    while (len) {
        size_t n = len < sizeof block ? len : sizeof block;
        if (!receive_all(data, block, n, 0))
            return false;
        buf_add(in, block, n);
        len -= n;
    }
    return !in->failed;
}

// The process of one job.
static _Noreturn void do_job(const struct request *r, int data)
{
    struct buf in = { 0 };
    struct abl_err err = { 0 };
    struct job_outlet to = { .data = data, .seconds = r->seconds };
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    limit_memory();
    if (!read_input(data, &in))
        _exit(NO_MEMORY_STATUS);
    alarm(r->seconds);
    if (!r->work(&in, &to, &err)) {
        struct frame f = { FRAME_FAILED, strlen(err.text) };
        alarm(0);
        (void)!(send_all(data, &f, sizeof f) && send_all(data, err.text, f.len));
    }
    _exit(0);
}

static void serve(const struct request *r, const int fds[2])
{
    pid_t pid = fork();
    if (pid == 0)
        do_job(r, fds[0]);
    close(fds[0]);
    int status = 0;
    if (pid < 0)
        status = -errno;
    else
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    (void)!write(fds[1], &status, sizeof status);
    close(fds[1]);
}

// The helper ends when the program does: nobody has the other end of `control` then.
static _Noreturn void help(int control)
{
    static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
    struct request r;
    int fds[2], nothing = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    // Pipes that others wait for the end of, and what libraries say of fonts.
    for (int fd = 0; nothing >= 0 && fd <= 2; fd++)
        dup2(nothing, fd);
    if (nothing > 2)
        close(nothing);
    while (receive_request(control, &r, fds))
        serve(&r, fds);
    _exit(0);
}

// ---------------------------------------------------------------------------------- in the program

bool jobs_start(struct jobs **out, struct abl_err *err)
{
    int pair[2];
    struct jobs *j = calloc(1, sizeof *j);
    if (!j)
        return abl_no_memory(err);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        free(j);
        return abl_fail(err, ABL_FAILED, "cannot make a pair of sockets: %s", strerror(errno));
    }
    fflush(NULL);
    j->pid = fork();
    if (j->pid == 0) {
        close(pair[0]);
        help(pair[1]);
    }
    int why = errno;
    close(pair[1]);
    j->control = pair[0];
    pthread_mutex_init(&j->lock, NULL);
    if (j->pid < 0) {
        jobs_end(j);
        return abl_fail(err, ABL_FAILED, "cannot start a process: %s", strerror(why));
    }
    *out = j;
    return true;
}

void jobs_end(struct jobs *j)
{
    if (!j)
        return;
    close(j->control);
    while (j->pid > 0 && waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static bool begin_here(struct job *job, job_function *work, const struct buf *in)
{
    struct job_outlet to = { .here = &job->done };
    struct abl_err err = { 0 };
    job->here = true;
    if (!work(in, &to, &err))
        buf_str(&job->failed, err.text);
    return true;
}

// The job's ends of both channels go to the helper; ours stay.
static bool begin_there(struct jobs *jobs, struct job *job, const struct request *r,
                        const struct buf *in, struct abl_err *err)
{
    int data[2] = { -1, -1 }, ended[2] = { -1, -1 };
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) == 0
              && pipe2(ended, O_CLOEXEC) == 0;
    if (ok) {
        pthread_mutex_lock(&jobs->lock);
        ok = send_request(jobs->control, r, data[1], ended[1]);
        pthread_mutex_unlock(&jobs->lock);
    }
    int why = errno;
    if (data[1] >= 0)
        close(data[1]);
    if (ended[1] >= 0)
        close(ended[1]);
    job->data = data[0];
    job->ended = ended[0];
    // What becomes of a job that does not read is told at its end.
    if (ok && send_all(job->data, &in->len, sizeof in->len))
        (void)!send_all(job->data, in->data, in->len);
    return ok || abl_fail(err, ABL_FAILED, "no process for it: %s", strerror(why));
}

bool job_begin(struct jobs *jobs, job_function *work, const struct buf *in, unsigned seconds,
               struct job **out, struct abl_err *err)
{
    struct job *job = *out = calloc(1, sizeof *job);
    struct request r = { .work = work, .seconds = seconds };
    if (!job || in->failed)
        return abl_no_memory(err);
    job->data = job->ended = -1;
    job->seconds = seconds;
    return jobs ? begin_there(jobs, job, &r, in, err) : begin_here(job, work, in);
}

// How the process ended that handed out no more.
static bool tell_end(struct job *job, double deadline, struct abl_err *err)
{
    int status = 0;
    if (errno == ETIMEDOUT)
        return abl_fail(err, ABL_FAILED, "it took longer than %u s", job->seconds);
    if (!receive_all(job->ended, &status, sizeof status, deadline))
        return abl_fail(err, ABL_FAILED, "the process for it is gone");
    if (status < 0)
        return abl_fail(err, ABL_FAILED, "no process for it: %s", strerror(-status));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return abl_fail(err, ABL_FAILED, "it took longer than %u s", job->seconds);
    if (WIFSIGNALED(status))
        return abl_fail(err, ABL_FAILED, "the process for it ended by signal %d (%s)",
                        WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == NO_MEMORY_STATUS)
        return abl_no_memory(err);
    return abl_fail(err, ABL_FAILED, "the process for it ended with status %d",
                    WEXITSTATUS(status));
}

static bool next_here(struct job *job, struct buf *out, struct abl_err *err)
{
    struct frame f;
    if (job->at == job->done.len)
        return abl_fail(err, ABL_FAILED, "%s", job->failed.data ? job->failed.data : "no more");
    memcpy(&f, job->done.data + job->at, sizeof f);
    buf_add(out, job->done.data + job->at + sizeof f, f.len);
    job->at += sizeof f + f.len;
    return !out->failed || abl_no_memory(err);
}

static bool receive_bytes(int fd, struct buf *out, size_t len, double deadline)
{
    char block[1 << 14];
    while (len) {
        size_t n = len < sizeof block ? len : sizeof block;
        if (!receive_all(fd, block, n, deadline))
            return false;
        buf_add(out, block, n);
        len -= n;
    }
    return true;
}

bool job_next(struct job *job, struct buf *out, struct abl_err *err)
{
    struct frame f;
    struct buf said = { 0 };
    // Another job may have to end first; the time limit itself is the job's own.
    double deadline = now_seconds() + 2.0 * job->seconds + 5;
    if (job->here)
        return next_here(job, out, err);
    if (!receive_all(job->data, &f, sizeof f, deadline))
        return tell_end(job, deadline, err);
    if (!receive_bytes(job->data, f.kind == FRAME_PUT ? out : &said, f.len, deadline)) {
        buf_release(&said);
        return tell_end(job, deadline, err);
    }
    bool ok = f.kind == FRAME_PUT;
    if (!ok)
        abl_fail(err, ABL_FAILED, "%s", said.data ? said.data : "");
    else if (out->failed)
        ok = abl_no_memory(err);
    buf_release(&said);
    return ok;
}

void job_end(struct job *job)
{
    if (!job)
        return;
    if (job->data >= 0)
        close(job->data);
    if (job->ended >= 0)
        close(job->ended);
    buf_release(&job->done);
    buf_release(&job->failed);
    free(job);
}
