// A step's operations recorded once and replayed: what differs between two steps is read through the cursor and the tally.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

enum { ROWS = 33, WIDTH = 10, STEPS = 3, DATA = 50, WEIGHTS = 1500, COEFS = 4 };

// One step: rows are gathered and are the outputs at once; a gradient that stays becomes smaller with each step.
struct Arrays {
    const uint8_t *from;
    const int64_t *row, *offset;
    const int32_t *label;
    const kz_optim_coef *coef;
    kz_cursor *at;
    kz_tally *tally;
    float *x, *dz, *g, *theta, *m, *v;
    double *row_loss, *row_score, *loss, *score, *square, *norm;
};

kz_gather gathering(const Arrays &a)
{
    kz_gather g = {};
    g.rows = ROWS, g.width = WIDTH, g.row = a.row, g.at = a.at, g.from = a.from, g.bytes = 1, g.divisor = 255,
    g.x = a.x;
    return g;
}

kz_loss losing(const Arrays &a)
{
    kz_loss l = {};
    l.which = KZ_LOSS_cross_entropy, l.rows = ROWS, l.outputs = WIDTH, l.z = a.x, l.row = a.row, l.at = a.at;
    l.label = a.label, l.dz = a.dz, l.row_loss = a.row_loss, l.row_score = a.row_score;
    return l;
}

void step_on_device(const Arrays &a, const kz_cuda_queue *q)
{
    kz_gather g = gathering(a);
    kz_loss l = losing(a);
    float *state[] = {a.m, a.v};
    cuda::check(kz_gather_f32__cuda(&g, q));
    l.sum_loss = a.loss, l.sum_score = a.score;
    cuda::check(kz_loss_f32__cuda(&l, q));
    cuda::check(kz_add_f32__cuda(ROWS * WIDTH, a.dz, a.g, q));
    kz_step_totals end = {ROWS, 1, a.loss, a.score, a.at, a.tally};
    cuda::check(kz_mean_norm_f32__cuda(2, a.offset, WEIGHTS, 0.5f, a.g, a.square, a.norm, &end, q));
    cuda::check(kz_optim_f32__cuda(KZ_OPTIM_adam, a.coef, COEFS, a.tally, a.norm, WEIGHTS, a.g, a.theta, state, q));
}

void step_on_host(const Arrays &a)
{
    kz_gather g = gathering(a);
    kz_loss l = losing(a);
    float *state[] = {a.m, a.v};
    kz_gather_f32__plain(&g, 0, ROWS);
    kz_loss_f32__plain(&l, 0, ROWS);
    *a.loss = kz_sum_f64(ROWS, a.row_loss), *a.score = kz_sum_f64(ROWS, a.row_score);
    for (int i = 0; i < ROWS * WIDTH; i++) a.g[i] += a.dz[i];
    double total = 0;
    for (int t = 0; t < 2; t++) {
        int64_t n = a.offset[t + 1] - a.offset[t], blocks = (n + 1023) / 1024;
        kz_mean_norm_f32__plain(n, 0.5f, a.g + a.offset[t], a.square, 0, blocks);
        total += kz_sum_f64(blocks, a.square);
    }
    *a.norm = std::sqrt(total);
    kz_tally_step(*a.loss, *a.score, *a.norm, ROWS, a.at, a.tally);
    const kz_optim_coef *c = a.coef + a.tally->step % COEFS;
    kz_optim_f32__plain(KZ_OPTIM_adam, c, kz_clip_scale(c, *a.norm), a.g, a.theta, state, 0, WEIGHTS);
}

template <class T> std::vector<T> some(int64_t n, const std::function<T()> &draw)
{
    std::vector<T> x(static_cast<size_t>(n));
    for (T &v : x) v = draw();
    return x;
}

} // namespace

