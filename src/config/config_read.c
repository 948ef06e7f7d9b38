/* The tree against the schema: each key is read, defaulted or complained about. */
#include "config/config_schema.h"

#include <string.h>

typedef struct {
    kz_config_reader *r;
    const kz_config_key *section;   /* NULL: the top */
    kz_config_node *node;           /* its mapping; NULL: left out, all is default */
    void *base;                     /* what offsets count from */
    int64_t index;                  /* of the layer */
    kz_config_place place;          /* where missing keys are missed */
    const kz_config_choice *choice; /* made by its chooser; NULL: none, or a wrong one */
    char form[64];                  /* the form that is used; "" where there are none */
} scope;

static kz_status read_keys(scope *s);

/* ---- unknown keys ---- */

static const kz_config_key *sibling(const scope *s, const char *name)
{
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(s->section, k)))
        if (strcmp(kz_config_leaf(k), name) == 0) return k;
    return NULL;
}

/* Another tool's word for a key, in this section or else anywhere; then the same word elsewhere. */
static const kz_config_key *known_elsewhere(const scope *s, const char *name)
{
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(s->section, k)))
        if (kz_config_has_word(k->aliases, name)) return k;
    for (k = kz_config_keys; k->path; k++)
        if (strcmp(kz_config_leaf(k), name) == 0) return k;
    for (k = kz_config_keys; k->path; k++)
        if (kz_config_has_word(k->aliases, name)) return k;
    return NULL;
}

static const kz_config_key *near_sibling(const scope *s, const char *name)
{
    const char *names[64];
    char standard[KZ_CONFIG_STANDARD];
    int n = 0;
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(s->section, k)) && n < 63) {
        bool unused = (k->flags & KZ_KEY_BY_CHOICE) && s->choice && !kz_config_uses(s->choice, k, standard);
        if (!unused) names[n++] = kz_config_leaf(k);
    }
    names[n] = NULL;
    const char *near = kz_suggest(name, names);
    return near ? sibling(s, near) : NULL;
}

static const kz_config_key *near_anywhere(const char *name)
{
    const char *names[128];
    int n = 0;
    const kz_config_key *k;
    for (k = kz_config_keys; k->path && n < 127; k++) names[n++] = kz_config_leaf(k);
    names[n] = NULL;
    const char *near = kz_suggest(name, names);
    for (k = kz_config_keys; near && k->path; k++)
        if (kz_config_leaf(k) == near) return k;
    return NULL;
}

static kz_status help_unknown(scope *s, const char *name)
{
    char path[KZ_CONFIG_PATH];
    kz_status st = KZ_OK;
    const kz_config_key *k = known_elsewhere(s, name);
    if (!k) k = near_sibling(s, name);
    if (!k) k = near_anywhere(name);
    if (k) return kz_config_help(s->r, "did you mean '%s'?", kz_config_path(path, k, s->index));
    KZ_TRY(kz_config_help(s->r, "the keys here are "));
    while ((k = kz_config_next(s->section, k)))
        KZ_TRY(kz_config_help(s->r, "%s%s", k == kz_config_next(s->section, NULL) ? "" : ", ", kz_config_leaf(k)));
done:
    return st;
}

/* The path of a key that the schema may not know. */
static void written_path(const scope *s, const char *name, char out[2 * KZ_CONFIG_PATH])
{
    char above[KZ_CONFIG_PATH] = "", cut[KZ_CONFIG_SHORT];
    if (s->section) kz_config_path(above, s->section, s->index);
    kz_config_short(cut, name);
    if (s->section && s->section->type == KZ_KEY_LAYERS)
        snprintf(out, 2 * KZ_CONFIG_PATH, "%s[%lld].%s", above, (long long)s->index, cut);
    else snprintf(out, 2 * KZ_CONFIG_PATH, "%s%s%s", above, above[0] ? "." : "", cut);
}

static kz_status refuse_unknown(scope *s, const kz_config_node *node)
{
    char path[2 * KZ_CONFIG_PATH];
    kz_status st = KZ_OK;
    written_path(s, node->key, path);
    KZ_TRY(kz_config_error_at(s->r, node->key_place, "unknown key '%s'", path));
    KZ_TRY(help_unknown(s, node->key));
done:
    return st;
}

/* ---- keys that do not fit what was chosen ---- */

static kz_status refuse_unused(scope *s, const kz_config_key *key, const kz_config_node *node)
{
    char path[KZ_CONFIG_PATH], standard[KZ_CONFIG_STANDARD];
    kz_text users = {0};
    kz_status st = KZ_OK;
    int n = 0;
    for (const kz_config_choice *c = kz_config_chooser(s->section)->choices; c->name; c++) {
        if (!kz_config_uses(c, key, standard)) continue;
        KZ_TRY(kz_text_add(&users, "%s%s", n++ ? ", " : "", c->name));
    }
    kz_config_path(path, key, s->index);
    KZ_TRY(kz_config_error_at(s->r, node->key_place, "%s: %s does not use it; %s %s", path, s->choice->name,
                              kz_text_str(&users), n == 1 ? "does" : "do"));
    KZ_TRY(kz_config_help(s->r, "leave it out"));
done:
    kz_text_free(&users);
    return st;
}

