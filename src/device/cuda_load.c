/* The CUDA module: found, loaded, asked for its devices. */
#include "device/cuda_module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "libkaizen-cuda.so"

/* Beside the program, where the build leaves it, or where it is installed, seen from the program's folder. */
static kz_status find_module(char **out)
{
    static const char *const places[] = {MODULE, "../" KZ_MODULES "/" MODULE};
    char self[4096], *folder = NULL;
    kz_status st = KZ_OK;
    *out = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) return KZ_FAIL(KZ_E_DEVICE, "the program's own folder cannot be found, to look for " MODULE);
    self[n] = '\0';
    KZ_TRY(kz_path_directory(&folder, self));
    for (size_t i = 0; i < sizeof places / sizeof *places && !*out; i++) {
        KZ_TRY(kz_path_join(out, folder, places[i]));
        if (!kz_file_exists(*out)) kz_free(out);
    }
    if (!*out)
        st = KZ_FAIL(KZ_E_DEVICE,
                     "this installation has no CUDA module (" MODULE " in %s); build with the CUDA toolkit, or "
                     "use device.kind: cpu",
                     folder);
done:
    kz_free(&folder);
    return st;
}

static kz_status load(const kz_cuda_module **out, const char *path)
{
    kz_cuda_module_fn *get = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return KZ_FAIL(KZ_E_DEVICE, "the CUDA module cannot be loaded: %s", dlerror());
    *(void **)&get = dlsym(library, "kz_cuda_module_get"); /* POSIX's way from an object to a function pointer */
    const kz_cuda_module *module = get ? get() : NULL;
    if (module && strcmp(module->version, KZ_CUDA_VERSION) == 0) {
        *out = module;
        return KZ_OK; /* it stays loaded */
    }
    kz_status st = KZ_FAIL(KZ_E_DEVICE, "%s belongs to another build of Kaizen (%s, this one is %s); install both anew",
                           path, module ? module->version : "not a CUDA module", KZ_CUDA_VERSION);
    dlclose(library);
    return st;
}

kz_status kz_cuda_load(const kz_cuda_module **out)
{
    static const kz_cuda_module *loaded; /* devices are made by one thread */
    const char *given = getenv("KAIZEN_CUDA_MODULE");
    char *path = NULL;
    kz_status st = KZ_OK;
    if (loaded) goto done;
    if (given && *given) KZ_TRY(kz_strdup(&path, given));
    else KZ_TRY(find_module(&path));
    KZ_TRY(load(&loaded, path));
done:
    kz_free(&path);
    if (st == KZ_OK) *out = loaded;
    return st;
}

bool kz_cuda_may_be_there(void)
{
    return access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0;
}

kz_status kz_device_gpus(kz_gpu **out, int64_t *n)
{
    const kz_cuda_module *module = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_cuda_load(&module));
    KZ_TRY(module->list(out, n, KZ_CUDA_EACH));
done:
    return st;
}

/* N of "cuda:N"; 0 of "cuda". */
static int64_t ordinal_of(const char *kind)
{
    int64_t n = 0;
    if (kind[strlen("cuda")] == ':') (void)kz_parse_int(kind + strlen("cuda:"), &n);
    return n;
}

/* The module, and what there is; a failure names what was asked for. */
static kz_status ask(const kz_cuda_module **module, kz_gpu **gpu, int64_t *n, const char *kind)
{
    char why[1024];
    kz_status st = kz_cuda_load(module);
    if (st == KZ_OK) st = (*module)->list(gpu, n, ordinal_of(kind));
    if (st != KZ_E_DEVICE) return st;
    snprintf(why, sizeof why, "%s", kz_error_message());
    return KZ_FAIL(st, "device.kind: '%s' is not available: %s", kind, why);
}

kz_status kz_cuda_create_named(kz_device **out, const char *kind, const kz_config_device *cfg)
{
    const kz_cuda_module *module = NULL;
    int64_t n = 0, ordinal = ordinal_of(kind);
    kz_gpu *gpu = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(ask(&module, &gpu, &n, kind));
    if (ordinal >= n) {
        st = n == 0 ? KZ_FAIL(KZ_E_DEVICE,
                              "device.kind: '%s', but there is no NVIDIA GPU that CUDA can see here; use "
                              "device.kind: cpu",
                              kind)
                    : KZ_FAIL(KZ_E_DEVICE, "device.kind: '%s', but there %s %lld GPU%s here, counted from cuda:0", kind,
                              n == 1 ? "is" : "are", (long long)n, n == 1 ? "" : "s");
        goto done;
    }
    if (*gpu[ordinal].reason) {
        st = KZ_FAIL(KZ_E_DEVICE, "device.kind: '%s' (%s) cannot be used: %s", kind, gpu[ordinal].model,
                     gpu[ordinal].reason);
        goto done;
    }
    KZ_TRY(module->create(out, ordinal, cfg));
done:
    kz_free(&gpu);
    return st;
}
