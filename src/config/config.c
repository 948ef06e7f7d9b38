/* Loading a config: text to tree, --set over it, tree to config, errors to the report. */
#include "config/config_schema.h"

#include <assert.h>
#include <string.h>

/* Of all sections; keys of a layer count from the layer, and own nothing. */
static void free_values(kz_config *cfg)
{
    for (const kz_config_key *k = kz_config_keys; k->path; k++)
        if (k->type != KZ_KEY_SECTION && !strstr(k->path, "[]")) kz_config_free_value(k, cfg);
}

void kz_config_destroy(kz_config **cfg)
{
    if (*cfg) {
        free_values(*cfg);
        kz_free(&(*cfg)->model.layers);
        kz_free(&(*cfg)->file);
    }
    kz_free(cfg);
}

kz_status kz_config_set_string(char **field, const char *value)
{
    char *copy = NULL;
    kz_status st = kz_strdup(&copy, value);
    if (st != KZ_OK) return st;
    kz_free(field);
    *field = copy;
    return KZ_OK;
}

static void note_left_out(const kz_config_reader *r, const char *path, kz_config_split *split)
{
    bool bad;
    split->left_out = kz_config_find(r->root, path, 0, &bad) == NULL;
}

static kz_status read_all(kz_config_reader *r, int64_t n_sets)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_tree(r, 0, 0, &r->root));
    if (!r->root && r->n_errors == 0) {
        KZ_TRY(kz_config_error_at(r, (kz_config_place){0}, "the config is empty"));
        KZ_TRY(kz_config_help(r, "docs/config.md has a complete one"));
    }
    if (!r->root) return KZ_OK;
    for (int64_t i = 1; i <= n_sets && r->root->kind == KZ_NODE_MAPPING; i++) KZ_TRY(kz_config_overlay(r, i));
    KZ_TRY(kz_config_fill(r));
    note_left_out(r, "data.train", &r->cfg->data.train);
    note_left_out(r, "data.valid", &r->cfg->data.valid);
    note_left_out(r, "data.test", &r->cfg->data.test);
done:
    return st;
}

/* Text of n bytes, which may have a NUL inside. */
static kz_status parse_bytes(kz_config **out, const char *name, const char *text, int64_t n, const char *const *sets,
                             int64_t n_sets, kz_text *report)
{
    kz_config *cfg = NULL;
    kz_config_reader r = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&r.sources, 1 + n_sets, sizeof *r.sources, "config sources"));
    r.sources[0] = (kz_config_source){name, text, n};
    for (int64_t i = 0; i < n_sets; i++) r.sources[1 + i] = (kz_config_source){NULL, sets[i], (int64_t)strlen(sets[i])};
    KZ_TRY(kz_calloc(&cfg, 1, sizeof *cfg, "config"));
    r.cfg = cfg;
    KZ_TRY(read_all(&r, n_sets));
    KZ_TRY(kz_config_report(&r, report));
    if (r.n_errors > 0) {
        st = KZ_FAIL(KZ_E_CONFIG, "%s: %lld error%s", name, (long long)r.n_errors, r.n_errors == 1 ? "" : "s");
        goto done;
    }
    *out = cfg;
    cfg = NULL;
done:
    kz_config_reader_free(&r);
    kz_free(&r.sources);
    kz_config_destroy(&cfg);
    return st;
}

kz_status kz_config_parse(kz_config **out, const char *name, const char *text, const char *const *sets, int64_t n_sets,
                          kz_text *report)
{
    return parse_bytes(out, name, text, (int64_t)strlen(text), sets, n_sets, report);
}

kz_status kz_config_load(kz_config **out, const char *path, const char *const *sets, int64_t n_sets, kz_text *report)
{
    kz_config *cfg = NULL;
    kz_text text = {0};
    kz_status st = kz_file_read(&text, path, KZ_CONFIG_MAX_BYTES);
    if (st == KZ_E_DATA) {
        KZ_TRY(kz_text_add(report, "%s:1:1: error: larger than 1 MiB, too large for a config\n", path));
        st = KZ_FAIL(KZ_E_CONFIG, "%s: 1 error", path);
        goto done;
    }
    KZ_TRY(st);
    KZ_TRY(parse_bytes(&cfg, path, kz_text_str(&text), text.n, sets, n_sets, report));
    assert(cfg);
    KZ_TRY(kz_config_set_string(&cfg->file, path));
    *out = cfg;
    cfg = NULL;
done:
    kz_config_destroy(&cfg);
    kz_text_free(&text);
    return st;
}
