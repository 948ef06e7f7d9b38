/* The reproducible matrix products against cuBLAS's: squares, and the shapes of training. */
#include "gpu.h"

#include "bench/kernels/shapes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum { FORWARD, WEIGHTS, INPUT } product_kind; /* x wT; dzT x; dz w */
static const char *const kind_name[] = {"forward", "weights", "input"};

/* c (m, n) <- a x, with k between them. */
typedef struct {
    const char *of;
    int m, n, k;
    product_kind kind;
    bool square;
} shape;

#define LAYER(of, rows, inputs, units)                                                                                 \
    {of, rows, units, inputs, FORWARD, false}, {of, units, inputs, rows, WEIGHTS, false},                              \
        {of, rows, inputs, units, INPUT, false},
#define SQUARE(n)                                                                                                      \
    {"square", n, n, n, FORWARD, true}, {"square", n, n, n, WEIGHTS, true}, {"square", n, n, n, INPUT, true},
static const shape shapes[] = {SQUARE(4096) BENCH_LAYERS(LAYER) LAYER("mlp-4096", 1024, 784, 4096)
                                   LAYER("mlp-4096", 1024, 4096, 4096) LAYER("mlp-4096", 1024, 4096, 10) SQUARE(1024)
                                       SQUARE(2048){"square", 8192, 8192, 8192, FORWARD, true}};
#undef LAYER
#undef SQUARE
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Where operands and results lie in a slot. */
typedef struct {
    shape s;
    gpu_slot slot;
    int64_t a, x, c, c2, vector, kept;
    gpu_cublas *blas;
} product;

static float *floats(char *slot, int64_t at)
{
    return (float *)(void *)(slot + at);
}

/* As training calls it: forward adds the bias, weights sums the bias gradient, input looks at the layer below. */
static cudaError_t ours(void *context, char *slot, const kz_cuda_queue *q)
{
    const product *p = context;
    float *a = floats(slot, p->a), *x = floats(slot, p->x), *c = floats(slot, p->c), *vector = floats(slot, p->vector);
    int64_t m = p->s.m, n = p->s.n, k = p->s.k;
    kz_dense d = {.activation = KZ_ACTIVATION_identity}, below = d;
    switch (p->s.kind) {
    case FORWARD:
        d.rows = m, d.units = n, d.inputs = k, d.weight = x, d.bias = vector, d.y = d.kept = c;
        return kz_dense_forward_f32__cuda(&d, a, q);
    case WEIGHTS: d.units = m, d.inputs = n, d.rows = k; return kz_dense_weights_f32__cuda(&d, a, x, c, vector, q);
    case INPUT: break;
    }
    d.rows = below.rows = m, d.inputs = below.units = n, d.units = k, d.weight = x;
    below.kept = below.y = floats(slot, p->kept);
    return kz_dense_input_f32__cuda(&d, a, &below, c, q);
}

static cudaError_t theirs(void *context, char *slot, const kz_cuda_queue *q)
{
    const product *p = context;
    (void)q; /* it has the stream */
    return gpu_cublas_sgemm(p->blas, p->s.kind == WEIGHTS, p->s.kind == FORWARD, p->s.m, p->s.n, p->s.k,
                            floats(slot, p->a), floats(slot, p->x), floats(slot, p->c2));
}

static void lay_out(product *p)
{
    int64_t m = p->s.m, n = p->s.n, k = p->s.k;
    p->a = gpu_take(&p->slot, 4 * m * k), p->x = gpu_take(&p->slot, 4 * k * n);
    p->c = gpu_take(&p->slot, 4 * m * n), p->c2 = p->blas ? gpu_take(&p->slot, 4 * m * n) : 0;
    p->vector = gpu_take(&p->slot, 4 * (m > n ? m : n));
    p->kept = p->s.kind == INPUT ? gpu_take(&p->slot, 4 * m * n) : 0;
}

/* Both results, up to rounding; the bias is ours alone. */
static void check_same(const gpu_bench *b, const product *p)
{
    int64_t n = (int64_t)p->s.m * p->s.n;
    float *c = NULL;
    gpu_ok(kz_calloc(&c, 2 * n + p->s.n, sizeof *c, "two products"));
    float *c2 = c + n, *bias = c2 + n;
    gpu_check(cudaDeviceSynchronize(), "the products");
    gpu_check(cudaMemcpy(c, b->arena + p->c, (size_t)n * sizeof *c, cudaMemcpyDeviceToHost), "reading a product");
    gpu_check(cudaMemcpy(c2, b->arena + p->c2, (size_t)n * sizeof *c, cudaMemcpyDeviceToHost), "reading a product");
    gpu_check(cudaMemcpy(bias, b->arena + p->vector, (size_t)p->s.n * sizeof *c, cudaMemcpyDeviceToHost),
              "reading a bias");
    double bound = 1e-4 * (1 + sqrt(p->s.k)); /* of sums of k products of numbers below 1 */
    for (int64_t i = 0; i < n; i++) {
        double of_bias = p->s.kind == FORWARD ? (double)bias[i % p->s.n] : 0;
        if (!(fabs((double)c[i] - of_bias - (double)c2[i]) <= bound)) {
            fprintf(stderr, "bench-gpu: %s %d x %d x %d: element %lld is %g, cuBLAS has %g\n", kind_name[p->s.kind],
                    p->s.m, p->s.n, p->s.k, (long long)i, (double)c[i] - of_bias, (double)c2[i]);
            exit(1);
        }
    }
    kz_free(&c);
}

