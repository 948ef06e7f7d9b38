/* HDF5 files by way of the reader process.  Each answer is checked as if an attacker had written it. */
#include "data/reader_protocol.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOWER (KZ_UNDER_SANITIZER ? 4.0 : 1.0)

/* CPU time.  A file has from LEAST_FILE_SECONDS to FILE_SECONDS once, by its size, whatever they go to.  Rows have more
 * in proportion to what must be unpacked, but no more than the file's own bytes can be the reason for: what declares
 * much and holds little gets nothing. */
#define LEAST_FILE_SECONDS (0.5 * SLOWER) /* a few milliseconds do for a file of a few KB */
#define FILE_SECONDS (4.0 * SLOWER)
#define LEAST_SECONDS (0.02 * SLOWER)         /* always left, for a question that is no trouble */
#define SECONDS_PER_BYTE (1e-7 * SLOWER)      /* a slow packer unpacks 10 MB in a second */
#define SECONDS_PER_CHUNK (20e-6 * SLOWER)    /* finding one takes 5 microseconds */
#define SECONDS_PER_FILE_BYTE (3e-6 * SLOWER) /* at most: 30 bytes unpacked from each */

enum { AHEAD_BYTES = 16 << 20, TEXT_BYTES_MAX = 16 << 20, CHUNK_ENTRY = 16 /* bytes of an index, at least */ };
#define DEFAULT_MEMORY ((int64_t)8 << 30)

struct kz_hdf5 {
    char *path;
    kz_reader *reader;
    int32_t n_arrays;
    int fd; /* the file, to see whether it stays as it is */
    struct timespec written;
    int64_t bytes;       /* of the file */
    double left;         /* of the seconds that the file has for being read once */
    kz_request question; /* being answered */
    bool ahead;          /* it is for rows that nobody has asked for yet */
    double earned;       /* seconds that its answer may take beside those left */
    int turn;            /* slot of the last answer that was ranges of rows */
    int32_t last;        /* array of the last reading, and the row after it; -1: none */
    int64_t next;
};

/* ---- one question, one answer ---- */

static kz_status put_text(const kz_hdf5 *file, char *to, size_t room, const char *text)
{
    size_t n = strlen(text);
    if (n >= room) return KZ_FAIL(KZ_E_DATA, "%s: there is no '%.64s...': the name is too long", file->path, text);
    memcpy(to, text, n + 1);
    return KZ_OK;
}

static kz_status receive(kz_hdf5 *file, kz_answer *a)
{
    kz_status st = kz_reader_receive(file->reader, &file->question, file->left + file->earned, a);
    double over = kz_reader_used(file->reader) - file->earned;
    if (over > 0) file->left = fmax(file->left - over, LEAST_SECONDS);
    return st;
}

/* Rows read ahead that nobody wants any more.  What was wrong with them is told when they are asked for. */
static void settle(kz_hdf5 *file)
{
    kz_answer a;
    if (!file->ahead) return;
    file->ahead = false;
    (void)receive(file, &a);
}

static kz_status begin(kz_hdf5 *file, kz_call call, const char *object, const char *key)
{
    kz_status st = KZ_OK;
    settle(file);
    file->question = (kz_request){.call = call};
    file->earned = 0;
    KZ_TRY(put_text(file, file->question.object, sizeof file->question.object, object));
    snprintf(file->question.key, sizeof file->question.key, "%s", key);
done:
    return st;
}

/* Of all that is not rows. */
static kz_status ask(kz_hdf5 *file, kz_answer *a)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_reader_send(file->reader, &file->question));
    KZ_TRY(receive(file, a));
    if (a->bytes < 0 || a->bytes > kz_reader_slot_bytes(file->reader) || a->bytes > TEXT_BYTES_MAX)
        KZ_TRY(kz_reader_distrust(file->reader, "is longer than it may be"));
done:
    return st;
}

/* ---- open and close ---- */

static struct timespec written_at(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? info.st_mtim : (struct timespec){0};
}

