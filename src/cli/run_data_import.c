/* kaizen data import: options to an import, and what people see of it. */
#include "inspect_view.h"
#include "kz/config.h"
#include "kz/data_import.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { NOTES_MOST = 5 }; /* of a kind */

static volatile sig_atomic_t stop_signal;

/* The first signal ends the import between two blocks, so that it can clean up; the second ends the program. */
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

static void on_progress(void *context, int64_t done, int64_t total, const char *what)
{
    const char **last = context;
    if (*last != what) kz_progress_begin(total, "bytes");
    *last = what;
    kz_progress_at(done, what);
}

/* ---- options ---- */

static kz_words_given words(const kz_cli *cli, const char *option)
{
    kz_words_given w;
    w.text = kz_cli_values(cli, option, &w.n);
    return w;
}

static kz_status read_numbers(const kz_cli *cli, kz_import_options *o)
{
    const char *test = kz_cli_value(cli, "--test"), *memory = kz_cli_value(cli, "--memory");
    int64_t threads = 0, seed = 1;
    kz_status st = KZ_OK;
    KZ_TRY(kz_cli_int(cli, "--threads", 0, 1024, &threads));
    KZ_TRY(kz_cli_int(cli, "--seed", 0, INT64_MAX, &seed));
    KZ_TRY(kz_cli_int(cli, "--features", 1, 1 << 24, &o->features));
    o->threads = (int)threads;
    o->seed = (uint64_t)seed;
    if (test && (!kz_parse_double(test, &o->test) || !(o->test > 0 && o->test < 1)))
        return KZ_FAIL(KZ_E_USAGE, "data import: --test is '%s', must be a fraction between 0 and 1, such as 0.2",
                       test);
    if (memory && !kz_parse_size(memory, &o->memory))
        return KZ_FAIL(KZ_E_USAGE, "data import: --memory is '%s', must be a size such as 256MiB", memory);
    if (kz_cli_has(cli, "--seed") && !test)
        return KZ_FAIL(KZ_E_USAGE, "data import: --seed: works with --test FRACTION, whose rows it draws");
    if (kz_cli_has(cli, "--header") && kz_cli_has(cli, "--no-header"))
        return KZ_FAIL(KZ_E_USAGE, "data import: --header and --no-header exclude each other");
    o->header = kz_cli_has(cli, "--header") ? 1 : kz_cli_has(cli, "--no-header") ? -1 : 0;
done:
    return st;
}

static void read_texts(const kz_cli *cli, kz_import_options *o)
{
    o->inputs = (kz_words_given){cli->operands, cli->n_operands};
    o->out = kz_cli_value(cli, "--out");
    o->format = kz_cli_value(cli, "--format");
    o->test_file = kz_cli_value(cli, "--test-file");
    o->delimiter = kz_cli_value(cli, "--delimiter");
    o->encoding = kz_cli_value(cli, "--encoding");
    o->comment = kz_cli_value(cli, "--comment");
    o->decimal = kz_cli_value(cli, "--decimal");
    o->missing = words(cli, "--missing");
    o->fill = words(cli, "--missing-action");
    o->categories = words(cli, "--categorical");
    o->target = words(cli, "--target");
    o->columns = words(cli, "--columns");
    o->drop = words(cli, "--drop");
    o->task = kz_cli_value(cli, "--task");
    o->zero_based = kz_cli_has(cli, "--zero-based");
    o->train_x = kz_cli_value(cli, "--train-x");
    o->train_y = kz_cli_value(cli, "--train-y");
    o->test_x = kz_cli_value(cli, "--test-x");
    o->test_y = kz_cli_value(cli, "--test-y");
    o->split_column = kz_cli_value(cli, "--split-column");
    o->stratify = kz_cli_has(cli, "--stratify");
    o->dtype = kz_cli_value(cli, "--dtype");
    o->class_weights = kz_cli_value(cli, "--class-weights");
    o->compress = kz_cli_value(cli, "--compress");
    o->name = kz_cli_value(cli, "--name");
    o->source = kz_cli_value(cli, "--source");
    o->license = kz_cli_value(cli, "--license");
    o->force = kz_cli_has(cli, "--force");
    o->dry_run = kz_cli_has(cli, "--dry-run");
}

