/* kaizen train: options to a config, a run, and what people see of it. */
#include "train_cli.h"

#include <math.h>
#include <string.h>

/* ---- the config ---- */

/* Their values, before they become --set: a mistake is then told of what was typed. */
static kz_status check_shorts(const kz_cli *cli)
{
    const char *device = kz_cli_value(cli, "--device"), *seed = kz_cli_value(cli, "--seed");
    int64_t threads, number;
    kz_status st = kz_cli_int(cli, "--threads", 0, 1024, &threads);
    if (st != KZ_OK) return st;
    if (seed && (strspn(seed, "0123456789") != strlen(seed) || !*seed))
        return KZ_FAIL(KZ_E_USAGE, "train: --seed is '%s', must be a whole number from 0 to 18446744073709551615",
                       seed);
    if (device && strcmp(device, "auto") != 0 && strcmp(device, "cpu") != 0 && strcmp(device, "cuda") != 0 &&
        !(strncmp(device, "cuda:", 5) == 0 && kz_parse_int(device + 5, &number) && number >= 0))
        return KZ_FAIL(KZ_E_USAGE, "train: --device is '%s', must be auto, cpu, cuda or cuda:N", device);
    return KZ_OK;
}

/* --set as given, then the options that are short for one. */
static kz_status load_config(kz_cli *cli, const char *path, kz_config **cfg)
{
    static const char *const shorts[][3] = {
        {"--device", "device.kind"}, /* the third: its value, of an option with none */
        {"--threads", "device.threads"},
        {"--seed", "seed"},
        {"--allow-filters", "data.allow_filters", "true"}};
    enum { SHORTS = sizeof shorts / sizeof *shorts };
    int64_t n = 0;
    kz_text text[SHORTS] = {{0}}, report = {0};
    const char **sets = NULL, *const *given = kz_cli_values(cli, "--set", &n);
    kz_status st = KZ_OK;
    KZ_TRY(check_shorts(cli));
    KZ_TRY(kz_calloc(&sets, n + SHORTS, sizeof *sets, "options"));
    for (int64_t i = 0; i < n; i++) sets[i] = given[i];
    for (int i = 0; i < SHORTS; i++) {
        const char *value = shorts[i][2] ? shorts[i][2] : kz_cli_value(cli, shorts[i][0]);
        if (!kz_cli_has(cli, shorts[i][0])) continue;
        KZ_TRY(kz_text_add(&text[i], "%s=%s", shorts[i][1], value));
        sets[n++] = text[i].s;
    }
    st = kz_config_load(cfg, path, sets, n, &report);
    if (report.n) kz_cli_report(cli, report.s);
done:
    for (int i = 0; i < SHORTS; i++) kz_text_free(&text[i]);
    kz_text_free(&report);
    kz_free(&sets);
    return st;
}

static kz_status print_schema(kz_cli *cli)
{
    kz_text text = {0};
    kz_status st = kz_config_json_schema(&text);
    (void)cli; /* it is JSON with and without --json */
    if (st == KZ_OK) fputs(kz_text_str(&text), stdout);
    kz_text_free(&text);
    return st;
}

/* Fills in what the config leaves to the data, as a run would; without the file, only its absolute path. */
static kz_status close_config(kz_cli *cli, kz_config *cfg)
{
    char *directory = NULL, *beside = NULL, *absolute = NULL;
    kz_train_options options = {.dry_run = true, .no_record = true};
    kz_train_result result = {0};
    kz_status st = kz_train(cfg, &options, &result);
    if (st != KZ_E_INPUT) return st;
    kz_cli_note(cli, "note: %s; what the data decide is left open", kz_error_message());
    if (cfg->data.path[0] == '/') return KZ_OK;
    KZ_TRY(kz_path_directory(&directory, cfg->file));
    KZ_TRY(kz_path_join(&beside, directory, cfg->data.path));
    KZ_TRY(kz_path_absolute(&absolute, beside));
    KZ_TRY(kz_config_set_string(&cfg->data.path, absolute));
done:
    kz_free(&directory);
    kz_free(&beside);
    kz_free(&absolute);
    return st;
}

