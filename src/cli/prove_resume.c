/* The killed-and-resumed way of `kaizen prove`: a training is stopped in the middle of its second epoch and taken up from
 * its checkpoint by another instruction set on another number of threads. */
#include "prove_resume.h"
#include "golden.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int64_t at; /* stop after that many steps */
    volatile sig_atomic_t stop;
} cut;

static void on_begin(void *context, const kz_train_plan *plan)
{
    cut *c = context;
    int64_t epoch = plan->cfg->train.epochs > 1 ? 1 : 0;
    c->at = epoch * plan->steps_per_epoch + (plan->steps_per_epoch + 1) / 2;
}

static void on_step(void *context, int64_t steps_done)
{
    cut *c = context;
    if (steps_done == c->at) c->stop = SIGTERM;
}

kz_status kz_prove_on(const kz_prove_part *part, kz_config *cfg, kz_train_options *options)
{
    bool gpu = strncmp(part->isa, "cuda", 4) == 0;
    cfg->device.threads = part->threads;
    options->isa = gpu ? NULL : part->isa;
    return kz_config_set_string(&cfg->device.kind, gpu ? part->isa : "cpu");
}

static kz_status train(const char *config, kz_train_options *options, const kz_prove_part *part,
                       kz_train_result *result)
{
    kz_config *cfg = NULL;
    kz_text report = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_load(&cfg, config, NULL, 0, &report));
    KZ_TRY(kz_prove_on(part, cfg, options));
    KZ_TRY(kz_train(cfg, options, result));
done:
    kz_config_destroy(&cfg);
    kz_text_free(&report);
    return st;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static kz_status make_folder(char **out)
{
    const char *base = getenv("TMPDIR");
    kz_status st = kz_path_join(out, base && *base ? base : "/tmp", "kaizen-prove-XXXXXX");
    if (st != KZ_OK) return st;
    if (mkdtemp(*out)) return KZ_OK;
    st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be made: %s", *out, strerror(errno));
    kz_free(out);
    return st;
}

static kz_status stop_in_the_middle(const char *config, const char *folder, const kz_prove_part *part)
{
    cut c = {0};
    kz_train_result result = {0};
    kz_train_options options = {.directory = folder, .stop = &c.stop};
    options.watch = (kz_train_watch){.context = &c, .begin = on_begin, .step = on_step};
    kz_status st = train(config, &options, part, &result);
    kz_train_result_free(&result);
    if (st == KZ_E_INTERRUPTED) return KZ_OK;
    return st == KZ_OK ? KZ_FAIL(KZ_E_FAIL, "%s: ended before it could be stopped", config) : st;
}

kz_status kz_prove_resumed(kz_golden *out, const char *config, const kz_prove_part *first, const kz_prove_part *second)
{
    char *folder = NULL;
    kz_train_result result = {0};
    kz_status st = KZ_OK;
    KZ_TRY(make_folder(&folder));
    KZ_TRY(stop_in_the_middle(config, folder, first));
    kz_train_options options = {.directory = folder, .resume = true};
    KZ_TRY(train(config, &options, second, &result));
    const json_t *digests = json_object_get(result.json, "digests");
    const char *trajectory = json_string_value(json_object_get(digests, "trajectory"));
    memcpy(out->weights, result.weights, sizeof out->weights);
    snprintf(out->trajectory, sizeof out->trajectory, "%s", trajectory ? trajectory : "");
done:
    if (folder) (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    kz_train_result_free(&result);
    kz_free(&folder);
    return st;
}
