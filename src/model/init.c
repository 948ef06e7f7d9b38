/* Initial weights. */
#include "model/model_impl.h"

#include "kernels/init/init.h"

#include <string.h>

enum { CONSTANT, UNIFORM, NORMAL, IN, SUM };

static const struct {
    const char *name;
    int law;
    double a; /* gain squared */
    int fan;
} inits[] = {
#define KZ_INIT(name, law, a, fan, text) {#name, law, a, fan},
#include "kernels/init/init_list.inc"
#undef KZ_INIT
};
enum { INITS = sizeof inits / sizeof *inits };

static void fill(float *w, const dense_layer *l, kz_stream stream, int which)
{
    int64_t fan = inits[which].fan == IN ? l->inputs : l->inputs + l->units, n = l->inputs * l->units;
    double variance = inits[which].a / (double)fan;
    if (inits[which].law == UNIFORM)
        for (int64_t e = 0; e < n; e++) w[e] = kz_init_uniform(stream, (uint64_t)e, sqrt(3.0 * variance));
    if (inits[which].law == NORMAL)
        for (int64_t e = 0; e < n; e++) w[e] = kz_init_normal(stream, (uint64_t)e, sqrt(variance));
}

kz_status kz_model_init(kz_model *m, uint64_t seed, const char *init)
{
    float *theta = NULL;
    kz_status st = KZ_OK;
    int which = 0;
    while (which < INITS && strcmp(inits[which].name, init) != 0) which++;
    if (which == INITS) return KZ_FAIL(KZ_E_NAME, "model.init: no initialisation '%s'", init);
    KZ_TRY(kz_calloc(&theta, m->parameters, sizeof *theta, "initial weights"));
    for (int64_t i = 0; i < m->n_layers; i++)
        fill(theta + m->layers[i].weight, &m->layers[i], kz_stream_of(seed, KZ_FOR_INIT, (uint32_t)i, 0), which);
    KZ_TRY(m->dev->ops->upload(m->dev, m->theta, theta, (size_t)m->parameters * sizeof *theta));
done:
    kz_free(&theta);
    return st;
}
