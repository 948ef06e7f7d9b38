/* The kernels beside the matrix product: on arrays far beyond the second-level cache, and at the sizes that training has. */
#include "gpu.h"

#include <stdio.h>

enum { FAR = 16 << 20 /* floats of a large array */, WIDTH = 784, NEAR = 100000 };

/* One kernel and where its arrays lie in a slot. */
typedef struct {
    int64_t n, a, b, c, d, e, f;
    int64_t rows, width;
    int which, bytes;
    float *mean, *factor; /* (WIDTH) */
    double *scale;        /* (width) means, (width) deviations */
    int64_t *offset;      /* (2) */
    kz_cursor *at;
    kz_tally *tally;
    kz_optim_coef *coef;
    double *norm, *square;
    kz_dropout dropout;
} pass;

static float *floats(char *slot, int64_t at)
{
    return (float *)(void *)(slot + at);
}

static double *doubles(char *slot, int64_t at)
{
    return (double *)(void *)(slot + at);
}

static void measure(gpu_bench *b, const char *name, const char *shape, const gpu_slot *s, gpu_fn *fn, pass *p,
                    double bytes, double flops)
{
    gpu_case c = {.fn = fn, .context = p};
    gpu_measure(b, name, shape, s, &c, bytes, flops);
}

/* ---- gather ---- */

static cudaError_t gather(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    kz_gather g = {.rows = p->rows, .width = WIDTH, .row = (const int64_t *)(void *)(slot + p->b), .from = slot + p->a};
    g.bytes = p->bytes, g.x = floats(slot, p->c), g.mean = p->mean, g.factor = p->factor;
    if (!p->mean) g.divisor = 255.0f;
    return kz_gather_f32__cuda(&g, q);
}

/* A batch of rows from anywhere in a source of four times as many. */
static void bench_gather(gpu_bench *b, pass common, int64_t batch, int bytes, bool standard)
{
    pass p = common;
    gpu_slot s = {0};
    char shape[64], *name = bytes == 1 ? "gather uint8" : "gather binary32";
    p.rows = gpu_extent(b, batch), p.bytes = bytes;
    snprintf(shape, sizeof shape, "%s %lldx%d", standard ? "standard" : "unit", (long long)p.rows, WIDTH);
    if (!gpu_wanted(b, name, shape)) return;
    if (!standard) p.mean = p.factor = NULL;
    int64_t *row = gpu_host_array(p.rows, sizeof *row);
    for (int64_t i = 0; i < p.rows; i++) row[i] = i * 7919 % (4 * p.rows);
    p.a = gpu_take(&s, 4 * p.rows * WIDTH * bytes);
    p.b = gpu_take(&s, p.rows * (int64_t)sizeof *row);
    p.c = gpu_take(&s, p.rows * WIDTH * 4);
    gpu_refill(b);
    gpu_put(b, &s, p.b, row, p.rows * (int64_t)sizeof *row);
    double elements = (double)p.rows * WIDTH;
    measure(b, name, shape, &s, gather, &p, elements * (bytes + 4) + 8.0 * (double)p.rows,
            (standard ? 2 : 1) * elements);
    kz_free(&row);
}

/* ---- losses, slopes ---- */

static cudaError_t loss(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    kz_loss l = {.which = p->which, .rows = p->rows, .outputs = p->width, .z = floats(slot, p->a)};
    l.row = (const int64_t *)(void *)(slot + p->b), l.label = (const int32_t *)(void *)(slot + p->c);
    l.value = floats(slot, p->c), l.raw = floats(slot, p->d), l.mean = p->scale, l.deviation = p->scale + p->width;
    l.dz = floats(slot, p->e), l.row_loss = doubles(slot, p->f), l.row_score = l.row_loss + p->rows;
    l.sum_loss = l.row_score + p->rows, l.sum_score = l.sum_loss + 1; /* as a training has them summed */
    return kz_loss_f32__cuda(&l, q);
}