kz_status kz_hdf5_open_with(kz_hdf5 **out, const char *path, const kz_hdf5_options *options)
{
    kz_hdf5 *file = NULL;
    kz_answer a;
    kz_reader_job job = {.path = path, .file = -1, .options = *options};
    int fd = -1;
    kz_status st = KZ_OK;
    if (job.options.memory <= 0) job.options.memory = DEFAULT_MEMORY;
    KZ_TRY(kz_reader_file_open(&fd, &job.bytes, path));
    KZ_TRY(kz_calloc(&file, 1, sizeof *file, "HDF5 file"));
    file->bytes = job.bytes;
    file->last = -1;
    file->fd = job.file = fd;
    fd = -1; /* given away */
    file->written = written_at(file->fd);
    kz_hdf5_again(file);
    KZ_TRY(kz_strdup(&file->path, path));
    KZ_TRY(kz_reader_start(&file->reader, &job));
    KZ_TRY(begin(file, KZ_CALL_OPEN, "", ""));
    KZ_TRY(ask(file, &a));
    *out = file;
    file = NULL; /* given away */
done:
    if (fd >= 0) close(fd);
    kz_hdf5_close(&file);
    return st;
}

kz_status kz_hdf5_open(kz_hdf5 **out, const char *path)
{
    return kz_hdf5_open_with(out, path, &(kz_hdf5_options){.memory = 0});
}

const char *kz_hdf5_path(const kz_hdf5 *file)
{
    return file->path;
}

void kz_hdf5_close(kz_hdf5 **file)
{
    if (!*file) return;
    kz_reader_destroy(&(*file)->reader);
    close((*file)->fd);
    kz_free(&(*file)->path);
    kz_free(file);
}

void kz_hdf5_again(kz_hdf5 *file)
{
    file->left = fmin(LEAST_FILE_SECONDS + SECONDS_PER_FILE_BYTE * (double)file->bytes, FILE_SECONDS);
}

kz_status kz_hdf5_unchanged(const kz_hdf5 *file)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0) return KZ_FAIL(KZ_E_DATA, "%s: cannot be read any more", file->path);
    if (info.st_size == file->bytes && info.st_mtim.tv_sec == file->written.tv_sec &&
        info.st_mtim.tv_nsec == file->written.tv_nsec)
        return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: was %s while it was being read; leave it alone and begin again", file->path,
                   info.st_size < file->bytes ? "cut short" : "written to");
}

/* ---- arrays ---- */

/* What is wrong with a description; NULL: nothing. */
static const char *fault_of(const kz_answer *a)
{
    int64_t bytes = 8; /* room for every form of a value */
    if (a->stored < 0 || a->stored > KZ_STORED_FLOAT128) return "has an unknown type";
    if (a->rank < 1 || a->rank > KZ_RANK_MAX) return "has too many dimensions";
    for (int i = 0; i < KZ_RANK_MAX; i++) {
        if (a->extent[i] < 1 || (i >= a->rank && a->extent[i] != 1)) return "has an impossible extent";
        if (__builtin_mul_overflow(bytes, a->extent[i], &bytes)) return "claims more values than can be addressed";
    }
    if (a->chunk_rows < 1 || a->chunk_rows > a->extent[0] || a->chunk_bytes < 0) return "has impossible chunks";
    return NULL;
}

kz_status kz_hdf5_array(kz_hdf5 *file, const char *object, const char *key, kz_array *out)
{
    kz_answer a;
    kz_status st = KZ_OK;
    KZ_TRY(begin(file, KZ_CALL_ARRAY, object, key));
    KZ_TRY(ask(file, &a));
    const char *fault = fault_of(&a);
    if (fault) KZ_TRY(kz_reader_distrust(file->reader, fault));
    *out = (kz_array){.object = object,
                      .id = file->n_arrays++,
                      .stored = (kz_stored)a.stored,
                      .rank = a.rank,
                      .chunk_rows = a.chunk_rows,
                      .chunk_bytes = a.chunk_bytes};
    memcpy(out->extent, a.extent, sizeof out->extent);
done:
    return st;
}

/* ---- rows ---- */

static int64_t row_bytes(const kz_array *a)
{
    return kz_array_row(a) * kz_stored_size(a->stored);
}

/* CPU time in proportion to what must be unpacked: whole chunks. */
static double seconds_for(const kz_hdf5 *file, const kz_array *a, int64_t n)
{
    double all = (double)kz_array_rows(a) * (double)row_bytes(a), held = (double)file->bytes;
    double rows = (double)n + 2 * (double)a->chunk_rows, bytes = rows * (double)row_bytes(a);
    double chunk = (double)a->chunk_bytes;
    double chunks = a->chunk_bytes > 0 ? 2 * bytes / chunk + 2 : 0;             /* chunk_bytes counts some twice */
    double there = a->chunk_bytes > 0 ? held / CHUNK_ENTRY / (all / chunk) : 0; /* share of chunks that can be */
    return (bytes + 4 * chunk) * fmin(SECONDS_PER_BYTE, held * SECONDS_PER_FILE_BYTE / all) +
           chunks * SECONDS_PER_CHUNK * fmin(1, there);
}

