/* kz/base.h — what every module stands on: errors, memory, text, files, hashing, JSON, threads, clocks. */
#ifndef KZ_BASE_H
#define KZ_BASE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors: the library never exits, aborts or prints ---- */

/* X(name, exit status of the program, what it means) */
#define KZ_STATUS_LIST(X)                                                                                              \
    X(KZ_OK, 0, "done")                                                                                                \
    X(KZ_E_FAIL, 1, "failed at run time")                                                                              \
    X(KZ_E_MEM, 1, "out of memory")                                                                                    \
    X(KZ_E_USAGE, 2, "wrong usage")                                                                                    \
    X(KZ_E_DIFFERENT, 5, "different bits")                                                                             \
    X(KZ_E_DATA, 65, "bad data")                                                                                       \
    X(KZ_E_INPUT, 66, "input missing")                                                                                 \
    X(KZ_E_DEVICE, 69, "device unavailable")                                                                           \
    X(KZ_E_ARG, 70, "invalid argument")                                                                                \
    X(KZ_E_NAME, 70, "unknown name")                                                                                   \
    X(KZ_E_OUTPUT, 73, "cannot write output")                                                                          \
    X(KZ_E_INTERRUPTED, 75, "interrupted after a checkpoint")                                                          \
    X(KZ_E_DIVERGED, 76, "training diverged")                                                                          \
    X(KZ_E_CONFIG, 78, "bad config")                                                                                   \
    X(KZ_E_SIGINT, 130, "ended at once by a second SIGINT")                                                            \
    X(KZ_E_SIGTERM, 143, "ended at once by a second SIGTERM")

typedef enum {
#define KZ_STATUS_ENUM(name, exit_status, meaning) name,
    KZ_STATUS_LIST(KZ_STATUS_ENUM)
#undef KZ_STATUS_ENUM
} kz_status;

int kz_status_exit(kz_status st);            /* the program's exit status for st */
const char *kz_status_name(kz_status st);    /* "KZ_E_DATA" */
const char *kz_status_meaning(kz_status st); /* "bad data" */

const char *kz_error_message(void); /* this thread's last failure: object, value, rule; "" if none */
const char *kz_error_trail(void);   /* where it passed: "file.c:12 < file.c:34"; for bug reports */
void kz_error_clear(void);

/* Starts a failure: records the message and gives the status back.  An expression, e.g. `return KZ_FAIL(...)`. */
#ifndef __clang_analyzer__
#define KZ_FAIL(status, ...) kz_error_set((status), __FILE__, __LINE__, __VA_ARGS__)
#else /* which then sees what comes back */
#define KZ_FAIL(status, ...) (kz_error_set((status), __FILE__, __LINE__, __VA_ARGS__), (status))
#endif

