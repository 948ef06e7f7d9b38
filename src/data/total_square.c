/* The total of r2, target by target, from rows. */
#include "data/total_square.h"
#include "kernels/sum/sum.h"

struct kz_total_square {
    int64_t rows, targets, seen;
    const double *mean;
    double *lane;   /* (targets, 32): of the block under way that one target has for itself */
    double *shared; /* (targets, 1024): elements of the block in which a target begins to end, if others are in it */
    double *block;  /* (blocks): their sums */
};

static int64_t blocks_of(int64_t rows, int64_t targets)
{
    return (rows * targets + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
}

double kz_total_square_bytes(int64_t rows, int64_t targets)
{
    double each = KZ_SUM_LANES + KZ_SUM_BLOCK;
    return sizeof(double) * ((double)targets * each + (double)rows * (double)targets / KZ_SUM_BLOCK + 1);
}

kz_status kz_total_square_create(kz_total_square **out, int64_t rows, int64_t targets, const double *mean)
{
    kz_total_square *t = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&t, 1, sizeof *t, "total of squares"));
    t->rows = rows;
    t->targets = targets;
    t->mean = mean;
    KZ_TRY(kz_calloc(&t->lane, targets * KZ_SUM_LANES, sizeof *t->lane, "total of squares"));
    KZ_TRY(kz_calloc(&t->shared, targets * KZ_SUM_BLOCK, sizeof *t->shared, "total of squares"));
    KZ_TRY(kz_calloc(&t->block, blocks_of(rows, targets), sizeof *t->block, "total of squares"));
    *out = t;
    t = NULL; /* given away */
done:
    kz_total_square_destroy(&t);
    return st;
}

void kz_total_square_destroy(kz_total_square **t)
{
    if (!*t) return;
    kz_free(&(*t)->lane);
    kz_free(&(*t)->shared);
    kz_free(&(*t)->block);
    kz_free(t);
}

/* The target that the first element of a block belongs to, if its last one belongs to another; -1: it has one alone. */
static int64_t shared_from(const kz_total_square *t, int64_t block)
{
    int64_t first = block * KZ_SUM_BLOCK, last = first + KZ_SUM_BLOCK - 1, all = t->rows * t->targets;
    if (last >= all) last = all - 1;
    return first / t->rows == last / t->rows ? -1 : first / t->rows;
}

void kz_total_square_add(kz_total_square *t, const float *y)
{
    for (int64_t j = 0; j < t->targets; j++) {
        int64_t at = j * t->rows + t->seen, block = at / KZ_SUM_BLOCK, from = shared_from(t, block);
        double d = (double)y[j] - t->mean[j], *lane = t->lane + j * KZ_SUM_LANES;
        if (from >= 0) {
            t->shared[from * KZ_SUM_BLOCK + at % KZ_SUM_BLOCK] = d * d;
            continue;
        }
        lane[at % KZ_SUM_LANES] += d * d;
        if (at % KZ_SUM_BLOCK != KZ_SUM_BLOCK - 1 && at != t->rows * t->targets - 1) continue;
        KZ_SUM_FOLD(lane);
        t->block[block] = lane[0];
        for (int l = 0; l < KZ_SUM_LANES; l++) lane[l] = 0;
    }
    t->seen++;
}

double kz_total_square_end(kz_total_square *t)
{
    int64_t all = t->rows * t->targets, blocks = blocks_of(t->rows, t->targets);
    for (int64_t b = 0; b < blocks; b++) {
        int64_t from = shared_from(t, b), n = all - b * KZ_SUM_BLOCK;
        if (from >= 0)
            t->block[b] = kz_sum_block_f64(n < KZ_SUM_BLOCK ? n : KZ_SUM_BLOCK, t->shared + from * KZ_SUM_BLOCK);
    }
    return kz_sum_f64(blocks, t->block);
}
