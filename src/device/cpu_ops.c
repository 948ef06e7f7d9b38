/* The CPU's operations: each one cuts its kernel's range for the team.
 *
 * A piece is given at least PIECE_FMAS multiply-adds or PIECE_ELEMENTS elements, some microseconds of work: below that,
 * waking a thread costs more than it saves. */
#include "device/device_impl.h"

#include "kernels/sum/tree.h"

#include <math.h>
#include <string.h>

enum { PIECE_FMAS = 200000, PIECE_ELEMENTS = 20000, TILE_STEP = 16, LOSS_WORK = 10 /* an exp, in elements */ };

static kz_cpu *cpu_of(kz_device *dev)
{
    return (kz_cpu *)dev;
}

/* Length of the pieces into which to cut n items of `work` units each: equal, as many as there are threads but none with
 * less than `least` units, a multiple of `step`. */
static int64_t piece_of(const kz_device *dev, int64_t n, int64_t work, int64_t least, int64_t step)
{
    double most = (double)n * (double)work / (double)least; /* the product may not fit into 64 bits */
    int64_t pieces = most >= dev->threads ? dev->threads : most >= 1 ? (int64_t)most : 1;
    int64_t piece = (n + pieces - 1) / pieces;
    return (piece + step - 1) / step * step;
}

/* Runs a job over n items, in such pieces; none for an empty part of a batch. */
static void run(kz_device *dev, int64_t n, int64_t work, int64_t least, int64_t step, kz_team_fn *fn, void *job)
{
    if (n > 0) kz_team_run(cpu_of(dev)->team, n, piece_of(dev, n, work, least, step), fn, job);
}

/* ---- memory ---- */

/* No two large arrays begin at the same place in a page: what runs through several of them at once (an optimiser) is
 * otherwise a fifth slower.  Before the first byte lies the allocation's own address. */
enum { LINE = 64, STAGGER = 17 * LINE, STAGGERED = 8 };

static kz_status cpu_alloc(kz_device *dev, void *out, size_t bytes, const char *what)
{
    kz_cpu *cpu = cpu_of(dev);
    size_t shift = bytes < STAGGERED * STAGGER ? 0 : STAGGER * (cpu->allocations++ % STAGGERED);
    size_t all = bytes <= SIZE_MAX / 2 ? bytes + LINE + shift : SIZE_MAX; /* which nobody has */
    char *raw = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&raw, 1, all, what));
    char *start = raw + LINE + shift;
    memcpy(start - sizeof raw, &raw, sizeof raw);
    memcpy(out, &start, sizeof start);
done:
    return st;
}

static kz_status cpu_alloc_parameters(kz_device *dev, float **out, int64_t n)
{
    return cpu_alloc(dev, out, (size_t)n * sizeof **out, "parameters");
}

static void cpu_release(kz_device *dev, void *pointer_to_pointer)
{
    char *start, *raw;
    (void)dev;
    memcpy(&start, pointer_to_pointer, sizeof start);
    if (!start) return;
    memcpy(&raw, start - sizeof raw, sizeof raw);
    kz_free(&raw);
    start = NULL;
    memcpy(pointer_to_pointer, &start, sizeof start);
}

static kz_status cpu_share(kz_device *dev, const void **out, const void *host, size_t bytes, const char *what)
{
    (void)dev, (void)bytes, (void)what;
    *out = host;
    return KZ_OK;
}

static void cpu_unshare(kz_device *dev, const void **pointer)
{
    (void)dev;
    *pointer = NULL;
}

static kz_status cpu_copy(kz_device *dev, void *to, const void *from, size_t bytes)
{
    (void)dev;
    if (bytes) memcpy(to, from, bytes);
    return KZ_OK;
}

/* ---- beside the queue: all is done when it returns ---- */

static kz_status cpu_fill(kz_device *dev, int place, kz_queue_fn *queue, void *context)
{
    (void)dev, (void)place;
    return queue(context);
}

static kz_status cpu_pass(kz_device *dev, int place)
{
    (void)dev, (void)place;
    return KZ_OK;
}

