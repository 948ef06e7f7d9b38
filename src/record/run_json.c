/* run.json: what ran, on what, and what came of it. */
#include "record_impl.h"

#include <math.h>
#include <string.h>

/* Each part is NULL when memory is out; json_object_set_new then says so, and one check at the end is enough. */

static json_t *digest_json(const char *digest)
{
    return *digest ? json_string(digest) : json_null();
}

static json_t *digests_json(const kz_run_facts *f)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "config", digest_json(f->config_digest), "data",
                     digest_json(f->data_digest), "weights", digest_json(f->weights_digest), "trajectory",
                     digest_json(f->trajectory_digest));
}

static json_t *all_metrics_json(const kz_run_facts *f)
{
    const kz_run *r = f->run;
    return json_pack("{s:o, s:o, s:o}", "train", kz_metrics_json(&r->train, f->classification), "valid",
                     kz_metrics_json(&r->valid, f->classification), "test",
                     kz_metrics_json(&r->test, f->classification));
}

static json_t *target_json(const kz_run_facts *f)
{
    const kz_config_target *t = &f->cfg->train.target;
    if (!t->metric) return json_null();
    return json_pack("{s:o, s:o, s:b, s:o}", "metric", kz_record_text_json(t->metric), "value",
                     kz_json_number(t->value), "reached", isfinite(f->run->target_seconds), "seconds",
                     kz_json_number(f->run->target_seconds));
}

static json_t *timing_json(const kz_run_facts *f)
{
    char finished[24];
    const kz_run *r = f->run;
    kz_clock_utc(finished);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "total_s", kz_json_number(r->seconds_total), "data_s",
                     kz_json_number(r->seconds_data), "train_s", kz_json_number(r->seconds_train), "eval_s",
                     kz_json_number(r->seconds_eval), "checkpoint_s", kz_json_number(r->seconds_checkpoint),
                     "samples_per_s",
                     kz_json_number(r->seconds_train > 0 ? (double)r->samples / r->seconds_train : NAN), "started",
                     f->started, "finished", finished);
}

static json_t *data_json(const kz_run *r)
{
    return json_pack("{s:b, s:I, s:I, s:o}", "streamed", r->streamed, "windows", (json_int_t)r->stream_windows,
                     "bytes_read", (json_int_t)r->stream_bytes, "wait_s", kz_json_number(r->stream_waited));
}

static json_t *gpu_json(const kz_gpu *g)
{
    if (!g) return json_null();
    return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "model", g->model, "memory_bytes", (json_int_t)g->memory,
                     "multiprocessors", (json_int_t)g->multiprocessors, "bus", g->bus, "driver", g->driver, "runtime",
                     g->runtime);
}

/* On a CPU fast is reproducible: a run is fast if a GPU computed some part of it. */
static json_t *device_json(const kz_run_facts *f)
{
    const kz_run *r = f->run;
    bool fast = strcmp(f->cfg->device.arithmetic, "fast") == 0 && f->energy->gpu.used;
    const char *library = r->gpu && *r->gpu->library ? r->gpu->library : NULL;
    return json_pack("{s:o, s:o, s:i, s:s, s:s?, s:s?, s:o}", "kind", kz_record_text_json(r->device), "isa",
                     kz_record_text_json(r->isa), "threads", r->threads, "arithmetic", fast ? "fast" : "reproducible",
                     "precision", fast ? f->cfg->device.precision : NULL, "library", fast ? library : NULL, "gpu",
                     gpu_json(r->gpu));
}

static json_t *diverged_json(const kz_run *r)
{
    return r->diverged_step < 0 ? json_null()
                                : json_pack("{s:I, s:s}", "step", (json_int_t)r->diverged_step, "what", r->diverged_in);
}

/* How it went. */
static int add_outcome(json_t *j, const kz_run_facts *f)
{
    const kz_run *r = f->run;
    int bad = json_object_set_new(j, "digests", digests_json(f));
    bad |= json_object_set_new(j, "metrics", all_metrics_json(f));
    bad |= json_object_set_new(j, "epochs", json_integer(r->epochs));
    bad |= json_object_set_new(j, "steps", json_integer(r->steps));
    bad |= json_object_set_new(j, "samples", json_integer(r->samples));
    bad |= json_object_set_new(j, "best_epoch", r->best_epoch > 0 ? json_integer(r->best_epoch) : json_null());
    bad |= json_object_set_new(j, "diverged", diverged_json(r));
    bad |= json_object_set_new(j, "target", target_json(f));
    bad |= json_object_set_new(j, "resumed", f->resumed ? json_deep_copy(f->resumed) : json_array());
    return bad;
}

/* What it took. */
static int add_circumstances(json_t *j, const kz_run_facts *f)
{
    int bad = json_object_set_new(j, "timing", timing_json(f));
    bad |= json_object_set_new(j, "energy", kz_energy_json(f->energy));
    bad |= json_object_set_new(j, "data", data_json(f->run));
    bad |= json_object_set_new(j, "device", device_json(f));
    bad |= json_object_set_new(j, "machine", kz_machine_json());
    bad |= json_object_set_new(j, "build", kz_build_json());
    bad |= json_object_set_new(j, "memory", json_pack("{s:I}", "peak_bytes", (json_int_t)kz_peak_memory()));
    return bad;
}

kz_status kz_run_json(json_t **out, const kz_run_facts *f)
{
    json_t *j = json_object(), *config = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_json(&config, f->cfg));
    int bad = json_object_set_new(j, "schema", json_string("kaizen.run/1"));
    bad |= json_object_set_new(j, "status", kz_record_text_json(f->run->status));
    bad |= json_object_set_new(j, "stopped_by", kz_record_text_json(f->run->stopped_by));
    bad |= json_object_set_new(j, "error", kz_record_text_json(f->run->error));
    bad |= json_object_set_new(j, "name", kz_record_text_json(f->cfg->name));
    bad |= json_object_set_new(j, "config", config);
    bad |= json_object_set(j, "seed", json_object_get(json_object_get(j, "config"), "seed")); /* a text from 2^63 on */
    bad |= add_outcome(j, f);
    bad |= add_circumstances(j, f);
    if (bad) st = KZ_FAIL(KZ_E_MEM, "run.json: out of memory");
    else *out = json_incref(j);
done:
    json_decref(j);
    return st;
}
