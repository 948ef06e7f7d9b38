/* Single values: text to a field of the config, a field to JSON, and the words for what is expected. */
#include "config/config_schema.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { FITS, IS_NOT_ONE, OUT_OF_RANGE, TOO_SMALL } fit;

/* ---- text to field ---- */

static void *field_of(const kz_config_key *key, void *base)
{
    return (char *)base + key->offset;
}

static const void *const_field_of(const kz_config_key *key, const void *base)
{
    return (const char *)base + key->offset;
}

static bool all_digits(const char *s)
{
    s += *s == '-' || *s == '+';
    return *s && strspn(s, "0123456789") == strlen(s);
}

/* Other YAML readers take 010 for 8. */
static bool leading_zero(const char *s)
{
    s += *s == '-' || *s == '+';
    return s[0] == '0' && isdigit((unsigned char)s[1]);
}

static fit integer_fit(const kz_config_key *key, const char *text, int64_t *out)
{
    int64_t v;
    if (!all_digits(text) || leading_zero(text)) return IS_NOT_ONE;
    if (!kz_parse_int(text, &v) || !kz_config_in_range(key, (double)v)) return OUT_OF_RANGE;
    *out = v;
    return FITS;
}

static fit seed_fit(const char *text, uint64_t *out)
{
    if (!all_digits(text) || leading_zero(text)) return IS_NOT_ONE;
    errno = 0;
    unsigned long long v = strtoull(text, NULL, 10);
    if (errno || text[0] == '-') return OUT_OF_RANGE;
    *out = v;
    return FITS;
}

static bool is_overflow(const char *text)
{
    char *end;
    return isdigit((unsigned char)text[*text == '-' || *text == '+']) && isinf(strtod(text, &end)) && !*end;
}

/* Numbers end up in binary32, where what is too small would silently become 0. */
static fit number_fit(const kz_config_key *key, const char *text, double *out)
{
    double v;
    if (is_overflow(text)) return OUT_OF_RANGE;
    if (!kz_parse_double(text, &v) || leading_zero(text)) return IS_NOT_ONE;
    bool is_zero = strcspn(text, "123456789") >= strcspn(text, "eE"); /* no digit but 0 before the exponent */
    if (!is_zero && fabs(v) < (double)FLT_MIN) return TOO_SMALL;
    if (!kz_config_in_range(key, v)) return OUT_OF_RANGE;
    *out = v == 0 ? 0 : v; /* no -0 */
    return FITS;
}

static fit size_fit(const kz_config_key *key, const char *text, int64_t *out)
{
    int64_t v;
    if (!kz_parse_size(text, &v)) return IS_NOT_ONE;
    if (!kz_config_in_range(key, (double)v)) return OUT_OF_RANGE;
    *out = v;
    return FITS;
}

static fit name_fit(const char *text)
{
    size_t n = strlen(text);
    if (n > 64) return OUT_OF_RANGE;
    if (!isalnum((unsigned char)text[0])) return IS_NOT_ONE;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i])) return IS_NOT_ONE;
    return FITS;
}

static fit device_fit(const char *text)
{
    if (strcmp(text, "auto") == 0 || strcmp(text, "cpu") == 0 || strcmp(text, "cuda") == 0) return FITS;
    if (strncmp(text, "cuda:", 5) != 0) return IS_NOT_ONE;
    const char *n = text + 5;
    return *n && strlen(n) <= 3 && strspn(n, "0123456789") == strlen(n) && !leading_zero(n) ? FITS : IS_NOT_ONE;
}

static fit string_fit(const kz_config_key *key, const char *text)
{
    switch (key->type) {
    case KZ_KEY_NAME: return name_fit(text);
    case KZ_KEY_DEVICE: return device_fit(text);
    case KZ_KEY_INSIDE: return text[0] == '/' && text[1] ? FITS : IS_NOT_ONE;
    case KZ_KEY_METRIC: return kz_config_choice_of(key, text) ? FITS : IS_NOT_ONE;
    default: return text[0] ? FITS : IS_NOT_ONE;
    }
}

static fit put_target(const kz_config_key *key, const char *text, kz_config_target *target)
{
    fit f = number_fit(key, text, &target->value);
    if (f == FITS) target->at_least = key->type == KZ_KEY_AT_LEAST;
    return f;
}