static kz_status print_config(kz_cli *cli, kz_config *cfg)
{
    kz_text text = {0};
    json_t *json = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(close_config(cli, cfg));
    if (cli->json) {
        KZ_TRY(kz_config_json(&json, cfg));
        KZ_TRY(kz_cli_print_json(cli, json));
    } else {
        KZ_TRY(kz_config_yaml(&text, cfg));
        fputs(kz_text_str(&text), stdout);
    }
done:
    json_decref(json);
    kz_text_free(&text);
    return st;
}

/* ---- the run ---- */

/* A run that was finished before: its result once more, and its status. */
static kz_status show_finished(kz_train_view *v, const kz_config *cfg, const char *directory, json_t *run)
{
    kz_train_result result = {0};
    kz_status st = KZ_OK;
    kz_train_result_of(&result, run);
    bool diverged = strcmp(result.run.status, "diverged") == 0;
    v->classification = !isnan(result.run.train.accuracy);
    KZ_TRY(kz_strdup(&result.directory, directory));
    if (v->log == KZ_LOG_TEXT) kz_cli_note(v->cli, "note    %s: is finished; nothing was trained", directory);
    if (v->cli->json) KZ_TRY(kz_cli_print_json(v->cli, run));
    else kz_train_print_result(v, cfg, &result);
    const char *error = json_string_value(json_object_get(run, "error"));
    if (diverged) st = KZ_FAIL(KZ_E_DIVERGED, "%s", error ? error : "the run diverged");
    kz_train_tell_end(v, &result, st);
done:
    kz_train_result_free(&result);
    return st;
}

static kz_status train(kz_train_view *v, kz_config *cfg, const kz_train_options *options)
{
    kz_cli *cli = v->cli;
    kz_train_result result = {0};
    kz_status st = kz_train(cfg, options, &result);
    kz_progress_end();
    if (result.run.status && !v->dry_run) kz_train_tell_end(v, &result, st);
    if (result.run.status && cli->json && result.json) {
        kz_status printed = kz_cli_print_json(cli, result.json);
        if (st == KZ_OK) st = printed;
    } else if (result.run.status && !cli->json) {
        kz_train_print_result(v, cfg, &result);
    }
    kz_train_result_free(&result);
    return st;
}

kz_status kz_cli_train(kz_cli *cli)
{
    kz_config *cfg = NULL;
    kz_train_resume resume = {0};
    json_t *finished = NULL;
    kz_status st = KZ_OK;
    if (kz_cli_has(cli, "--print-schema")) return print_schema(cli);
    if (kz_cli_has(cli, "--print-config") && kz_cli_has(cli, "--dry-run"))
        return KZ_FAIL(KZ_E_USAGE, "train: --print-config and --dry-run exclude each other");
    kz_train_view v = {.cli = cli, .dry_run = kz_cli_has(cli, "--dry-run")};
    kz_train_options options = {.dry_run = v.dry_run, .watch = kz_train_watching(&v)};
    if (!v.dry_run && !kz_cli_has(cli, "--print-config")) kz_train_signals(&options);
    KZ_TRY(kz_log_choose(&v.log, "train", kz_cli_value(cli, "--log")));
    KZ_TRY(kz_train_resume_read(&resume, cli));
    KZ_TRY(load_config(cli, resume.config_path, &cfg));
    if (kz_cli_has(cli, "--print-config")) {
        st = print_config(cli, cfg);
        goto done;
    }
    v.name = cfg->name;
    KZ_TRY(kz_train_resume_find(&resume, cli, cfg, &options, &finished));
    st = finished ? show_finished(&v, cfg, resume.directory, finished) : train(&v, cfg, &options);
done:
    if (st != KZ_OK && !v.told && !v.dry_run && !kz_cli_has(cli, "--print-config")) kz_train_tell_failure(&v, st);
    json_decref(finished);
    kz_train_resume_free(&resume);
    kz_config_destroy(&cfg);
    return st;
}
