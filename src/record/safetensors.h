/* safetensors.h — named arrays in one file: models and checkpoints.  https://huggingface.co/docs/safetensors
 *
 * Eight bytes of header length (little-endian), the header as JSON, then the arrays, row-major and little-endian. */
#ifndef KZ_RECORD_SAFETENSORS_H
#define KZ_RECORD_SAFETENSORS_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KZ_SAFETENSORS_RANK = 8 }; /* dimensions at most */

#define KZ_SAFETENSORS_SEAL "kaizen.digest"
#define KZ_SAFETENSORS_UNSEALED "sha256:0000000000000000000000000000000000000000000000000000000000000000"

typedef struct {
    const char *name;
    const char *dtype; /* "F32", "F64", "I64", "U8", ... */
    int rank;
    int64_t shape[KZ_SAFETENSORS_RANK];
    const void *data; /* when writing: the values; else NULL */
} kz_safetensor;

/* Writes the tensors in the order given (wide types first keep all of them aligned) to a temporary name, then renames.
 * metadata: a JSON object of strings; one under KZ_SAFETENSORS_SEAL that is KZ_SAFETENSORS_UNSEALED becomes the SHA-256 of
 * the whole file with that placeholder in it.  sync: also to the disk.
 * Fails: KZ_E_ARG (unknown dtype, a name twice, too large), KZ_E_MEM; KZ_E_OUTPUT, and the temporary file is gone. */
kz_status kz_safetensors_write(const char *path, json_t *metadata, const kz_safetensor *tensors, int64_t n, bool sync);

/* Bytes of a tensor's values.  False: unknown dtype, negative dimension, or more than can be addressed. */
bool kz_safetensors_bytes(int64_t *out, const kz_safetensor *t);

typedef struct kz_safetensors kz_safetensors; /* an open file whose whole header has been checked */

/* The file is not trusted.  Fails: KZ_E_INPUT (missing, not a file), KZ_E_MEM; KZ_E_DATA: file, tensor, found, wanted. */
kz_status kz_safetensors_open(kz_safetensors **out, const char *path);
void kz_safetensors_close(kz_safetensors **file);

int64_t kz_safetensors_count(const kz_safetensors *file);
const kz_safetensor *kz_safetensors_tensor(const kz_safetensors *file, int64_t i); /* in file order; borrowed */
const char *kz_safetensors_metadata(const kz_safetensors *file, const char *key);  /* NULL: not there; borrowed */

/* Reads the whole file against its seal; *sealed: it has one.  Fails: KZ_E_DATA (another digest), KZ_E_FAIL, KZ_E_MEM. */
kz_status kz_safetensors_verify(const kz_safetensors *file, bool *sealed);

/* Where the digits of the seal begin in a header; -1: it has none. */
int64_t kz_safetensors_seal(const char *header);

/* data <- the values of tensor want->name, which must have the dtype and shape of *want.  Fails: KZ_E_DATA. */
kz_status kz_safetensors_read(const kz_safetensors *file, const kz_safetensor *want, void *data);

#ifdef __cplusplus
}
#endif
#endif