static bool put_boolean(const char *text, bool *out)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) return false;
    *out = yes;
    return true;
}

static bool put_choice(const kz_config_key *key, const char *text, const char **out)
{
    const kz_config_choice *c = kz_config_choice_of(key, text);
    if (c) *out = c->name;
    return c != NULL;
}

static kz_status put(const kz_config_key *key, const char *text, void *base, fit *how)
{
    void *field = field_of(key, base);
    switch (key->type) {
    case KZ_KEY_BOOLEAN: *how = put_boolean(text, field) ? FITS : IS_NOT_ONE; return KZ_OK;
    case KZ_KEY_CHOICE: *how = put_choice(key, text, field) ? FITS : IS_NOT_ONE; return KZ_OK;
    case KZ_KEY_INTEGER: *how = integer_fit(key, text, field); return KZ_OK;
    case KZ_KEY_SEED: *how = seed_fit(text, field); return KZ_OK;
    case KZ_KEY_SIZE: *how = size_fit(key, text, field); return KZ_OK;
    case KZ_KEY_NUMBER: *how = number_fit(key, text, field); return KZ_OK;
    case KZ_KEY_AT_LEAST:
    case KZ_KEY_AT_MOST: *how = put_target(key, text, field); return KZ_OK;
    default: break;
    }
    *how = string_fit(key, text);
    return *how == FITS ? kz_config_set_string(field, text) : KZ_OK;
}

kz_status kz_config_put_standard(const kz_config_key *key, const char *text, void *base)
{
    fit how;
    if (text && strcmp(text, "none") == 0 && key->type == KZ_KEY_NUMBER) {
        *(double *)field_of(key, base) = KZ_UNSET;
        return KZ_OK;
    }
    if (text) return put(key, text, base, &how);
    if (key->type == KZ_KEY_INTEGER) *(int64_t *)field_of(key, base) = KZ_UNSET;
    return KZ_OK;
}

void kz_config_free_value(const kz_config_key *key, void *base)
{
    switch (key->type) {
    case KZ_KEY_NAME:
    case KZ_KEY_PATH:
    case KZ_KEY_INSIDE:
    case KZ_KEY_DEVICE:
    case KZ_KEY_METRIC: kz_free(field_of(key, base)); break;
    default: break;
    }
}

/* ---- what is wrong with a value ---- */

static bool is_text(const kz_config_key *key)
{
    switch (key->type) {
    case KZ_KEY_NAME:
    case KZ_KEY_PATH:
    case KZ_KEY_INSIDE:
    case KZ_KEY_DEVICE:
    case KZ_KEY_METRIC:
    case KZ_KEY_CHOICE: return true;
    default: return false;
    }
}

static bool may_be_quoted(const kz_config_key *key)
{
    return is_text(key) || key->type == KZ_KEY_SIZE || key->type == KZ_KEY_SEED; /* JSON has no other way */
}

bool kz_config_looks_typed(const char *plain, const char **kind)
{
    static const char *const words[][7] = {{"null", "Null", "NULL", "~", "", NULL},
                                           {"true", "True", "TRUE", "false", "False", "FALSE", NULL},
                                           {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL}};
    static const char *const kinds[] = {"null", "a boolean", "a number"};
    double ignored;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; words[i][j]; j++) {
            *kind = kinds[i];
            if (strcmp(plain, words[i][j]) == 0) return true;
        }
    }
    if (strcmp(plain, "+.inf") == 0 || strcmp(plain, "-.inf") == 0 || kz_parse_double(plain, &ignored)) return true;
    bool hex =
        strncmp(plain, "0x", 2) == 0 && plain[2] && plain[2 + strspn(plain + 2, "0123456789abcdefABCDEF")] == '\0';
    return hex || (strncmp(plain, "0o", 2) == 0 && plain[2] && plain[2 + strspn(plain + 2, "01234567")] == '\0');
}

kz_status kz_config_help_expected(kz_config_reader *r, const char *verb, const kz_config_key *key)
{
    kz_text words = {0};
    kz_status st = KZ_OK;
    const char *example = kz_config_example(key);
    KZ_TRY(kz_config_expected(&words, key));
    KZ_TRY(kz_config_help(r, "%s %s", verb, kz_text_str(&words)));
    if (example && !key->choices && key->type != KZ_KEY_BOOLEAN) KZ_TRY(kz_config_help(r, ", e.g. %s", example));
done:
    kz_text_free(&words);
    return st;
}

