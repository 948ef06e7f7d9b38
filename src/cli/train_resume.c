/* --resume: which run is taken up, and whether there is anything left of it to train. */
#include "train_cli.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- options ---- */

kz_status kz_train_resume_read(kz_train_resume *r, const kz_cli *cli)
{
    const char *value = kz_cli_value(cli, "--resume"), *out = kz_cli_value(cli, "--out");
    const char *config = kz_cli_value(cli, "--config");
    kz_status st = KZ_OK;
    *r = (kz_train_resume){.asked = kz_cli_has(cli, "--resume")};
    r->automatic = value && strcmp(value, "auto") == 0;
    const char *directory = value && !r->automatic ? value : out;
    if (value && !r->automatic && out)
        return KZ_FAIL(KZ_E_USAGE,
                       "train: --resume %s and --out %s: the run goes on in its own folder; leave --out out", value,
                       out);
    if (r->asked && !config && !directory)
        return KZ_FAIL(KZ_E_USAGE, "train: --resume needs to know the run: name its folder, or give --config or --out");
    if (directory) KZ_TRY(kz_strdup(&r->directory, directory));
    if (config) KZ_TRY(kz_strdup(&r->config_path, config));
    else if (r->asked && !kz_record_is_run(directory)) {
        st = KZ_FAIL(KZ_E_INPUT, "%s: holds no run: it has no config.yaml; give --config to begin one", directory);
        goto done;
    } else if (r->asked) KZ_TRY(kz_path_join(&r->config_path, directory, "config.yaml"));
done:
    return st;
}

void kz_train_resume_free(kz_train_resume *r)
{
    kz_free(&r->directory);
    kz_free(&r->config_path);
}

/* ---- finished runs ---- */

static double number_at(const json_t *j, const char *section, const char *key)
{
    const json_t *value = json_object_get(section ? json_object_get(j, section) : j, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* May a completed run go on, because its config now asks for more? */
static bool wants_more(const kz_config *cfg, const json_t *run)
{
    const char *by = json_string_value(json_object_get(run, "stopped_by"));
    double epochs = number_at(run, NULL, "epochs"), seconds = number_at(run, "timing", "total_s");
    if (!by || (double)cfg->train.epochs <= epochs) return false;
    if (strcmp(by, "time") == 0) return !(cfg->train.max_minutes > 0) || 60 * cfg->train.max_minutes > seconds;
    return strcmp(by, "epochs") == 0;
}

static kz_status same_config(kz_cli *cli, const kz_train_resume *r, const kz_config *cfg)
{
    char *path = NULL;
    kz_config *began = NULL;
    kz_text report = {0}, difference = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_path_join(&path, r->directory, "config.yaml"));
    st = kz_config_load(&began, path, NULL, 0, &report);
    if (report.n) kz_cli_report(cli, report.s);
    if (st == KZ_E_CONFIG)
        st = KZ_FAIL(KZ_E_CONFIG,
                     "%s: the config that the run began with is damaged; put it back (kaizen train --config %s "
                     "--dry-run says what is wrong), or begin anew with another --out",
                     path, path);
    if (st != KZ_OK) goto done;
    KZ_TRY(kz_config_difference(&difference, began, cfg));
    if (difference.n == 0) goto done;
    difference.s[difference.n - 1] = '\0'; /* the last line feed */
    st = KZ_FAIL(KZ_E_CONFIG, "%s: is a run of another config:\n%s", r->directory, difference.s);
done:
    kz_text_free(&difference);
    kz_text_free(&report);
    kz_config_destroy(&began);
    kz_free(&path);
    return st;
}

static kz_status look_into(kz_cli *cli, const kz_train_resume *r, const kz_config *cfg, json_t **finished)
{
    json_t *run = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(same_config(cli, r, cfg));
    KZ_TRY(kz_record_read(&run, r->directory));
    const char *status = json_string_value(json_object_get(run, "status"));
    bool over = status && (strcmp(status, "completed") == 0 || strcmp(status, "diverged") == 0);
    if (over && !(strcmp(status, "completed") == 0 && wants_more(cfg, run))) *finished = json_incref(run);
done:
    json_decref(run);
    return st;
}

/* ---- which one ---- */

kz_status kz_train_resume_find(kz_train_resume *r, kz_cli *cli, const kz_config *cfg, kz_train_options *options,
                               json_t **finished)
{
    kz_status st = KZ_OK;
    options->directory = r->directory;
    if (!r->asked) return KZ_OK;
    if (!r->directory) KZ_TRY(kz_record_find(&r->directory, cfg));
    bool there = r->directory && kz_record_is_run(r->directory);
    if (!there && !r->automatic && r->directory)
        return KZ_FAIL(KZ_E_INPUT, "%s: holds no run to go on with; --resume auto begins one", r->directory);
    if (!there && !r->automatic)
        return KZ_FAIL(KZ_E_INPUT, "%s/%s: holds no unfinished run of this config; --resume auto begins one",
                       cfg->output, cfg->name);
    if (!there && r->directory) kz_record_clear(r->directory);
    options->directory = r->directory;
    options->resume = there;
    if (there) KZ_TRY(look_into(cli, r, cfg, finished));
done:
    return st;
}

/* ---- what a finished run says ---- */

static kz_metrics metrics_of(const json_t *run, const char *split)
{
    const json_t *m = json_object_get(json_object_get(run, "metrics"), split);
    if (!json_is_object(m)) return (kz_metrics){0};
    return (kz_metrics){-1, number_at(m, NULL, "loss"), number_at(m, NULL, "accuracy"), number_at(m, NULL, "rmse"),
                        number_at(m, NULL, "r2")};
}

static const char *text_at(const json_t *j, const char *section, const char *key)
{
    const char *text = json_string_value(json_object_get(section ? json_object_get(j, section) : j, key));
    return text ? text : "";
}

void kz_train_result_of(kz_train_result *result, const json_t *run)
{
    kz_run *r = &result->run;
    *r = (kz_run){.status = text_at(run, NULL, "status"),
                  .stopped_by = text_at(run, NULL, "stopped_by"),
                  .train = metrics_of(run, "train"),
                  .valid = metrics_of(run, "valid"),
                  .test = metrics_of(run, "test"),
                  .epochs = json_integer_value(json_object_get(run, "epochs")),
                  .steps = json_integer_value(json_object_get(run, "steps")),
                  .samples = json_integer_value(json_object_get(run, "samples")),
                  .best_epoch = json_integer_value(json_object_get(run, "best_epoch")),
                  .diverged_step = -1,
                  .target_seconds = number_at(run, "target", "seconds"),
                  .seconds_total = number_at(run, "timing", "total_s")};
    snprintf(result->weights, sizeof result->weights, "%s", text_at(run, "digests", "weights"));
}
