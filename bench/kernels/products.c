/* Matrix products at the shapes that training has, and squares, against OpenBLAS where its library is there. */
#include "bench.h"

#include "shapes.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { NN, NT, TN } layout; /* which operands lie transposed */
static const char *const layout_name[] = {"NN", "NT", "TN"};

typedef struct {
    const char *of; /* workload */
    int m, n, k;
    layout how;
} shape;

/* Forward x wT (NT), gradient of the weights dzT x (TN), gradient of the inputs dz w (NN). */
#define LAYER(of, rows, inputs, units)                                                                                 \
    {of, rows, units, inputs, NT}, {of, units, inputs, rows, TN}, {of, rows, inputs, units, NN},
static const shape shapes[] = {
    BENCH_LAYERS(LAYER){"square", 64, 64, 64, NN},
    {"square", 128, 128, 128, NN},
    {"square", 256, 256, 256, NN},
    {"square", 512, 512, 512, NN},
    {"square", 1024, 1024, 1024, NN},
    {"square", 2048, 2048, 2048, NN},
};
#undef LAYER
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* cblas's numbers */
enum { ROW_MAJOR = 101, AS_IS = 111, TRANSPOSED = 112 };
typedef void sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c, int ldc);

static struct {
    sgemm_fn *sgemm;
    void (*threads)(int);
} blas;

static bool find_blas(void)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    *(void **)&blas.sgemm = dlsym(library, "cblas_sgemm");
    *(void **)&blas.threads = dlsym(library, "openblas_set_num_threads");
    return blas.sgemm && blas.threads;
}

typedef struct {
    const bench *b;
    const shape *s;
    float *a, *x, *c, *c2, *bias;
    kz_matmul g;
    kz_dense layer; /* of the epilogue: bias and relu */
    int copies, at; /* the operands, in as many copies as rotate past the second-level cache */
} product;

static void ours(void *context)
{
    product *p = context;
    bench_check(kz_cpu_matmul(p->b->dev, &p->g));
}

static void theirs(void *context)
{
    const product *p = context;
    const shape *s = p->s;
    blas.sgemm(ROW_MAJOR, s->how == TN ? TRANSPOSED : AS_IS, s->how == NT ? TRANSPOSED : AS_IS, s->m, s->n, s->k, 1.0f,
               p->a, s->how == TN ? s->m : s->k, p->x, s->how == NT ? s->k : s->n, 0.0f, p->c2, s->n);
}

static void ours_fused(void *context)
{
    const product *p = context;
    bench_check(p->b->dev->ops->dense_forward(p->b->dev, &p->layer, p->a));
}

static void epilogue_piece(void *context, int64_t begin, int64_t end)
{
    const product *p = context;
    const kz_cpu *cpu = (const kz_cpu *)p->b->dev;
    kz_dense layer = p->layer;
    layer.y = layer.kept = p->c2;
    cpu->kernels->dense_forward(&layer, begin, end, 0, layer.units);
}

static void theirs_separate(void *context)
{
    product *p = context;
    theirs(p);
    kz_team_run(((const kz_cpu *)p->b->dev)->team, p->s->m, (p->s->m + p->b->threads - 1) / p->b->threads,
                epilogue_piece, p);
}

static void check_same(const product *p)
{
    for (int64_t i = 0; i < (int64_t)p->s->m * p->s->n; i++)
        if (!(fabsf(p->c[i] - p->c2[i]) <= 1e-4f * (1.0f + fabsf(p->c2[i])))) {
            fprintf(stderr, "bench-kernels: %s %d x %d x %d: %g, OpenBLAS %g\n", p->s->of, p->s->m, p->s->n, p->s->k,
                    (double)p->c[i], (double)p->c2[i]);
            exit(1);
        }
}

static void prepare(product *p, const bench *b, const shape *s)
{
    int64_t m = s->m, n = s->n, k = s->k;
    *p = (product){.b = b, .s = s, .a = bench_floats(m * k), .x = bench_floats(k * n), .bias = bench_floats(n)};
    p->c = bench_memory(4 * m * n);
    p->c2 = bench_memory(4 * m * n);
    p->g = (kz_matmul){.m = m, .n = n, .k = k, .a = p->a, .b = p->x, .c = p->c};
    p->g.a_row = s->how == TN ? 1 : k;
    p->g.a_k = s->how == TN ? m : 1;
    p->g.b_k = s->how == NT ? 1 : n;
    p->g.b_column = s->how == NT ? k : 1;
    p->layer = (kz_dense){.rows = m, .inputs = k, .units = n, .weight = p->x, .bias = p->bias, .y = p->c, .kept = p->c};
    p->layer.activation = KZ_ACTIVATION_relu;
}

typedef struct {
    double log_sum, least;
    int n;
} summary;

static void add_ratio(summary *s, double ratio)
{
    if (s->n == 0 || ratio < s->least) s->least = ratio;
    s->log_sum += log(ratio);
    s->n++;
}

static void add_summary(bench *b, const char *what, const summary *s)
{
    if (s->n == 0) return;
    double mean = exp(s->log_sum / s->n);
    printf("%s on %d threads: geometric mean %.3f, least %.2f\n", what, b->threads, mean, s->least);
    json_array_append_new(b->rows, json_pack("{s:s, s:i, s:f, s:f, s:i}", "name", what, "threads", b->threads,
                                             "geometric_mean", mean, "least", s->least, "shapes", s->n));
}

void bench_products(bench *b)
{
    bool there = find_blas();
    summary plain = {0}, fused = {0};
    if (there) blas.threads(b->threads);
    else puts("libopenblas.so.0 is not there (Debian: libopenblas0-pthread): products are measured alone");
    for (int i = 0; i < SHAPES; i++) {
        const shape *s = &shapes[i];
        product p;
        bench_row row = {.name = "matmul", .flops = 2.0 * s->m * s->n * s->k, .cached = true};
        row.elements = (double)s->m * s->n;
        row.bytes = 4.0 * ((double)s->m * s->k + (double)s->k * s->n + row.elements);
        snprintf(row.shape, sizeof row.shape, "%s %dx%dx%d %s", s->of, s->m, s->n, s->k, layout_name[s->how]);
        if (!bench_wanted(b, "matmul") && !bench_wanted(b, row.shape)) continue;
        prepare(&p, b, s);
        bench_case cases[] = {
            {ours, &p, 0, 0}, {theirs, &p, 0, 0}, {ours_fused, &p, 0, 0}, {theirs_separate, &p, 0, 0}};
        bench_run(b, there ? 2 : 1, cases);
        row.seconds = cases[0].seconds;
        if (there) {
            check_same(&p);
            row.other = "OpenBLAS";
            row.other_s = cases[1].seconds;
            add_ratio(&plain, row.other_s / row.seconds);
        }
        bench_add(b, &row);
        if (there && s->how == NT) {
            bench_run(b, 2, cases + 2);
            check_same(&p);
            row.name = "matmul, bias, relu";
            row.seconds = cases[2].seconds;
            row.other = "OpenBLAS and a pass";
            row.other_s = cases[3].seconds;
            add_ratio(&fused, row.other_s / row.seconds);
            bench_add(b, &row);
        }
        bench_free(p.a), bench_free(p.x), bench_free(p.c), bench_free(p.c2), bench_free(p.bias);
    }
    add_summary(b, "matmul against OpenBLAS", &plain);
    add_summary(b, "fused against OpenBLAS and a pass", &fused);
}
