/* Whether a run that began with one config may go on with another. */
#include "config/config_schema.h"

#include <string.h>

typedef struct {
    kz_text *out;
    const kz_config *began, *now;
} comparison;

static kz_status compare_sections(const comparison *c, const kz_config_key *section, const json_t *was,
                                  const json_t *is, int64_t index);

static kz_status compare_layers(const comparison *c, const kz_config_key *key, const json_t *was, const json_t *is)
{
    const kz_config_model *a = &c->began->model, *b = &c->now->model;
    kz_status st = KZ_OK;
    if (a->n_layers != b->n_layers)
        return kz_text_add(c->out, "  %s: %lld layers when the run began, now %lld\n", key->path,
                           (long long)a->n_layers, (long long)b->n_layers);
    for (int64_t i = 0; i < a->n_layers; i++)
        KZ_TRY(compare_sections(c, key, json_array_get(was, (size_t)i), json_array_get(is, (size_t)i), i));
done:
    return st;
}

/* The schedule, by its total number of steps, is the only thing that an epoch depends on beyond those before it. */
static bool may_rise(const comparison *c, const kz_config_key *key)
{
    const char *schedule = c->began->optimizer.schedule.name;
    return strcmp(key->path, "train.epochs") == 0 && c->now->train.epochs > c->began->train.epochs && schedule &&
           strcmp(schedule, "constant") == 0;
}

static kz_status show(kz_text *out, const json_t *value)
{
    return value ? kz_json_dump_digits(out, value, 15) : kz_text_add(out, "not set");
}

static kz_status report(const comparison *c, const kz_config_key *key, const json_t *was, const json_t *is,
                        int64_t index)
{
    char path[KZ_CONFIG_PATH];
    kz_text line = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(&line, "  %s: ", kz_config_path(path, key, index)));
    KZ_TRY(show(&line, was));
    KZ_TRY(kz_text_add(&line, " when the run began, now "));
    KZ_TRY(show(&line, is));
    if (strcmp(key->path, "train.epochs") == 0 && c->now->train.epochs > c->began->train.epochs)
        KZ_TRY(kz_text_add(&line, "; the schedule %s uses the total", c->began->optimizer.schedule.name));
    KZ_TRY(kz_text_add(&line, "\n"));
    KZ_TRY(kz_text_add_bytes(c->out, line.s, line.n));
done:
    kz_text_free(&line);
    return st;
}

/* Left open in `now`: to be filled in from the data, which have their own digest. */
static bool open_in(const kz_config_key *key, const json_t *is)
{
    const char *text = json_string_value(is);
    return (!is && (key->flags & KZ_KEY_OPTIONAL)) ||
           (strcmp(key->path, "data.scale_target") == 0 && text && strcmp(text, "auto") == 0);
}

static kz_status compare_sections(const comparison *c, const kz_config_key *section, const json_t *was,
                                  const json_t *is, int64_t index)
{
    const kz_config_key *k = NULL;
    kz_status st = KZ_OK;
    while ((k = kz_config_next(section, k))) {
        const json_t *a = json_object_get(was, kz_config_leaf(k)), *b = json_object_get(is, kz_config_leaf(k));
        if (!(k->flags & KZ_KEY_BITS) || json_equal(a, b) || (!a && !b) || open_in(k, b) || may_rise(c, k)) continue;
        if (k->type == KZ_KEY_LAYERS) KZ_TRY(compare_layers(c, k, a, b));
        else if (k->type == KZ_KEY_SECTION && json_is_object(a) && json_is_object(b))
            KZ_TRY(compare_sections(c, k, a, b, index));
        else KZ_TRY(report(c, k, a, b, index));
    }
done:
    return st;
}

kz_status kz_config_difference(kz_text *out, const kz_config *began, const kz_config *now)
{
    comparison c = {.out = out, .began = began, .now = now};
    json_t *was = NULL, *is = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_object(&was, began, false));
    KZ_TRY(kz_config_object(&is, now, false));
    KZ_TRY(compare_sections(&c, NULL, was, is, 0));
done:
    json_decref(was);
    json_decref(is);
    return st;
}