static bool mentioned(const kz_config_key *section, const char *leaf)
{
    char form[64];
    for (int i = 0; kz_config_form(section, i, form); i++)
        if (kz_config_has_word(form, leaf)) return true;
    return false;
}

/* Does the form have every key that is written and that some form has?  If not, *odd is the last one it lacks. */
static bool form_fits(const scope *s, const char *form, const kz_config_node **odd)
{
    bool fits = true;
    for (const kz_config_node *n = s->node->child; n; n = n->next) {
        if (!mentioned(s->section, n->key) || kz_config_has_word(form, n->key)) continue;
        kz_config_place a = n->key_place, b = *odd ? (*odd)->key_place : a;
        if (a.source != b.source ? a.source > b.source : a.begin >= b.begin) *odd = n;
        fits = false;
    }
    return fits;
}

/* Settles which of its forms the section is written in; *clear: exactly one is possible. */
static kz_status choose_form(scope *s, bool *clear)
{
    char form[64], path[KZ_CONFIG_PATH];
    kz_text words = {0};
    kz_status st = KZ_OK;
    const kz_config_node *odd = NULL;
    int fitting = 0;
    for (int i = 0; kz_config_form(s->section, i, form); i++) {
        if (s->node && !form_fits(s, form, &odd)) continue;
        fitting++;
        snprintf(s->form, sizeof s->form, "%s", form);
    }
    *clear = fitting == 1 || !s->section->forms;
    if (*clear) return KZ_OK;
    s->node->bad = true;
    KZ_TRY(kz_config_forms(&words, s->section));
    kz_config_path(path, s->section, s->index);
    if (fitting == 0 && odd)
        KZ_TRY(kz_config_error_at(s->r, odd->key_place, "%s: %s does not go with the other keys", path, odd->key));
    else KZ_TRY(kz_config_error_at(s->r, s->place, "%s: incomplete", path));
    KZ_TRY(kz_config_help(s->r, "write %s", kz_text_str(&words)));
done:
    kz_text_free(&words);
    return st;
}

/* ---- one key ---- */

static kz_status refuse_missing(scope *s, const kz_config_key *key)
{
    char path[KZ_CONFIG_PATH], verb[KZ_CONFIG_PATH + 8];
    const char *whole = s->node ? "" : s->section->path; /* all of the section is missing */
    kz_status st = KZ_OK;
    snprintf(verb, sizeof verb, "add %s%s%s:", whole, *whole ? " with " : "", kz_config_leaf(key));
    KZ_TRY(kz_config_error_at(s->r, s->place, "%s is missing", kz_config_path(path, key, s->index)));
    KZ_TRY(kz_config_help_expected(s->r, verb, key));
done:
    return st;
}

static kz_status read_section(scope *above, const kz_config_key *section, kz_config_node *node)
{
    char path[KZ_CONFIG_PATH];
    kz_text words = {0};
    kz_status st = KZ_OK;
    scope s = {above->r, section, node, above->base, above->index, node ? node->key_place : above->place, NULL, ""};
    bool none = node && node->kind == KZ_NODE_SCALAR && strcmp(node->text, "none") == 0;
    bool none_by_default = !node && section->standard;
    if (none_by_default || (node && node->bad)) return KZ_OK;
    if (none && (section->flags & KZ_KEY_OR_NONE)) return KZ_OK;
    if (!node || node->kind == KZ_NODE_MAPPING) return read_keys(&s);

    kz_config_path(path, section, s.index);
    bool empty = node->kind == KZ_NODE_SCALAR && !node->quoted && !node->text[0];
    char cut[KZ_CONFIG_SHORT];
    if (empty) KZ_TRY(kz_config_error_in(s.r, node, "%s: has no value", path));
    else if (node->kind == KZ_NODE_LIST)
        KZ_TRY(kz_config_error_in(s.r, node, "%s: expected a mapping, found a list", path));
    else {
        kz_config_short(cut, node->text);
        KZ_TRY(kz_config_error_in(s.r, node, "%s: expected a mapping, found '%s'", path, cut));
    }
    KZ_TRY(kz_config_forms(&words, section));
    KZ_TRY(kz_config_help(s.r, "write %s", kz_text_str(&words)));
done:
    kz_text_free(&words);
    return st;
}