static kz_status ask_rows(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, int slot)
{
    kz_status st = KZ_OK;
    KZ_TRY(begin(file, KZ_CALL_READ, a->object, ""));
    file->question.array = a->id;
    file->question.first = first;
    file->question.n = n;
    file->question.slot = slot;
    file->earned = seconds_for(file, a, n);
    KZ_TRY(kz_reader_send(file->reader, &file->question));
done:
    return st;
}

/* Rows that fit into a slot: all that are asked for, but where addresses are limited. */
static kz_status read_piece(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, uint8_t *out)
{
    int64_t rows = kz_array_rows(a), end = first + n, bytes = n * row_bytes(a);
    kz_request *q = &file->question;
    kz_answer answer;
    kz_status st = KZ_OK;
    bool in_turn = first == 0 || (file->last == a->id && file->next == first);
    bool asked = file->ahead && q->call == KZ_CALL_READ && q->array == a->id && q->first == first && q->n == n;
    if (!asked) KZ_TRY(ask_rows(file, a, first, n, 0));
    file->ahead = false;
    int slot = q->slot;
    KZ_TRY(receive(file, &answer));
    if (answer.bytes != bytes) KZ_TRY(kz_reader_distrust(file->reader, "has the wrong number of values"));
    if (in_turn && end < rows && bytes <= AHEAD_BYTES) {
        KZ_TRY(ask_rows(file, a, end, n < rows - end ? n : rows - end, !slot));
        file->ahead = true;
    }
    memcpy(out, kz_reader_slot(file->reader, slot), (size_t)bytes);
    if (bytes > AHEAD_BYTES) madvise(kz_reader_slot(file->reader, slot), (size_t)bytes, MADV_REMOVE); /* its pages */
    file->last = a->id;
    file->next = end;
done:
    return st;
}

kz_status kz_hdf5_read(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, void *out)
{
    int64_t row = row_bytes(a), most = kz_reader_slot_bytes(file->reader) / row;
    kz_status st = KZ_OK;
    if (first < 0 || n < 1 || n > kz_array_rows(a) - first)
        return KZ_FAIL(KZ_E_ARG, "%s: %s has no %lld rows from %lld on", file->path, a->object, (long long)n,
                       (long long)first);
    if (most == 0) return KZ_FAIL(KZ_E_MEM, "%s: no memory for a row of %s", file->path, a->object);
    if (most > a->chunk_rows) most -= most % a->chunk_rows;
    for (int64_t done_rows = 0; done_rows < n; done_rows += most) {
        int64_t left = n - done_rows;
        KZ_TRY(read_piece(file, a, first + done_rows, left < most ? left : most, (uint8_t *)out + done_rows * row));
    }
done:
    return st;
}

/* ---- rows here and there ---- */

static int64_t rows_of(const kz_ranges *r)
{
    int64_t rows = 0;
    for (int i = 0; i < r->n; i++) rows += r->range[i].n;
    return rows;
}

static kz_status ask_ranges(kz_hdf5 *file, const kz_ranges *r)
{
    kz_request *q = &file->question;
    kz_status st = KZ_OK;
    KZ_TRY(begin(file, KZ_CALL_RANGES, r->array->object, ""));
    q->array = r->array->id;
    q->n = r->n;
    q->slot = r->stays ? KZ_READER_STAYS : (file->turn = !file->turn);
    q->at = r->stays ? r->at : 0;
    for (int i = 0; i < r->n; i++) {
        q->range[i] = r->range[i];
        file->earned += seconds_for(file, r->array, r->range[i].n);
    }
    KZ_TRY(kz_reader_send(file->reader, q));
done:
    return st;
}

static bool asked_for(const kz_hdf5 *file, const kz_ranges *r)
{
    const kz_request *q = &file->question;
    return file->ahead && q->call == KZ_CALL_RANGES && q->array == r->array->id && q->n == r->n &&
           (q->slot == KZ_READER_STAYS) == r->stays && (!r->stays || q->at == r->at) &&
           memcmp(q->range, r->range, (size_t)r->n * sizeof *r->range) == 0;
}

