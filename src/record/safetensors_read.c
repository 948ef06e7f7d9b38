/* Reading safetensors files, which may come from a stranger: everything is checked before it is used.  Values are read
 * with pread, not mapped, so that a file cut short meanwhile is an error and not a signal. */
#include "safetensors.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_HEADER = 100000000, LONGEST_SHOWN = 64 };

typedef struct {
    kz_safetensor tensor; /* name and dtype point into the header */
    int64_t begin, end;   /* its bytes, from the start of the values */
} entry;

struct kz_safetensors {
    char *path;
    int fd;
    int64_t start, bytes; /* where the values begin in the file, and how many bytes they are */
    json_t *header;
    entry *entries; /* (n), in file order */
    int64_t n;
};

/* Names come from the file: cut, and without control characters, they can be shown. */
static const char *shown(char out[LONGEST_SHOWN + 4], const char *s)
{
    int n = 0;
    for (; s[n] && n < LONGEST_SHOWN; n++) out[n] = iscntrl((unsigned char)s[n]) ? '?' : s[n];
    snprintf(out + n, 4, "%s", s[n] ? "..." : "");
    return out;
}

#define BAD(f, ...) bad_file((f)->path, __VA_ARGS__)

static kz_status bad_file(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

static kz_status bad_file(const char *path, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return KZ_FAIL(KZ_E_DATA, "%s: %s", path, text);
}

static kz_status read_at(const kz_safetensors *f, void *data, int64_t n, int64_t offset)
{
    char *bytes = data;
    while (n > 0) {
        ssize_t done = pread(f->fd, bytes, (size_t)n, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return KZ_FAIL(KZ_E_FAIL, "%s: cannot be read: %s", f->path, strerror(errno));
        if (done == 0) return BAD(f, "ends at byte %lld, %lld more wanted", (long long)offset, (long long)n);
        bytes += done;
        offset += done;
        n -= done;
    }
    return KZ_OK;
}

/* ---- the header ---- */

static kz_status open_file(kz_safetensors *f, int64_t *size)
{
    struct stat info;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block here */
    if (f->fd < 0 || fstat(f->fd, &info) != 0)
        return KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", f->path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return KZ_FAIL(KZ_E_INPUT, "%s: is not a file", f->path);
    *size = info.st_size;
    return KZ_OK;
}

static kz_status read_header(kz_safetensors *f)
{
    char *text = NULL, name[LONGEST_SHOWN + 4];
    uint64_t length;
    int64_t size = 0;
    json_error_t error = {0};
    kz_status st = KZ_OK;
    KZ_TRY(open_file(f, &size));
    if (size < 8) return BAD(f, "not a safetensors file: %lld bytes long, at least 8 wanted", (long long)size);
    KZ_TRY(read_at(f, &length, sizeof length, 0));
    if (length > LONGEST_HEADER || (int64_t)length > size - 8)
        return BAD(f, "not a safetensors file: header of %llu bytes, at most %lld wanted", (unsigned long long)length,
                   (long long)(size - 8 < LONGEST_HEADER ? size - 8 : LONGEST_HEADER));
    f->start = 8 + (int64_t)length;
    f->bytes = size - f->start;
    KZ_TRY(kz_calloc(&text, (int64_t)length, 1, "safetensors header"));
    KZ_TRY(read_at(f, text, (int64_t)length, 8));
    if (text[0] == '{') f->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    else snprintf(error.text, sizeof error.text, "it must begin with {");
    if (!f->header && json_error_code(&error) == json_error_out_of_memory)
        st = KZ_FAIL(KZ_E_MEM, "%s: out of memory for the header", f->path);
    else if (!f->header) st = BAD(f, "header is not valid JSON: %s", shown(name, error.text));
done:
    kz_free(&text);
    return st;
}

static kz_status check_metadata(const kz_safetensors *f, json_t *metadata)
{
    const char *key;
    json_t *value;
    char name[LONGEST_SHOWN + 4];
    if (!json_is_object(metadata)) return BAD(f, "__metadata__ is not an object");
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value)) return BAD(f, "__metadata__: '%s' is not a string", shown(name, key));
    }
    return KZ_OK;
}

