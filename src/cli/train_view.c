/* What people and machines see of a run: lines on stderr while it runs, and the result. */
#include "train_cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void describe_data(const kz_train_view *v, const kz_train_plan *p)
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
static void describe_note(const kz_train_view *v, const char *note)
{
    for (int n; *note; note += n + (note[n] == '\n')) {
        n = (int)strcspn(note, "\n");
        if (v->log == KZ_LOG_TEXT) kz_cli_note(v->cli, "note    %.*s", n, note);
        else kz_log_event(v->cli, v->log, "note", json_pack("{s:s%}", "text", note, (size_t)n));
    }
}

static void describe_model(const kz_train_view *v, const kz_train_plan *p)
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

static int64_t samples_at(const kz_train_view *v, int64_t steps_done)
{
    return steps_done / v->steps_per_epoch * v->rows + steps_done % v->steps_per_epoch * v->batch;
}

static void on_step(void *context, int64_t steps_done)
{
    kz_train_view *v = context;
    int64_t epoch = steps_done / v->steps_per_epoch, in_epoch = steps_done % v->steps_per_epoch;
    snprintf(v->note, sizeof v->note, "epoch %lld of %lld", (long long)(in_epoch ? epoch + 1 : epoch),
             (long long)v->epochs);
    kz_progress_at(samples_at(v, steps_done), v->note);
}

static json_t *path_json(const char *path)
{
    return path ? kz_cli_json_text(path) : NULL;
}

static void tell_begin(const kz_train_view *v, const kz_train_plan *p)
{
    static const char *const of_a_run[] = {"run", "epochs_done", "steps_done"};
    json_t *fields = json_pack(
        "{s:s, s:o?, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:i}", "name", p->cfg->name, "run",
        path_json(p->directory), "data", path_json(p->data->path), "train_rows", (json_int_t)p->data->train.rows,
        "valid_rows", (json_int_t)p->data->valid.rows, "test_rows", (json_int_t)p->data->test.rows, "parameters",
        (json_int_t)p->parameters, "steps", (json_int_t)p->steps, "epochs_done", (json_int_t)p->epochs_done,
        "steps_done", (json_int_t)p->steps_done, "device", p->device, "isa", p->isa, "threads", p->threads);
    if (p->gpu) json_object_set_new(fields, "gpu", json_string(p->gpu->model));
    if (p->gpu && *p->gpu->precision) {
        json_object_set_new(fields, "precision", json_string(p->gpu->precision));
        json_object_set_new(fields, "library", json_string(p->gpu->library));
    }
    json_object_set_new(fields, "arithmetic", json_string(p->gpu && *p->gpu->precision ? "fast" : "reproducible"));
    if (p->gpu_outside > 0) json_object_set_new(fields, "data_outside_gpu_bytes", json_integer(p->gpu_outside));
    if (v->dry_run) { /* no run, and no checkpoint has been looked into */
        for (size_t i = 0; fields && i < sizeof of_a_run / sizeof *of_a_run; i++) json_object_del(fields, of_a_run[i]);
    }
    kz_log_event(v->cli, v->log, v->dry_run ? "plan" : p->resumed ? "resume" : "begin", fields);
}

static void describe_device(const kz_train_view *v, const kz_train_plan *p)
{
    char outside[24];
    kz_text names = {0};
    if (!p->gpu) {
        kz_cli_note(v->cli, "device  %s (%s, %d thread%s)", p->device, p->isa, p->threads, p->threads == 1 ? "" : "s");
        return;
    }
    kz_cli_note(v->cli, "device  %s (%s, %s)", p->device, p->gpu->model, p->isa);
    if (*p->gpu->precision) kz_cli_note(v->cli, "fast    %s", v->fast);
    if (p->gpu_outside == 0) return;
    kz_format_size(outside, (double)p->gpu_outside);
    for (int i = 0; i < p->n_gpu_left; i++) (void)kz_text_add(&names, "%s%s", i == 0 ? " (" : ", ", p->gpu_left[i]);
    if (p->n_gpu_left > 0) (void)kz_text_add(&names, ")");
    kz_cli_note(v->cli,
                "note    %s of data%s do not fit into the GPU's memory: they stay in the machine's, and each batch is "
                "fetched from there while the one before is computed",
                outside, kz_text_str(&names));
    kz_text_free(&names);
}

