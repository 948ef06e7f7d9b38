/* A whole training step of a small network, 64-32-10, by one thread block: as src/train/step.c queues it. */
#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 64, HIDDEN = 32, CLASSES = 10, TENSORS = 4 };
enum { FIRST_WEIGHTS = INPUTS * HIDDEN, LAST_WEIGHTS = HIDDEN * CLASSES };
static const int64_t tensor[TENSORS + 1] = {0, FIRST_WEIGHTS, FIRST_WEIGHTS + HIDDEN,
                                            FIRST_WEIGHTS + HIDDEN + LAST_WEIGHTS,
                                            FIRST_WEIGHTS + HIDDEN + LAST_WEIGHTS + CLASSES};
static const int64_t parameters = FIRST_WEIGHTS + HIDDEN + LAST_WEIGHTS + CLASSES;

/* Where the arrays of a step lie in a slot, and those that all slots share. */
typedef struct {
    int64_t rows;
    int64_t x, label, theta, m, v, batch, hidden, logits, dz, row_loss;
    int64_t *row; /* (MOST_IN_ORDER x rows): a step moves the cursor past its rows */
    int64_t *offset;
    float *mean, *factor; /* (INPUTS) */
    kz_cursor *at, *begin;
    kz_tally *tally;
    kz_optim_coef *coef;
    bool fits; /* the last one was queued */
} small_step;

static float *floats(char *slot, int64_t at)
{
    return (float *)(void *)(slot + at);
}

static cudaError_t rewind_cursor(void *context, char *slot, const kz_cuda_queue *q)
{
    const small_step *p = context;
    (void)slot;
    return cudaMemcpyAsync(p->at, p->begin, sizeof *p->at, cudaMemcpyDeviceToDevice, q->stream);
}

static cudaError_t step(void *context, char *slot, const kz_cuda_queue *q)
{
    small_step *p = context;
    float *theta = floats(slot, p->theta);
    double *row_loss = (double *)(void *)(slot + p->row_loss);
    kz_step s = {.gather = {.rows = p->rows,
                            .width = INPUTS,
                            .row = p->row,
                            .at = p->at,
                            .from = slot + p->x,
                            .bytes = 4,
                            .mean = p->mean,
                            .factor = p->factor,
                            .x = floats(slot, p->batch)},
                 .layers = 2,
                 .loss = {.which = KZ_LOSS_cross_entropy,
                          .rows = p->rows,
                          .outputs = CLASSES,
                          .z = floats(slot, p->logits),
                          .row = p->row,
                          .at = p->at,
                          .label = (const int32_t *)(void *)(slot + p->label),
                          .dz = floats(slot, p->dz),
                          .row_loss = row_loss,
                          .row_score = row_loss + p->rows},
                 .tensors = TENSORS,
                 .parameters = parameters,
                 .offset = p->offset,
                 .at = p->at,
                 .tally = p->tally,
                 .optimizer = KZ_OPTIM_adam,
                 .coef = p->coef,
                 .coefs = 1,
                 .theta = theta,
                 .state = {floats(slot, p->m), floats(slot, p->v)}};
    kz_dense *hidden = &s.layer[0], *last = &s.layer[1];
    hidden->rows = last->rows = p->rows;
    hidden->inputs = INPUTS, hidden->units = last->inputs = HIDDEN, last->units = CLASSES;
    hidden->weight = theta + tensor[0], hidden->bias = theta + tensor[1];
    last->weight = theta + tensor[2], last->bias = theta + tensor[3];
    hidden->first = last->last = true;
    hidden->activation = KZ_ACTIVATION_relu, last->activation = KZ_ACTIVATION_identity;
    hidden->y = hidden->kept = floats(slot, p->hidden), last->y = last->kept = floats(slot, p->logits);
    return kz_step_f32__cuda(&s, &p->fits, q);
}

/* After a step that was not finite none would be updated, and the time would be of something else. */
static void check_tally(const small_step *p)
{
    kz_tally tally;
    gpu_check(cudaDeviceSynchronize(), "the steps");
    gpu_check(cudaMemcpy(&tally, p->tally, sizeof tally, cudaMemcpyDeviceToHost), "reading the tally");
    if (tally.bad_step < 0 && tally.loss > 0) return;
    fprintf(stderr, "bench-gpu: the small network's loss is %g, its bad step %lld\n", tally.loss,
            (long long)tally.bad_step);
    exit(1);
}

/* What a step reads of the GPU's memory, and writes there: rows and parameters, moments. */
static double bytes_of(const small_step *p)
{
    return (double)p->rows * (4 * INPUTS + 8 + 4) + 24.0 * (double)parameters;
}