TEST(CudaReplay, EachReplayIsTheNextStep)
{
    Random random(120);
    std::vector<uint8_t> from = some<uint8_t>(DATA * WIDTH, [&] { return static_cast<uint8_t>(random.below(256)); });
    std::vector<int64_t> row = some<int64_t>(STEPS * ROWS, [&] { return random.below(DATA); }),
                         offset = {0, 1033, WEIGHTS};
    std::vector<int32_t> label = some<int32_t>(DATA, [&] { return static_cast<int32_t>(random.below(WIDTH)); });
    std::vector<kz_optim_coef> coef(COEFS);
    for (size_t i = 0; i < COEFS; i++) {
        kz_optim_coef &c = coef[i];
        c.decay = 0.01f, c.beta1_rest = 0.1f, c.beta2 = 0.99f, c.beta2_rest = 0.01f, c.eps = 1e-8f;
        c.step = 0.1f / static_cast<float>(i + 1), c.root = 5, c.clip_norm = 0.5, c.clip_value = -1;
    }
    std::vector<float> theta = random.floats(WEIGHTS), g = random.floats(WEIGHTS);

    cuda::for_each_order([&](unsigned order) {
        std::vector<float> x(ROWS * WIDTH), dz(ROWS * WIDTH), hg = g, ht = theta, m(WEIGHTS), v(WEIGHTS);
        std::vector<double> losses(ROWS), scores(ROWS), one(3), square(8);
        kz_cursor at = {0, 2};
        kz_tally tally = {0, 0, -1, -1};
        Queue q;
        Array<uint8_t> d_from(from);
        Array<int64_t> d_row(row), d_offset(offset);
        Array<int32_t> d_label(label);
        Array<kz_optim_coef> d_coef(coef);
        Array<kz_cursor> d_at({at});
        Array<kz_tally> d_tally({tally});
        Array<float> d_x(x), d_dz(dz), d_g(g), d_theta(theta), d_m(m), d_v(v);
        Array<double> d_losses(losses), d_scores(scores), d_one(one), d_square(square);
        ASSERT_GE(static_cast<int64_t>(square.size()), kz_norm_squares(WEIGHTS, 2));
        Arrays host = {from.data(),   row.data(), offset.data(),  label.data(),  coef.data(),   &at,      &tally,
                       x.data(),      dz.data(),  hg.data(),      ht.data(),     m.data(),      v.data(), losses.data(),
                       scores.data(), one.data(), one.data() + 1, square.data(), one.data() + 2};
        Arrays device = {d_from.begin(),  d_row.begin(),     d_offset.begin(), d_label.begin(),  d_coef.begin(),
                         d_at.begin(),    d_tally.begin(),   d_x.begin(),      d_dz.begin(),     d_g.begin(),
                         d_theta.begin(), d_m.begin(),       d_v.begin(),      d_losses.begin(), d_scores.begin(),
                         d_one.begin(),   d_one.begin() + 1, d_square.begin(), d_one.begin() + 2};

        cudaGraph_t graph;
        cudaGraphExec_t replay;
        cuda::check(cudaStreamBeginCapture(q.stream(), cudaStreamCaptureModeThreadLocal));
        step_on_device(device, q);
        cuda::check(cudaStreamEndCapture(q.stream(), &graph));
        cuda::check(cudaGraphInstantiate(&replay, graph, 0));
        for (int i = 0; i < STEPS; i++) {
            cuda::check(cudaGraphLaunch(replay, q.stream()));
            step_on_host(host);
        }
        ASSERT_EQ(oracle::first_difference(d_theta.values(), ht), -1) << "order " << order;
        ASSERT_EQ(oracle::first_difference(d_m.values(), m), -1) << "order " << order;
        ASSERT_EQ(oracle::first_difference(d_v.values(), v), -1) << "order " << order;
        ASSERT_TRUE(oracle::same(d_tally.values()[0].loss, tally.loss)) << "order " << order;
        ASSERT_EQ(d_tally.values()[0].score, tally.score);
        ASSERT_EQ(d_at.values()[0].begin, STEPS * ROWS);
        ASSERT_EQ(d_at.values()[0].step, 2 + STEPS);
        cuda::check(cudaGraphExecDestroy(replay));
        cuda::check(cudaGraphDestroy(graph));
    });
}
