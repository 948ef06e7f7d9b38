/* Opens mutants of HDF5 files as training would, and counts what comes of it.
 *
 *     mutate_files [--count N] [--seed S] [--first I | --continue yes] [--workers W] [--json FILE] [--keep DIR]
 *                  [SEED_FILE]...
 *
 * Each worker is a process in kaizen's place: it opens one mutant after the other with kz_data_open.  It must live
 * through all of them, end each within 5 seconds, take no memory beyond the limit and leave no file open; a refusal is
 * bad data (or a config that does not fit the data), nothing else.  A worker that dies or hangs is a finding; another
 * one then goes on after that mutant, so that all findings are counted.  Interrupted it reports what is done, and
 * --continue goes on from that report to --count in all.
 *
 * Mutant I of a seed is the same on every run; --keep writes those that are findings, `--only I --keep DIR` that one. */
#include "kz/data.h"
#include "kz/record.h"
#include "mutant.h"
#include "mutant_opening.h"
#include "mutant_seeds.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, SEEDS_MAX = 512, STATUSES = 32, ENDS_MAX = 24, FINDINGS_MAX = 64, FDS_SPARE = 2 };

/* resident, of a worker and of what it started: 256 MiB for the HDF5 library, three chunks, their start */
static const int64_t memory_limit = ((int64_t)256 + 3 * 16 + 32) << 20;
static const double longest = 5.0;   /* seconds that an opening may take */
static const double hopeless = 60.0; /* seconds after which it is ended */
static volatile sig_atomic_t stopping;

/* ---- what is counted, in memory that the workers share ---- */

typedef struct {
    char text[96];
    int64_t n;
} tally; /* of one text */

typedef struct {
    int64_t number;
    char what[64];
} finding;

typedef struct {
    _Atomic int64_t current;  /* mutant being opened; -1: none */
    _Atomic int64_t begun_ns; /* when */
    int64_t next, done, status[STATUSES], slowest;
    double slowest_s, most_cpu_s;
    tally end[ENDS_MAX], kind[ENDS_MAX]; /* how the HDF5 library failed in its process; findings */
    int64_t rss, child_rss;              /* bytes, most */
    int64_t n_findings;
    finding found[FINDINGS_MAX];
    pid_t pid;
} worker;

static struct {
    int64_t count, first, only;
    uint64_t seed;
    int workers;
    const char *json, *keep;
    bool again;
    json_t *before; /* the report that is continued; NULL: none */
    char folder[64];
    seed_file *seeds; /* (SEEDS_MAX), then the bytes of a mutant: not copied for the processes of the HDF5 library */
    int n_seeds;
} run = {.count = 20000, .only = -1, .seed = 1, .workers = 2};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void stop(const char *what)
{
    fprintf(stderr, "mutate_files: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- seeds ---- */

static const size_t arena = SEEDS_MAX * sizeof(seed_file) + MUTANT_ROOM;

static void add_seed(const char *path)
{
    if (run.n_seeds == SEEDS_MAX) return;
    if (load_seed(&run.seeds[run.n_seeds], path)) run.n_seeds++;
    else fprintf(stderr, "note: %s is left out: no HDF5 file of at most %d bytes\n", path, MUTANT_ROOM - MUTANT_SLACK);
}

static int is_seed(const struct dirent *e)
{
    return strncmp(e->d_name, "seed.", 5) == 0;
}

/* HDF5 runs in a process of its own, so that the workers start without it. */
static void prepare_seeds(int n, char **paths)
{
    struct dirent **list = NULL;
    for (int i = 0; i < n; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
            make_seeds(run.folder, i, paths[i]);
        }
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 3) add_seed(paths[i]);
    }
    int made = scandir(run.folder, &list, is_seed, alphasort);
    for (int i = 0; i < made; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", run.folder, list[i]->d_name);
        add_seed(path);
        unlink(path);
        free(list[i]);
    }
    free(list);
    if (run.n_seeds == 0) stop("no seed file");
}