/* ---- results ---- */

static const char *const split_name[KZ_IMPORT_SPLITS] = {"train", "valid", "test"};

static json_t *text_or_null(const char *s)
{
    json_t *j = s ? kz_cli_json_text(s) : NULL;
    return j ? j : json_null();
}

static json_t *balance_json(const kz_import_result *r)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < r->classes; k++) {
        json_t *j = json_pack("{s:o, s:I, s:I, s:I}", "name", text_or_null(r->class_names ? r->class_names[k] : NULL),
                              "train", (json_int_t)r->class_rows[0][k], "valid", (json_int_t)r->class_rows[1][k],
                              "test", (json_int_t)r->class_rows[2][k]);
        if (r->class_weights) json_object_set_new(j, "weight", kz_json_number(r->class_weights[k]));
        json_array_append_new(list, j);
    }
    return list;
}

static kz_status print_json(kz_cli *cli, const kz_import_result *r)
{
    json_t *notes = json_array(), *shape = json_array();
    for (int64_t i = 0; i < r->n_notes; i++) json_array_append_new(notes, json_string(r->notes[i]));
    for (int i = 0; i < r->rank; i++) json_array_append_new(shape, json_integer(r->shape[i]));
    json_t *j = json_pack(
        "{s:s, s:o, s:s, s:s, s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:o, s:s, s:I, s:s, s:I, s:I, s:o, s:o, s:o}", "schema",
        "kaizen.import/1", "out", cli->command && kz_cli_has(cli, "--dry-run") ? json_null() : text_or_null(r->out),
        "format", r->format, "task", r->classification ? "classification" : "regression", "rows", "train",
        (json_int_t)r->rows[0], "valid", (json_int_t)r->rows[1], "test", (json_int_t)r->rows[2], "dropped",
        (json_int_t)r->dropped, "filled", (json_int_t)r->filled, "features", (json_int_t)r->features, "shape", shape,
        "dtype", r->dtype, "targets", (json_int_t)r->targets, "target_dtype", r->target_dtype, "bytes",
        (json_int_t)r->bytes, "input_bytes", (json_int_t)r->input_bytes, "classes", balance_json(r), "notes", notes,
        "columns", r->columns ? json_incref(r->columns) : json_null());
    kz_status st = j ? kz_cli_print_json(cli, j) : KZ_FAIL(KZ_E_MEM, "no memory for the result");
    json_decref(j);
    return st;
}

static void print_classes(const kz_import_result *r)
{
    enum { MOST = 12 };
    for (int64_t k = 0; k < r->classes && k < MOST; k++) {
        char count[24], number[24], name[200];
        snprintf(number, sizeof number, "%lld", (long long)k);
        kz_format_count(count, r->class_rows[0][k]);
        snprintf(name, sizeof name, "%.*s", (int)sizeof name - 1, r->class_names ? r->class_names[k] : number);
        printf("%-9s", k ? "" : "classes");
        inspect_padded(kz_cli_safe(name), 24);
        printf(" %10s  %5.1f %%", count, 100.0 * (double)r->class_rows[0][k] / (double)(r->rows[0] ? r->rows[0] : 1));
        if (r->class_weights) printf("  weight %.4g", r->class_weights[k]);
        putchar('\n');
    }
    if (r->classes > MOST) printf("%-9sand %lld more\n", "", (long long)(r->classes - MOST));
}

static void print_shape(const kz_import_result *r)
{
    char count[24];
    kz_format_count(count, r->features);
    printf("%-9s%s of %s", "features", count, r->dtype);
    if (r->rank > 1) {
        printf(", each row ");
        for (int i = 0; i < r->rank; i++) printf("%s%lld", i ? "x" : "", (long long)r->shape[i]);
    }
    putchar('\n');
}

