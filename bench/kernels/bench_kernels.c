/* Measures every kernel of the CPU against what the machine can do, and the matrix products against OpenBLAS.
 *
 *     bench-kernels [--threads LIST] [--only PART] [--windows N] [--json FILE]
 *
 * Prints a table; the JSON has the same rows, the machine and the build. */
#include "bench.h"

#include "kz/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fputs("usage: bench-kernels [--threads LIST] [--only PART] [--windows N] [--json FILE]\n"
          "  --threads LIST  such as 1,2 (1 and the number of cores)\n"
          "  --only PART     kernels with this in their name or shape, such as matmul, adam or mlp-512\n"
          "  --windows N     of some milliseconds for each kernel; the fastest counts (15)\n",
          stderr);
    return 2;
}

static void measure_all(bench *b)
{
    kz_config_device cfg = {.kind = "cpu", .threads = b->threads};
    bench_check(kz_device_create(&b->dev, &cfg, NULL));
    bench_limits(b);
    bench_products(b);
    bench_passes(b);
    kz_device_destroy(&b->dev);
}

static json_t *report(const bench *b, const char *variant)
{
    json_t *out =
        json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "schema", "kaizen.bench_kernels/1", "variant", variant, "windows",
                  b->windows, "machine", kz_machine_json(), "build", kz_build_json(), "rows", json_incref(b->rows));
    return out;
}

int main(int argc, char **argv)
{
    bench b = {.window_s = 0.004, .windows = 15, .rows = json_array()};
    char standard[32], *threads = standard, *json = NULL, *end;
    snprintf(standard, sizeof standard, kz_cpu_count() > 1 ? "1,%d" : "1", kz_cpu_count());
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--threads") == 0) threads = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0) b.only = argv[i + 1];
        else if (strcmp(argv[i], "--windows") == 0) b.windows = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--json") == 0) json = argv[i + 1];
        else return usage();
    }
    if (b.windows < 1) return usage();
    for (char *at = threads; *at; at = *end ? end + 1 : end) {
        b.threads = (int)strtol(at, &end, 10);
        if (end == at || b.threads < 1 || (*end && *end != ',')) return usage();
        measure_all(&b);
    }
    const char *variant = "";
    for (const char *const *isa = kz_device_isas(); *isa; isa++) variant = *isa;
    if (getenv("KAIZEN_ISA")) variant = getenv("KAIZEN_ISA");
    json_t *out = report(&b, variant);
    if (json && json_dump_file(out, json, JSON_INDENT(1) | JSON_REAL_PRECISION(5)) != 0) {
        fprintf(stderr, "bench-kernels: %s cannot be written\n", json);
        return 73;
    }
    json_decref(out);
    json_decref(b.rows);
    return 0;
}