static kz_status refuse_kind(kz_config_reader *r, const kz_config_key *key, const char *path, kz_config_node *node)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_error_in(r, node, "%s: expected %s, found %s", path, kz_config_noun(key),
                              node->kind == KZ_NODE_LIST ? "a list" : "a mapping"));
    KZ_TRY(kz_config_help_expected(r, "write", key));
done:
    return st;
}

static kz_status refuse_empty(kz_config_reader *r, const kz_config_key *key, const char *path, kz_config_node *node)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_error_in(r, node, "%s: has no value", path));
    KZ_TRY(kz_config_help_expected(r, "write", key));
done:
    return st;
}

static kz_status refuse_quotes(kz_config_reader *r, const char *path, const kz_config_key *key, kz_config_node *node)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    kz_config_short(cut, node->text);
    KZ_TRY(kz_config_error_in(r, node, "%s: \"%s\" in quotes is text, not %s", path, cut, kz_config_noun(key)));
    KZ_TRY(kz_config_help(r, "remove the quotes"));
done:
    return st;
}

static kz_status want_quotes(kz_config_reader *r, const char *path, const char *kind, kz_config_node *node)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    kz_config_short(cut, node->text);
    KZ_TRY(kz_config_error_in(r, node, "%s: %s is %s, expected text", path, cut, kind));
    KZ_TRY(kz_config_help(r, "put it into quotes: \"%s\"", cut));
done:
    return st;
}

static const char *nearest_choice(const kz_config_key *key, const char *text)
{
    const char *names[64];
    int n = 0;
    for (const kz_config_choice *c = key->choices; c->name && n < 63; c++) names[n++] = c->name;
    names[n] = NULL;
    return kz_suggest(text, names);
}

static kz_status refuse_choice(kz_config_reader *r, const kz_config_key *key, const char *path, kz_config_node *node)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    const char *near = nearest_choice(key, node->text);
    KZ_TRY(kz_config_error_in(r, node, "%s: '%s' is not one of its choices", path, kz_config_short(cut, node->text)));
    if (near) KZ_TRY(kz_config_help(r, "did you mean '%s'? ", near));
    KZ_TRY(kz_config_help_expected(r, "write", key));
done:
    return st;
}

/* A hint that is better than the general one, if there is one. */
static kz_status special_help(kz_config_reader *r, const kz_config_key *key, const char *text, bool *given)
{
    static const char *const booleans[] = {"yes",   "no",  "on", "off", "y",   "n", "True", "False", "TRUE",
                                           "FALSE", "Yes", "No", "On",  "Off", "1", "0",    NULL};
    double v;
    *given = true;
    if (key->type == KZ_KEY_BOOLEAN)
        for (int i = 0; booleans[i]; i++)
            if (strcmp(text, booleans[i]) == 0) return kz_config_help(r, "use true or false");
    bool whole = key->type == KZ_KEY_INTEGER || key->type == KZ_KEY_SEED || key->type == KZ_KEY_SIZE;
    if (whole && kz_parse_double(text, &v) && v == floor(v) && v >= 0 && v < 0x1p53 && kz_config_in_range(key, v))
        return kz_config_help(r, "write %.0f", v);
    if (key->type == KZ_KEY_INSIDE && text[0] && text[0] != '/') {
        char cut[KZ_CONFIG_SHORT];
        return kz_config_help(r, "write /%s", kz_config_short(cut, text));
    }
    *given = false;
    return KZ_OK;
}

static kz_status refuse(kz_config_reader *r, const kz_config_key *key, const char *path, kz_config_node *node, fit how)
{
    char cut[KZ_CONFIG_SHORT];
    bool helped;
    kz_status st = KZ_OK;
    kz_config_short(cut, node->text);
    if (how == TOO_SMALL) {
        KZ_TRY(kz_config_error_in(r, node, "%s: %s is too small: in single precision it would be 0", path, cut));
    } else if (how == OUT_OF_RANGE && key->type == KZ_KEY_NAME) {
        KZ_TRY(kz_config_error_in(r, node, "%s: '%s' is longer than 64 characters", path, cut));
    } else if (how == OUT_OF_RANGE) {
        KZ_TRY(kz_config_error_in(r, node, "%s: %s is out of range", path, cut));
    } else {
        KZ_TRY(kz_config_error_in(r, node, "%s: '%s' is not %s", path, cut, kz_config_noun(key)));
    }
    KZ_TRY(special_help(r, key, node->text, &helped));
    if (!helped) KZ_TRY(kz_config_help_expected(r, "write", key));
done:
    return st;
}