/* Passes a failure on: sets the local `st` and goes to the local label `done`. */
#define KZ_TRY(call)                                                                                                   \
    do {                                                                                                               \
        st = (call);                                                                                                   \
        if (st != KZ_OK) {                                                                                             \
            kz_error_pass(__FILE__, __LINE__);                                                                         \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

kz_status kz_error_set(kz_status st, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void kz_error_pass(const char *file, int line);

/* ---- memory: the heap is reached through these alone, so that tests can make it fail ---- */

/* Zeroed memory for n elements of size bytes, 64-byte aligned; *out is yours to kz_free.  n = 0 gives a valid pointer.
 * Fails: KZ_E_MEM, naming `what` and the bytes asked for; *out is then untouched. */
kz_status kz_calloc(void *out, int64_t n, size_t size, const char *what);
void kz_free(void *pointer_to_pointer); /* frees *p and sets it to NULL; *p may be NULL */

/* Test hook: the n-th kz_calloc from now fails (1 = the next); 0 switches it off.  Returns the calls since last set. */
int64_t kz_calloc_fail_at(int64_t n);

/* ---- text ---- */

typedef struct {
    char *s;         /* NUL-terminated once anything was added; NULL before */
    int64_t n, room; /* bytes used without the NUL, bytes allocated */
} kz_text;           /* zero-initialise; kz_text_free when done */

kz_status kz_text_add(kz_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
kz_status kz_text_add_bytes(kz_text *t, const char *bytes, int64_t n);
const char *kz_text_str(const kz_text *t); /* "" when empty */
void kz_text_free(kz_text *t);

kz_status kz_strdup(char **out, const char *s); /* *out yours to kz_free */

/* The entry of a NULL-terminated list nearest to `word` (edit distance with swaps, at most a third of its length),
 * or NULL: for "did you mean". */
const char *kz_suggest(const char *word, const char *const *list);

/* Whole-string parsing: no blanks, no rest, in range; false otherwise (*out untouched).  Independent of the locale. */
bool kz_parse_int(const char *s, int64_t *out);   /* decimal, optional sign */
bool kz_parse_double(const char *s, double *out); /* finite decimal or exponent form */
bool kz_parse_size(const char *s, int64_t *out);  /* bytes: "512", "64KiB", "8GiB", "1.5GB" */

void kz_format_size(char out[24], double bytes);       /* "7.9 GiB" */
void kz_format_duration(char out[24], double seconds); /* "1 h 02 min", "3.2 s", "850 ms" */
void kz_format_count(char out[24], int64_t n);         /* "54 000" */

/* ---- files ---- */

/* Whole file as text.  Fails: KZ_E_INPUT (missing, not a file), KZ_E_FAIL (read), KZ_E_DATA if over `limit` bytes. */
kz_status kz_file_read(kz_text *out, const char *path, int64_t limit);

/* Writes to a temporary name beside `path`, then renames: a reader never sees half a file.  sync: also to the disk.
 * Fails: KZ_E_OUTPUT, and the temporary file is gone. */
kz_status kz_file_replace(const char *path, const void *bytes, int64_t n, bool sync);

kz_status kz_mkdirs(const char *path); /* like mkdir -p; KZ_E_OUTPUT */
kz_status kz_path_join(char **out, const char *directory, const char *name);
kz_status kz_path_absolute(char **out, const char *path);  /* links and .. resolved where it exists */
kz_status kz_path_directory(char **out, const char *path); /* "a/b.yaml" -> "a", "b.yaml" -> "." */
bool kz_file_exists(const char *path);

/* ---- hashing ---- */

#define KZ_DIGEST_TEXT 72 /* "sha256:" and 64 hexadecimal digits, with the NUL */

typedef struct kz_sha256 kz_sha256;
kz_status kz_sha256_create(kz_sha256 **out);
void kz_sha256_add(kz_sha256 *h, const void *bytes, size_t n);
void kz_sha256_end(kz_sha256 *h, uint8_t out[32]); /* and starts afresh */
void kz_sha256_destroy(kz_sha256 **h);
void kz_digest_text(char out[KZ_DIGEST_TEXT], const uint8_t sha256[32]);

/* ---- JSON (jansson) ---- */

json_t *kz_json_number(double x); /* NaN and infinities are null */
kz_status kz_json_dump(kz_text *out, const json_t *j,
                       bool indent); /* keys in insertion order; reals as %.17g, "1.0", "1e-8" */
kz_status kz_json_dump_digits(kz_text *out, const json_t *j, int digits); /* compact; 9 digits keep a binary32 */

/* ---- threads: a team of workers that shares out a range ---- */

typedef struct kz_team kz_team;
typedef void kz_team_fn(void *context, int64_t begin, int64_t end);

/* A team of `threads` in all, the caller included; 1 starts none.  Fails: KZ_E_ARG, KZ_E_MEM, KZ_E_FAIL. */
kz_status kz_team_create(kz_team **out, int threads);
int kz_team_threads(const kz_team *team);
/* Runs fn over [0, n), cut into at most one contiguous piece per thread, each but the last a multiple of `grain` long;
 * returns when all is done.  fn must give the same result however the range is cut. */
void kz_team_run(kz_team *team, int64_t n, int64_t grain, kz_team_fn *fn, void *context);
void kz_team_destroy(kz_team **team);
int kz_cpu_count(void); /* cores this process may use: affinity and cgroup quota */

/* ---- clocks ---- */

double kz_clock(void);             /* monotonic seconds */
double kz_clock_cpu(void);         /* CPU seconds of the whole process */
void kz_clock_utc(char out[24]);   /* "2026-01-31T09:05:00Z" */
int64_t kz_available_memory(void); /* bytes that can still be taken: machine and cgroup; 0 if unknown */
int64_t kz_peak_memory(void);      /* bytes resident at most so far; 0 if unknown */

#ifdef __cplusplus
}
#endif
#endif