/* ---- tensors ---- */

static kz_status parse_shape(const kz_safetensors *f, const json_t *shape, const char *name, kz_safetensor *t)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape)) return BAD(f, "tensor '%s': shape is not an array", name);
    if (rank > KZ_SAFETENSORS_RANK)
        return BAD(f, "tensor '%s': %zu dimensions, at most %d wanted", name, rank, KZ_SAFETENSORS_RANK);
    t->rank = (int)rank;
    for (int i = 0; i < t->rank; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        t->shape[i] = json_integer_value(extent);
        if (!json_is_integer(extent) || t->shape[i] < 0)
            return BAD(f, "tensor '%s': dimension %d is not a whole number from 0", name, i);
    }
    return KZ_OK;
}

static kz_status parse_offsets(const kz_safetensors *f, const json_t *offsets, const char *name, entry *e)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    int64_t wanted;
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return BAD(f, "tensor '%s': data_offsets are not two whole numbers", name);
    e->begin = json_integer_value(begin);
    e->end = json_integer_value(end);
    if (e->begin < 0 || e->end < e->begin || e->end > f->bytes)
        return BAD(f, "tensor '%s': data_offsets %lld to %lld, must lie in the file's 0 to %lld", name,
                   (long long)e->begin, (long long)e->end, (long long)f->bytes);
    if (!kz_safetensors_bytes(&wanted, &e->tensor))
        return BAD(f, "tensor '%s': dtype is unknown, or its shape is larger than any file", name);
    if (wanted != e->end - e->begin)
        return BAD(f, "tensor '%s': %lld bytes, its dtype and shape want %lld", name, (long long)(e->end - e->begin),
                   (long long)wanted);
    return KZ_OK;
}

static kz_status parse_tensor(const kz_safetensors *f, const char *key, const json_t *value, entry *e)
{
    char name[LONGEST_SHOWN + 4];
    shown(name, key);
    e->tensor.name = key;
    e->tensor.dtype = json_string_value(json_object_get(value, "dtype"));
    if (json_object_size(value) != 3 || !e->tensor.dtype)
        return BAD(f, "tensor '%s': must have dtype, shape and data_offsets, and nothing else", name);
    kz_status st = parse_shape(f, json_object_get(value, "shape"), name, &e->tensor);
    return st != KZ_OK ? st : parse_offsets(f, json_object_get(value, "data_offsets"), name, e);
}

static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The values must follow each other without holes or overlaps, up to the end of the file. */
static kz_status check_layout(const kz_safetensors *f)
{
    char name[LONGEST_SHOWN + 4];
    int64_t end = 0;
    for (int64_t i = 0; i < f->n; i++) {
        const entry *e = &f->entries[i];
        if (e->begin != end)
            return BAD(f, "tensor '%s': begins at %lld, must begin where the one before ends, at %lld",
                       shown(name, e->tensor.name), (long long)e->begin, (long long)end);
        end = e->end;
    }
    if (end != f->bytes)
        return BAD(f, "%lld bytes of values, the tensors want %lld", (long long)f->bytes, (long long)end);
    return KZ_OK;
}

static kz_status parse_header(kz_safetensors *f)
{
    const char *key;
    json_t *value;
    kz_status st = kz_calloc(&f->entries, (int64_t)json_object_size(f->header), sizeof *f->entries, "tensor list");
    if (st != KZ_OK) return st;
    json_object_foreach(f->header, key, value)
    {
        bool metadata = strcmp(key, "__metadata__") == 0;
        st = metadata ? check_metadata(f, value) : parse_tensor(f, key, value, &f->entries[f->n]);
        if (st != KZ_OK) return st;
        f->n += !metadata;
    }
    qsort(f->entries, (size_t)f->n, sizeof *f->entries, by_place);
    return check_layout(f);
}

kz_status kz_safetensors_open(kz_safetensors **out, const char *path)
{
    kz_safetensors *f = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&f, 1, sizeof *f, "safetensors file"));
    f->fd = -1;
    KZ_TRY(kz_strdup(&f->path, path));
    KZ_TRY(read_header(f));
    KZ_TRY(parse_header(f));
    *out = f;
    f = NULL;
