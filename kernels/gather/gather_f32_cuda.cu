/* Rows of a data set, picked, converted and scaled. */
#include "kernels/arith/cuda_pieces.h"
#include "kernels/cuda/launchers.h"

enum { THREADS = 256, MOST_ITEMS = 4 };

/* V neighbouring elements as they are stored. */
template <class T, int V> struct alignas(sizeof(T) * V) stored {
    T element[V];
};

/* A row is cut into chunks of 2^shift x V columns, a lane to V of them.  The rows' chunks are counted one after the other;
 * ITEMS neighbouring ones are the work of 2^shift threads, so that as many loads of each are under way. */
typedef struct {
    int64_t chunks; /* of a row */
    int shift;
} cut;

/* x[V] <- scaled, as kz_gather says; j: the first column. */
template <int V> KZ_FN void scale(const kz_gather &g, int64_t j, float *x)
{
    if (g.mean) {
        float mean[V], factor[V];
        kz_load<V>(g.mean + j, mean);
        kz_load<V>(g.factor + j, factor);
        KZ_UNROLL
        for (int c = 0; c < V; c++) x[c] = (x[c] - mean[c]) * factor[c];
    } else if (g.divisor > 0.0f) {
        KZ_UNROLL
        for (int c = 0; c < V; c++) x[c] = x[c] / g.divisor;
    }
}

/* Reads 1 or 4 bytes and writes 4 per element, and a row number per row; mean and factor stay in the caches; up to 2 flops
 * or a division.  Memory bounds it.  A warp reads and writes neighbouring columns, V of them in a lane. */
template <class T, int V, int ITEMS> static __global__ void __launch_bounds__(THREADS, 4) gather(kz_gather g, cut by)
{
    int thread = static_cast<int>(threadIdx.x), lane = thread & ((1 << by.shift) - 1);
    int64_t item = (static_cast<int64_t>(blockIdx.x) * (THREADS >> by.shift) + (thread >> by.shift)) * ITEMS;
    int64_t r = item / by.chunks, chunk = item % by.chunks;
    const int64_t *row = g.row + kz_begin(g.at);
    const T *from = static_cast<const T *>(g.from);
    stored<T, V> raw[ITEMS];
    int64_t to[ITEMS], column[ITEMS];
    KZ_UNROLL
    for (int k = 0; k < ITEMS; k++) {
        column[k] = ((chunk << by.shift) + lane) * V;
        to[k] = r < g.rows && column[k] < g.width ? r * g.width + column[k] : -1;
        raw[k] = {};
        if (to[k] >= 0) raw[k] = *reinterpret_cast<const stored<T, V> *>(from + row[r] * g.width + column[k]);
        chunk++;
        if (chunk == by.chunks) chunk = 0, r++;
    }
    KZ_UNROLL
    for (int k = 0; k < ITEMS; k++) {
        if (to[k] < 0) continue;
        float x[V];
        KZ_UNROLL
        for (int c = 0; c < V; c++) x[c] = static_cast<float>(raw[k].element[c]);
        scale<V>(g, column[k], x);
        kz_store<V>(g.x + to[k], x);
    }
}

template <class T, int V> static cudaError_t queue_gather(const kz_gather &g, const kz_cuda_queue *q)
{
    cut by = {1, 0};
    int64_t units = kz_blocks_for(g.width, V);
    while (1 << by.shift < THREADS && 1 << by.shift < units) by.shift++;
    by.chunks = kz_blocks_for(units, 1 << by.shift);
    int64_t items = g.rows * by.chunks, at_once = THREADS >> by.shift,
            blocks = kz_blocks_for(items, at_once * MOST_ITEMS);
    if (blocks >= 2 * int64_t(q->multiprocessors)) /* enough that no multiprocessor idles */
        return KZ_LAUNCH((gather<T, V, MOST_ITEMS>), kz_grid(blocks), dim3(THREADS), 0, q->stream, g, by);
    return KZ_LAUNCH((gather<T, V, 1>), kz_grid(kz_blocks_for(items, at_once)), dim3(THREADS), 0, q->stream, g, by);
}

extern "C" cudaError_t kz_gather_f32__cuda(const kz_gather *g, const kz_cuda_queue *q)
{
    if (g->rows <= 0 || g->width <= 0) return cudaSuccess;
    bool four = g->width % 4 == 0 && kz_is_aligned(g->from, 4 * static_cast<size_t>(g->bytes)) &&
                kz_is_aligned(g->x, 16) && kz_is_aligned(g->mean, 16) && kz_is_aligned(g->factor, 16);
    if (g->bytes == 1) return four ? queue_gather<uint8_t, 4>(*g, q) : queue_gather<uint8_t, 1>(*g, q);
    return four ? queue_gather<float, 4>(*g, q) : queue_gather<float, 1>(*g, q);
}