/* Rows that are read once more for their sums are not counted. */
static void bench_loss(gpu_bench *b, pass common, int which, int64_t rows, int64_t outputs)
{
    pass p = common;
    gpu_slot s = {0};
    char shape[64];
    bool classes = kz_loss_is_of_classes(which);
    p.which = which, p.rows = gpu_extent(b, rows), p.width = outputs;
    snprintf(shape, sizeof shape, "%lldx%lld", (long long)p.rows, (long long)outputs);
    if (!gpu_wanted(b, kz_loss_name(which), shape)) return;
    int64_t n = p.rows * outputs, targets = classes ? p.rows : n, *row = gpu_host_array(p.rows, sizeof *row);
    int32_t *label = gpu_host_array(p.rows, sizeof *label);
    double *scale = gpu_host_array(2 * outputs, sizeof *scale);
    for (int64_t i = 0; i < p.rows; i++) row[i] = i, label[i] = (int32_t)(i % (outputs > 1 ? outputs : 2));
    for (int64_t i = 0; i < 2 * outputs; i++) scale[i] = i < outputs ? 0.25 : 1.5;
    p.scale = gpu_device_array(b, scale, 2 * outputs * (int64_t)sizeof *scale);
    p.a = gpu_take(&s, 4 * n);
    p.b = gpu_take(&s, 8 * p.rows);
    p.c = gpu_take(&s, 4 * targets);
    p.d = classes ? 0 : gpu_take(&s, 4 * n);
    p.e = gpu_take(&s, 4 * n);
    p.f = gpu_take(&s, 16 * p.rows + 16);
    gpu_refill(b);
    gpu_put(b, &s, p.b, row, 8 * p.rows);
    if (classes) gpu_put(b, &s, p.c, label, 4 * p.rows);
    measure(b, kz_loss_name(which), shape, &s, loss, &p,
            classes ? 8.0 * (double)n + 28.0 * (double)p.rows : 16.0 * (double)n + 24.0 * (double)p.rows,
            (which == KZ_LOSS_squared_error ? 8 : 30) * (double)n);
    kz_cuda_release(&b->cuda->base, &p.scale);
    kz_free(&row), kz_free(&label), kz_free(&scale);
}

static cudaError_t slope(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    kz_dense d = {.rows = p->rows, .units = p->width, .activation = p->which, .dropout = p->dropout};
    d.kept = d.y = floats(slot, p->b);
    return kz_dense_slope_f32__cuda(&d, floats(slot, p->a), q);
}

/* Numbers that stay what they are: kept values are small and positive, so that the slope is 1, and hardly one is dropped. */
static void bench_slope(gpu_bench *b, pass common, int which, const char *name, bool dropout, int64_t rows)
{
    pass p = common;
    gpu_slot s = {0};
    char shape[64], title[48];
    p.which = which, p.rows = gpu_extent(b, rows), p.width = 1024;
    snprintf(title, sizeof title, "dense_slope %s%s", name, dropout ? ", dropout" : "");
    snprintf(shape, sizeof shape, "%lldx%lld", (long long)p.rows, (long long)p.width);
    if (!gpu_wanted(b, title, shape)) return;
    int64_t n = p.rows * p.width;
    float *kept = gpu_host_array(n, sizeof *kept);
    for (int64_t i = 0; i < n; i++) kept[i] = 1e-9f * (float)(1 + i % 1000);
    if (dropout) p.dropout = (kz_dropout){.threshold = 1, .factor = 1.0f, .seed = 1, .at = p.at};
    p.a = gpu_take(&s, 4 * n);
    p.b = gpu_take(&s, 4 * n);
    gpu_refill(b);
    gpu_put(b, &s, p.b, kept, 4 * n);
    measure(b, title, shape, &s, slope, &p, 12.0 * (double)n, (dropout ? 42 : 2) * (double)n);
    kz_free(&kept);
}

/* ---- sums, and passes over the parameters ---- */

static cudaError_t sum(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    return kz_sum_f64__cuda(p->n, doubles(slot, p->a), doubles(slot, p->b), q);
}

static cudaError_t add(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    return kz_add_f32__cuda(p->n, floats(slot, p->a), floats(slot, p->b), q);
}

static cudaError_t norm(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    return kz_mean_norm_f32__cuda(1, p->offset, p->n, 1.0f, floats(slot, p->a), p->square, p->norm, NULL, q);
}

static cudaError_t optim(void *context, char *slot, const kz_cuda_queue *q)
{
    const pass *p = context;
    float *state[KZ_OPTIM_MOST_ARRAYS] = {floats(slot, p->c), floats(slot, p->d)};
    return kz_optim_f32__cuda(p->which, p->coef, 1, p->tally, p->norm, p->n, floats(slot, p->a), floats(slot, p->b),
                              state, q);
}

