/* The reader process: the HDF5 library at work for one file.  What goes wrong here goes wrong for this process alone. */
#include "data/hdf5_impl.h"
#include "data/reader_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET = 3, LIFE, DATA, FIRST_FREE }; /* our descriptors, after the three standard ones */

typedef struct {
    const kz_reader_place *place;
    kz_lib *file;
    kz_array *array; /* those opened */
    int n_arrays, room;
} child;

/* ---- a process of its own ---- */

/* It goes when our side goes or says so; a signal from the terminal is for our side to decide on. */
static void set_signals(void)
{
    static const int ignored[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU,
                                  SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGCHLD, SIGPROF, SIGVTALRM};
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGXFSZ};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    for (size_t i = 0; !KZ_UNDER_SANITIZER && i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The kernel ends this process when our side has gone, even out of an endless loop: the pipe then has no writer.  (The
 * signal for a parent's death comes with the end of the thread that forked, not of the process.) */
static void end_with_parent(void)
{
    struct pollfd gone = {.fd = LIFE, .events = POLLIN};
    fcntl(LIFE, F_SETSIG, SIGKILL);
    fcntl(LIFE, F_SETOWN, getpid());
    fcntl(LIFE, F_SETFL, O_NONBLOCK | O_ASYNC);
    if (poll(&gone, 1, 0) != 0) _exit(0); /* gone already */
}

/* Only the three descriptors are kept, under known numbers; nothing can be printed. */
static void keep_descriptors(const kz_reader_place *p)
{
    int kept[3] = {p->socket, p->life, p->job->file};
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) kept[i] = fcntl(kept[i], F_DUPFD, FIRST_FREE + 1);
    for (int i = 0; i < 3; i++)
        if (kept[i] < 0 || dup2(kept[i], SOCKET + i) < 0) _exit(1);
    for (int i = 0; i < (KZ_UNDER_SANITIZER ? STDERR_FILENO : SOCKET) && null >= 0; i++) dup2(null, i);
    closefrom(FIRST_FREE);
}

/* Where memory runs out for the whole machine, this process goes first. */
static void be_first_to_go(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (write(fd, "1000", 4) != 4) errno = 0; /* as it was then */
    close(fd);
}

static int64_t most_memory(const kz_reader_place *p)
{
    int64_t bytes;
    bool over = __builtin_mul_overflow(p->job->options.memory, 3, &bytes) ||
                __builtin_add_overflow(bytes, (int64_t)KZ_READER_MEMORY, &bytes);
    return over ? INT64_MAX : bytes;
}

/* ---- answers ---- */

static kz_status answer_array(child *c, const kz_request *q, kz_answer *a)
{
    kz_array array = {.id = 0}, *more = NULL;
    kz_status st = KZ_OK;
    if (c->n_arrays == c->room) {
        int room = c->room ? 2 * c->room : 8;
        KZ_TRY(kz_calloc(&more, room, sizeof *more, "arrays of an HDF5 file"));
        if (c->n_arrays > 0) memcpy(more, c->array, (size_t)c->n_arrays * sizeof *more);
        kz_free(&c->array);
        c->array = more;
        c->room = room;
    }
    KZ_TRY(kz_lib_array(c->file, q->object, q->key, &array));
    c->array[c->n_arrays++] = array;
    a->stored = (int32_t)array.stored;
    a->rank = array.rank;
    memcpy(a->extent, array.extent, sizeof a->extent);
    a->chunk_rows = array.chunk_rows;
    a->chunk_bytes = array.chunk_bytes;
done:
    return st;
}

/* Adds rows to the answer.  A chunk is held packed and unpacked by us, and once more each by the library where a filter
 * is its own. */
static kz_status answer_rows(child *c, const kz_request *q, int64_t first, int64_t n, const kz_slot *s, kz_answer *a)
{
    if (q->array < 0 || q->array >= c->n_arrays) return KZ_FAIL(KZ_E_ARG, "there is no array %d", q->array);
    kz_array *array = &c->array[q->array];
    int64_t chunk = array->chunk_bytes, row = kz_array_row(array) * kz_stored_size(array->stored);
    kz_sandbox_allow(chunk > (INT64_MAX - KZ_READER_MEMORY) / 3 ? INT64_MAX : 3 * chunk + KZ_READER_MEMORY);
    array->object = q->object; /* for messages */
    if (first < 0 || n < 1 || n > (s->left - a->bytes) / row) return KZ_FAIL(KZ_E_ARG, "%s: no such rows", q->object);
    uint8_t *out = s->at + a->bytes;
    a->bytes += n * row;
    return kz_lib_read(c->file, array, first, n, out);
}

/* Our side has checked that they fit. */
static kz_status answer_ranges(child *c, const kz_request *q, const kz_slot *s, kz_answer *a)
{
    kz_slot to = {s->at + q->at, s->left - q->at};
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < q->n && i < KZ_RANGES_MAX; i++)
        KZ_TRY(answer_rows(c, q, q->range[i].first, q->range[i].n, &to, a));
done:
    return st;
}

