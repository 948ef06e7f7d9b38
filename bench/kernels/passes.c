/* The kernels beside the matrix product, on data far beyond the caches and, where training has them there, in them. */
#include "bench.h"

#include "kernels/sum/sum.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAR = 16 << 20, CLASSES = 10, WIDTH = 784 }; /* FAR: floats, 64 MiB: twice a last-level cache of 32 MiB */

typedef struct {
    const bench *b;
    kz_gather gather;
    kz_loss loss;
    kz_dense dense;
    int which;
    kz_optim_coef coef;
    kz_tally tally;
    kz_cursor at;
    double norm;
    int64_t n;
    const int64_t *order; /* (n) rows, of which a batch is taken */
    float *g, *theta, *state[KZ_OPTIM_MOST_ARRAYS];
} pass;

/* A batch; the next call takes other rows. */
static void run_gather(void *context)
{
    pass *p = context;
    bench_check(p->b->dev->ops->gather(p->b->dev, &p->gather));
    p->gather.row += p->gather.rows;
    if (p->gather.row + p->gather.rows > p->order + p->n) p->gather.row = p->order;
}

static void run_loss(void *context)
{
    pass *p = context;
    bench_check(p->b->dev->ops->loss(p->b->dev, &p->loss));
}

static void run_slope(void *context)
{
    pass *p = context;
    bench_check(p->b->dev->ops->dense_slope(p->b->dev, &p->dense, p->g));
}

static void forward_piece(void *context, int64_t begin, int64_t end)
{
    const pass *p = context;
    ((const kz_cpu *)p->b->dev)->kernels->dense_forward(&p->dense, begin, end, 0, p->dense.units);
}

static void run_forward(void *context)
{
    pass *p = context;
    kz_team_run(((const kz_cpu *)p->b->dev)->team, p->dense.rows, (p->dense.rows + p->b->threads - 1) / p->b->threads,
                forward_piece, p);
}

static void run_optim(void *context)
{
    pass *p = context;
    bench_check(p->b->dev->ops->optim_step(p->b->dev, p->which, &p->coef, 1, &p->tally, &p->norm, p->n, p->g, p->theta,
                                           p->state));
}

static void run_norm(void *context)
{
    pass *p = context;
    int64_t offset[] = {0, p->n};
    bench_check(p->b->dev->ops->finish_gradient(p->b->dev, 1, offset, p->n, 1.0f, p->g, &p->norm, NULL));
}

static void run_add(void *context)
{
    pass *p = context;
    bench_check(p->b->dev->ops->add(p->b->dev, p->n, p->g, p->theta));
}

static void measure(bench *b, bench_row row, bench_fn *fn, pass *p, double bytes, double flops)
{
    if (!bench_wanted(b, row.name) && !bench_wanted(b, row.shape)) return;
    bench_case c = {fn, p, 0, 0};
    bench_run(b, 1, &c);
    row.bytes = bytes * row.elements;
    row.flops = flops * row.elements;
    row.seconds = c.seconds;
    bench_add(b, &row);
}

/* ---- rows of a data set ---- */

/* Rows lie anywhere in memory, the batch stays in a cache: what counts is the bytes that are read. */
static void bench_gather(bench *b, int bytes, bool standard)
{
    enum { BATCH = 128 };
    int64_t rows = FAR / WIDTH, *order = bench_memory(rows * (int64_t)sizeof *order);
    void *from = bench_memory(rows * WIDTH * bytes);
    float *mean = bench_floats(WIDTH), *factor = bench_floats(WIDTH), *x = bench_memory(4 * BATCH * WIDTH);
    bench_row row = {.name = bytes == 1 ? "gather uint8" : "gather binary32", .elements = BATCH * WIDTH};
    for (int64_t i = 0; i < rows; i++) order[i] = i * 7919 % rows;
    pass p = {.b = b, .n = rows, .order = order};
    p.gather = (kz_gather){.rows = BATCH, .width = WIDTH, .row = order, .from = from, .bytes = bytes, .x = x};
    if (standard) p.gather.mean = mean, p.gather.factor = factor;
    else p.gather.divisor = 255.0f;
    snprintf(row.shape, sizeof row.shape, "%s %dx%d", standard ? "standard" : "unit", BATCH, WIDTH);
    measure(b, row, run_gather, &p, bytes, standard ? 2 : 1);
    bench_free(order), bench_free(from), bench_free(mean), bench_free(factor), bench_free(x);
}

/* ---- losses and activations ---- */