static kz_status check_ranges(const kz_hdf5 *file, const kz_ranges *r)
{
    int64_t rows = kz_array_rows(r->array), bytes = kz_reader_slot_bytes(file->reader) - (r->stays ? r->at : 0);
    int64_t most = bytes / row_bytes(r->array);
    for (int i = 0; i < r->n; i++)
        if (r->range[i].first < 0 || r->range[i].n < 1 || r->range[i].n > rows - r->range[i].first)
            return KZ_FAIL(KZ_E_ARG, "%s: %s has no %lld rows from %lld on", file->path, r->array->object,
                           (long long)r->range[i].n, (long long)r->range[i].first);
    if (r->n < 1 || r->n > KZ_RANGES_MAX || (r->stays && r->at < 0) || rows_of(r) > most)
        return KZ_FAIL(KZ_E_MEM, "%s: no memory for %lld rows of %s at once", file->path, (long long)rows_of(r),
                       r->array->object);
    return KZ_OK;
}

uint8_t *kz_hdf5_stays(const kz_hdf5 *file, int64_t *bytes)
{
    *bytes = kz_reader_slot_bytes(file->reader);
    return kz_reader_slot(file->reader, KZ_READER_STAYS);
}

kz_status kz_hdf5_ahead(kz_hdf5 *file, const kz_ranges *next)
{
    kz_status st = KZ_OK;
    KZ_TRY(check_ranges(file, next));
    KZ_TRY(ask_ranges(file, next));
    file->ahead = true;
done:
    return st;
}

kz_status kz_hdf5_read_ranges(kz_hdf5 *file, const kz_ranges *now, const kz_ranges *next, const void **out)
{
    kz_answer answer;
    kz_status st = KZ_OK;
    KZ_TRY(check_ranges(file, now));
    if (!asked_for(file, now)) KZ_TRY(ask_ranges(file, now));
    file->ahead = false;
    uint8_t *there = kz_reader_slot(file->reader, file->question.slot) + file->question.at;
    KZ_TRY(receive(file, &answer));
    if (answer.bytes != rows_of(now) * row_bytes(now->array))
        KZ_TRY(kz_reader_distrust(file->reader, "has the wrong number of values"));
    file->last = -1;
    if (next) KZ_TRY(kz_hdf5_ahead(file, next));
    *out = there;
done:
    return st;
}

/* ---- attributes ---- */

kz_status kz_reader_refuse(kz_hdf5 *file, const char *what)
{
    return kz_reader_distrust(file->reader, what);
}

kz_status kz_reader_list(kz_hdf5 *file, kz_call call, const char *object, int64_t least, uint8_t **copy, kz_slot *s,
                         int64_t *n)
{
    kz_answer a;
    kz_status st = KZ_OK;
    *n = 0;
    KZ_TRY(begin(file, call, object, ""));
    KZ_TRY(ask(file, &a));
    if (a.n < 0 || a.n > a.bytes / least) KZ_TRY(kz_reader_refuse(file, "has an impossible number of parts"));
    if (a.n == 0) goto done;
    KZ_TRY(kz_calloc(copy, a.bytes, 1, "answer of the reader process"));
    memcpy(*copy, kz_reader_slot(file->reader, 0), (size_t)a.bytes);
    *s = (kz_slot){*copy, a.bytes};
    *n = a.n;
done:
    return st;
}

kz_status kz_hdf5_texts(kz_hdf5 *file, const char *attribute, char ***out, int64_t *n)
{
    uint8_t *copy = NULL;
    char **texts = NULL;
    const uint8_t *text;
    int64_t length, count = 0;
    kz_slot s;
    kz_status st = KZ_OK;
    *n = 0;
    KZ_TRY(kz_reader_list(file, KZ_CALL_TEXTS, attribute, sizeof(uint32_t), &copy, &s, &count));
    if (count == 0) goto done;
    KZ_TRY(kz_calloc(&texts, count, sizeof *texts, "attribute"));
    for (int64_t i = 0; i < count; i++) {
        if (!kz_reader_take(&s, &text, &length)) KZ_TRY(kz_reader_refuse(file, "has a text cut short"));
        KZ_TRY(kz_hdf5_clean(&texts[i], (const char *)text, (size_t)length));
    }
    *out = texts;
    *n = count;
    texts = NULL; /* given away */
done:
    kz_texts_free(&texts, count);
    kz_free(&copy);
    return st;
}

kz_status kz_hdf5_number(kz_hdf5 *file, const char *attribute, double *out, bool *found)
{
    kz_answer a;
    kz_status st = KZ_OK;
    *found = false;
    KZ_TRY(begin(file, KZ_CALL_NUMBER, attribute, ""));
    KZ_TRY(ask(file, &a));
    if (a.found) *out = a.number;
    *found = a.found != 0;
done:
    return st;
}
