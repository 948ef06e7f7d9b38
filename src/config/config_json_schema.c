/* docs/config.schema.json, from the schema table: draft 2020-12, for editors. */
#include "config/config_schema.h"

#include <float.h>
#include <string.h>

/* A tree under construction: once an allocation fails, all that follows does nothing. */
typedef struct {
    bool failed;
} maker;

static json_t *made(maker *m, json_t *j)
{
    if (!j) m->failed = true;
    return j;
}

static void set(maker *m, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) != 0) m->failed = true;
}

static void append(maker *m, json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) != 0) m->failed = true;
}

static json_t *typed(maker *m, const char *type)
{
    json_t *j = made(m, json_object());
    set(m, j, "type", json_string(type));
    return j;
}

static json_t *pattern(maker *m, const char *expression)
{
    json_t *j = typed(m, "string");
    set(m, j, "pattern", json_string(expression));
    return j;
}

static json_t *number(const kz_config_key *key, double x)
{
    return key->type == KZ_KEY_NUMBER || key->type == KZ_KEY_AT_LEAST || key->type == KZ_KEY_AT_MOST
               ? json_real(x)
               : json_integer((json_int_t)x);
}

static json_t *ranged(maker *m, const kz_config_key *key, const char *type)
{
    json_t *j = typed(m, type);
    if (key->min < key->max) set(m, j, key->above ? "exclusiveMinimum" : "minimum", number(key, key->min));
    if (key->min < key->max) set(m, j, key->below ? "exclusiveMaximum" : "maximum", number(key, key->max));
    return j;
}

static json_t *either(maker *m, json_t *a, json_t *b)
{
    json_t *j = made(m, json_object()), *list = made(m, json_array());
    append(m, list, a);
    append(m, list, b);
    set(m, j, "anyOf", list);
    return j;
}

static json_t *just(maker *m, const char *text)
{
    json_t *j = made(m, json_object());
    set(m, j, "const", json_string(text));
    return j;
}

static json_t *choices(maker *m, const kz_config_key *key)
{
    json_t *j = made(m, json_object()), *list = made(m, json_array());
    for (const kz_config_choice *c = key->choices; c->name; c++) append(m, list, json_string(c->name));
    set(m, j, "enum", list);
    return j;
}

static json_t *seed(maker *m)
{
    json_t *j = typed(m, "integer");
    set(m, j, "minimum", json_integer(0));
    set(m, j, "maximum", json_real(18446744073709551615.0));
    return either(m, j, pattern(m, "^(0|[1-9][0-9]{0,19})$"));
}

static json_t *section(maker *m, const kz_config_key *key);

static json_t *layers(maker *m, const kz_config_key *key)
{
    json_t *j = typed(m, "array");
    set(m, j, "minItems", json_integer((json_int_t)key->min));
    set(m, j, "maxItems", json_integer((json_int_t)key->max));
    set(m, j, "items", section(m, key));
    return j;
}

static json_t *value(maker *m, const kz_config_key *key)
{
    if (key->choices) return choices(m, key);
    switch (key->type) {
    case KZ_KEY_SECTION: return section(m, key);
    case KZ_KEY_LAYERS: return layers(m, key);
    case KZ_KEY_NAME: return pattern(m, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$");
    case KZ_KEY_PATH: return pattern(m, "^.");
    case KZ_KEY_INSIDE: return pattern(m, "^/.");
    case KZ_KEY_DEVICE: return pattern(m, "^(auto|cpu|cuda|cuda:(0|[1-9][0-9]{0,2}))$");
    case KZ_KEY_BOOLEAN: return typed(m, "boolean");
    case KZ_KEY_INTEGER: return ranged(m, key, "integer");
    case KZ_KEY_SEED: return seed(m);
    case KZ_KEY_SIZE:
        return either(m, ranged(m, key, "integer"), pattern(m, "^[0-9]+(\\.[0-9]+)?(B|[KMGT]iB|[kKMGT]B)?$"));
    default: return ranged(m, key, "number");
    }
}

static json_t *standard_json(const kz_config_key *key)
{
    int64_t i;
    double x;
    if (key->type == KZ_KEY_BOOLEAN) return json_boolean(strcmp(key->standard, "true") == 0);
    if (key->type == KZ_KEY_INTEGER || key->type == KZ_KEY_SEED)
        return kz_parse_int(key->standard, &i) ? json_integer(i) : NULL;
    if (kz_parse_double(key->standard, &x)) return json_real(x);
    return json_string(key->standard);
}

static json_t *property(maker *m, const kz_config_key *key)
{
    json_t *j = value(m, key);
    if (key->flags & KZ_KEY_OR_NONE) j = either(m, just(m, "none"), j);
    set(m, j, "description", json_string(key->about));
    if (key->standard) set(m, j, "default", standard_json(key));
    return j;
}

/* The keys of a form that have no default. */
static json_t *form_required(maker *m, const kz_config_key *parent, const char *form)
{
    json_t *list = made(m, json_array());
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(parent, k)))
        if (kz_config_has_word(form, kz_config_leaf(k)) && !k->standard && !(k->flags & KZ_KEY_OPTIONAL))
            append(m, list, json_string(kz_config_leaf(k)));
    return list;
}