static void bench_parameters(gpu_bench *b, pass p, int64_t wanted)
{
    static const struct {
        const char *name;
        int arrays;
        double bytes, flops;
    } cost[KZ_OPTIMS] = {[KZ_OPTIM_sgd] = {"sgd, momentum", 1, 20, 7},
                         [KZ_OPTIM_adam] = {"adam", 2, 28, 13},
                         [KZ_OPTIM_adamw] = {"adamw", 2, 28, 14}};
    char shape[64];
    int64_t n = p.n = gpu_extent(b, wanted);
    float *square = gpu_host_array(n, sizeof *square);
    snprintf(shape, sizeof shape, "%lld parameters", (long long)n);
    for (int64_t i = 0; i < n; i++) square[i] = 1e-3f * (float)(1 + i % 997);
    for (p.which = 0; p.which < KZ_OPTIMS; p.which++) {
        gpu_slot s = {0};
        if (!gpu_wanted(b, cost[p.which].name, shape)) continue;
        p.a = gpu_take(&s, 4 * n), p.b = gpu_take(&s, 4 * n), p.c = gpu_take(&s, 4 * n);
        p.d = cost[p.which].arrays > 1 ? gpu_take(&s, 4 * n) : 0;
        gpu_refill(b);
        if (p.d) gpu_put(b, &s, p.d, square, 4 * n);
        measure(b, cost[p.which].name, shape, &s, optim, &p, cost[p.which].bytes * (double)n,
                cost[p.which].flops * (double)n);
    }
    gpu_slot one = {0}, two = {0};
    p.a = gpu_take(&one, 4 * n);
    gpu_refill(b);
    p.offset = gpu_device_array(b, (int64_t[]){0, n}, 2 * sizeof(int64_t));
    p.square = gpu_device_array(b, NULL, kz_norm_squares(n, 1) * (int64_t)sizeof *p.square);
    if (gpu_wanted(b, "gradient's mean, norm", shape))
        measure(b, "gradient's mean, norm", shape, &one, norm, &p, 8.0 * (double)n, 3.0 * (double)n);
    kz_cuda_release(&b->cuda->base, &p.offset);
    kz_cuda_release(&b->cuda->base, &p.square);
    p.a = gpu_take(&two, 4 * n), p.b = gpu_take(&two, 4 * n);
    if (gpu_wanted(b, "add gradients", shape))
        measure(b, "add gradients", shape, &two, add, &p, 12.0 * (double)n, (double)n);
    kz_free(&square);
}

static void bench_sum(gpu_bench *b, pass p, int64_t wanted)
{
    char shape[64];
    gpu_slot s = {0};
    p.n = gpu_extent(b, wanted);
    snprintf(shape, sizeof shape, "%lld binary64", (long long)p.n);
    if (!gpu_wanted(b, "sum", shape)) return;
    p.a = gpu_take(&s, 8 * p.n), p.b = gpu_take(&s, 8);
    gpu_refill(b);
    measure(b, "sum", shape, &s, sum, &p, 8.0 * (double)p.n, (double)p.n);
}

void gpu_passes(gpu_bench *b)
{
    static const kz_optim_coef coef = {.lr = 1e-6f,
                                       .shrink = 1.0f,
                                       .momentum = 0.9f,
                                       .fresh = 1.0f,
                                       .beta1_rest = 0.1f,
                                       .beta2 = 0.999f,
                                       .beta2_rest = 0.001f,
                                       .eps = 1e-8f,
                                       .step = 1e-6f,
                                       .root = 1.0f};
    float scale[WIDTH];
    pass p = {.n = 0};
    for (int i = 0; i < WIDTH; i++) scale[i] = 0.5f + (float)i / WIDTH;
    p.mean = gpu_device_array(b, scale, sizeof scale), p.factor = gpu_device_array(b, scale, sizeof scale);
    p.at = gpu_device_array(b, NULL, sizeof *p.at);
    p.tally = gpu_device_array(b, &(kz_tally){.bad_step = -1}, sizeof *p.tally);
    p.norm = gpu_device_array(b, &(double){1}, sizeof *p.norm);
    p.coef = gpu_device_array(b, &coef, sizeof coef);
    for (int standard = 0; standard < 2; standard++)
        for (int bytes = 1; bytes <= 4; bytes += 3)
            bench_gather(b, p, 1024, bytes, standard), bench_gather(b, p, 8192, bytes, standard);
    bench_loss(b, p, KZ_LOSS_cross_entropy, 1024, 10);
    bench_loss(b, p, KZ_LOSS_cross_entropy, 1 << 20, 10);
    bench_loss(b, p, KZ_LOSS_cross_entropy, 16384, 1000);
    bench_loss(b, p, KZ_LOSS_binary_cross_entropy, 1 << 20, 1);
    bench_loss(b, p, KZ_LOSS_squared_error, 1 << 20, 1);
    bench_loss(b, p, KZ_LOSS_squared_error, 65536, 64);
    bench_slope(b, p, KZ_ACTIVATION_relu, "relu", false, FAR / 1024);
    bench_slope(b, p, KZ_ACTIVATION_tanh, "tanh", false, FAR / 1024);
    bench_slope(b, p, KZ_ACTIVATION_relu, "relu", true, FAR / 1024);
    bench_slope(b, p, KZ_ACTIVATION_relu, "relu", true, 1024);
    bench_sum(b, p, 1024);
    bench_sum(b, p, FAR / 2);
    bench_parameters(b, p, NEAR);
    bench_parameters(b, p, FAR);
    kz_cuda_release(&b->cuda->base, &p.mean), kz_cuda_release(&b->cuda->base, &p.factor);
    kz_cuda_release(&b->cuda->base, &p.at), kz_cuda_release(&b->cuda->base, &p.tally);
    kz_cuda_release(&b->cuda->base, &p.norm), kz_cuda_release(&b->cuda->base, &p.coef);
}
