/* kaizen train: options to a config, a run, and what people see of it. */
#include "cli.h"

#include "kz/train.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;

/* The first signal asks the run to end after its step; the second ends the program. */
static void on_signal(int number)
{
    if (stop_signal) _exit(128 + number);
    stop_signal = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

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
static kz_status load_config(kz_cli *cli, kz_config **cfg)
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
    st = kz_config_load(cfg, kz_cli_value(cli, "--config"), sets, n, &report);
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

/* ---- what people see while it runs ---- */

typedef struct {
    kz_cli *cli;
    int64_t rows, steps_per_epoch, batch, epochs, steps;
    bool classification, has_valid, dry_run;
    char note[48];
} view;

static void describe_data(const view *v, const kz_train_plan *p)
{
    char train[24], valid[24], test[24];
    const kz_data *d = p->data;
    kz_format_count(train, d->train.rows);
    kz_format_count(valid, d->valid.rows);
    kz_format_count(test, d->test.rows);
    kz_cli_note(v->cli, "data    %s", d->path);
    if (d->classification)
        kz_cli_note(v->cli, "        %s train, %s valid, %s test rows of %lld features; %lld classes", train, valid,
                    test, (long long)d->features, (long long)d->classes);
    else
        kz_cli_note(v->cli, "        %s train, %s valid, %s test rows of %lld features; %lld target%s", train, valid,
                    test, (long long)d->features, (long long)d->targets, d->targets == 1 ? "" : "s");
}

/* What the file says where the config says nothing. */
static void describe_note(const view *v, const char *note)
{
    for (int n; *note; note += n + (note[n] == '\n')) {
        n = (int)strcspn(note, "\n");
        kz_cli_note(v->cli, "note    %.*s", n, note);
    }
}

static void describe_model(const view *v, const kz_train_plan *p)
{
    kz_text shape = {0};
    char parameters[24], steps[24];
    kz_status st = kz_text_add(&shape, "%lld", (long long)p->data->features);
    for (int64_t i = 0; st == KZ_OK && i < p->cfg->model.n_layers; i++)
        st = kz_text_add(&shape, "-%lld", (long long)p->cfg->model.layers[i].units);
    kz_format_count(parameters, p->parameters);
    kz_format_count(steps, p->steps);
    kz_cli_note(v->cli, "model   %s, %s parameters, %s", kz_text_str(&shape), parameters, p->cfg->model.loss);
    kz_cli_note(v->cli, "train   %s, lr %g, batch %lld, at most %lld epochs (%s steps), seed %llu",
                p->cfg->optimizer.name, p->cfg->optimizer.lr, (long long)p->cfg->train.batch,
                (long long)p->cfg->train.epochs, steps, (unsigned long long)p->cfg->seed);
    kz_text_free(&shape);
}

static void on_begin(void *context, const kz_train_plan *p)
{
    view *v = context;
    char valid[40] = "";
    v->rows = p->data->train.rows;
    v->steps_per_epoch = p->steps_per_epoch;
    v->batch = p->cfg->train.batch;
    v->epochs = p->cfg->train.epochs;
    v->steps = p->steps;
    v->classification = p->data->classification;
    v->has_valid = p->data->valid.rows > 0;
    if (!v->dry_run) catch_signals(); /* before, there is nothing to finish */
    describe_data(v, p);
    describe_note(v, p->data->note);
    describe_model(v, p);
    kz_cli_note(v->cli, "device  %s (%s, %d thread%s)", p->device, p->isa, p->threads, p->threads == 1 ? "" : "s");
    if (strcmp(p->cfg->device.arithmetic, "fast") == 0)
        kz_cli_note(v->cli, "note    device.arithmetic fast is the same as reproducible on the CPU%s",
                    p->cfg->device.precision ? "; device.precision has no effect" : "");
    if (v->dry_run) return;
    kz_cli_note(v->cli, "run     %s\n", p->directory);
    const char *score = v->classification ? "accuracy" : "r2";
    if (v->has_valid) snprintf(valid, sizeof valid, " %11s %9s", "valid loss", score);
    kz_cli_note(v->cli, "%5s %9s %11s %9s%s %10s %11s %8s", "epoch", "step", "train loss", score, valid, "lr",
                "samples/s", "time");
    kz_progress_begin(v->epochs * v->rows, "samples");
}

static void on_step(void *context, int64_t steps_done)
{
    view *v = context;
    int64_t epoch = steps_done / v->steps_per_epoch, in_epoch = steps_done % v->steps_per_epoch * v->batch;
    snprintf(v->note, sizeof v->note, "epoch %lld of %lld", (long long)(in_epoch ? epoch + 1 : epoch),
             (long long)v->epochs);
    kz_progress_at(epoch * v->rows + in_epoch, v->note);
}

static double score_of(const view *v, const kz_metrics *m)
{
    return v->classification ? m->accuracy : m->r2;
}

/* Loss and score in columns of 11 and 9, whatever their size. */
static void format_metrics(const view *v, char out[40], const kz_metrics *m)
{
    double score = score_of(v, m);
    const char *format = fabs(m->loss) < 1e4 ? " %11.5f" : " %11.3e",
               *score_format = fabs(score) < 1e3 ? " %9.4f" : " %9.2e";
    int n = snprintf(out, 40, format, m->loss);
    snprintf(out + n, (size_t)(40 - n), score_format, score);
}

static kz_status on_epoch(void *context, const kz_epoch *e, const float *weights, int64_t n)
{
    view *v = context;
    char train[40], valid[40] = "", rate[24], time[24];
    (void)weights, (void)n;
    format_metrics(v, train, &e->train);
    if (v->has_valid) format_metrics(v, valid, &e->valid);
    kz_format_count(rate, (int64_t)e->samples_per_s);
    kz_format_duration(time, e->seconds);
    kz_cli_note(v->cli, "%5lld %9lld%s%s %10.3g %11s %8s", (long long)e->epoch, (long long)e->step, train, valid, e->lr,
                rate, time);
    return KZ_OK;
}

/* ---- results ---- */

static void print_metrics(const view *v, const char *split, const kz_metrics *m)
{
    if (m->rows == 0) return;
    printf("%-8s", split);
    if (v->classification) printf("accuracy %.4f  loss %.5f", m->accuracy, m->loss);
    else printf("r2 %.4f  rmse %.5g  loss %.5f", m->r2, m->rmse, m->loss);
    printf("  (%lld rows)\n", (long long)m->rows);
}

static void print_result(const view *v, const kz_config *cfg, const kz_train_result *r)
{
    char time[24], steps[24];
    kz_format_duration(time, r->run.seconds_total);
    kz_format_count(steps, r->run.steps);
    printf("%s%s%s: %s after %lld epoch%s, %s steps, %s\n", kz_style_code(stdout, KZ_STYLE_BOLD), cfg->name,
           kz_style_code(stdout, KZ_STYLE_OFF), r->run.status, (long long)r->run.epochs, r->run.epochs == 1 ? "" : "s",
           steps, time);
    if (strcmp(r->run.stopped_by, "early_stop") == 0)
        printf("%-8sno better %s for %lld epochs; the weights are those of epoch %lld\n", "stopped",
               cfg->train.early_stop.metric, (long long)cfg->train.early_stop.patience, (long long)r->run.best_epoch);
    else if (r->run.best_epoch > 0 && r->run.best_epoch < r->run.epochs)
        printf("%-8sthe weights are those of epoch %lld, the best by %s\n", "kept", (long long)r->run.best_epoch,
               cfg->train.early_stop.metric);
    if (cfg->train.target.metric && isfinite(r->run.target_seconds)) {
        kz_format_duration(time, r->run.target_seconds);
        printf("%-8s%s %s %g met after %s of training\n", "target", cfg->train.target.metric,
               cfg->train.target.at_least ? ">=" : "<=", cfg->train.target.value, time);
    } else if (cfg->train.target.metric) {
        printf("%-8s%s %s %g not met\n", "target", cfg->train.target.metric,
               cfg->train.target.at_least ? ">=" : "<=", cfg->train.target.value);
    }
    print_metrics(v, "train", &r->run.train);
    print_metrics(v, "valid", &r->run.valid);
    print_metrics(v, "test", &r->run.test);
    if (r->directory) printf("%-8s%s\n", "run", r->directory);
    printf("%-8s%s\n", "weights", r->weights);
}

static void print_plan(void *context, const kz_train_plan *p)
{
    view *v = context;
    char memory[24], disk[24];
    on_begin(context, p);
    kz_format_size(memory, (double)p->memory_bytes);
    kz_format_size(disk, (double)p->disk_bytes);
    if (v->cli->json) {
        json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:i}", "schema", "kaizen.plan/1", "parameters",
                              (json_int_t)p->parameters, "steps", (json_int_t)p->steps, "samples",
                              (json_int_t)(p->data->train.rows * p->cfg->train.epochs), "memory_bytes",
                              (json_int_t)p->memory_bytes, "disk_bytes", (json_int_t)p->disk_bytes, "device", p->device,
                              "isa", p->isa, "threads", p->threads);
        if (j) kz_cli_print_json(v->cli, j);
        json_decref(j);
    } else {
        printf("%s: ready; at most %s of memory and %s of disk; nothing was trained\n", p->cfg->name, memory, disk);
    }
}

