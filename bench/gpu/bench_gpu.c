/* Measures every kernel of the GPU against what the GPU can do, and the matrix products against cuBLAS.
 *
 *     bench-gpu [--only PART] [--windows N] [--cublas FILE] [--json FILE] [--rehearse]
 *
 * Prints a table; the JSON has the same rows, the GPU's state before and after, the machine and the build.
 * Built with the stand-in it measures nothing, and says so; it then insists on --rehearse. */
#include "gpu.h"

#include "kz/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JSON = 100000 }; /* bytes: results are kept with the sources */

static int usage(void)
{
    fputs("usage: bench-gpu [--only PART] [--windows N] [--cublas FILE] [--json FILE] [--rehearse]\n"
          "  --only PART    kernels with this in their name or shape, such as matmul, adam or mlp-512\n"
          "  --windows N    of some milliseconds for each way to time a kernel; the median counts (9)\n"
          "  --cublas FILE  libcublas.so.13, where it is not found by itself\n"
          "  --rehearse     small extents, one window: shows that all works, and says nothing about speed\n",
          stderr);
    return 2;
}

static void open_gpu(gpu_bench *b, bool rehearse)
{
    struct cudaDeviceProp p;
    kz_gpu *gpus = NULL;
    int64_t n = 0;
    const kz_cuda_module *module = kz_cuda_module_get();
    b->real = module->real;
    if (!b->real && !rehearse)
        gpu_ok(KZ_FAIL(KZ_E_DEVICE,
                       "this is the stand-in, which executes kernels on the CPU: its times are none of a GPU; "
                       "--rehearse shows that all works"));
    gpu_ok(module->list(&gpus, &n, 0));
    if (n < 1) gpu_ok(KZ_FAIL(KZ_E_DEVICE, "there is no NVIDIA GPU that CUDA can see here"));
    kz_free(&gpus);
    kz_device *dev = NULL;
    gpu_ok(module->create(&dev, 0, &(kz_config_device){.kind = NULL}));
    b->cuda = kz_cuda_of(dev);
    gpu_check(cudaGetDeviceProperties(&p, 0), "the GPU's properties");
    b->cache_bytes = p.l2CacheSize;
    b->shrink = rehearse ? 256 : 1;
    b->arena_bytes = rehearse ? 4 << 20 : (int64_t)1 << 31; /* 4 matrices of 8192 x 8192 and a bias, more than 2^30 */
    if (rehearse) b->windows = 1, b->window_s = 1e-5;
    gpu_ok(kz_cuda_alloc(dev, &b->arena, (size_t)b->arena_bytes, "operands"));
    printf("%s, %lld multiprocessors\n", b->cuda->gpu.model, (long long)b->cuda->gpu.multiprocessors);
}

static json_t *gpu_json(const gpu_bench *b)
{
    const kz_gpu *g = &b->cuda->gpu;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "model", g->model, "variant", g->variant, "driver",
                     g->driver, "runtime", g->runtime, "memory_bytes", (json_int_t)g->memory, "multiprocessors",
                     (json_int_t)g->multiprocessors, "cache_bytes", (json_int_t)b->cache_bytes);
}

static int write_json(const json_t *out, const char *path)
{
    if (json_dumpb(out, NULL, 0, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) > MOST_JSON) {
        fprintf(stderr, "bench-gpu: the result takes over %d bytes\n", MOST_JSON);
        return 1;
    }
    if (json_dump_file(out, path, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) == 0) return 0;
    fprintf(stderr, "bench-gpu: %s cannot be written\n", path);
    return 73;
}

int main(int argc, char **argv)
{
    gpu_bench b = {.windows = 9, .window_s = 0.002, .kernels = json_array(), .products = json_array()};
    const char *json = NULL;
    bool rehearse = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rehearse") == 0) {
            rehearse = true;
            continue;
        }
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--only") == 0) b.only = argv[++i];
        else if (strcmp(argv[i], "--windows") == 0) b.windows = atoi(argv[++i]);
        else if (strcmp(argv[i], "--cublas") == 0) b.cublas = argv[++i];
        else if (strcmp(argv[i], "--json") == 0) json = argv[++i];
        else return usage();
    }
    if (b.windows < 1 || b.windows > WINDOWS) return usage();
    open_gpu(&b, rehearse);
    bool measured = b.real && !rehearse;
    json_t *before = gpu_state(&b);
    gpu_refill(&b);
    gpu_limits(&b);
    gpu_passes(&b);
    gpu_steps(&b);
    json_t *summary = gpu_products(&b);
    json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                            "kaizen.bench_gpu/1", "device", b.cuda->base.ops->name, "figures",
                            measured ? "measured" : "meaningless: a rehearsal, which measures nothing", "gpu",
                            gpu_json(&b), "windows", b.windows, "before", before, "after", gpu_state(&b), "limits",
                            b.limits, "kernels", b.kernels, "products", b.products, "against_cublas", summary,
                            "machine", kz_machine_json(), "build", kz_build_json());
    if (!measured) puts("A rehearsal: no figure above means anything.");
    int status = json ? write_json(out, json) : 0;
    json_decref(out);
    kz_device *dev = &b.cuda->base;
    kz_cuda_release(dev, &b.arena);
    kz_device_destroy(&dev);
    return status;
}
