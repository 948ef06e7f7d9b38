/* cuBLASLt: found and loaded when fast arithmetic is asked for, never linked. */
#include "cuda_fast.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
/* "": where the dynamic loader looks; then where the toolkit is installed. */
static const char *const places[] = {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"};
enum { NAMES = sizeof names / sizeof *names, PLACES = sizeof places / sizeof *places };

static kz_status open_given(void **library, const char *path)
{
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*library) return KZ_OK;
    return KZ_FAIL(
        KZ_E_DEVICE,
        "device.arithmetic: 'fast' needs cuBLASLt, and what KAIZEN_CUBLASLT names cannot be loaded: %s; set it "
        "to the path of %s, or use arithmetic: reproducible",
        dlerror(), names[0]);
}

/* The newest that there is. */
static kz_status open_found(void **library)
{
    char path[128];
    for (int n = 0; n < NAMES; n++)
        for (int p = 0; p < PLACES; p++) {
            snprintf(path, sizeof path, "%s%s", places[p], names[n]);
            *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (*library) return KZ_OK;
        }
    return KZ_FAIL(
        KZ_E_DEVICE,
        "device.arithmetic: 'fast' needs cuBLASLt, and neither %s nor %s is among the dynamic loader's libraries "
        "(LD_LIBRARY_PATH, ldconfig) or in %s; install it (Debian's and NVIDIA's packages of cuBLAS, or the "
        "CUDA toolkit), set KAIZEN_CUBLASLT to its path, or use arithmetic: reproducible",
        names[0], names[1], places[1]);
}

static kz_status find_functions(kz_fast *fast)
{
    struct {
        const char *name;
        void *to;
    } wanted[] = {
#define KZ_LT_WANTED(member, name, result, parameters) {#name, &fast->lt.member},
        KZ_LT_FUNCTIONS(KZ_LT_WANTED)
#undef KZ_LT_WANTED
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = dlsym(fast->library, wanted[i].name);
        if (!symbol)
            return KZ_FAIL(
                KZ_E_DEVICE,
                "device.arithmetic: 'fast': the cuBLASLt that was found has no %s; install that of CUDA 13 or "
                "12, or set KAIZEN_CUBLASLT to its path",
                wanted[i].name);
        memcpy(wanted[i].to, &symbol, sizeof symbol); /* POSIX's way from an object to a function pointer */
    }
    return KZ_OK;
}

kz_status kz_fast_open(kz_fast *fast, char version[32])
{
    const char *given = getenv("KAIZEN_CUBLASLT");
    kz_status st = KZ_OK;
    if (given && *given) KZ_TRY(open_given(&fast->library, given));
    else KZ_TRY(open_found(&fast->library));
    if ((dlsym(fast->library, KZ_LT_STAND_IN) == NULL) != KZ_CUDA_IS_REAL) {
        st = KZ_FAIL(KZ_E_DEVICE,
                     KZ_CUDA_IS_REAL
                         ? "device.arithmetic: 'fast': KAIZEN_CUBLASLT names a stand-in for tests, which no GPU can "
                           "use; unset it"
                         : "device.arithmetic: 'fast': this device is a stand-in for tests, and NVIDIA's cuBLASLt "
                           "cannot use it; set KAIZEN_CUBLASLT to the stand-in for that, or use reproducible");
        goto done;
    }
    KZ_TRY(find_functions(fast));
    unsigned v = (unsigned)fast->lt.version() % 10000000; /* 130100 is 13.1.0 */
    snprintf(version, 32, "%s %u.%u.%u", KZ_CUDA_IS_REAL ? "cuBLASLt" : "stand-in for cuBLASLt", v / 10000,
             v / 100 % 100, v % 100);
    int status = fast->lt.create(&fast->handle);
    (void)cudaGetLastError();
    if (status != KZ_LT_SUCCESS)
        st = KZ_FAIL(
            KZ_E_DEVICE,
            "device.arithmetic: 'fast': %s cannot be started on this GPU and driver: %s; install another version "
            "of it, or use arithmetic: reproducible",
            version, fast->lt.status_name(status));
done:
    return st;
}

/* The library itself stays loaded: it may have threads, and handlers for the end of the program. */
void kz_fast_close(kz_fast *fast)
{
    if (fast->handle) (void)fast->lt.destroy(fast->handle);
    fast->handle = NULL;
}

kz_status kz_fast_check(const kz_fast *fast, int status, const char *call, const char *file, int line)
{
    if (status == KZ_LT_SUCCESS) return KZ_OK;
    (void)cudaGetLastError(); /* the next call's error is its own */
    return kz_error_set(KZ_E_FAIL, file, line, "cuBLASLt: %.80s: %s", call, fast->lt.status_name(status));
}
