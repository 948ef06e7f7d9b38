/* The reader process seen from our side: started, asked, watched, ended; how it died becomes a sentence. */
#include "data/reader_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOT_LEAST = 8 << 20, LOOK_MS = 200, FAREWELL_MS = 1000 };

struct kz_reader {
    char *path;
    pid_t pid; /* 0: it has been ended */
    int socket, life;
    clockid_t clock; /* CPU time of the process */
    double born;     /* the same when it was started */
    double sent;     /* ... and when the last request was sent */
    uint32_t serial;
    uint8_t *shared;
    int64_t slot_bytes;
};

bool (*kz_reader_hook)(const kz_request *q, kz_answer *a);

/* ---- lists ---- */

bool kz_reader_put(kz_slot *s, const void *bytes, int64_t n)
{
    uint32_t length = (uint32_t)n;
    if (n < 0 || n > INT32_MAX || s->left < n + (int64_t)sizeof length) return false;
    memcpy(s->at, &length, sizeof length);
    if (n > 0) memcpy(s->at + sizeof length, bytes, (size_t)n);
    s->at += n + (int64_t)sizeof length;
    s->left -= n + (int64_t)sizeof length;
    return true;
}

bool kz_reader_take(kz_slot *s, const uint8_t **out, int64_t *n)
{
    uint32_t length;
    if (s->left < (int64_t)sizeof length) return false;
    memcpy(&length, s->at, sizeof length);
    if ((int64_t)length > s->left - (int64_t)sizeof length) return false;
    *out = s->at + sizeof length;
    *n = length;
    s->at += length + sizeof length;
    s->left -= (int64_t)(length + sizeof length);
    return true;
}

/* ---- start ---- */

static double now(const kz_reader *r)
{
    struct timespec t;
    return clock_gettime(r->clock, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

/* Slots, each for as much as may be read at once.  Only pages that are written take memory. */
static kz_status map_slots(kz_reader *r, int64_t memory)
{
    int64_t bytes = memory > (int64_t)1 << 40 ? (int64_t)1 << 40 : memory;
    bytes = bytes < SLOT_LEAST ? SLOT_LEAST : (bytes + SLOT_LEAST - 1) / SLOT_LEAST * SLOT_LEAST;
    for (; bytes >= SLOT_LEAST; bytes = bytes / 2 / SLOT_LEAST * SLOT_LEAST) {
        void *p = mmap(NULL, (size_t)(KZ_READER_SLOTS * bytes), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) continue; /* addresses are limited here */
        r->shared = p;
        r->slot_bytes = bytes;
        return KZ_OK;
    }
    return KZ_FAIL(KZ_E_MEM, "%s: no memory to read it: %s", r->path, strerror(errno));
}

/* No handler of ours runs in the new process: it sets its own before signals come through. */
static kz_status fork_child(kz_reader *r, const kz_reader_place *place)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->pid = fork();
    if (r->pid == 0) kz_reader_child(place);
    int reason = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r->pid < 0) {
        r->pid = 0;
        return KZ_FAIL(KZ_E_FAIL, "%s: no process to read it can be started: %s", r->path, strerror(reason));
    }
    if (clock_getcpuclockid(r->pid, &r->clock) != 0) r->clock = CLOCK_MONOTONIC; /* never less than its CPU time */
    return KZ_OK;
}

kz_status kz_reader_start(kz_reader **out, const kz_reader_job *job)
{
    kz_reader *r = NULL;
    int pair[2] = {-1, -1}, life[2] = {-1, -1};
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&r, 1, sizeof *r, "reader process"));
    r->socket = r->life = -1;
    KZ_TRY(kz_strdup(&r->path, job->path));
    KZ_TRY(map_slots(r, job->options.memory));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || pipe2(life, O_CLOEXEC) != 0)
        KZ_TRY(KZ_FAIL(KZ_E_FAIL, "%s: no channel to a reader process: %s", r->path, strerror(errno)));
    kz_reader_place place = {
        .job = job, .socket = pair[1], .life = life[0], .shared = r->shared, .slot_bytes = r->slot_bytes};
    KZ_TRY(fork_child(r, &place));
    r->born = now(r);
    r->socket = pair[0];
    r->life = life[1];
    pair[0] = life[1] = -1; /* given away */
    *out = r;
    r = NULL; /* given away */
done:
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) close(pair[i]);
        if (life[i] >= 0) close(life[i]);
    }
    kz_reader_destroy(&r);
    return st;
}

int64_t kz_reader_slot_bytes(const kz_reader *r)
{
    return r->slot_bytes;
}

uint8_t *kz_reader_slot(const kz_reader *r, int slot)
{
    return r->shared + slot * r->slot_bytes;
}

/* ---- end ---- */