/* One form: its keys are required, those of the other forms are not allowed. */
static json_t *form_json(maker *m, const kz_config_key *parent, int number_of_form)
{
    char form[64], other[64];
    json_t *j = made(m, json_object()), *no = made(m, json_object());
    const kz_config_key *k = NULL;
    kz_config_form(parent, number_of_form, form);
    set(m, j, "required", form_required(m, parent, form));
    while ((k = kz_config_next(parent, k)))
        for (int i = 0; kz_config_form(parent, i, other); i++)
            if (kz_config_has_word(other, kz_config_leaf(k)) && !kz_config_has_word(form, kz_config_leaf(k)))
                set(m, no, kz_config_leaf(k), json_false());
    set(m, j, "properties", no);
    return j;
}

static void add_forms(maker *m, json_t *j, const kz_config_key *parent)
{
    char form[64];
    json_t *list = made(m, json_array());
    for (int i = 0; kz_config_form(parent, i, form); i++) append(m, list, form_json(m, parent, i));
    set(m, j, "oneOf", list);
}

/* If that choice is made, the keys that it does not use are not allowed. */
static json_t *choice_rule(maker *m, const kz_config_key *parent, const kz_config_key *chooser,
                           const kz_config_choice *choice)
{
    char standard[KZ_CONFIG_STANDARD];
    json_t *rule = made(m, json_object()), *when = made(m, json_object()), *then = made(m, json_object());
    json_t *chosen = made(m, json_object()), *no = made(m, json_object());
    const kz_config_key *k = NULL;
    bool by_default = chooser->standard && strcmp(chooser->standard, choice->name) == 0;
    while ((k = kz_config_next(parent, k)))
        if ((k->flags & KZ_KEY_BY_CHOICE) && !kz_config_uses(choice, k, standard))
            set(m, no, kz_config_leaf(k), json_false());
    set(m, chosen, kz_config_leaf(chooser), just(m, choice->name));
    set(m, when, "properties", chosen);
    if (!by_default) set(m, when, "required", json_pack("[s]", kz_config_leaf(chooser)));
    set(m, then, "properties", no);
    set(m, rule, "if", when);
    set(m, rule, "then", then);
    return rule;
}

static void add_choice_rules(maker *m, json_t *j, const kz_config_key *parent)
{
    const kz_config_key *chooser = kz_config_chooser(parent);
    if (!chooser) return;
    json_t *rules = made(m, json_array());
    for (const kz_config_choice *c = chooser->choices; c->name; c++)
        append(m, rules, choice_rule(m, parent, chooser, c));
    set(m, j, "allOf", rules);
}

/* Must the key be written whatever else is?  Sections are if something below them must. */
static bool is_required(const kz_config_key *parent, const kz_config_key *key)
{
    const kz_config_key *k = NULL;
    if (key->standard || (key->flags & (KZ_KEY_OPTIONAL | KZ_KEY_BY_CHOICE))) return false;
    if (key->type != KZ_KEY_SECTION) return !(parent && parent->forms);
    while ((k = kz_config_next(key, k)))
        if (is_required(key, k)) return true;
    return false;
}

static json_t *section(maker *m, const kz_config_key *parent)
{
    json_t *j = typed(m, "object"), *properties = made(m, json_object()), *required = made(m, json_array());
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(parent, k))) {
        set(m, properties, kz_config_leaf(k), property(m, k));
        if (is_required(parent, k)) append(m, required, json_string(kz_config_leaf(k)));
    }
    set(m, j, "additionalProperties", json_false());
    set(m, j, "properties", properties);
    set(m, j, "required", required);
    if (parent && parent->forms) add_forms(m, j, parent);
    if (parent) add_choice_rules(m, j, parent);
    return j;
}

kz_status kz_config_json_schema(kz_text *out)
{
    maker m = {false};
    kz_status st = KZ_OK;
    json_t *schema = made(&m, json_object()), *top = section(&m, NULL);
    set(&m, schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    set(&m, schema, "title", json_string("Kaizen config"));
    set(&m, schema, "description",
        json_string("Made from src/config/config_schema_keys.inc; docs/config.md explains it."));
    if (!top || json_object_update(schema, top) != 0) m.failed = true;
    if (m.failed) {
        st = KZ_FAIL(KZ_E_MEM, "config: out of memory for the JSON Schema");
        goto done;
    }
    KZ_TRY(kz_json_dump(out, schema, true));
    KZ_TRY(kz_text_add(out, "\n"));
done:
    json_decref(top);
    json_decref(schema);
    return st;
}
