/* data/reader_protocol.h — private to src/data/reader*.c and their tests: what we and the reader process say.
 *
 *     reader.c          kz_hdf5_...: asks, and checks every answer as if an attacker had written it
 *     reader_process.c  starts the process, sends and receives, watches its time, says how it died
 *     reader_child.c    the process: answers one request after the other
 *     reader_sandbox.c  what the process may not do
 *
 * Messages have a fixed size and go over a socket.  What is larger (rows, lists) lies in one of two slots of memory that
 * both sides see; one is read into while the other is taken from.  A third one of the same size is for rows that stay
 * where they are put: a stream's windows.  A new call is a line in KZ_CALL_LIST, a case in the
 * child's answer() and a function in reader.c; its list is written by kz_reader_put and read by kz_reader_take. */
#ifndef KZ_READER_PROTOCOL_H
#define KZ_READER_PROTOCOL_H

#include "data/data_impl.h"

/* The address and thread sanitizers reserve terabytes of addresses, report on the standard error, and are slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KZ_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KZ_UNDER_SANITIZER 1
#endif
#endif
#ifndef KZ_UNDER_SANITIZER
#define KZ_UNDER_SANITIZER 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(constant, what the library does then, with the object's name behind it) */
#define KZ_CALL_LIST(X)                                                                                                \
    X(KZ_CALL_OPEN, "opening it")                                                                                      \
    X(KZ_CALL_ARRAY, "opening ")                                                                                       \
    X(KZ_CALL_READ, "reading ")                                                                                        \
    X(KZ_CALL_RANGES, "reading ")                                                                                      \
    X(KZ_CALL_TEXTS, "reading the attribute ")                                                                         \
    X(KZ_CALL_NUMBER, "reading the attribute ")                                                                        \
    X(KZ_CALL_TREE, "listing what is in it")

typedef enum {
#define KZ_CALL_ENUM(constant, doing) constant,
    KZ_CALL_LIST(KZ_CALL_ENUM)
#undef KZ_CALL_ENUM
} kz_call;

typedef struct {
    uint32_t call, serial; /* serial: of the answer as well */
    int32_t slot, array;   /* the slot to answer in; READ: the array's id */
    int64_t first, n;      /* READ: rows; RANGES: n of them */
    int64_t at;            /* RANGES: bytes of the slot before the answer */
    kz_range range[KZ_RANGES_MAX];
    char object[KZ_OBJECT_MAX], key[256];
} kz_request;

typedef struct {
    uint32_t call, serial;
    int32_t status;       /* a kz_status; not KZ_OK: with the message */
    int32_t stored, rank; /* ARRAY: as in kz_array */
    int32_t found;        /* NUMBER */
    int64_t bytes, n;     /* in the slot; TEXTS and TREE: of how many */
    int64_t extent[KZ_RANK_MAX], chunk_rows, chunk_bytes;
    double number;
    char message[2048];
} kz_answer;

/* ---- lists in a slot: each text is its length (32 bits), then its bytes ---- */

typedef struct {
    uint8_t *at;
    int64_t left; /* bytes */
} kz_slot;

/* A node is this, its path and, where it has one, its target. */
typedef struct {
    int32_t kind, rank, readable, has_target;
    int64_t extent[KZ_NODE_RANK], chunk[KZ_NODE_RANK], stored_bytes;
    char type[48], layout[16], filters[96];
} kz_reader_node;

bool kz_reader_put(kz_slot *s, const void *bytes, int64_t n); /* false: no room */
/* *out <- n bytes, borrowed; false: there are none.  Take from a copy: the process can change a slot at any time. */
bool kz_reader_take(kz_slot *s, const uint8_t **out, int64_t *n);

/* ---- reader.c, for the calls whose answer is a list ---- */

/* Asks for all that `object` has; *copy <- the answer's bytes, yours to kz_free, *s what to take from, of n parts of at
 * least `least` bytes each.  n = 0: nothing was copied. */
kz_status kz_reader_list(kz_hdf5 *file, kz_call call, const char *object, int64_t least, uint8_t **copy, kz_slot *s,
                         int64_t *n);
kz_status kz_reader_refuse(kz_hdf5 *file, const char *what); /* kz_reader_distrust */

/* ---- reader_process.c ---- */

typedef struct kz_reader kz_reader;

typedef struct {
    const char *path; /* borrowed */
    int file;         /* descriptor; stays ours */
    int64_t bytes;    /* of the file */
    kz_hdf5_options options;
} kz_reader_job;

/* Starts a process for the file.  Fails: KZ_E_MEM, KZ_E_FAIL. */
kz_status kz_reader_start(kz_reader **out, const kz_reader_job *job);
int64_t kz_reader_slot_bytes(const kz_reader *r);
uint8_t *kz_reader_slot(const kz_reader *r, int slot); /* written by the process at any time */

/* Sends a request; its serial is set. */
kz_status kz_reader_send(kz_reader *r, kz_request *q);

/* *a <- the answer to q.  The process is ended when it takes more than `seconds` of CPU time since it was sent, or
 * answers what is no answer; every later call then fails.  Fails: KZ_E_DATA; with the answer's status and message. */
kz_status kz_reader_receive(kz_reader *r, const kz_request *q, double seconds, kz_answer *a);
double kz_reader_used(const kz_reader *r); /* CPU seconds of the process since the last request was sent */

/* Ends the process, for it said what cannot be; `what` completes "its answer". */
kz_status kz_reader_distrust(kz_reader *r, const char *what);
void kz_reader_destroy(kz_reader **r);

/* Test seam: called in the process, behind its walls, before each answer; true: the answer is the one it made. */
extern bool (*kz_reader_hook)(const kz_request *q, kz_answer *a);

/* ---- reader_child.c, reader_sandbox.c: in the process ---- */

typedef struct {
    const kz_reader_job *job;
    int socket, life; /* life: a pipe that closes when our side is gone */
    uint8_t *shared;
    int64_t slot_bytes;
} kz_reader_place;

void kz_reader_child(const kz_reader_place *place) __attribute__((noreturn));

enum { KZ_READER_SLOTS = 3, KZ_READER_STAYS = 2 /* the slot for rows that stay */ };

enum { KZ_READER_MEMORY = 256 << 20 }; /* bytes that the library may take for what is no chunk */

/* Address space: `now` bytes more than is used, which kz_sandbox_allow can raise to `most`. */
void kz_sandbox_limits(int64_t now, int64_t most);
void kz_sandbox_allow(int64_t bytes);
int64_t kz_sandbox_allowed(void); /* bytes beyond those used at the start */
bool kz_sandbox_filter(void);     /* false: no such filter here; limits alone hold */

#ifdef __cplusplus
}
#endif

#endif
