/* Private to the CUDA module: the part of cuBLASLt that it uses, declared here so that a build needs neither the library
 * nor its header.  Names and numbers are NVIDIA's, cublas_api.h and cublasLt.h of CUDA 12 and 13; a test compares them with
 * the header where there is one. */
#ifndef KZ_CUBLASLT_API_H
#define KZ_CUBLASLT_API_H

#include <stddef.h>
#include <stdint.h>

struct CUstream_st;

#ifdef __cplusplus
extern "C" {
#endif

enum { KZ_LT_SUCCESS = 0, KZ_LT_INVALID_VALUE = 7, KZ_LT_EXECUTION_FAILED = 13, KZ_LT_NOT_SUPPORTED = 15 }; /* status */
enum { KZ_LT_F32 = 0, KZ_LT_BF16 = 14 };                                                 /* cudaDataType */
enum { KZ_LT_COMPUTE_F32 = 68, KZ_LT_COMPUTE_F32_FAST_TF32 = 77 };                       /* cublasComputeType_t */
enum { KZ_LT_OP_N = 0, KZ_LT_OP_T = 1 };                                                 /* cublasOperation_t */
enum { KZ_LT_TRANSA = 3, KZ_LT_TRANSB = 4, KZ_LT_EPILOGUE = 7, KZ_LT_BIAS_POINTER = 8 }; /* of a product */
enum {                                                                                   /* cublasLtEpilogue_t */
       KZ_LT_EPILOGUE_DEFAULT = 1,
       KZ_LT_EPILOGUE_BIAS = 4,
       KZ_LT_EPILOGUE_RELU_BIAS = 6,
       KZ_LT_EPILOGUE_BGRADB = 512
};
enum { /* of a preference */
       KZ_LT_MAX_WORKSPACE_BYTES = 1,
       KZ_LT_REDUCTION_SCHEME_MASK = 3,
       KZ_LT_MIN_ALIGNMENT_A_BYTES = 5,
       KZ_LT_MIN_ALIGNMENT_B_BYTES = 6,
       KZ_LT_MIN_ALIGNMENT_C_BYTES = 7,
       KZ_LT_MIN_ALIGNMENT_D_BYTES = 8
};
enum {
    KZ_LT_REDUCTION_COMPUTE_TYPE = 2
}; /* cublasLtReductionScheme_t: parts along k in the workspace, added afterwards */

/* Handles; the structures are the library's. */
typedef struct kz_lt_context *kz_lt_handle;
typedef struct kz_lt_desc_data *kz_lt_desc;
typedef struct kz_lt_layout_data *kz_lt_layout;
typedef struct kz_lt_preference_data *kz_lt_preference;

typedef struct {
    uint64_t data[8];
} kz_lt_algo;

typedef struct {
    kz_lt_algo algo;
    size_t workspace; /* bytes */
    int state;        /* KZ_LT_SUCCESS: the rest is valid */
    float waves;
    int reserved[4];
} kz_lt_heuristic;

/* X(member, name, result, parameters): the functions.  Enumerations are int there, as in C. */
#define KZ_LT_FUNCTIONS(X)                                                                                             \
    X(create, cublasLtCreate, int, (kz_lt_handle * out))                                                               \
    X(destroy, cublasLtDestroy, int, (kz_lt_handle handle))                                                            \
    X(version, cublasLtGetVersion, size_t, (void))                                                                     \
    X(status_name, cublasLtGetStatusName, const char *, (int status))                                                  \
    X(desc_create, cublasLtMatmulDescCreate, int, (kz_lt_desc * out, int compute, int scale_type))                     \
    X(desc_destroy, cublasLtMatmulDescDestroy, int, (kz_lt_desc desc))                                                 \
    X(desc_set, cublasLtMatmulDescSetAttribute, int,                                                                   \
      (kz_lt_desc desc, int attribute, const void *value, size_t bytes))                                               \
    X(layout_create, cublasLtMatrixLayoutCreate, int,                                                                  \
      (kz_lt_layout * out, int type, uint64_t rows, uint64_t columns, int64_t leading))                                \
    X(layout_destroy, cublasLtMatrixLayoutDestroy, int, (kz_lt_layout layout))                                         \
    X(preference_create, cublasLtMatmulPreferenceCreate, int, (kz_lt_preference * out))                                \
    X(preference_destroy, cublasLtMatmulPreferenceDestroy, int, (kz_lt_preference preference))                         \
    X(preference_set, cublasLtMatmulPreferenceSetAttribute, int,                                                       \
      (kz_lt_preference preference, int attribute, const void *value, size_t bytes))                                   \
    X(heuristic, cublasLtMatmulAlgoGetHeuristic, int,                                                                  \
      (kz_lt_handle handle, kz_lt_desc desc, kz_lt_layout a, kz_lt_layout b, kz_lt_layout c, kz_lt_layout d,           \
       kz_lt_preference preference, int wanted, kz_lt_heuristic *found, int *count))                                   \
    X(matmul, cublasLtMatmul, int,                                                                                     \
      (kz_lt_handle handle, kz_lt_desc desc, const void *alpha, const void *a, kz_lt_layout a_layout, const void *b,   \
       kz_lt_layout b_layout, const void *beta, const void *c, kz_lt_layout c_layout, void *d, kz_lt_layout d_layout,  \
       const kz_lt_algo *algo, void *workspace, size_t workspace_bytes, struct CUstream_st *stream))

#define KZ_LT_TYPE(member, name, result, parameters) typedef result kz_lt_##member##_fn parameters;
KZ_LT_FUNCTIONS(KZ_LT_TYPE)
#undef KZ_LT_TYPE

typedef struct {
#define KZ_LT_MEMBER(member, name, result, parameters) kz_lt_##member##_fn *member;
    KZ_LT_FUNCTIONS(KZ_LT_MEMBER)
#undef KZ_LT_MEMBER
} kz_lt_functions;

/* A library for tests has this symbol, and is used by a device for tests alone. */
#define KZ_LT_STAND_IN "kz_stand_in_for_cublaslt"

#ifdef __cplusplus
}
#endif
#endif