static kz_status cpu_filled(kz_device *dev, int place, bool wait, bool *yes)
{
    (void)dev, (void)place, (void)wait;
    *yes = true;
    return KZ_OK;
}

static kz_status cpu_pin(kz_device *dev, const void *host, size_t bytes, const char *what)
{
    (void)dev, (void)host, (void)bytes, (void)what;
    return KZ_OK;
}

static void cpu_unpin(kz_device *dev, const void *host, size_t bytes)
{
    (void)dev, (void)host, (void)bytes;
}

static bool cpu_is_outside(const kz_device *dev, const void *shared)
{
    (void)dev, (void)shared;
    return false;
}

/* ---- layers ---- */

/* A kernel's arguments for the team; only those that the kernel has are set. */
typedef struct {
    const kz_cpu_kernels *k;
    const kz_gather *gather;
    const kz_loss *loss;
    const kz_matmul *product;
    bool by_rows;          /* a product's pieces are rows, else columns */
    int64_t piece;         /* length of them: one to a thread, at most */
    const kz_cpu *cpu;     /* for a product: what it packs at a time, and where */
    const kz_dense *after; /* its epilogue: dense_forward for this layer, or, with `dx`, dense_slope */
    float *dx;
} cpu_job;

static void gather_piece(void *context, int64_t begin, int64_t end)
{
    const cpu_job *job = context;
    job->k->gather(job->gather, begin, end);
}

static kz_status cpu_gather(kz_device *dev, const kz_gather *g)
{
    cpu_job job = {.k = cpu_of(dev)->kernels, .gather = g};
    run(dev, g->rows, g->width, PIECE_ELEMENTS, 1, gather_piece, &job);
    return KZ_OK;
}

static void epilogue(const void *context, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    const cpu_job *job = context;
    if (job->dx) job->k->dense_slope(job->after, job->dx, row0, row1, column0, column1);
    else job->k->dense_forward(job->after, row0, row1, column0, column1);
}

static void product_piece(void *context, int64_t begin, int64_t end)
{
    const cpu_job *job = context;
    kz_matmul g = *job->product;
    int64_t row0 = job->by_rows ? begin : 0, row1 = job->by_rows ? end : g.m;
    int64_t column0 = job->by_rows ? 0 : begin, column1 = job->by_rows ? g.n : end;
    g.scratch = job->cpu->scratch + begin / job->piece * KZ_MATMUL_SCRATCH;
    g.wide = job->cpu->wide;
    g.high = job->cpu->high;
    if (job->after) g.finish = epilogue;
    g.job = job;
    job->k->matmul(&g, row0, row1, column0, column1);
}

static kz_status reserve_scratch(kz_cpu *cpu, int64_t pieces)
{
    kz_status st = KZ_OK;
    if (pieces <= cpu->scratches) return KZ_OK;
    kz_free(&cpu->scratch);
    cpu->scratches = 0;
    KZ_TRY(kz_calloc(&cpu->scratch, pieces * KZ_MATMUL_SCRATCH, sizeof *cpu->scratch, "packed matrices"));
    cpu->scratches = pieces;
done:
    return st;
}

/* The product and its epilogue, cut along the longer side of the result. */
static kz_status run_product(kz_device *dev, cpu_job *job)
{
    const kz_matmul *g = job->product;
    kz_cpu *cpu = cpu_of(dev);
    kz_status st = KZ_OK;
    job->by_rows = g->m > g->n;
    int64_t n = job->by_rows ? g->m : g->n, work = (job->by_rows ? g->n : g->m) * g->k;
    job->k = cpu->kernels;
    if (n == 0) return KZ_OK; /* an empty part of a batch */
    job->piece = piece_of(dev, n, work, PIECE_FMAS, TILE_STEP);
    KZ_TRY(reserve_scratch(cpu, (n + job->piece - 1) / job->piece));
    job->cpu = cpu;
    kz_team_run(cpu->team, n, job->piece, product_piece, job);
done:
    return st;
}