static void on_begin(void *context, const kz_train_plan *p)
{
    kz_train_view *v = context;
    char valid[40] = "";
    v->name = p->cfg->name;
    v->rows = p->data->train.rows;
    v->steps_per_epoch = p->steps_per_epoch;
    v->batch = p->cfg->train.batch;
    v->epochs = p->cfg->train.epochs;
    v->steps = p->steps;
    v->classification = p->data->classification;
    v->has_valid = p->data->valid.rows > 0;
    if (p->gpu && *p->gpu->precision)
        snprintf(v->fast, sizeof v->fast, "%s products by %s: another machine may give other bits", p->gpu->precision,
                 p->gpu->library);
    if (!v->dry_run) kz_train_signals_begin();
    if (v->log != KZ_LOG_TEXT) {
        tell_begin(v, p);
        describe_note(v, p->data->note);
        describe_note(v, p->device_note);
        return;
    }
    describe_data(v, p);
    describe_note(v, p->data->note);
    describe_model(v, p);
    describe_device(v, p);
    describe_note(v, p->device_note);
    if (!p->gpu && strcmp(p->cfg->device.arithmetic, "fast") == 0)
        kz_cli_note(v->cli, "note    device.arithmetic fast is the same as reproducible on the CPU; "
                            "device.precision has no effect");
    if (v->dry_run) return;
    kz_cli_note(v->cli, "run     %s", p->directory);
    if (p->resumed)
        kz_cli_note(v->cli, "resumed after %lld epochs, at step %lld of %lld", (long long)p->epochs_done,
                    (long long)p->steps_done, (long long)p->steps);
    kz_cli_note(v->cli, "%s", "");
    const char *score = v->classification ? "accuracy" : "r2";
    if (v->has_valid) snprintf(valid, sizeof valid, " %11s %9s", "valid loss", score);
    kz_cli_note(v->cli, "%5s %9s %11s %9s%s %10s %11s %8s", "epoch", "step", "train loss", score, valid, "lr",
                "samples/s", "time");
    kz_progress_begin(v->epochs * v->rows, "samples");
    kz_progress_from(samples_at(v, p->steps_done));
    on_step(v, p->steps_done);
}

static double score_of(const kz_train_view *v, const kz_metrics *m)
{
    return v->classification ? m->accuracy : m->r2;
}

/* Loss and score in columns of 11 and 9, whatever their size. */
static void format_metrics(const kz_train_view *v, char out[40], const kz_metrics *m)
{
    double score = score_of(v, m);
    const char *format = fabs(m->loss) < 1e4 ? " %11.5f" : " %11.3e",
               *score_format = fabs(score) < 1e3 ? " %9.4f" : " %9.2e";
    int n = snprintf(out, 40, format, m->loss);
    snprintf(out + n, (size_t)(40 - n), score_format, score);
}

static int add_metrics(json_t *fields, const char *split, const kz_metrics *m)
{
    static const char *const keys[] = {"loss", "accuracy", "rmse", "r2"};
    char name[32];
    int bad = 0;
    for (size_t i = 0; m->rows > 0 && i < sizeof keys / sizeof *keys; i++) {
        double x = kz_metrics_get(m, keys[i]);
        snprintf(name, sizeof name, "%s_%s", split, keys[i]);
        if (!isnan(x)) bad |= json_object_set_new(fields, name, kz_json_number(x));
    }
    return bad;
}

static void tell_epoch(const kz_train_view *v, const kz_epoch *e)
{
    json_t *fields = json_pack("{s:I, s:I}", "epoch", (json_int_t)e->epoch, "step", (json_int_t)e->step);
    int bad = add_metrics(fields, "train", &e->train) | add_metrics(fields, "valid", &e->valid);
    bad |= json_object_set_new(fields, "lr", kz_json_number(e->lr));
    bad |= json_object_set_new(fields, "samples_per_s", kz_json_number(e->samples_per_s));
    bad |= json_object_set_new(fields, "seconds", kz_json_number(e->seconds));
    if (!bad) kz_log_event(v->cli, v->log, "epoch", fields);
    else json_decref(fields);
}

static void on_note(void *context, const char *text)
{
    const kz_train_view *v = context;
    if (v->log == KZ_LOG_TEXT) kz_cli_note(v->cli, "note    %s", text);
    kz_log_event(v->cli, v->log, "note", json_pack("{s:s}", "text", text));
}

