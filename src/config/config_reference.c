/* docs/config.md, from the schema table. */
#include "config/config_schema.h"

#include <string.h>

static const char intro[] =
    "<!-- Made from the table in src/config/config_schema_keys.inc; a test compares them. Do not edit. -->\n"
    "# The config\n\n"
    "A run is described by one YAML file (JSON is YAML, too):\n\n"
    "```yaml\n"
    "name: digits-mlp                       # names the run\n"
    "seed: 1\n"
    "data:\n"
    "  path: datasets/digits.h5             # relative to this file, then to the working directory\n"
    "  train: {x: /train/x, y: /train/y}    # these are the defaults\n"
    "  valid: {fraction: 0.1}               # drawn from train by the seed\n"
    "  test: {x: /test/x, y: /test/y}\n"
    "  scale: standard\n"
    "  memory: 8GiB\n"
    "model:\n"
    "  layers:\n"
    "    - {type: dense, units: 64, activation: relu, dropout: 0.2}\n"
    "    - {type: dense}                    # the last layer's units come from the data\n"
    "  loss: cross_entropy\n"
    "  init: he_normal\n"
    "optimizer:\n"
    "  name: adam\n"
    "  lr: 0.001\n"
    "  clip_norm: 1.0\n"
    "  schedule: {name: cosine, warmup_steps: 100, final_lr: 0.0}\n"
    "train:\n"
    "  epochs: 10\n"
    "  batch: 32\n"
    "  early_stop: {metric: valid.loss, patience: 3}\n"
    "  target: {metric: valid.accuracy, at_least: 0.97}\n"
    "  checkpoint: {every_minutes: 10, keep: 2}\n"
    "device: {kind: auto, arithmetic: reproducible, threads: 0}\n"
    "output: results/runs\n"
    "```\n\n"
    "The shortest one has `name`, `data.path`, `model.layers` and `optimizer.name`.\n"
    "`kaizen train --config FILE --print-config` prints a config with everything that was left out.\n"
    "`docs/config.schema.json` is the same schema for editors: begin the file with\n"
    "`# yaml-language-server: $schema=docs/config.schema.json`.\n\n"
    "Nothing is ignored and nothing is guessed. An unknown or repeated key, a wrong type, a value out of range\n"
    "or with something behind it (`0.01abc`) is an error; all errors are listed at once, each with its place:\n\n"
    "```\n"
    "run.yaml:7:9: error: optimizer.lr: 'abc' is not a number\n"
    "    7 |     lr: abc\n"
    "      |         ^~~\n"
    "  help: write a number greater than 0, e.g. 0.001\n"
    "```\n\n"
    "Booleans are `true` and `false` and nothing else. Numbers stand without quotes, whole numbers without point and\n"
    "exponent; a seed above 9223372036854775807 may stand in quotes. Anchors, aliases, tags, merge keys and several\n"
    "documents in one file are refused. A file has at most 1 MiB and 10000 values, nested at most 32 deep.\n\n"
    "## --set\n\n"
    "`--set key.path=value` puts a value over the file's; a later one wins over an earlier one. The value is YAML:\n\n"
    "```\n"
    "kaizen train --config run.yaml --set optimizer.lr=0.01\n"
    "kaizen train --config run.yaml --set model.layers[0].units=128 --set data.valid=none\n"
    "kaizen train --config run.yaml --set 'data.valid={fraction: 0.2}'\n"
    "```\n\n"
    "An element of a list must exist; to make a list longer, set all of it.\n\n"
    "## Keys\n\n"
    "\"Bits\" marks the keys that can change a bit of the result. They make up the config digest, with their "
    "defaults:\n"
    "with reproducible arithmetic, two configs of the same digest give the same weights from the same data.\n\n";

/* Table cells must not have a bare '|'. */
static kz_status add_cell(kz_text *out, const char *text)
{
    kz_status st = KZ_OK;
    for (const char *s = text; *s; s++) KZ_TRY(kz_text_add(out, *s == '|' ? "\\%c" : "%c", *s));
    KZ_TRY(kz_text_add(out, " | "));
done:
    return st;
}

static const char *type_name(const kz_config_key *key)
{
    switch (key->type) {
    case KZ_KEY_LAYERS: return "list";
    case KZ_KEY_INSIDE: return "path in the file";
    case KZ_KEY_CHOICE: return "choice";
    case KZ_KEY_BOOLEAN: return "boolean";
    default: return kz_config_noun(key) + 2; /* without its "a " */
    }
}