kz_status kz_cpu_matmul(kz_device *dev, const kz_matmul *g)
{
    cpu_job job = {.product = g};
    return run_product(dev, &job);
}

static kz_status cpu_dense_forward(kz_device *dev, const kz_dense *l, const float *x)
{
    kz_matmul product = {.m = l->rows,
                         .n = l->units,
                         .k = l->inputs,
                         .a = x,
                         .a_row = l->inputs,
                         .a_k = 1,
                         .b = l->weight,
                         .b_k = 1,
                         .b_column = l->inputs,
                         .c = l->y};
    cpu_job job = {.product = &product, .after = l};
    return run_product(dev, &job);
}

static void slope_piece(void *context, int64_t begin, int64_t end)
{
    const cpu_job *job = context;
    job->k->dense_slope(job->after, job->dx, begin, end, 0, job->after->units);
}

static kz_status cpu_dense_slope(kz_device *dev, const kz_dense *l, float *dz)
{
    cpu_job job = {.k = cpu_of(dev)->kernels, .after = l, .dx = dz};
    run(dev, l->rows, l->units, PIECE_ELEMENTS, 1, slope_piece, &job);
    return KZ_OK;
}

static kz_status cpu_dense_weights(kz_device *dev, const kz_dense *l, const float *dz, const float *x, float *dw,
                                   float *db)
{
    kz_matmul product = {.m = l->units,
                         .n = l->inputs,
                         .k = l->rows,
                         .a = dz,
                         .a_row = 1,
                         .a_k = l->units,
                         .b = x,
                         .b_k = l->inputs,
                         .b_column = 1,
                         .c = dw};
    cpu_job job = {.product = &product};
    kz_status st = run_product(dev, &job);
    if (st == KZ_OK) job.k->column_sum(l->rows, l->units, dz, db, 0, l->units);
    return st;
}

static kz_status cpu_dense_input(kz_device *dev, const kz_dense *l, const float *dz, const kz_dense *below, float *dx)
{
    kz_matmul product = {.m = l->rows,
                         .n = l->inputs,
                         .k = l->units,
                         .a = dz,
                         .a_row = l->units,
                         .a_k = 1,
                         .b = l->weight,
                         .b_k = l->inputs,
                         .b_column = 1,
                         .c = dx};
    cpu_job job = {.product = &product, .after = below, .dx = dx};
    return run_product(dev, &job);
}

static void loss_piece(void *context, int64_t begin, int64_t end)
{
    const cpu_job *job = context;
    job->k->loss(job->loss, begin, end);
}

static kz_status cpu_loss(kz_device *dev, const kz_loss *l)
{
    cpu_job job = {.k = cpu_of(dev)->kernels, .loss = l};
    run(dev, l->rows, LOSS_WORK * l->outputs, PIECE_ELEMENTS, 1, loss_piece, &job);
    if (l->sum_loss) {
        *l->sum_loss = kz_sum_f64(l->rows, l->row_loss);
        *l->sum_score = kz_sum_f64(l->rows, l->row_score);
    }
    return KZ_OK;
}

/* ---- sums ---- */

static kz_status cpu_sum(kz_device *dev, int64_t n, const double *x, double *out)
{
    (void)dev;
    *out = kz_sum_f64(n, x);
    return KZ_OK;
}

typedef struct {
    const float *b;
    float *a;
} add_job;

static void add_piece(void *context, int64_t begin, int64_t end)
{
    const add_job *job = context;
    for (int64_t i = begin; i < end; i++) job->a[i] += job->b[i];
}

static kz_status cpu_add(kz_device *dev, int64_t n, const float *b, float *a)
{
    add_job job = {b, a};
    run(dev, n, 1, PIECE_ELEMENTS, 1, add_piece, &job);
    return KZ_OK;
}

static kz_status reserve_squares(kz_cpu *cpu, int64_t n)
{
    kz_status st = KZ_OK;
    if (n <= cpu->squares) return KZ_OK;
    kz_free(&cpu->square);
    cpu->squares = 0;
    KZ_TRY(kz_calloc(&cpu->square, n, sizeof *cpu->square, "block sums of the gradient norm"));
    cpu->squares = n;
done:
    return st;
}

