/* Metrics of a split: every row in order, losses and scores summed over the whole split. */
#include "train/trainer.h"

#include "kernels/sum/sum.h"

#include <math.h>

/* From sums over the rows to metrics (docs/arithmetic.md, rule 11). */
kz_metrics trainer_metrics(const trainer *t, const part_view *view, double loss, double score)
{
    double rows = (double)view->split->rows;
    kz_metrics m = {.rows = view->split->rows, .loss = loss / rows, .accuracy = NAN, .rmse = NAN, .r2 = NAN};
    if (t->data->classification) {
        m.accuracy = score / rows;
    } else {
        m.rmse = sqrt(score / (rows * (double)t->outputs));
        m.r2 = 1.0 - score / view->total_square;
        if (!isfinite(m.r2)) m.r2 = NAN; /* constant targets explain nothing */
    }
    return m;
}

static int64_t row_of(const kz_split *s, int64_t r)
{
    return s->index ? s->index[r] : r;
}

double trainer_total_square(const kz_data *data, const kz_split *s)
{
    kz_running_sum total = {0};
    for (int64_t j = 0; j < data->targets; j++) {
        kz_running_sum sum = {0};
        for (int64_t r = 0; r < s->rows; r++)
            kz_running_sum_add(&sum, (double)s->raw[row_of(s, r) * data->targets + j]);
        double mean = kz_running_sum_end(&sum) / (double)s->rows;
        for (int64_t r = 0; r < s->rows; r++) {
            double d = (double)s->raw[row_of(s, r) * data->targets + j] - mean;
            kz_running_sum_add(&total, d * d);
        }
    }
    return kz_running_sum_end(&total);
}

static int64_t piece_at(const trainer *t, int64_t n, int64_t first)
{
    return n - first < t->max_rows ? n - first : t->max_rows;
}

static kz_status sum_rows(trainer *t, const part_view *view, double sums[2])
{
    const kz_device_ops *ops = t->dev->ops;
    int64_t n = view->split->rows;
    kz_status st = KZ_OK;
    for (int64_t first = 0, rows; first < n; first += rows) {
        const fetched *f = NULL;
        rows = piece_at(t, n, first);
        KZ_TRY(trainer_go_on(t));
        KZ_TRY(trainer_fetch_enter(t, view, first, rows, &f));
        KZ_TRY(trainer_fetch(t, view, first + rows, piece_at(t, n, first + rows)));
        KZ_TRY(trainer_forward(t, view, first, rows, NULL, f, t->row_loss + first, t->row_score + first));
        KZ_TRY(trainer_fetch_leave(t, f));
    }
    KZ_TRY(ops->sum(t->dev, n, t->row_loss, &t->sums[0]));
    KZ_TRY(ops->sum(t->dev, n, t->row_score, &t->sums[1]));
    KZ_TRY(trainer_stream_send_ahead(t)); /* before the host waits */
    KZ_TRY(ops->download(t->dev, sums, t->sums, 2 * sizeof *sums));
done:
    return st;
}

kz_status trainer_evaluate(trainer *t, part_view *view, kz_metrics *out)
{
    double sums[2], start = kz_clock();
    kz_status st = KZ_OK;
    *out = (kz_metrics){0};
    if (!view->split || view->split->rows == 0) return KZ_OK;
    KZ_TRY(trainer_is_streamed(view) ? trainer_stream_evaluate(t, view, sums) : sum_rows(t, view, sums));
    *out = trainer_metrics(t, view, sums[0], sums[1]);
    t->run.seconds_eval += kz_clock() - start;
done:
    return st;
}
