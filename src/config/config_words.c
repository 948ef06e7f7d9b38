/* The schema in words: what a key expects, its range, its forms. */
#include "config/config_schema.h"

#include <float.h>
#include <string.h>

const char *kz_config_noun(const kz_config_key *key)
{
    switch (key->type) {
    case KZ_KEY_SECTION: return "a mapping";
    case KZ_KEY_LAYERS: return "a list of layers";
    case KZ_KEY_NAME: return "a name";
    case KZ_KEY_PATH: return "a path";
    case KZ_KEY_INSIDE: return "a path inside the data file";
    case KZ_KEY_DEVICE: return "a device";
    case KZ_KEY_METRIC: return "a metric";
    case KZ_KEY_CHOICE: return "a word";
    case KZ_KEY_BOOLEAN: return "true or false";
    case KZ_KEY_INTEGER:
    case KZ_KEY_SEED: return "a whole number";
    case KZ_KEY_SIZE: return "a size";
    default: return "a number";
    }
}

const char *kz_config_example(const kz_config_key *key)
{
    return key->example ? key->example : key->standard;
}

/* In full for numbers of ordinary length: 16777216, not 1.67772e+07. */
static void bound(char out[32], double x)
{
    bool whole = x > -1e18 && x < 1e18 && x == (double)(int64_t)x;
    if (whole) snprintf(out, 32, "%lld", (long long)x);
    else snprintf(out, 32, "%.9g", x);
}

kz_status kz_config_range(kz_text *out, const kz_config_key *key)
{
    char from[32], to[32];
    if (key->type == KZ_KEY_SEED) return kz_text_add(out, "0 to 18446744073709551615");
    if (key->type == KZ_KEY_NAME)
        return kz_text_add(out, "letters, digits and . _ -, at most 64, a letter or digit first");
    bool low = key->min < key->max && key->min > -(double)FLT_MAX,
         high = key->min < key->max && key->max < (double)FLT_MAX;
    bound(from, key->min);
    bound(to, key->max);
    if (low && high && key->type == KZ_KEY_SIZE) return kz_text_add(out, "at least 1 byte");
    if (low && high && !key->above && !key->below) return kz_text_add(out, "%s to %s", from, to);
    if (low) {
        kz_status st = kz_text_add(out, key->above ? "greater than %s" : "at least %s", from);
        if (st != KZ_OK || !high) return st;
        return kz_text_add(out, key->below ? " and less than %s" : " and at most %s", to);
    }
    return KZ_OK;
}

static kz_status add_choices(kz_text *out, const kz_config_key *key)
{
    kz_status st = KZ_OK;
    if (!key->choices[1].name) return kz_text_add(out, "%s", key->choices[0].name);
    KZ_TRY(kz_text_add(out, "one of "));
    for (const kz_config_choice *c = key->choices; c->name; c++)
        KZ_TRY(kz_text_add(out, "%s%s", c > key->choices ? ", " : "", c->name));
done:
    return st;
}

static const char *joint(const kz_config_key *key)
{
    bool closed = key->min < key->max && !key->above && !key->below && key->max < (double)FLT_MAX;
    if (closed || key->type == KZ_KEY_SEED) return " from ";
    return key->above ? " " : " of "; /* greater than 0; of at least 0 */
}

kz_status kz_config_expected(kz_text *out, const kz_config_key *key)
{
    kz_text range = {0};
    kz_status st = KZ_OK;
    if (key->type == KZ_KEY_SECTION) return kz_config_forms(out, key);
    if (key->choices) return add_choices(out, key);
    switch (key->type) {
    case KZ_KEY_DEVICE: return kz_text_add(out, "auto, cpu, cuda, or cuda:1 for a certain GPU");
    case KZ_KEY_INSIDE: return kz_text_add(out, "a path inside the data file, from /");
    case KZ_KEY_SIZE: return kz_text_add(out, "a size in bytes, KiB, MiB or GiB");
    case KZ_KEY_LAYERS: return kz_text_add(out, "a list of layers, e.g. [{type: dense, units: 64}, {type: dense}]");
    default: break;
    }
    KZ_TRY(kz_config_range(&range, key));
    KZ_TRY(kz_text_add(out, "%s", kz_config_noun(key)));
    if (range.n) KZ_TRY(kz_text_add(out, "%s%s", joint(key), range.s));
    if (key->flags & KZ_KEY_OR_NONE) KZ_TRY(kz_text_add(out, ", or none"));
done:
    kz_text_free(&range);
    return st;
}

bool kz_config_form(const kz_config_key *section, int i, char out[64])
{
    const char *p = section->forms;
    for (; p && i > 0; i--) {
        p = strchr(p, '|');
        if (p) p += 1 + strspn(p + 1, " ");
    }
    if (!p) return false;
    int n = (int)strcspn(p, "|");
    while (n > 0 && p[n - 1] == ' ') n--;
    snprintf(out, 64, "%.*s", n, p);
    return true;
}

static kz_status add_form(kz_text *out, const kz_config_key *section, const char *form)
{
    kz_status st = KZ_OK;
    const kz_config_key *k = NULL;
    const char *comma = "";
    KZ_TRY(kz_text_add(out, "{"));
    while ((k = kz_config_next(section, k))) {
        if (!kz_config_has_word(form, kz_config_leaf(k))) continue;
        KZ_TRY(kz_text_add(out, "%s%s: %s", comma, kz_config_leaf(k), kz_config_example(k)));
        comma = ", ";
    }
    KZ_TRY(kz_text_add(out, "}"));
done:
    return st;
}

kz_status kz_config_forms(kz_text *out, const kz_config_key *section)
{
    char form[64];
    kz_status st = KZ_OK;
    const kz_config_key *k = NULL;
    for (int i = 0; kz_config_form(section, i, form); i++) {
        if (i > 0) KZ_TRY(kz_text_add(out, " or "));
        KZ_TRY(add_form(out, section, form));
    }
    if (!section->forms) {
        KZ_TRY(kz_text_add(out, "a mapping with the keys "));
        while ((k = kz_config_next(section, k)))
            KZ_TRY(kz_text_add(out, "%s%s", k == kz_config_next(section, NULL) ? "" : ", ", kz_config_leaf(k)));
    }
    if (section->flags & KZ_KEY_OR_NONE) KZ_TRY(kz_text_add(out, " or none"));
done:
    return st;
}