static void on_checkpoint(void *context, const char *name, int64_t epochs, int64_t steps)
{
    const kz_train_view *v = context;
    kz_log_event(v->cli, v->log, "checkpoint",
                 json_pack("{s:s, s:I, s:I}", "file", name, "epoch", (json_int_t)epochs, "step", (json_int_t)steps));
}

static kz_status on_epoch(void *context, const kz_epoch *e, const float *weights, int64_t n)
{
    kz_train_view *v = context;
    char train[40], valid[40] = "", rate[24], time[24];
    (void)weights, (void)n;
    if (v->log != KZ_LOG_TEXT) {
        tell_epoch(v, e);
        return KZ_OK;
    }
    format_metrics(v, train, &e->train);
    if (v->has_valid) format_metrics(v, valid, &e->valid);
    kz_format_count(rate, (int64_t)e->samples_per_s);
    kz_format_duration(time, e->seconds);
    kz_cli_note(v->cli, "%5lld %9lld%s%s %10.3g %11s %8s", (long long)e->epoch, (long long)e->step, train, valid, e->lr,
                rate, time);
    return KZ_OK;
}

static void print_plan(void *context, const kz_train_plan *p)
{
    kz_train_view *v = context;
    char memory[24], disk[24], gpu[24], gpu_free[24], on_gpu[80] = "";
    on_begin(context, p);
    char room[40] = "";
    if (p->disk_free >= 0) {
        kz_format_size(disk, (double)p->disk_free);
        snprintf(room, sizeof room, " (%s free)", disk);
    }
    kz_format_size(memory, (double)p->memory_bytes);
    kz_format_size(disk, (double)p->disk_bytes);
    if (v->cli->json) {
        json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:s, s:i}", "schema", "kaizen.plan/1",
                              "parameters", (json_int_t)p->parameters, "steps", (json_int_t)p->steps, "samples",
                              (json_int_t)(p->data->train.rows * p->cfg->train.epochs), "memory_bytes",
                              (json_int_t)p->memory_bytes, "disk_bytes", (json_int_t)p->disk_bytes, "disk_free_bytes",
                              p->disk_free >= 0 ? json_integer(p->disk_free) : json_null(), "device", p->device, "isa",
                              p->isa, "threads", p->threads);
        bool fast = p->gpu && *p->gpu->precision;
        json_object_set_new(j, "arithmetic", json_string(fast ? "fast" : "reproducible"));
        json_object_set_new(j, "precision", fast ? json_string(p->gpu->precision) : json_null());
        json_object_set_new(j, "library", fast ? json_string(p->gpu->library) : json_null());
        if (p->gpu) {
            json_object_set_new(j, "gpu_bytes", json_integer(p->gpu_bytes));
            json_object_set_new(j, "gpu_free_bytes", json_integer(p->gpu_free));
            json_object_set_new(j, "gpu_outside_bytes", json_integer(p->gpu_outside));
            json_object_set_new(j, "gpu_outside", json_array());
            for (int i = 0; i < p->n_gpu_left; i++)
                json_array_append_new(json_object_get(j, "gpu_outside"), json_string(p->gpu_left[i]));
        }
        if (j) kz_cli_print_json(v->cli, j);
        json_decref(j);
    } else {
        if (p->gpu) {
            kz_format_size(gpu, (double)p->gpu_bytes);
            kz_format_size(gpu_free, (double)p->gpu_free);
            snprintf(on_gpu, sizeof on_gpu, ", %s of GPU memory (%s free)", gpu, gpu_free);
        }
        printf("%s: ready; at most %s of memory%s and %s of disk%s; nothing was trained\n", p->cfg->name, memory,
               on_gpu, disk, room);
    }
}

kz_train_watch kz_train_watching(kz_train_view *v)
{
    return (kz_train_watch){.context = v,
                            .begin = v->dry_run ? print_plan : on_begin,
                            .step = on_step,
                            .epoch = on_epoch,
                            .note = on_note,
                            .checkpoint = on_checkpoint};
}

/* ---- results ---- */