/* Multiply-adds of the products and 13 operations of Adam for each parameter. */
static double flops_of(const small_step *p)
{
    return 2.0 * (double)p->rows * (2 * INPUTS * HIDDEN + 3 * HIDDEN * CLASSES) + 13.0 * (double)parameters;
}

static void lay_out(small_step *p, gpu_slot *s)
{
    int64_t held = 4 * p->rows;
    p->x = gpu_take(s, 4 * held * INPUTS), p->label = gpu_take(s, 4 * held);
    p->theta = gpu_take(s, 4 * parameters), p->m = gpu_take(s, 4 * parameters), p->v = gpu_take(s, 4 * parameters);
    p->batch = gpu_take(s, 4 * p->rows * INPUTS), p->hidden = gpu_take(s, 4 * p->rows * HIDDEN);
    p->logits = gpu_take(s, 4 * p->rows * CLASSES), p->dz = gpu_take(s, 4 * p->rows * CLASSES);
    p->row_loss = gpu_take(s, 16 * p->rows);
}

static void share(gpu_bench *b, small_step *p)
{
    static const kz_optim_coef coef = {.lr = 1e-6f,
                                       .shrink = 1.0f,
                                       .beta1_rest = 0.1f,
                                       .beta2 = 0.999f,
                                       .beta2_rest = 0.001f,
                                       .eps = 1e-8f,
                                       .step = 1e-6f,
                                       .root = 1.0f};
    float scale[INPUTS];
    int64_t numbers = MOST_IN_ORDER * p->rows, *row = gpu_host_array(numbers, sizeof *row);
    for (int i = 0; i < INPUTS; i++) scale[i] = 0.5f + (float)i / INPUTS;
    for (int64_t i = 0; i < numbers; i++) row[i] = i * 7919 % (4 * p->rows);
    p->row = gpu_device_array(b, row, numbers * (int64_t)sizeof *row);
    p->offset = gpu_device_array(b, tensor, sizeof tensor);
    p->mean = gpu_device_array(b, scale, sizeof scale), p->factor = gpu_device_array(b, scale, sizeof scale);
    p->at = gpu_device_array(b, NULL, sizeof *p->at), p->begin = gpu_device_array(b, NULL, sizeof *p->begin);
    p->tally = gpu_device_array(b, &(kz_tally){.bad_step = -1}, sizeof *p->tally);
    p->coef = gpu_device_array(b, &coef, sizeof coef);
    kz_free(&row);
}

static void release(gpu_bench *b, small_step *p)
{
    kz_device *dev = &b->cuda->base;
    kz_cuda_release(dev, &p->row), kz_cuda_release(dev, &p->offset);
    kz_cuda_release(dev, &p->mean), kz_cuda_release(dev, &p->factor);
    kz_cuda_release(dev, &p->at), kz_cuda_release(dev, &p->begin);
    kz_cuda_release(dev, &p->tally), kz_cuda_release(dev, &p->coef);
}

static void bench_step(gpu_bench *b, int64_t batch)
{
    small_step p = {.rows = gpu_extent(b, batch)};
    gpu_slot s = {0};
    const char *name = "step by one block";
    char shape[64];
    snprintf(shape, sizeof shape, "%d-%d-%d, batch %lld", INPUTS, HIDDEN, CLASSES, (long long)p.rows);
    if (!gpu_wanted(b, name, shape)) return;
    lay_out(&p, &s);
    share(b, &p);
    int32_t *label = gpu_host_array(4 * p.rows, sizeof *label);
    float *square = gpu_host_array(parameters, sizeof *square);
    for (int64_t i = 0; i < 4 * p.rows; i++) label[i] = (int32_t)(i % CLASSES);
    for (int64_t i = 0; i < parameters; i++) square[i] = 1e-3f * (float)(1 + i % 997);
    gpu_refill(b);
    gpu_put(b, &s, p.label, label, 4 * 4 * p.rows);
    gpu_put(b, &s, p.v, square, 4 * parameters);
    gpu_case c = {.fn = step, .first = rewind_cursor, .context = &p};
    bool room = gpu_slots(b, &s) > 0;
    if (room) gpu_check(step(&p, b->arena, &b->cuda->queue), "a first step");
    if (room && !p.fits)
        gpu_unmeasured(b, name, shape, bytes_of(&p), flops_of(&p), json_string("a block has too little shared memory"));
    else gpu_measure(b, name, shape, &s, &c, bytes_of(&p), flops_of(&p));
    if (p.fits) check_tally(&p);
    kz_free(&label), kz_free(&square);
    release(b, &p);
}

void gpu_steps(gpu_bench *b)
{
    bench_step(b, 32);
    bench_step(b, 128);
}