typedef struct {
    const kz_cpu_kernels *k;
    int64_t n;
    float inverse, *g;
    double *square;
} norm_job;

static void norm_piece(void *context, int64_t begin, int64_t end)
{
    const norm_job *job = context;
    job->k->mean_norm(job->n, job->inverse, job->g, job->square, begin, end);
}

static kz_status cpu_finish_gradient(kz_device *dev, int64_t count, const int64_t *offset, int64_t all, float inverse,
                                     float *g, double *norm, const kz_step_totals *end)
{
    kz_cpu *cpu = cpu_of(dev);
    kz_status st = KZ_OK;
    double total = 0.0;
    (void)all;
    for (int64_t t = 0; t < count; t++) {
        int64_t n = offset[t + 1] - offset[t], blocks = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
        KZ_TRY(reserve_squares(cpu, blocks));
        norm_job job = {cpu->kernels, n, inverse, g + offset[t], cpu->square};
        run(dev, blocks, KZ_SUM_BLOCK, PIECE_ELEMENTS, 1, norm_piece, &job);
        total += kz_sum_f64(blocks, cpu->square);
    }
    *norm = sqrt(total);
    if (end)
        kz_tally_step(kz_tree_f64(end->parts, end->part_loss), kz_tree_f64(end->parts, end->part_score), *norm,
                      end->rows, end->at, end->tally);
done:
    return st;
}

/* ---- optimisers ---- */

typedef struct {
    const kz_cpu_kernels *k;
    int which;
    const kz_optim_coef *coef;
    float scale;
    const float *g;
    float *theta;
    float *const *state;
} optim_job;

static void optim_piece(void *context, int64_t begin, int64_t end)
{
    const optim_job *job = context;
    job->k->optim(job->which, job->coef, job->scale, job->g, job->theta, job->state, begin, end);
}

static kz_status cpu_optim_step(kz_device *dev, int which, const kz_optim_coef *coef, int64_t coefs,
                                const kz_tally *tally, const double *norm, int64_t n, const float *g, float *theta,
                                float *const *state)
{
    kz_cpu *cpu = cpu_of(dev);
    if (tally->bad_step >= 0) return KZ_OK;
    coef += tally->step % coefs;
    optim_job job = {cpu->kernels, which, coef, kz_clip_scale(coef, *norm), g, theta, state};
    run(dev, n, 1, PIECE_ELEMENTS, 1, optim_piece, &job);
    return KZ_OK;
}

/* Its parts, cut for the team, are what is fastest. */
static kz_status cpu_step(kz_device *dev, const kz_step *s, bool *done)
{
    (void)dev, (void)s;
    *done = false;
    return KZ_OK;
}

static kz_status cpu_repeat(kz_device *dev, const void *key, size_t bytes, kz_queue_fn *queue, void *context)
{
    (void)dev, (void)key, (void)bytes;
    return queue(context);
}

const kz_device_ops kz_device_cpu = {
    .name = "cpu",
    .destroy = kz_cpu_destroy,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .alloc_parameters = cpu_alloc_parameters,
    .share = cpu_share,
    .unshare = cpu_unshare,
    .upload = cpu_copy,
    .download = cpu_copy,
    .fill = cpu_fill,
    .enter = cpu_pass,
    .leave = cpu_pass,
    .filled = cpu_filled,
    .send = cpu_copy,
    .pin = cpu_pin,
    .unpin = cpu_unpin,
    .is_outside = cpu_is_outside,
    .gather = cpu_gather,
    .dense_forward = cpu_dense_forward,
    .dense_slope = cpu_dense_slope,
    .dense_weights = cpu_dense_weights,
    .dense_input = cpu_dense_input,
    .loss = cpu_loss,
    .sum = cpu_sum,
    .add = cpu_add,
    .finish_gradient = cpu_finish_gradient,
    .optim_step = cpu_optim_step,
    .step = cpu_step,
    .repeat = cpu_repeat,
};
