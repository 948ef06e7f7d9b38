/* Writing safetensors files: straight from the arrays, without a second copy. */
#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are written as they lie in memory");

static const struct {
    const char *dtype;
    int64_t size;
} dtypes[] = {{"F32", 4}, {"F64", 8}, {"I64", 8}, {"U8", 1},      {"I32", 4},     {"BOOL", 1}, {"U64", 8}, {"U32", 4},
              {"I16", 2}, {"U16", 2}, {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F16", 2},  {"BF16", 2}};

bool kz_safetensors_bytes(int64_t *out, const kz_safetensor *t)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(t->dtype, dtypes[i].dtype) == 0) bytes = dtypes[i].size;
    if (bytes == 0) return false;
    for (int i = 0; i < t->rank; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(bytes, t->shape[i], &bytes)) return false;
    *out = bytes;
    return true;
}

/* Adds a tensor whose values start at *offset, and moves *offset past them. */
static kz_status add_tensor(json_t *header, const kz_safetensor *t, int64_t *offset)
{
    int64_t bytes, end;
    if (!kz_safetensors_bytes(&bytes, t) || __builtin_add_overflow(*offset, bytes, &end))
        return KZ_FAIL(KZ_E_ARG, "tensor '%s': dtype %s unknown, or too large", t->name, t->dtype);
    if (json_object_get(header, t->name)) return KZ_FAIL(KZ_E_ARG, "tensor '%s' is there twice", t->name);
    json_t *shape = json_array();
    int bad = 0;
    for (int i = 0; i < t->rank; i++) bad |= json_array_append_new(shape, json_integer(t->shape[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", t->dtype, "shape", shape, "data_offsets",
                              (json_int_t)*offset, (json_int_t)end);
    bad |= json_object_set_new(header, t->name, entry);
    *offset = end;
    return bad ? KZ_FAIL(KZ_E_MEM, "tensor '%s': out of memory for its header", t->name) : KZ_OK;
}

/* *out <- the header, padded with spaces to a multiple of 8 bytes. */
static kz_status make_header(kz_text *out, json_t *metadata, const kz_safetensor *tensors, int64_t n)
{
    int64_t offset = 0;
    kz_status st = KZ_OK;
    json_t *header = json_object();
    if (json_object_set(header, "__metadata__", metadata) != 0) {
        st = KZ_FAIL(KZ_E_MEM, "safetensors: out of memory for the header");
        goto done;
    }
    for (int64_t i = 0; i < n; i++) KZ_TRY(add_tensor(header, &tensors[i], &offset));
    KZ_TRY(kz_json_dump(out, header, false));
    KZ_TRY(kz_text_add_bytes(out, "       ", (8 - out->n % 8) % 8));
done:
    json_decref(header);
    return st;
}

int64_t kz_safetensors_seal(const char *header)
{
    static const char key[] = "\"" KZ_SAFETENSORS_SEAL "\":\"sha256:"; /* inside a text its quotes would be escaped */
    const char *at = strstr(header, key);
    if (!at || strlen(at) < sizeof key - 1 + 64) return -1;
    return at - header + (int64_t)sizeof key - 1;
}

/* Puts the digest of the file to be written in place of its placeholder. */
static kz_status seal(kz_text *header, const kz_safetensor *tensors, int64_t n)
{
    kz_sha256 *hash = NULL;
    uint8_t digest[32];
    char text[KZ_DIGEST_TEXT];
    int64_t at = kz_safetensors_seal(header->s), length = header->n, bytes = 0;
    if (at < 0) return KZ_OK;
    kz_status st = kz_sha256_create(&hash);
    if (st != KZ_OK) return st;
    kz_sha256_add(hash, &length, sizeof length);
    kz_sha256_add(hash, header->s, (size_t)header->n);
    for (int64_t i = 0; i < n; i++)
        if (kz_safetensors_bytes(&bytes, &tensors[i])) kz_sha256_add(hash, tensors[i].data, (size_t)bytes);
    kz_sha256_end(hash, digest);
    kz_sha256_destroy(&hash);
    kz_digest_text(text, digest);
    memcpy(header->s + at, text + strlen("sha256:"), 64);
    return KZ_OK;
}

static bool write_all(int fd, const void *data, int64_t n)
{
    const char *bytes = data;
    while (n > 0) {
        ssize_t done = write(fd, bytes, (size_t)n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        bytes += done;
        n -= done;
    }
    return true;
}

static bool write_file(int fd, const kz_text *header, const kz_safetensor *tensors, int64_t n)
{
    int64_t length = header->n, bytes = 0;
    if (!write_all(fd, &length, sizeof length) || !write_all(fd, header->s, header->n)) return false;
    for (int64_t i = 0; i < n; i++)
        if (!kz_safetensors_bytes(&bytes, &tensors[i]) || !write_all(fd, tensors[i].data, bytes)) return false;
    return true;
}

kz_status kz_safetensors_write(const char *path, json_t *metadata, const kz_safetensor *tensors, int64_t n, bool sync)
{
    kz_text header = {0}, temporary = {0};
    kz_status st = KZ_OK;
    KZ_TRY(make_header(&header, metadata, tensors, n));
    KZ_TRY(seal(&header, tensors, n));
    KZ_TRY(kz_text_add(&temporary, "%s.tmp-%ld", path, (long)getpid()));
    int fd = open(temporary.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be made: %s", path, strerror(errno));
        goto done;
    }
    bool written = write_file(fd, &header, tensors, n) && (!sync || fsync(fd) == 0);
    int why = errno;
    if (close(fd) != 0 && written) {
        written = false;
        why = errno;
    }
    if (!written) st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written: %s", path, strerror(why));
    else if (rename(temporary.s, path) != 0)
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be renamed into place: %s", path, strerror(errno));
    if (st != KZ_OK) unlink(temporary.s);
done:
    kz_text_free(&header);
    kz_text_free(&temporary);
    return st;
}