static void print_metrics(const kz_train_view *v, const char *split, const kz_metrics *m)
{
    if (m->rows == 0) return;
    printf("%-8s", split);
    if (v->classification) printf("accuracy %.4f  loss %.5f", m->accuracy, m->loss);
    else printf("r2 %.4f  rmse %.5g  loss %.5f", m->r2, m->rmse, m->loss);
    if (m->rows > 0) printf("  (%lld rows)", (long long)m->rows); /* of a run that was finished before, unknown */
    printf("\n");
}

void kz_train_print_result(const kz_train_view *v, const kz_config *cfg, const kz_train_result *r)
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
    if (strcmp(r->run.stopped_by, "time") == 0)
        printf("%-8sby train.max_minutes after epoch %lld\n", "stopped", (long long)r->run.epochs);
    print_metrics(v, "train", &r->run.train);
    print_metrics(v, "valid", &r->run.valid);
    print_metrics(v, "test", &r->run.test);
    if (r->directory) {
        printf("%-8s", "run");
        kz_cli_put(stdout, r->directory);
        putchar('\n');
    }
    if (*v->fast) printf("%-8s%s\n", "fast", v->fast);
    printf("%-8s%s\n", "weights", r->weights);
}

/* ---- the end ---- */

/* The error as people see it, with the lines above it that a wrong config has. */
static void add_error(const kz_train_view *v, json_t *j)
{
    kz_text text = {0};
    const char *report = kz_text_str(&v->cli->report), *message = kz_error_message();
    if (kz_text_add(&text, "%s%s", report, message) == KZ_OK) message = kz_text_str(&text);
    json_object_set_new(j, "error", kz_cli_json_text(message));
    kz_text_free(&text);
}

static json_t *summary(const kz_train_view *v, const kz_train_result *r, kz_status st)
{
    json_t *j =
        json_pack("{s:s?, s:s, s:s, s:i, s:I, s:I, s:s, s:o?}", "name", v->name, "status", r->run.status, "stopped_by",
                  r->run.stopped_by, "exit", kz_status_exit(st), "epochs", (json_int_t)r->run.epochs, "steps",
                  (json_int_t)r->run.steps, "weights", r->weights, "run", path_json(r->directory));
    if (j && st != KZ_OK) add_error(v, j);
    return j;
}

/* Shortens the error to what is sure to fit. */
static void cut_error(json_t *j)
{
    char start[600];
    const char *error = json_string_value(json_object_get(j, "error"));
    if (!error) return;
    int n = snprintf(start, sizeof start - 4, "%s", error);
    if (n >= (int)sizeof start - 4) n = (int)sizeof start - 5;
    while (n > 0 && ((unsigned char)error[n] & 0xc0) == 0x80) n--; /* whole characters */
    memcpy(start + n, "...", 4);
    json_object_set_new(j, "error", json_string(start));
}

/* One line of JSON, which Kubernetes shows as the container's message.  A pipe that nobody reads does not hold up the end. */
static void write_termination(const json_t *whole)
{
    enum { MOST = 4096 };
    const char *path = getenv("KAIZEN_TERMINATION_LOG");
    kz_text line = {0};
    int fd =
        open(path && *path ? path : "/dev/termination-log", O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return;
    json_t *j = json_copy((json_t *)whole);
    kz_status st = kz_json_dump_digits(&line, j, 9);
    if (st == KZ_OK && line.n > MOST) {
        kz_text_free(&line);
        cut_error(j);
        st = kz_json_dump_digits(&line, j, 9);
    }
    bool fits = st == KZ_OK && line.n <= MOST;
    if (fits && write(fd, line.s, (size_t)line.n) < 0) errno = 0; /* it is a courtesy */
    close(fd);
    kz_text_free(&line);
    json_decref(j);
}

static void tell(kz_train_view *v, json_t *j, bool failed)
{
    if (!j) return;
    v->told = true;
    write_termination(j);
    bool logged = kz_log_event(v->cli, v->log, "end", j);
    v->cli->error_told = failed && logged && v->log == KZ_LOG_JSON; /* every line is then JSON */
}

void kz_train_tell_end(kz_train_view *v, const kz_train_result *r, kz_status st)
{
    tell(v, summary(v, r, st), st != KZ_OK);
}

void kz_train_tell_failure(kz_train_view *v, kz_status st)
{
    json_t *j = json_pack("{s:s?, s:s, s:s, s:i}", "name", v->name, "status", "failed", "stopped_by", "error", "exit",
                          kz_status_exit(st));
    if (j) add_error(v, j);
    tell(v, j, true);
}