/* ---- a worker ---- */

static void count(tally *t, const char *text)
{
    char cut[sizeof t->text];
    snprintf(cut, sizeof cut, "%s", text);
    for (int i = 0; i < ENDS_MAX; i++, t++) {
        if (t->n > 0 && strcmp(t->text, cut) != 0 && i < ENDS_MAX - 1) continue; /* the last one takes all others */
        if (t->n++ == 0) memcpy(t->text, cut, sizeof cut);
        return;
    }
}

static void add_finding(worker *w, int64_t number, const char *what)
{
    count(w->kind, what);
    if (w->n_findings < FINDINGS_MAX) {
        finding *f = &w->found[w->n_findings];
        f->number = number;
        snprintf(f->what, sizeof f->what, "%s", what);
    }
    w->n_findings++;
}

/* How the process of the HDF5 library ended, if it did, from the message. */
static void count_ending(worker *w, const char *message)
{
    char text[32];
    const char *signal = strstr(message, "(signal ");
    if (signal) snprintf(text, sizeof text, "signal %d", atoi(signal + 8));
    else if (strstr(message, "the HDF5 library took more than")) snprintf(text, sizeof text, "its time was up");
    else if (strstr(message, "the HDF5 library was killed")) snprintf(text, sizeof text, "killed");
    else if (strstr(message, "the HDF5 library failed")) snprintf(text, sizeof text, "otherwise");
    else if (strstr(message, "makes no sense")) snprintf(text, sizeof text, "answers that make no sense");
    else return;
    count(w->end, text);
}

static bool expected(kz_status st)
{
    return st == KZ_OK || st == KZ_E_DATA || st == KZ_E_CONFIG;
}

static void open_one(worker *w, const kz_config *cfg, int64_t number)
{
    kz_data *data = NULL;
    int64_t begin = now_ns();
    double cpu = cpu_seconds();
    atomic_store(&w->begun_ns, begin);
    atomic_store(&w->current, number);
    kz_status st = kz_data_open(&data, cfg);
    kz_data_destroy(&data);
    atomic_store(&w->current, -1);
    double seconds = 1e-9 * (double)(now_ns() - begin);
    w->status[st]++;
    w->done++;
    if (st != KZ_OK) count_ending(w, kz_error_message());
    if (!expected(st)) add_finding(w, number, kz_status_name(st));
    if (st == KZ_E_DATA && !strstr(kz_error_message(), cfg->data.path)) add_finding(w, number, "message names no file");
    cpu = cpu_seconds() - cpu;
    /* others may have had the processor meanwhile: it either computed that long, or it slept */
    if (seconds > longest && (cpu > longest || cpu < seconds / 10)) add_finding(w, number, "took too long");
    if (cpu > w->most_cpu_s) w->most_cpu_s = cpu;
    if (seconds > w->slowest_s) {
        w->slowest_s = seconds;
        w->slowest = number;
    }
}

static void note_memory(worker *w, int64_t number)
{
    int64_t own = most_memory(RUSAGE_SELF), child = most_memory(RUSAGE_CHILDREN);
    if (own > memory_limit && w->rss <= memory_limit) add_finding(w, number, "memory of the main process");
    if (child > memory_limit && w->child_rss <= memory_limit) add_finding(w, number, "memory of its child");
    if (own > w->rss) w->rss = own;
    if (child > w->child_rss) w->child_rss = child;
}

