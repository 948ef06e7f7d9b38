/* Going on with a run that was stopped: its newest checkpoint that is whole, and metrics.jsonl as it was then. */
#include "record_impl.h"

#include <math.h>
#include <string.h>

typedef struct {
    kz_record *rec;
    kz_record_note *note;
    void *context;
    kz_record_lines lines;
    kz_checkpoint_past past;
    char *lines_path;
    bool found;
} resume;

static void tell(const resume *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const resume *r, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (!r->note) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->note(r->context, text);
}

/* ---- does it belong to this run? ---- */

static kz_status check_config(const resume *r, const kz_config *began)
{
    kz_text difference = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_difference(&difference, began, &r->rec->cfg));
    if (difference.n == 0) goto done;
    difference.s[difference.n - 1] = '\0'; /* the last line feed */
    st = KZ_FAIL(KZ_E_CONFIG, "%s: the run began with another config, so it cannot go on with this one:\n%s",
                 r->rec->directory, difference.s);
done:
    kz_text_free(&difference);
    return st;
}

/* What no other checkpoint of the run would mend. */
static kz_status check_run(const resume *r, const char *path)
{
    if (r->past.arithmetic != KZ_ARITHMETIC)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: is of arithmetic version %lld, this program computes by version %d: its bits would not be "
                       "those of one run; go on with the kaizen that began it, or train config.yaml anew",
                       path, (long long)r->past.arithmetic, KZ_ARITHMETIC);
    kz_status st = check_config(r, r->past.cfg);
    if (st == KZ_OK && strcmp(r->past.data_digest, r->rec->data->digest) != 0)
        return KZ_FAIL(KZ_E_DATA, "%s: holds other data than the run began with (digest %.19s..., wanted %.19s...)",
                       r->rec->data->path, r->rec->data->digest, r->past.data_digest);
    return st;
}

/* The lines of its epochs must be there, and be those of its trajectory. */
static kz_status check_lines(const resume *r, const kz_checkpoint *c, const char *path)
{
    uint8_t chain[32];
    char found[KZ_DIGEST_TEXT];
    if (c->epoch > r->lines.n)
        return KZ_FAIL(KZ_E_DATA, "%s: is after epoch %lld, metrics.jsonl has whole lines of %lld", path,
                       (long long)c->epoch, (long long)r->lines.n);
    kz_status st = kz_record_lines_trajectory(&r->lines, c->epoch, chain);
    if (st != KZ_OK) return st;
    kz_digest_text(found, chain);
    if (strcmp(found, r->past.trajectory_digest) == 0) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: metrics.jsonl has other epochs than it", path);
}

/* The first kind of checkpoint left the metrics to metrics.jsonl. */
static kz_status fill_in(const resume *r, kz_checkpoint *c)
{
    kz_status st = KZ_OK;
    if (r->past.whole) return KZ_OK;
    KZ_TRY(kz_record_lines_metrics(&r->lines, c->epoch, "train", &c->train));
    KZ_TRY(kz_record_lines_metrics(&r->lines, c->epoch, "valid", &c->valid));
    KZ_TRY(kz_record_lines_metrics(&r->lines, c->best_epoch, "train", &c->best_train));
    if (c->train.rows > 0) c->train.rows = r->rec->data->train.rows;
    if (c->valid.rows > 0) c->valid.rows = r->rec->data->valid.rows;
    if (c->best_train.rows > 0) c->best_train.rows = r->rec->data->train.rows;
done:
    return st;
}

/* ---- which checkpoint ---- */

static kz_status try_one(resume *r, const char *path, kz_checkpoint *c)
{
    kz_status st = kz_record_checkpoint_read(path, r->rec->tensors, r->rec->n_tensors, c, &r->past);
    if (st == KZ_OK) st = check_lines(r, c, path);
    if (st != KZ_OK) kz_checkpoint_past_free(&r->past);
    return st;
}

/* Newest first; one that is damaged or cannot be read is told of, and passed over. */
static kz_status choose(resume *r, kz_checkpoint *c)
{
    kz_checkpoint_key *keys = NULL;
    char *path = NULL, name[KZ_CHECKPOINT_NAME];
    int64_t n = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_checkpoint_list(&keys, &n, r->rec->directory));
    for (int64_t i = 0; i < n && !r->found; i++) {
        kz_checkpoint of = {
            .epoch = keys[i].epoch, .step = keys[i].step, .inside = keys[i].step > 0 || keys[i].epoch == 0};
        kz_checkpoint_name(name, &of);
        kz_free(&path);
        KZ_TRY(kz_path_join(&path, r->rec->directory, name));
        st = try_one(r, path, c);
        if (st == KZ_E_MEM) goto done;
        if (st != KZ_OK) {
            tell(r, "%s; %s", kz_error_message(), i + 1 < n ? "the one before it is used" : "it is the last");
            continue;
        }
        r->found = true;
        KZ_TRY(check_run(r, path));
        KZ_TRY(fill_in(r, c));
    }
    st = KZ_OK;
    if (n > 0 && !r->found)
        st = KZ_FAIL(KZ_E_DATA,
                     "%s: none of its %lld checkpoints can be used; remove them to begin the run anew in it, or train "
                     "its config.yaml with another --out",
                     r->rec->directory, (long long)n);
