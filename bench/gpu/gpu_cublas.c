/* cuBLAS, in binary32 without TF32, loaded where it is found; prototypes are those of cublas_v2.h. */
#include "gpu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct handle *handle_t; /* cublasHandle_t */
enum { AS_IS = 0, TRANSPOSED = 1, DEFAULT_MATH = 0, WORKSPACE = 64 << 20 };

struct gpu_cublas {
    void *library;
    handle_t handle;
    void *workspace;
    char path[384];
    int version;
    int (*create)(handle_t *);
    int (*destroy)(handle_t);
    int (*version_of)(handle_t, int *);
    int (*stream)(handle_t, cudaStream_t);
    int (*space)(handle_t, void *, size_t);
    int (*math)(handle_t, int);
    int (*sgemm)(handle_t, int, int, int, int, int, const float *, const float *, int, const float *, int,
                 const float *, float *, int);
};

/* The library of that name, preceded by cublasLt from the same folder, which it would look for elsewhere. */
static bool load(gpu_cublas *blas, const char *path)
{
    char light[400];
    const char *name = strstr(path, "libcublas.so");
    if (!name) return false;
    snprintf(light, sizeof light, "%.*slibcublasLt%s", (int)(name - path), path, name + strlen("libcublas"));
    (void)dlopen(light, RTLD_NOW | RTLD_GLOBAL); /* libcublas needs it */
    blas->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    snprintf(blas->path, sizeof blas->path, "%s", path);
    return blas->library;
}

static bool take_functions(gpu_cublas *blas, char reason[512])
{
    const struct {
        const char *name;
        void *to;
    } wanted[] = {{"cublasCreate_v2", &blas->create},
                  {"cublasDestroy_v2", &blas->destroy},
                  {"cublasGetVersion_v2", &blas->version_of},
                  {"cublasSetStream_v2", &blas->stream},
                  {"cublasSetWorkspace_v2", &blas->space},
                  {"cublasSetMathMode", &blas->math},
                  {"cublasSgemm_v2", &blas->sgemm}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *found = dlsym(blas->library, wanted[i].name);
        if (!found) {
            snprintf(reason, 512, "%.384s has no %s", blas->path, wanted[i].name);
            return false;
        }
        memcpy(wanted[i].to, &found, sizeof found); /* from an object to a function pointer */
    }
    return true;
}

static bool start(gpu_cublas *blas, const gpu_bench *b, char reason[512])
{
    int status = blas->create(&blas->handle);
    if (status == 0) status = blas->version_of(blas->handle, &blas->version);
    if (status == 0) status = blas->stream(blas->handle, b->cuda->queue.stream);
    if (status == 0) status = blas->space(blas->handle, blas->workspace, WORKSPACE); /* none is taken in a graph then */
    if (status == 0) status = blas->math(blas->handle, DEFAULT_MATH); /* binary32: TF32 only where it is asked for */
    if (status != 0) snprintf(reason, 512, "%.384s: its status is %d", blas->path, status);
    return status == 0;
}

gpu_cublas *gpu_cublas_open(const gpu_bench *b, char reason[512])
{
    const char *places[] = {b->cublas ? b->cublas : "libcublas.so.13", "libcublas.so.13", "libcublas.so.12",
                            "/usr/local/cuda/lib64/libcublas.so.13"};
    if (!b->real) {
        snprintf(reason, 512, "the stand-in is no GPU: cuBLAS does not run on it");
        return NULL;
    }
    gpu_cublas *blas = NULL;
    gpu_ok(kz_calloc(&blas, 1, sizeof *blas, "cuBLAS"));
    for (size_t i = 0; i < sizeof places / sizeof *places && !blas->library; i++) (void)load(blas, places[i]);
    if (!blas->library) snprintf(reason, 512, "libcublas is not there: %.400s", dlerror());
    else if (take_functions(blas, reason)) {
        gpu_check(cudaMalloc(&blas->workspace, WORKSPACE), "cuBLAS's workspace");
        if (start(blas, b, reason)) return blas;
    }
    gpu_cublas_close(&blas);
    return NULL;
}

cudaError_t gpu_cublas_sgemm(gpu_cublas *blas, bool a_t, bool b_t, int m, int n, int k, const float *a, const float *x,
                             float *c)
{
    static const float one = 1, zero = 0;
    int status = blas->sgemm(blas->handle, b_t ? TRANSPOSED : AS_IS, a_t ? TRANSPOSED : AS_IS, n, m, k, &one, x,
                             b_t ? k : n, a, a_t ? m : k, &zero, c, n); /* by columns, so it is cT <- bT aT */
    return status == 0 ? cudaSuccess : cudaErrorUnknown;
}

json_t *gpu_cublas_json(const gpu_cublas *blas, const char *reason)
{
    if (!blas) return json_pack("{s:n, s:s}", "version", "reason", reason);
    const char *name = strrchr(blas->path, '/');
    return json_pack("{s:i, s:s, s:s}", "version", blas->version, "library", name ? name + 1 : blas->path, "mode",
                     "binary32, default math mode (no TF32)");
}

/* The libraries stay loaded: CUDA knows their kernels until the process ends, and if unloading failed, what has been measured
 * and is not yet written would be lost. */
void gpu_cublas_close(gpu_cublas **blas)
{
    gpu_cublas *c = *blas;
    if (!c) return;
    if (c->handle) (void)c->destroy(c->handle);
    if (c->workspace) (void)cudaFree(c->workspace);
    kz_free(blas);
}
