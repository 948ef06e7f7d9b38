/* Sums of whole vectors.  No buffer: a block's sum enters the next level's lanes as soon as the block is full. */
#include "kernels/sum/sum.h"

static double fold(const double lane[KZ_SUM_LANES])
{
    double copy[KZ_SUM_LANES];
    memcpy(copy, lane, sizeof copy);
    KZ_SUM_FOLD(copy);
    return copy[0];
}

static void push(kz_running_sum *s, int level, double x)
{
    for (; level < KZ_SUM_LEVELS; level++) {
        s->lane[level][s->n[level] % KZ_SUM_LANES] += x;
        if (++s->n[level] < KZ_SUM_BLOCK) return;
        x = fold(s->lane[level]);
        memset(s->lane[level], 0, sizeof s->lane[level]);
        s->n[level] = 0;
    }
}

void kz_running_sum_add(kz_running_sum *s, double x)
{
    push(s, 0, x);
}

/* Unfinished blocks enter the level above.  A lone block sum folded with zeros is itself: it is never -0. */
double kz_running_sum_end(const kz_running_sum *s)
{
    kz_running_sum rest = *s;
    int top = KZ_SUM_LEVELS - 1;
    while (top > 0 && rest.n[top] == 0) top--;
    for (int level = 0; level < top; level++) {
        if (rest.n[level] == 0) continue;
        rest.lane[level + 1][rest.n[level + 1] % KZ_SUM_LANES] += fold(rest.lane[level]);
        rest.n[level + 1]++;
    }
    return fold(rest.lane[top]);
}

double kz_sum_f64(int64_t n, const double *x)
{
    if (n <= KZ_SUM_BLOCK) return kz_sum_block_f64(n, x);
    kz_running_sum s = {0};
    int64_t full = n / KZ_SUM_BLOCK * KZ_SUM_BLOCK;
    for (int64_t i = 0; i < full; i += KZ_SUM_BLOCK) push(&s, 1, kz_sum_block_f64(KZ_SUM_BLOCK, x + i));
    for (int64_t i = full; i < n; i++) push(&s, 0, x[i]);
    return kz_running_sum_end(&s);
}

float kz_sum_f32(int64_t n, const float *x)
{
    float block[KZ_SUM_BLOCK];
    int64_t blocks = 0;
    if (n <= KZ_SUM_BLOCK) return kz_sum_block_f32(n, x);
    for (int64_t i = 0; i < n; i += KZ_SUM_BLOCK)
        block[blocks++] = kz_sum_block_f32(n - i < KZ_SUM_BLOCK ? n - i : KZ_SUM_BLOCK, x + i);
    return kz_sum_block_f32(blocks, block);
}