done:
    kz_free(&path);
    kz_free(&keys);
    return st;
}

/* config.yaml says what the run began with; a checkpoint that was found says it again, and is believed more. */
static kz_status check_began(const resume *r)
{
    char *path = NULL;
    kz_config *began = NULL;
    kz_text report = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_path_join(&path, r->rec->directory, "config.yaml"));
    KZ_TRY(kz_config_load(&began, path, NULL, 0, &report));
    KZ_TRY(check_config(r, began));
done:
    kz_config_destroy(&began);
    kz_text_free(&report);
    kz_free(&path);
    return st;
}

/* Without a checkpoint the run begins; a result that is there is not trained away. */
static kz_status check_beginning(const resume *r)
{
    json_t *run = NULL;
    kz_status st = kz_record_read(&run, r->rec->directory);
    if (st != KZ_OK) return st;
    const char *status = json_string_value(json_object_get(run, "status"));
    if (status && strcmp(status, "completed") == 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: is completed and has no checkpoint to go on from; train with another --out",
                     r->rec->directory);
    json_decref(run);
    return st;
}

/* ---- taking up ---- */

static kz_status note_resumed(const resume *r, const kz_checkpoint *c)
{
    char at[24], name[KZ_CHECKPOINT_NAME];
    kz_clock_utc(at);
    kz_checkpoint_name(name, c);
    if (r->past.resumed && json_array_extend(r->rec->resumed, r->past.resumed) != 0)
        return KZ_FAIL(KZ_E_MEM, "run record: out of memory");
    json_t *entry = json_pack("{s:s, s:I, s:I, s:o}", "at", at, "epoch", (json_int_t)c->epoch, "step",
                              (json_int_t)c->step, "checkpoint", r->found ? json_string(name) : json_null());
    if (json_array_append_new(r->rec->resumed, entry) != 0) return KZ_FAIL(KZ_E_MEM, "run record: out of memory");
    return KZ_OK;
}

static kz_status take_up(resume *r, const kz_checkpoint *c)
{
    kz_record *rec = r->rec;
    kz_record_past past = {.epochs = c->epoch};
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_lines_trajectory(&r->lines, c->epoch, past.trajectory));
    if (c->epoch > 0) memcpy(past.weights, r->lines.weights[c->epoch - 1], 32);
    if (*r->past.started) memcpy(rec->started, r->past.started, sizeof rec->started);
    KZ_TRY(note_resumed(r, c));
    KZ_TRY(kz_record_lines_cut(&r->lines, c->epoch, r->lines_path));
    kz_energy_start(&rec->energy, "/sys/class/powercap");
    if (r->found) kz_energy_resume(&rec->energy, &r->past.energy);
    KZ_TRY(kz_record_start(rec, &past, r->past.kept_epoch, r->found ? r->past.kept_rank : (double)NAN));
    KZ_TRY(kz_record_write_config(rec)); /* paths and threads may be others, epochs more */
    KZ_TRY(kz_record_directory_sync(rec->directory));
done:
    return st;
}

kz_status kz_record_resume(kz_record **out, const kz_config *cfg, const kz_data *data, const char *directory,
                           const kz_tensor *tensors, int64_t n_tensors, kz_checkpoint *from, kz_record_note *note,
                           void *context)
{
    resume r = {.note = note, .context = context};
    kz_status st = KZ_OK;
    *from = (kz_checkpoint){0};
    if (!kz_record_is_run(directory)) return KZ_FAIL(KZ_E_INPUT, "%s: holds no run: it has no config.yaml", directory);
    KZ_TRY(kz_record_prepare(&r.rec, cfg, data, tensors, n_tensors));
    r.rec->complete = true; /* never taken back */
    KZ_TRY(kz_strdup(&r.rec->directory, directory));
    KZ_TRY(kz_record_directory_lock(&r.rec->lock, directory));
    KZ_TRY(check_began(&r));
    kz_record_directory_clean(directory);
    KZ_TRY(kz_path_join(&r.lines_path, directory, "metrics.jsonl"));
    KZ_TRY(kz_record_lines_read(&r.lines, r.lines_path));
    KZ_TRY(kz_checkpoint_writer_create(&r.rec->checkpoints, &r.rec->cfg, tensors, n_tensors));
    kz_checkpoint_writer_buffers(r.rec->checkpoints, from);
    KZ_TRY(choose(&r, from));
    if (!r.found) {
        tell(&r, "%s: was stopped before its first checkpoint: it begins", directory);
        *from = (kz_checkpoint){.inside = true};
        KZ_TRY(check_beginning(&r));
    }
    KZ_TRY(take_up(&r, from));
    *out = r.rec;
    r.rec = NULL;
done:
    kz_checkpoint_past_free(&r.past);
    kz_record_lines_free(&r.lines);
    kz_free(&r.lines_path);
    kz_record_destroy(&r.rec);
    return st;
}