kz_status kz_cli_train(kz_cli *cli)
{
    kz_config *cfg = NULL;
    kz_train_result result = {0};
    kz_status st = KZ_OK;
    if (kz_cli_has(cli, "--print-schema")) return print_schema(cli);
    if (kz_cli_has(cli, "--print-config") && kz_cli_has(cli, "--dry-run"))
        return KZ_FAIL(KZ_E_USAGE, "train: --print-config and --dry-run exclude each other");
    view v = {.cli = cli, .dry_run = kz_cli_has(cli, "--dry-run")};
    kz_train_options options = {.directory = kz_cli_value(cli, "--out"), .dry_run = v.dry_run, .stop = &stop_signal};
    options.watch = (kz_train_watch){&v, v.dry_run ? print_plan : on_begin, on_step, on_epoch};
    KZ_TRY(load_config(cli, &cfg));
    if (kz_cli_has(cli, "--print-config")) {
        st = print_config(cli, cfg);
        goto done;
    }
    st = kz_train(cfg, &options, &result);
    kz_progress_end();
    if (result.run.status && cli->json && result.json) {
        kz_status printed = kz_cli_print_json(cli, result.json);
        if (st == KZ_OK) st = printed;
    } else if (result.run.status && !cli->json) {
        print_result(&v, cfg, &result);
    }
done:
    kz_train_result_free(&result);
    kz_config_destroy(&cfg);
    return st;
}