static const kz_config_key *section_of(const kz_config_key *key)
{
    for (const kz_config_key *s = kz_config_keys; s->path; s++) {
        if (s->type != KZ_KEY_SECTION) continue;
        const kz_config_key *k = NULL;
        while ((k = kz_config_next(s, k)))
            if (k == key) return s;
    }
    return NULL;
}

static const char *standard_name(const kz_config_key *key)
{
    const kz_config_key *section = section_of(key);
    char form[64];
    if (key->standard) return key->standard;
    if (key->flags & KZ_KEY_BY_CHOICE) return key->flags & KZ_KEY_OPTIONAL ? "from the data" : "by choice, see below";
    if (key->flags & KZ_KEY_OPTIONAL) return key->path[0] == 'm' ? "from the task" : "";
    if (key->type == KZ_KEY_SECTION) return kz_config_next(key, NULL)->standard ? "its keys' defaults" : "";
    for (int i = 0; section && kz_config_form(section, i, form); i++)
        if (!kz_config_has_word(form, kz_config_leaf(key))) return ""; /* required in some forms only */
    return "required";
}

static kz_status add_range(kz_text *out, const kz_config_key *key)
{
    kz_text words = {0};
    kz_status st = KZ_OK;
    if (key->type == KZ_KEY_SECTION && key->forms) KZ_TRY(kz_config_forms(&words, key));
    else if (key->choices || key->type == KZ_KEY_DEVICE) KZ_TRY(kz_config_expected(&words, key));
    else if (key->type == KZ_KEY_LAYERS) KZ_TRY(kz_text_add(&words, "%.0f to %.0f layers", key->min, key->max));
    else KZ_TRY(kz_config_range(&words, key));
    if (!key->forms && (key->flags & KZ_KEY_OR_NONE)) KZ_TRY(kz_text_add(&words, ", or none"));
    KZ_TRY(add_cell(out, kz_text_str(&words)));
done:
    kz_text_free(&words);
    return st;
}

static kz_status add_key(kz_text *out, const kz_config_key *key)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "| `%s` | ", key->path));
    KZ_TRY(add_cell(out, type_name(key)));
    KZ_TRY(add_cell(out, standard_name(key)));
    KZ_TRY(add_range(out, key));
    KZ_TRY(add_cell(out, key->flags & KZ_KEY_BITS ? "yes" : "no"));
    KZ_TRY(add_cell(out, key->about));
    out->s[--out->n] = '\0'; /* the blank after the last bar */
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

/* Every key whose path starts with `top`, or, for NULL, those without a section. */
static kz_status add_table(kz_text *out, const char *top)
{
    kz_status st = KZ_OK;
    size_t n = top ? strlen(top) : 0;
    KZ_TRY(kz_text_add(out, "### %s\n\n", top ? top : "Top level"));
    KZ_TRY(kz_text_add(out, "| Key | Type | Default | Range | Bits | Meaning |\n|---|---|---|---|---|---|\n"));
    for (const kz_config_key *k = kz_config_keys; k->path; k++) {
        bool in = top ? strncmp(k->path, top, n) == 0 && k->path[n] == '.'
                      : !strchr(k->path, '.') && k->type != KZ_KEY_SECTION;
        if (in) KZ_TRY(add_key(out, k));
    }
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

static kz_status add_choices(kz_text *out, const kz_config_key *key)
{
    bool keys = key->choices[0].keys != NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "### `%s`\n\n", key->path));
    KZ_TRY(kz_text_add(out, keys ? "| Value | Keys it uses | Meaning |\n|---|---|---|\n"
                                 : "| Value | Meaning |\n|---|---|\n"));
    for (const kz_config_choice *c = key->choices; c->name; c++) {
        KZ_TRY(kz_text_add(out, "| `%s` | ", c->name));
        if (keys) KZ_TRY(add_cell(out, c->keys));
        KZ_TRY(add_cell(out, c->about));
        out->s[--out->n] = '\0';
        KZ_TRY(kz_text_add(out, "\n"));
    }
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

kz_status kz_config_reference(kz_text *out)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "%s", intro));
    KZ_TRY(add_table(out, NULL));
    for (const kz_config_key *k = kz_config_keys; k->path; k++)
        if (k->type == KZ_KEY_SECTION && !strchr(k->path, '.')) KZ_TRY(add_table(out, k->path));
    KZ_TRY(kz_text_add(out,
                       "## Choices\n\nA key that a choice does not use is an error; `key=default` is what it takes "
                       "when the key is left out.\n\n"));
    for (const kz_config_key *k = kz_config_keys; k->path; k++)
        if (k->choices && k->choices[0].about) KZ_TRY(add_choices(out, k));
    out->s[--out->n] = '\0'; /* one line end is enough */
done:
    return st;
}