typedef struct {
    double log_sum, least;
    int n;
} ratios;

static void add_ratio(ratios *r, double ratio)
{
    if (r->n == 0 || ratio < r->least) r->least = ratio;
    r->log_sum += log(ratio);
    r->n++;
}

static json_t *ratios_json(const ratios *r)
{
    if (r->n == 0) return json_null();
    return json_pack("{s:f, s:f, s:i}", "geometric_mean", exp(r->log_sum / r->n), "least", r->least, "products", r->n);
}

static double flops_of(const product *p)
{
    return 2.0 * p->s.m * p->s.n * p->s.k;
}

static void shape_text(const product *p, char text[64])
{
    snprintf(text, 64, "%dx%dx%d", p->s.m, p->s.n, p->s.k);
}

static json_t *ratio_json(gpu_time mine, gpu_time other)
{
    return mine.median > 0 && other.median > 0 ? json_real(other.median / mine.median) : json_null();
}

static void add_row_without_times(gpu_bench *b, const product *p)
{
    char text[64];
    shape_text(p, text);
    json_array_append_new(b->products, json_pack("{s:s, s:s, s:s, s:f, s:n, s:n, s:n, s:n, s:n, s:o}", "of", p->s.of,
                                                 "product", kind_name[p->s.kind], "shape_mxnxk", text, "flops",
                                                 flops_of(p), "us_cold", "us_hot", "us_queued", "tflop_per_s",
                                                 "fp32_share", "reason", gpu_no_room(b, &p->slot)));
    printf("%-9s %-8s %-16s not measured: no room\n", p->s.of, kind_name[p->s.kind], text);
}

static void add_row(gpu_bench *b, const product *p, const gpu_case *mine, const gpu_case *other)
{
    char text[64];
    double flops = flops_of(p);
    shape_text(p, text);
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:f, s:f}", "of", p->s.of, "product", kind_name[p->s.kind],
                  "shape_mxnxk", text, "flops", flops, "us_cold", gpu_us(mine->cold.median), "us_hot",
                  gpu_us(mine->hot.median), "us_queued", gpu_us(mine->queued.median), "tflop_per_s",
                  1e-12 * flops / mine->hot.median, "fp32_share", flops / mine->hot.median / b->fma);
    printf("%-9s %-8s %-16s %10.2f us hot %7.2f TF/s", p->s.of, kind_name[p->s.kind], text, 1e6 * mine->hot.median,
           1e-12 * flops / mine->hot.median);
    if (other) {
        json_object_set_new(j, "cublas_us_cold", gpu_us(other->cold.median));
        json_object_set_new(j, "cublas_us_hot", gpu_us(other->hot.median));
        json_object_set_new(j, "ratio_cold", ratio_json(mine->cold, other->cold));
        json_object_set_new(j, "ratio_hot", ratio_json(mine->hot, other->hot));
        printf("  %.3f of cuBLAS's speed", other->hot.median / mine->hot.median);
    }
    puts("");
    fflush(stdout);
    json_array_append_new(b->products, j);
}

json_t *gpu_products(gpu_bench *b)
{
    char reason[512] = "";
    gpu_cublas *blas = gpu_cublas_open(b, reason);
    ratios training_hot = {0}, training_cold = {0}, squares = {0}, cube = {0};
    if (!blas) printf("the products are measured alone: %s\n", reason);
    for (int i = 0; i < SHAPES; i++) {
        product p = {.s = shapes[i], .blas = blas};
        p.s.m = (int)gpu_extent(b, p.s.m), p.s.n = (int)gpu_extent(b, p.s.n), p.s.k = (int)gpu_extent(b, p.s.k);
        if (!gpu_wanted(b, "matmul", p.s.of)) continue;
        lay_out(&p);
        if (gpu_slots(b, &p.slot) < 1) {
            add_row_without_times(b, &p);
            continue;
        }
        gpu_refill(b);
        gpu_case cases[CASES] = {{.fn = ours, .context = &p}, {.fn = theirs, .context = &p}};
        gpu_run(b, &p.slot, blas ? 2 : 1, cases);
        if (blas) {
            check_same(b, &p);
            double hot = cases[1].hot.median / cases[0].hot.median;
            add_ratio(p.s.square ? &squares : &training_hot, hot);
            if (p.s.square && p.s.m == 4096) add_ratio(&cube, hot);
            if (!p.s.square && cases[0].cold.median > 0)
                add_ratio(&training_cold, cases[1].cold.median / cases[0].cold.median);
        }
        add_row(b, &p, &cases[0], blas ? &cases[1] : NULL);
    }
    json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:o}", "cublas", gpu_cublas_json(blas, reason), "ratio_4096",
                          ratios_json(&cube), "ratio_squares", ratios_json(&squares), "ratio_training_hot",
                          ratios_json(&training_hot), "ratio_training_cold", ratios_json(&training_cold));
    gpu_cublas_close(&blas);
    return j;
}