done:
    kz_safetensors_close(&f);
    return st;
}

void kz_safetensors_close(kz_safetensors **file)
{
    kz_safetensors *f = *file;
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    json_decref(f->header);
    kz_free(&f->entries);
    kz_free(&f->path);
    kz_free(file);
}

/* ---- its seal ---- */

enum { BLOCK = 1 << 20 };

/* Hashes the values, a block at a time. */
static kz_status hash_values(const kz_safetensors *f, kz_sha256 *hash)
{
    char *block = NULL;
    int64_t most = f->bytes < BLOCK ? f->bytes : BLOCK;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&block, most, 1, "block of a file"));
    for (int64_t at = 0; at < f->bytes; at += most) {
        int64_t n = f->bytes - at < most ? f->bytes - at : most;
        KZ_TRY(read_at(f, block, n, f->start + at));
        kz_sha256_add(hash, block, (size_t)n);
    }
done:
    kz_free(&block);
    return st;
}

kz_status kz_safetensors_verify(const kz_safetensors *f, bool *sealed)
{
    char *header = NULL, wanted[65] = "", found[KZ_DIGEST_TEXT];
    int64_t length = f->start - 8;
    kz_sha256 *hash = NULL;
    uint8_t digest[32];
    kz_status st = KZ_OK;
    *sealed = kz_safetensors_metadata(f, KZ_SAFETENSORS_SEAL) != NULL;
    if (!*sealed) return KZ_OK;
    KZ_TRY(kz_calloc(&header, length + 1, 1, "safetensors header"));
    KZ_TRY(read_at(f, header, length, 8));
    int64_t at = kz_safetensors_seal(header);
    if (at < 0) {
        st = BAD(f, "its digest is not where it was written");
        goto done;
    }
    memcpy(wanted, header + at, 64);
    memset(header + at, '0', 64);
    KZ_TRY(kz_sha256_create(&hash));
    kz_sha256_add(hash, &length, sizeof length);
    kz_sha256_add(hash, header, (size_t)length);
    KZ_TRY(hash_values(f, hash));
    kz_sha256_end(hash, digest);
    kz_digest_text(found, digest);
    if (strcmp(found + strlen("sha256:"), wanted) != 0)
        st = BAD(f, "is damaged: its bytes are not those of the digest in it");
done:
    kz_sha256_destroy(&hash);
    kz_free(&header);
    return st;
}

/* ---- what the file holds ---- */

int64_t kz_safetensors_count(const kz_safetensors *file)
{
    return file->n;
}

const kz_safetensor *kz_safetensors_tensor(const kz_safetensors *file, int64_t i)
{
    return &file->entries[i].tensor;
}

const char *kz_safetensors_metadata(const kz_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

static void show_shape(char out[256], const kz_safetensor *t)
{
    char dtype[LONGEST_SHOWN + 4];
    int n = snprintf(out, 256, "%s (", shown(dtype, t->dtype));
    for (int i = 0; i < t->rank && n < 230; i++)
        n += snprintf(out + n, (size_t)(256 - n), "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    snprintf(out + n, (size_t)(256 - n), ")");
}

kz_status kz_safetensors_read(const kz_safetensors *file, const kz_safetensor *want, void *data)
{
    char found_text[256], want_text[256];
    for (int64_t i = 0; i < file->n; i++) {
        const entry *e = &file->entries[i];
        const kz_safetensor *t = &e->tensor;
        if (strcmp(t->name, want->name) != 0) continue;
        bool same = strcmp(t->dtype, want->dtype) == 0 && t->rank == want->rank &&
                    memcmp(t->shape, want->shape, (size_t)t->rank * sizeof *t->shape) == 0;
        if (same) return read_at(file, data, e->end - e->begin, file->start + e->begin);
        show_shape(found_text, t);
        show_shape(want_text, want);
        return BAD(file, "tensor '%s': is %s, wanted %s", want->name, found_text, want_text);
    }
    return BAD(file, "tensor '%s' is not there", want->name);
}
