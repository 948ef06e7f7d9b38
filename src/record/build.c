/* How this program was built.  CMake defines the macros (scripts/cmake/kz.cmake); without it they are unknown. */
#include "kz/record.h"

#if __has_include("build_info.h")
#include "build_info.h"
#endif
#include <gnu/libc-version.h>
#include <openssl/crypto.h>

#ifndef KZ_VERSION
#define KZ_VERSION "unknown"
#endif
#ifndef KZ_BUILD_COMMIT
#define KZ_BUILD_COMMIT "unknown"
#define KZ_BUILD_DIRTY 0
#endif
#ifndef KZ_BUILD_COMPILER
#define KZ_BUILD_COMPILER "unknown"
#define KZ_BUILD_FLAGS ""
#define KZ_BUILD_TYPE "unknown"
#endif
#ifndef KZ_HAVE_CUDA
#define KZ_HAVE_CUDA 0
#endif
#ifndef KZ_HAVE_MPI
#define KZ_HAVE_MPI 0
#endif
#ifndef KZ_HAVE_SECCOMP
#define KZ_HAVE_SECCOMP 0
#endif
#ifndef KZ_HAVE_HWLOC
#define KZ_HAVE_HWLOC 0
#endif

json_t *kz_build_json(void)
{
    json_t *features = json_pack("{s:b, s:b, s:b, s:b}", "cuda", KZ_HAVE_CUDA, "mpi", KZ_HAVE_MPI, "hwloc",
                                 KZ_HAVE_HWLOC, "seccomp", KZ_HAVE_SECCOMP);
    json_t *libraries = json_pack("{s:s, s:s, s:s}", "glibc", gnu_get_libc_version(), "jansson", jansson_version_str(),
                                  "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:i, s:o, s:o}", "version", KZ_VERSION, "commit", KZ_BUILD_COMMIT,
                     "dirty", KZ_BUILD_DIRTY, "compiler", KZ_BUILD_COMPILER, "flags", KZ_BUILD_FLAGS, "type",
                     KZ_BUILD_TYPE, "arithmetic", KZ_ARITHMETIC, "features", features, "libraries", libraries);
}