kz_status kz_config_read_value(kz_config_reader *r, const kz_config_key *key, int64_t index, kz_config_node *node,
                               void *base)
{
    char path[KZ_CONFIG_PATH];
    const char *kind;
    fit how = FITS;
    kz_config_path(path, key, index);
    if (node->bad) return KZ_OK;
    if (node->kind != KZ_NODE_SCALAR) return refuse_kind(r, key, path, node);
    bool typed = !node->quoted && kz_config_looks_typed(node->text, &kind);
    if (typed && strcmp(kind, "null") == 0) return refuse_empty(r, key, path, node);
    if ((key->flags & KZ_KEY_OR_NONE) && strcmp(node->text, "none") == 0)
        return kz_config_put_standard(key, "none", base);
    if (node->quoted && !may_be_quoted(key)) return refuse_quotes(r, path, key, node);
    if (typed && is_text(key) && !key->choices) return want_quotes(r, path, kind, node);
    kz_status st = put(key, node->text, base, &how);
    if (st != KZ_OK || how == FITS) return st;
    return key->choices ? refuse_choice(r, key, path, node) : refuse(r, key, path, node, how);
}

/* ---- field to JSON ---- */

bool kz_config_is_set(const kz_config_key *key, const void *base)
{
    const void *field = const_field_of(key, base);
    const kz_config_target *target = field;
    switch (key->type) {
    case KZ_KEY_INTEGER: return kz_config_in_range(key, (double)*(const int64_t *)field);
    case KZ_KEY_NUMBER: return (key->flags & KZ_KEY_OR_NONE) || kz_config_in_range(key, *(const double *)field);
    case KZ_KEY_AT_LEAST: return target->metric && target->at_least;
    case KZ_KEY_AT_MOST: return target->metric && !target->at_least;
    case KZ_KEY_BOOLEAN:
    case KZ_KEY_SEED:
    case KZ_KEY_SIZE:
    case KZ_KEY_SECTION:
    case KZ_KEY_LAYERS: return true;
    default: return *(const char *const *)field != NULL;
    }
}

bool kz_config_is_none(const kz_config_key *section, const void *base)
{
    const kz_config_key *k = NULL;
    if (!(section->flags & KZ_KEY_OR_NONE)) return false;
    while ((k = kz_config_next(section, k)))
        if (kz_config_has_word(section->forms, kz_config_leaf(k)) && kz_config_is_set(k, base)) return false;
    return true;
}

static json_t *seed_json(uint64_t seed)
{
    char digits[24];
    if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)seed);
    return json_string(digits); /* more than a JSON integer holds here */
}

/* As a user would write it: "8GiB". */
static json_t *size_json(int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    char text[32];
    int u = -1;
    for (; bytes > 0 && bytes % 1024 == 0 && u < 3; u++) bytes /= 1024;
    if (u < 0) return json_integer(bytes);
    snprintf(text, sizeof text, "%lld%s", (long long)bytes, units[u]);
    return json_string(text);
}

json_t *kz_config_value_json(const kz_config_key *key, const void *base)
{
    const void *field = const_field_of(key, base);
    switch (key->type) {
    case KZ_KEY_BOOLEAN: return json_boolean(*(const bool *)field);
    case KZ_KEY_INTEGER: return json_integer(*(const int64_t *)field);
    case KZ_KEY_SIZE: return size_json(*(const int64_t *)field);
    case KZ_KEY_SEED: return seed_json(*(const uint64_t *)field);
    case KZ_KEY_AT_LEAST:
    case KZ_KEY_AT_MOST: return json_real(((const kz_config_target *)field)->value);
    case KZ_KEY_NUMBER:
        if (!kz_config_in_range(key, *(const double *)field)) return json_string("none");
        return json_real(*(const double *)field);
    default: return json_string(*(const char *const *)field);
    }
}