static void work(worker *w, int index)
{
    char path[128];
    mutant m = {.bytes = (uint8_t *)&run.seeds[SEEDS_MAX]};
    snprintf(path, sizeof path, "%s/mutant.%d.h5", run.folder, index);
    kz_config *cfg = make_config(path);
    kz_config_split test = cfg->data.test, valid = cfg->data.valid;
    int files = 0;
    if (madvise(run.seeds, arena, MADV_DONTFORK) != 0) exit(2); /* a third of the time */
    for (; w->next < run.first + run.count; w->next += run.workers) {
        make_mutant(&m, run.seeds, run.n_seeds, run.seed, w->next);
        choose_config(cfg, &test, &m.state);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(m.bytes, 1, m.n, f) != m.n || fclose(f) != 0) stop(path);
        open_one(w, cfg, w->next);
        note_memory(w, w->next);
        if (w->done == 1) files = open_files();
        if (w->done % 256 == 0 && files > 0 && open_files() > files + FDS_SPARE) {
            add_finding(w, w->next, "leaves files open");
            files = 0;
        }
    }
    cfg->data.test = test;
    cfg->data.valid = valid;
    kz_config_destroy(&cfg);
    unlink(path);
    exit(0);
}

/* ---- their keeper ---- */

static void stop_early(int signal)
{
    stopping = signal;
}

static void start(worker *w, int index)
{
    fflush(NULL);
    w->current = -1;
    pid_t pid = fork();
    if (pid < 0) stop("fork");
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_IGN);
        work(w, index);
    }
    w->pid = pid;
}

/* A worker that ended; the next goes on behind the mutant that ended it. */
static void ended(worker *w, int index, int status)
{
    char what[64];
    w->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    if (WIFEXITED(status)) snprintf(what, sizeof what, "main process: exit %d", WEXITSTATUS(status));
    else snprintf(what, sizeof what, "main process: %s", strsignal(WTERMSIG(status)));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && w->current >= 0) snprintf(what, sizeof what, "hangs");
    add_finding(w, w->next, what);
    w->done++;
    w->next += run.workers;
    start(w, index);
}

static void keep_all(worker *w)
{
    int running = run.workers;
    signal(SIGTERM, stop_early);
    signal(SIGINT, stop_early);
    for (int i = 0; i < run.workers; i++) start(&w[i], i);
    for (int turn = 0; running > 0; turn++) {
        for (int i = 0; stopping && i < run.workers; i++) {
            kill(w[i].pid, SIGKILL);
            waitpid(w[i].pid, NULL, 0);
        }
        if (stopping) return;
        running = 0;
        for (int i = 0; i < run.workers; i++) {
            int status;
            if (w[i].pid > 0 && waitpid(w[i].pid, &status, WNOHANG) == w[i].pid) ended(&w[i], i, status);
            if (w[i].pid > 0) running++;
            double waited = 1e-9 * (double)(now_ns() - atomic_load(&w[i].begun_ns));
            if (w[i].pid > 0 && atomic_load(&w[i].current) >= 0 && waited > hopeless) kill(w[i].pid, SIGKILL);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        if (turn % 500 == 499) {
            int64_t done = 0, findings = 0;
            for (int i = 0; i < run.workers; i++) done += w[i].done, findings += w[i].n_findings;
            fprintf(stderr, "%lld mutants, %lld findings\n", (long long)done, (long long)findings);
        }
    }
}

static void keep_mutant(int64_t number)
{
    char path[512];
    mutant m = {.bytes = calloc(1, MUTANT_ROOM)};
    if (!m.bytes) stop("memory");
    make_mutant(&m, run.seeds, run.n_seeds, run.seed, number);
    snprintf(path, sizeof path, "%s/mutant-%lld-%lld.h5", run.keep, (long long)run.seed, (long long)number);
    mkdir(run.keep, 0777);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(m.bytes, 1, m.n, f) != m.n || fclose(f) != 0) stop(path);
    printf("%s (of %s)\n", path, m.seed->name);
    free(m.bytes);
}

/* ---- the result ---- */

static void add_to(json_t *object, const char *key, int64_t n)
{
    json_int_t before = json_integer_value(json_object_get(object, key));
    json_object_set_new(object, key, json_integer(before + n));
}

static json_int_t before_int(const char *key)
{
    return json_integer_value(json_object_get(run.before, key));
}

static double before_real(const char *key)
{
    return json_number_value(json_object_get(run.before, key));
}