static kz_status read_layer(scope *above, const kz_config_key *key, kz_config_node *node, int64_t index)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    scope s = {above->r, key, node, &above->r->cfg->model.layers[index], index, node->place, NULL, ""};
    if (node->bad) return KZ_OK;
    if (node->kind == KZ_NODE_MAPPING) return read_keys(&s);
    kz_config_short(cut, node->kind == KZ_NODE_SCALAR ? node->text : "[");
    KZ_TRY(kz_config_error_in(s.r, node, "%s[%lld]: expected a mapping, found '%s'", key->path, (long long)index, cut));
    KZ_TRY(kz_config_help(s.r, "write {type: dense, units: 64}"));
done:
    return st;
}

static kz_status read_layers(scope *s, const kz_config_key *key, kz_config_node *node)
{
    kz_config_model *model = &s->r->cfg->model;
    kz_status st = KZ_OK;
    int64_t n = 0;
    if (node->bad) return KZ_OK;
    if (node->kind != KZ_NODE_LIST) {
        KZ_TRY(kz_config_error_in(s->r, node, "%s: expected %s", key->path, kz_config_noun(key)));
        KZ_TRY(kz_config_help(s->r, "write one, e.g. [{type: dense, units: 64}, {type: dense}]"));
        return KZ_OK;
    }
    for (const kz_config_node *c = node->child; c; c = c->next) n++;
    if (!kz_config_in_range(key, (double)n)) {
        KZ_TRY(kz_config_error_in(s->r, node, "%s: %lld layers, out of range", key->path, (long long)n));
        KZ_TRY(kz_config_help(s->r, "write %.0f to %.0f layers", key->min, key->max));
        return KZ_OK;
    }
    KZ_TRY(kz_calloc(&model->layers, n, sizeof *model->layers, "layers"));
    for (model->n_layers = 0; model->n_layers < n; model->n_layers++) {
        KZ_TRY(read_layer(s, key, kz_config_element(node, model->n_layers), model->n_layers));
    }
done:
    return st;
}

static kz_status read_absent(scope *s, const kz_config_key *key)
{
    char buffer[KZ_CONFIG_STANDARD];
    if (key->type == KZ_KEY_SECTION) return read_section(s, key, NULL);
    const char *standard = kz_config_standard(s->choice, key, buffer);
    if (standard || (key->flags & KZ_KEY_OPTIONAL)) return kz_config_put_standard(key, standard, s->base);
    if (key->flags & KZ_KEY_BY_CHOICE) return KZ_OK; /* the chooser is wrong, which was reported */
    return refuse_missing(s, key);
}

static kz_status read_key(scope *s, const kz_config_key *key)
{
    char standard[KZ_CONFIG_STANDARD];
    const char *leaf = kz_config_leaf(key);
    kz_config_node *node = kz_config_child(s->node, leaf);
    bool unused = (key->flags & KZ_KEY_BY_CHOICE) && s->choice && !kz_config_uses(s->choice, key, standard);
    bool other_form = s->form[0] && !kz_config_has_word(s->form, leaf) && mentioned(s->section, leaf);
    if (unused && node) return refuse_unused(s, key, node);
    if (unused || (other_form && !node)) return KZ_OK;
    if (!node) return read_absent(s, key);
    if (key->type == KZ_KEY_SECTION) return read_section(s, key, node);
    if (key->type == KZ_KEY_LAYERS) return read_layers(s, key, node);
    return kz_config_read_value(s->r, key, s->index, node, s->base);
}

/* What the section's chooser says, "" or its default if it is left out. */
static const kz_config_choice *made_choice(const scope *s)
{
    const kz_config_key *chooser = kz_config_chooser(s->section);
    if (!chooser) return NULL;
    const kz_config_node *node = kz_config_child(s->node, kz_config_leaf(chooser));
    const char *name = node ? node->text : chooser->standard;
    return name ? kz_config_choice_of(chooser, name) : NULL;
}

static kz_status read_keys(scope *s)
{
    const kz_config_key *k = NULL;
    bool clear = true;
    kz_status st = KZ_OK;
    s->choice = made_choice(s);
    if (s->section) KZ_TRY(choose_form(s, &clear));
    while (clear && (k = kz_config_next(s->section, k))) KZ_TRY(read_key(s, k));
    for (const kz_config_node *n = s->node ? s->node->child : NULL; n; n = n->next)
        if (!sibling(s, n->key)) KZ_TRY(refuse_unknown(s, n));
done:
    return st;
}

kz_status kz_config_fill(kz_config_reader *r)
{
    kz_status st = KZ_OK;
    scope s = {.r = r, .node = r->root, .base = r->cfg, .place = r->root->place};
    if (r->root->kind != KZ_NODE_MAPPING) {
        KZ_TRY(kz_config_error_in(r, r->root, "a config is a mapping of keys, this is %s",
                                  r->root->kind == KZ_NODE_LIST ? "a list" : "a single value"));
        KZ_TRY(kz_config_help(r, "start with a line such as name: my-run"));
        return KZ_OK;
    }
    KZ_TRY(read_keys(&s));
    KZ_TRY(kz_config_check_rules(r));
done:
    return st;
}