/* Waits for its end, and makes it come unless it is on its way; -1: the status is not to be had. */
static int reap(kz_reader *r, bool now)
{
    int status = -1;
    pid_t done = 0;
    if (r->pid == 0) return -1;
    for (int ms = 0; !now && done == 0 && ms < FAREWELL_MS; ms++) {
        done = waitpid(r->pid, &status, WNOHANG);
        if (done == 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (done == 0) {
        kill(r->pid, SIGKILL);
        do done = waitpid(r->pid, &status, 0);
        while (done < 0 && errno == EINTR);
    }
    int was = done == r->pid ? status : -1;
    r->pid = 0;
    close(r->socket);
    close(r->life);
    r->socket = r->life = -1;
    return was;
}

void kz_reader_destroy(kz_reader **r)
{
    if (!*r) return;
    reap(*r, true);
    if ((*r)->shared) munmap((*r)->shared, (size_t)(KZ_READER_SLOTS * (*r)->slot_bytes));
    kz_free(&(*r)->path);
    kz_free(r);
}

/* ---- what went wrong ---- */

#define HARM "; the file is damaged or made to do harm: fetch it again, from a source that you trust"

static void describe(char out[320], const kz_request *q)
{
    static const char *const doing[] = {
#define DOING(constant, text) text,
        KZ_CALL_LIST(DOING)
#undef DOING
    };
    snprintf(out, 320, "%s%.256s", doing[q->call], q->call == KZ_CALL_OPEN ? "" : q->object);
}

static kz_status died(kz_reader *r, const kz_request *q)
{
    char doing[320];
    int status = reap(r, false);
    describe(doing, q);
    if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: the HDF5 library was killed while %s, perhaps because the machine has run out of memory" HARM, r->path,
            doing);
    if (status != -1 && WIFSIGNALED(status))
        return KZ_FAIL(KZ_E_DATA, "%s: the HDF5 library failed while %s (signal %d)" HARM, r->path, doing,
                       WTERMSIG(status));
    if (status != -1 && WIFEXITED(status))
        return KZ_FAIL(KZ_E_DATA, "%s: the HDF5 library failed while %s (exit status %d)" HARM, r->path, doing,
                       WEXITSTATUS(status));
    return KZ_FAIL(KZ_E_DATA, "%s: the HDF5 library failed while %s" HARM, r->path, doing);
}

kz_status kz_reader_distrust(kz_reader *r, const char *what)
{
    reap(r, true);
    return KZ_FAIL(KZ_E_DATA, "%s: the process that reads it makes no sense: its answer %s" HARM, r->path, what);
}

static kz_status gone(const kz_reader *r)
{
    return KZ_FAIL(KZ_E_DATA, "%s: cannot be read any more: the HDF5 library failed on it before", r->path);
}

/* ---- talk ---- */

double kz_reader_used(const kz_reader *r)
{
    double used = r->pid ? now(r) - r->sent : 0;
    return used > 0 ? used : 0;
}

kz_status kz_reader_send(kz_reader *r, kz_request *q)
{
    ssize_t n;
    if (r->pid == 0) return gone(r);
    q->serial = ++r->serial;
    r->sent = now(r);
    do n = send(r->socket, q, sizeof *q, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *q ? KZ_OK : died(r, q);
}

/* Until an answer lies there.  CPU time is counted, not the clock's: a disk may be slow, and what waits for one can be
 * interrupted. */
static kz_status wait_for(kz_reader *r, const kz_request *q, double seconds)
{
    char doing[320];
    for (;;) {
        struct pollfd p = {.fd = r->socket, .events = POLLIN};
        double left = 1000 * (seconds - kz_reader_used(r));
        if (poll(&p, 1, left < 1 ? 1 : left < LOOK_MS ? (int)left : LOOK_MS) > 0) return KZ_OK;
        if (kz_reader_used(r) <= seconds) continue;
        reap(r, true);
        describe(doing, q);
        return KZ_FAIL(KZ_E_DATA, "%s: the HDF5 library took more than %.1f s of CPU time while %s" HARM, r->path,
                       r->sent - r->born + seconds, doing);
    }
}

/* A failure in the process's own words, made safe to print. */
static kz_status pass_on(kz_reader *r, kz_answer *a)
{
    char *clean = NULL;
    kz_status st = KZ_OK;
    if (a->status != KZ_E_DATA && a->status != KZ_E_INPUT && a->status != KZ_E_MEM)
        return kz_reader_distrust(r, "has an unknown status");
    a->message[sizeof a->message - 1] = '\0';
    KZ_TRY(kz_hdf5_clean(&clean, a->message, strlen(a->message)));
    st = KZ_FAIL((kz_status)a->status, "%s", clean);
done:
    kz_free(&clean);
    return st;
}

kz_status kz_reader_receive(kz_reader *r, const kz_request *q, double seconds, kz_answer *a)
{
    ssize_t n;
    kz_status st = KZ_OK;
    if (r->pid == 0) return gone(r);
    KZ_TRY(wait_for(r, q, seconds));
    do n = recv(r->socket, a, sizeof *a, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return died(r, q);
    if (n != (ssize_t)sizeof *a) return kz_reader_distrust(r, "has the wrong length");
    if (a->serial != q->serial || a->call != q->call) return kz_reader_distrust(r, "is to another question");
    if (a->status != KZ_OK) return pass_on(r, a);
done:
    return st;
}