/* A copy of a part of the report that is continued, or the empty one that is given. */
static json_t *before_part(const char *key, json_t *empty)
{
    json_t *part = json_object_get(run.before, key);
    if (!part) return empty;
    json_decref(empty);
    return json_deep_copy(part);
}

static json_t *result(const worker *w, double seconds, const char *command)
{
    json_t *outcomes = before_part("outcomes", json_object()), *ends = before_part("hdf5_process_ended", json_object());
    json_t *kinds = before_part("findings_by_kind", json_object());
    json_t *findings = before_part("first_findings", json_array()), *build = kz_build_json();
    int64_t done = before_int("mutants"), found = before_int("findings"), next = 0;
    int64_t slowest = run.before ? before_int("slowest_mutant") : -1;
    double slowest_s = before_real("slowest_s"), most_cpu_s = before_real("most_cpu_s"), mib = 1048576;
    int64_t rss = (int64_t)(mib * before_real("peak_mib")),
            child_rss = (int64_t)(mib * before_real("peak_mib_of_reader"));
    seconds += before_real("seconds");
    int64_t first = run.before ? before_int("first") : run.first, end = run.first + run.count;
    for (int i = 0; i < run.workers; i++) {
        for (int k = 0; k < STATUSES; k++)
            if (w[i].status[k] > 0) add_to(outcomes, kz_status_meaning((kz_status)k), w[i].status[k]);
        for (int k = 0; k < ENDS_MAX; k++) {
            if (w[i].end[k].n > 0) add_to(ends, w[i].end[k].text, w[i].end[k].n);
            if (w[i].kind[k].n > 0) add_to(kinds, w[i].kind[k].text, w[i].kind[k].n);
        }
        for (int k = 0; k < FINDINGS_MAX && k < w[i].n_findings; k++) {
            json_array_append_new(findings, json_pack("{s:I, s:s}", "mutant", (json_int_t)w[i].found[k].number, "what",
                                                      w[i].found[k].what));
            if (run.keep) keep_mutant(w[i].found[k].number);
        }
        done += w[i].done;
        found += w[i].n_findings;
        if (w[i].next > next) next = w[i].next < end ? w[i].next : end;
        if (w[i].rss > rss) rss = w[i].rss;
        if (w[i].child_rss > child_rss) child_rss = w[i].child_rss;
        if (w[i].most_cpu_s > most_cpu_s) most_cpu_s = w[i].most_cpu_s;
        if (w[i].slowest_s > slowest_s) slowest_s = w[i].slowest_s, slowest = w[i].slowest;
    }
    json_t *out = json_pack(
        "{s:s, s:s, s:O, s:O, s:I, s:I, s:I, s:I, s:i, s:i, s:f, s:f, s:o, s:o, s:f, s:f, s:I, s:f, s:f, s:f, s:I, "
        "s:o, "
        "s:o}",
        "schema", "kaizen.mutated_files/1", "command", command, "commit", json_object_get(build, "commit"), "dirty",
        json_object_get(build, "dirty"), "first", (json_int_t)first, "next", (json_int_t)next, "mutants",
        (json_int_t)done, "seed", (json_int_t)run.seed, "seed_files", run.n_seeds, "workers", run.workers, "seconds",
        seconds, "mutants_per_s", (double)done / seconds, "outcomes", outcomes, "hdf5_process_ended", ends, "slowest_s",
        slowest_s, "most_cpu_s", most_cpu_s, "slowest_mutant", (json_int_t)slowest, "peak_mib", (double)rss / mib,
        "peak_mib_of_reader", (double)child_rss / mib, "limit_mib", (double)memory_limit / mib, "findings",
        (json_int_t)found, "findings_by_kind", kinds, "first_findings", findings);
    json_decref(build);
    return out;
}