/* What to put into a config, and the command that trains it. */
static kz_status print_next(const kz_import_result *r)
{
    kz_text path = {0};
    kz_status st = kz_config_quote(&path, r->out);
    if (st != KZ_OK) return st;
    printf("\nTo train on it, as run.yaml:\n\n    data:\n      path: ");
    kz_cli_put(stdout, path.s);
    kz_text_free(&path);
    putchar('\n');
    if (r->rows[1] > 0) printf("      valid: {x: /valid/x, y: /valid/y}\n");
    else printf("      valid: {fraction: 0.1}\n");
    if (r->rows[2] == 0) printf("      test: none\n");
    printf("    model:\n      layers:\n        - {type: dense, units: 64, activation: relu}\n        - {type: dense}\n"
           "    optimizer: {name: adam, lr: 0.001}\n\n    kaizen train --config run.yaml\n");
    return KZ_OK;
}

static kz_status print_result(const kz_cli *cli, const kz_import_result *r)
{
    char count[24], size[24], time[24];
    bool dry = kz_cli_has(cli, "--dry-run");
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        if (r->rows[f] == 0) continue;
        kz_format_count(count, r->rows[f]);
        printf("%-9s%s rows\n", split_name[f], count);
    }
    if (r->dropped > 0) {
        kz_format_count(count, r->dropped);
        printf("%-9s%s rows with missing values\n", "dropped", count);
    }
    if (r->filled > 0) {
        kz_format_count(count, r->filled);
        printf("%-9s %s missing values\n", "filled in", count);
    }
    print_shape(r);
    if (r->classification) print_classes(r);
    else printf("%-9s%lld of %s\n", "targets", (long long)r->targets, r->target_dtype);
    kz_format_size(size, (double)r->bytes);
    kz_format_duration(time, r->seconds);
    if (dry) printf("%-9snothing was written\n", "out");
    else {
        printf("%-9s", "out");
        kz_cli_put(stdout, r->out);
        printf(", %s\n", size);
    }
    kz_format_size(size, (double)r->input_bytes);
    kz_cli_note(cli, "read     %s in %s", size, time);
    return !dry && !cli->quiet ? print_next(r) : KZ_OK;
}

/* Columns of one name are kept, and told apart by nobody later. */
static void note_repeats(const kz_cli *cli, const kz_import_result *r)
{
    const json_t *column, *before;
    json_t *seen = json_object();
    size_t i;
    int told = 0;
    json_array_foreach(json_object_get(r->columns, "columns"), i, column)
    {
        json_t *name = json_object_get(column, "name"), *number = json_object_get(column, "column");
        before = name && seen ? json_object_get(seen, json_string_value(name)) : NULL;
        if (!before) json_object_set(seen, json_string_value(name), number);
        else if (told++ < NOTES_MOST)
            kz_cli_note(cli, "note: columns %lld and %lld are both named '%.64s'; --drop %lld leaves one out",
                        (long long)json_integer_value(before), (long long)json_integer_value(number),
                        json_string_value(name), (long long)json_integer_value(number));
    }
    if (told > NOTES_MOST) kz_cli_note(cli, "note: %d more columns have the name of an earlier one", told - NOTES_MOST);
    json_decref(seen);
}

kz_status kz_cli_data_import(kz_cli *cli)
{
    kz_import_options o = kz_import_defaults();
    kz_import_result r = {0};
    const char *last = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(read_numbers(cli, &o));
    read_texts(cli, &o);
    o.stop = &stop_signal;
    o.progress = on_progress;
    o.context = &last;
    catch_signals();
    st = kz_data_import(&r, &o);
    kz_progress_end();
    if (st != KZ_OK) goto done;
    for (int64_t i = 0; i < r.n_notes; i++) kz_cli_note(cli, "note: %s", r.notes[i]);
    note_repeats(cli, &r);
    KZ_TRY(cli->json ? print_json(cli, &r) : print_result(cli, &r));
done:
    kz_import_result_free(&r);
    return st;
}