static kz_status answer_texts(child *c, const kz_request *q, kz_slot *s, kz_answer *a)
{
    char **texts = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_lib_texts(c->file, q->object, &texts, &a->n));
    for (int64_t i = 0; i < a->n; i++) {
        if (!kz_reader_put(s, texts[i], (int64_t)strlen(texts[i])))
            KZ_TRY(KZ_FAIL(KZ_E_DATA, "%s: attribute %s is too long; shorten or delete it", c->place->job->path,
                           q->object));
    }
done:
    kz_texts_free(&texts, a->n);
    return st;
}

static bool put_node(kz_slot *s, const kz_node *node)
{
    kz_reader_node w = {.kind = (int32_t)node->kind,
                        .rank = node->rank,
                        .readable = node->readable,
                        .has_target = node->target != NULL,
                        .stored_bytes = node->stored_bytes};
    memcpy(w.extent, node->extent, sizeof w.extent);
    memcpy(w.chunk, node->chunk, sizeof w.chunk);
    memcpy(w.type, node->type, sizeof w.type);
    memcpy(w.layout, node->layout, sizeof w.layout);
    memcpy(w.filters, node->filters, sizeof w.filters);
    return kz_reader_put(s, &w, sizeof w) && kz_reader_put(s, node->path, (int64_t)strlen(node->path)) &&
           (!node->target || kz_reader_put(s, node->target, (int64_t)strlen(node->target)));
}

static kz_status answer_tree(child *c, const kz_request *q, kz_slot *s, kz_answer *a)
{
    kz_node *nodes = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_lib_tree(c->file, q->object[0] != 0, &nodes, &a->n));
    for (int64_t i = 0; i < a->n; i++) {
        if (!put_node(s, &nodes[i]))
            KZ_TRY(KZ_FAIL(KZ_E_DATA, "%s: the names of its objects are too long to be listed", c->place->job->path));
    }
done:
    kz_nodes_free(&nodes, a->n);
    return st;
}

static kz_status answer(child *c, const kz_request *q, kz_slot *s, kz_answer *a)
{
    const kz_reader_job *job = c->place->job;
    bool found = false;
    kz_status st = KZ_OK;
    switch ((kz_call)q->call) {
    case KZ_CALL_OPEN:
        if (c->file) return KZ_FAIL(KZ_E_ARG, "it is open");
        st = kz_lib_open(&c->file, job->path, DATA, job->bytes, job->options.allow_filters);
        if (st == KZ_OK) c->file->sampled = job->options.sampled;
        return st;
    case KZ_CALL_ARRAY: return answer_array(c, q, a);
    case KZ_CALL_READ: return answer_rows(c, q, q->first, q->n, s, a);
    case KZ_CALL_RANGES: return answer_ranges(c, q, s, a);
    case KZ_CALL_TEXTS: return answer_texts(c, q, s, a);
    case KZ_CALL_TREE: return answer_tree(c, q, s, a);
    case KZ_CALL_NUMBER:
        st = kz_lib_number(c->file, q->object, &a->number, &found);
        a->found = found;
        return st;
    }
    return KZ_FAIL(KZ_E_ARG, "there is no call %u", q->call);
}

/* Memory that the limit has refused is a fault of the file, whoever has asked for it. */
static kz_status blame(const child *c, const kz_request *q, kz_status st)
{
    char limit[24];
    bool starved = kz_lib_starved() || (st == KZ_E_MEM && errno == ENOMEM);
    if (st == KZ_OK || !starved) return st;
    kz_format_size(limit, (double)kz_sandbox_allowed());
    return KZ_FAIL(KZ_E_DATA,
                   "%s: reading %s needs more memory than the %s that it may take; the file is damaged or made to do "
                   "harm, or its chunks are too large: h5repack -l CHUNK=... can write it with smaller ones",
                   c->place->job->path, q->call == KZ_CALL_OPEN ? "it" : q->object, limit);
}

static void serve(child *c)
{
    static kz_request q;
    static kz_answer a;
    const kz_reader_place *p = c->place;
    for (;;) {
        ssize_t n = recv(SOCKET, &q, sizeof q, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n != sizeof q) return; /* closed */
        memset(&a, 0, sizeof a);
        a.call = q.call;
        a.serial = q.serial;
        kz_slot all = {p->shared + q.slot * p->slot_bytes, p->slot_bytes}, s = all;
        if (!kz_reader_hook || !kz_reader_hook(&q, &a)) {
            errno = 0;
            kz_error_clear();
            kz_status st = blame(c, &q, answer(c, &q, &s, &a));
            a.status = (int32_t)st;
            if (st != KZ_OK) snprintf(a.message, sizeof a.message, "%s", kz_error_message());
            if (q.call != KZ_CALL_READ && q.call != KZ_CALL_RANGES) a.bytes = all.left - s.left;
        }
        if (send(SOCKET, &a, sizeof a, MSG_NOSIGNAL) != sizeof a) return;
    }
}

void kz_reader_child(const kz_reader_place *place)
{
    child c = {.place = place};
    prctl(PR_SET_NAME, "kaizen-reader");
    setsid();
    be_first_to_go();
    keep_descriptors(place);
    set_signals();
    end_with_parent();
    kz_lib_prepare(place->job->options.allow_filters);
    kz_sandbox_limits(KZ_READER_MEMORY, most_memory(place));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)kz_sandbox_filter(); /* where the kernel has none, the limits hold alone */
    serve(&c);
    _exit(0);
}