static int usage(void)
{
    fprintf(stderr, "usage: mutate_files [--count N] [--seed S] [--first I | --continue yes] [--workers W]\n"
                    "                    [--json FILE] [--keep DIR] [--only I] [SEED_FILE]...\n"
                    "With no seed file: those of datasets/ and tests/golden/.  Exit status 1: there are findings.\n");
    return 2;
}

/* The value of an option: 1 on success. */
static int take_option(const char *name, char *value)
{
    char *end = value;
    if (strcmp(name, "--json") == 0) run.json = value;
    else if (strcmp(name, "--keep") == 0) run.keep = value;
    else if (strcmp(name, "--continue") == 0) run.again = strcmp(value, "yes") == 0;
    else {
        long long n = strtoll(value, &end, 10);
        if (end == value || *end || n < 0) return 0;
        if (strcmp(name, "--count") == 0) run.count = n;
        else if (strcmp(name, "--seed") == 0) run.seed = (uint64_t)n;
        else if (strcmp(name, "--first") == 0) run.first = n;
        else if (strcmp(name, "--only") == 0) run.only = n;
        else if (strcmp(name, "--workers") == 0) run.workers = (int)n;
        else return 0;
    }
    return run.workers >= 1 && run.workers <= WORKERS_MAX;
}

/* Goes on after the mutants of an earlier report, which must be of the same ones. */
static void take_up(void)
{
    json_error_t why;
    if (!run.again || !run.json || access(run.json, F_OK) != 0) return;
    run.before = json_load_file(run.json, 0, &why);
    if (!run.before || before_int("seed") != (json_int_t)run.seed || before_int("seed_files") != run.n_seeds ||
        !json_object_get(run.before, "next")) {
        fprintf(stderr, "mutate_files: %s is no report of these mutants\n", run.json);
        exit(2);
    }
    int64_t end = run.first + run.count;
    run.first = before_int("next");
    run.count = end > run.first ? end - run.first : 0;
}

int main(int argc, char **argv)
{
    static char *standard[] = {"datasets/iris.h5",   "datasets/wine.h5",    "datasets/diabetes.h5",
                               "datasets/digits.h5", "tests/golden/zoo.h5", "tests/golden/odd.h5"};
    kz_text command = {0};
    char **files = argv + argc;
    for (int i = 0; i < argc; i++) kz_text_add(&command, "%s%s", i ? " " : "", argv[i]);
    for (int i = 1; i < argc; i += 2) {
        if (argv[i][0] != '-') {
            files = argv + i;
            break;
        }
        if (i + 1 == argc || !take_option(argv[i], argv[i + 1])) return usage();
    }
    snprintf(run.folder, sizeof run.folder, "%s/mutants.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(run.folder)) stop(run.folder);
    run.seeds = mmap(NULL, arena, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (run.seeds == MAP_FAILED) stop("memory");
    if (*files) prepare_seeds((int)(argv + argc - files), files);
    else prepare_seeds(sizeof standard / sizeof *standard, standard);
    worker *w = mmap(NULL, sizeof *w * WORKERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w == MAP_FAILED) stop("memory");
    if (run.only >= 0) {
        if (!run.keep) run.keep = ".";
        keep_mutant(run.only);
        rmdir(run.folder);
        return 0;
    }
    take_up();
    for (int i = 0; i < run.workers; i++) w[i].next = run.first + i;
    int64_t begin = now_ns();
    keep_all(w);
    json_t *out = result(w, 1e-9 * (double)(now_ns() - begin), kz_text_str(&command));
    json_dumpf(out, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    puts("");
    if (run.json && json_dump_file(out, run.json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0) stop(run.json);
    for (int i = 0; i < run.workers; i++) { /* of workers that were killed */
        char path[128];
        snprintf(path, sizeof path, "%s/mutant.%d.h5", run.folder, i);
        unlink(path);
    }
    rmdir(run.folder);
    int status = json_integer_value(json_object_get(out, "findings")) > 0;
    json_decref(out);
    json_decref(run.before);
    kz_text_free(&command);
    return status;
}