static void bench_loss(bench *b, int which, int64_t rows, int64_t outputs)
{
    pass p = {.b = b};
    int64_t *order = bench_memory(8 * rows);
    int32_t *label = bench_memory(4 * rows);
    float *z = bench_floats(rows * outputs), *value = bench_floats(rows * outputs);
    double *sums = bench_memory(2 * 8 * rows), *scale = bench_memory(2 * 8 * outputs);
    for (int64_t i = 0; i < rows; i++) order[i] = i, label[i] = (int32_t)(i % (outputs > 1 ? outputs : 2));
    p.loss = (kz_loss){.which = which,
                       .rows = rows,
                       .outputs = outputs,
                       .z = z,
                       .row = order,
                       .label = label,
                       .value = value,
                       .raw = value,
                       .mean = scale,
                       .deviation = scale + outputs,
                       .dz = bench_memory(4 * rows * outputs),
                       .row_loss = sums,
                       .row_score = sums + rows};
    bench_row row = {.name = kz_loss_name(which), .elements = (double)(rows * outputs), .cached = true};
    snprintf(row.shape, sizeof row.shape, "%dx%d", (int)rows, (int)outputs);
    measure(b, row, run_loss, &p, 8, which == KZ_LOSS_squared_error ? 8 : 30); /* an exp is about 25 */
    bench_free(order), bench_free(label), bench_free(z), bench_free(value), bench_free(sums), bench_free(scale),
        bench_free(p.loss.dz);
}

static void bench_activation(bench *b, int which, const char *name, double dropout)
{
    enum { ROWS = 1024, UNITS = 512 };
    char forward[48], back[48];
    pass p = {.b = b, .g = bench_floats(ROWS * UNITS)};
    float *y = bench_floats(ROWS * UNITS), *kept = bench_floats(ROWS * UNITS), *bias = bench_floats(UNITS);
    p.dense = (kz_dense){
        .rows = ROWS, .units = UNITS, .bias = bias, .activation = which, .y = y, .kept = dropout > 0 ? kept : y};
    if (dropout > 0) p.dense.dropout = (kz_dropout){.threshold = 1u << 31, .factor = 2.0f, .seed = 1, .at = &p.at};
    snprintf(forward, sizeof forward, "%s%s", name, dropout > 0 ? ", dropout" : "");
    snprintf(back, sizeof back, "%s slope%s", name, dropout > 0 ? ", dropout" : "");
    bench_row row = {.name = forward, .elements = ROWS * UNITS, .cached = true, .shape = "1024x512"};
    double exps = which == KZ_ACTIVATION_tanh || which == KZ_ACTIVATION_sigmoid ? 30 : 0, words = dropout > 0 ? 40 : 0;
    measure(b, row, run_forward, &p, dropout > 0 ? 12 : 8, 2 + exps + words);
    row.name = back;
    measure(b, row, run_slope, &p, 12, 2 + words);
    bench_free(p.g), bench_free(y), bench_free(kept), bench_free(bias);
}

/* ---- passes over the parameters ---- */

static void bench_optimizers(bench *b, int64_t n)
{
    static const struct {
        const char *name;
        double bytes, flops;
    } cost[] = {[KZ_OPTIM_sgd] = {"sgd, momentum", 20, 7},
                [KZ_OPTIM_adam] = {"adam", 28, 13},
                [KZ_OPTIM_adamw] = {"adamw", 28, 14}};
    pass p = {.b = b, .n = n, .g = bench_floats(n), .theta = bench_floats(n), .tally = {.bad_step = -1}};
    bench_row row = {.elements = (double)n, .cached = n < FAR};
    snprintf(row.shape, sizeof row.shape, "%d parameters", (int)n);
    for (int i = 0; i < KZ_OPTIM_MOST_ARRAYS; i++) p.state[i] = bench_floats(n);
    for (int64_t i = 0; i < n; i++) p.state[1][i] *= p.state[1][i];
    p.coef = (kz_optim_coef){.lr = 1e-6f,
                             .shrink = 1.0f,
                             .momentum = 0.9f,
                             .fresh = 1.0f,
                             .beta1_rest = 0.1f,
                             .beta2 = 0.999f,
                             .beta2_rest = 0.001f,
                             .eps = 1e-8f,
                             .step = 1e-6f,
                             .root = 1.0f};
    for (int which = 0; which < KZ_OPTIMS; which++) {
        row.name = cost[which].name;
        p.which = which;
        measure(b, row, run_optim, &p, cost[which].bytes, cost[which].flops);
    }
    row.name = "gradient's mean, norm";
    measure(b, row, run_norm, &p, 8, 3);
    row.name = "add gradients";
    measure(b, row, run_add, &p, 12, 1);
    bench_free(p.g), bench_free(p.theta), bench_free(p.state[0]), bench_free(p.state[1]);
}

void bench_passes(bench *b)
{
    for (int standard = 0; standard < 2; standard++) bench_gather(b, 1, standard), bench_gather(b, 4, standard);
    bench_loss(b, KZ_LOSS_cross_entropy, 4096, CLASSES);
    bench_loss(b, KZ_LOSS_cross_entropy, 256, 1000);
    bench_loss(b, KZ_LOSS_binary_cross_entropy, 32768, 1);
    bench_loss(b, KZ_LOSS_squared_error, 32768, 1);
#define KZ_ACTIVATION(name, formula) bench_activation(b, KZ_ACTIVATION_##name, #name, 0);
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    bench_activation(b, KZ_ACTIVATION_relu, "relu", 0.5);
    bench_optimizers(b, 100000);
    bench_optimizers(b, FAR);
}
