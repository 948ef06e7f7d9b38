/* JSON through jansson; its text is made here, because jansson's form of a real depends on its version and digests are
 * taken over it. */
#include "kz/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *kz_json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

typedef struct {
    kz_text *out;
    bool indent;
    int digits; /* of reals */
} writer;

/* "%.17g" in the C locale; a whole number gets ".0", an exponent loses its plus sign and leading zeros: 1e-8, 1e20. */
static kz_status add_real(const writer *w, double x)
{
    char digits[40], *exponent;
    snprintf(digits, sizeof digits, "%.*g", w->digits, x);
    char *comma = strchr(digits, ',');
    if (comma) *comma = '.';
    exponent = strchr(digits, 'e');
    if (!exponent) return kz_text_add(w->out, "%s%s", digits, strchr(digits, '.') ? "" : ".0");
    *exponent++ = '\0';
    const char *minus = *exponent == '-' ? "-" : "";
    return kz_text_add(w->out, "%se%s%s", digits, minus, exponent + strspn(exponent, "+-0"));
}

static kz_status add_string(const writer *w, const json_t *j)
{
    char *quoted = json_dumps(j, JSON_ENCODE_ANY);
    if (!quoted) return KZ_FAIL(KZ_E_MEM, "JSON: out of memory");
    kz_status st = kz_text_add(w->out, "%s", quoted);
    free(quoted);
    return st;
}

static kz_status add_key(const writer *w, const char *key)
{
    json_t *j = json_string(key);
    if (!j) return KZ_FAIL(KZ_E_MEM, "JSON: out of memory");
    kz_status st = add_string(w, j);
    json_decref(j);
    return st == KZ_OK ? kz_text_add(w->out, w->indent ? ": " : ":") : st;
}

/* What stands before an element: a comma, and with `indent` a new line `depth` levels in. */
static kz_status add_break(const writer *w, bool comma, int depth)
{
    kz_status st = comma ? kz_text_add(w->out, ",") : KZ_OK;
    if (st == KZ_OK && w->indent) st = kz_text_add(w->out, "\n%*s", 2 * depth, "");
    return st;
}

static kz_status add_value(const writer *w, const json_t *j, int depth);

static kz_status add_object(const writer *w, const json_t *j, int depth)
{
    kz_status st = KZ_OK;
    bool comma = false;
    KZ_TRY(kz_text_add(w->out, "{"));
    for (void *i = json_object_iter((json_t *)j); i; i = json_object_iter_next((json_t *)j, i)) {
        KZ_TRY(add_break(w, comma, depth + 1));
        KZ_TRY(add_key(w, json_object_iter_key(i)));
        KZ_TRY(add_value(w, json_object_iter_value(i), depth + 1));
        comma = true;
    }
    if (comma) KZ_TRY(add_break(w, false, depth));
    KZ_TRY(kz_text_add(w->out, "}"));
done:
    return st;
}

static kz_status add_array(const writer *w, const json_t *j, int depth)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(w->out, "["));
    for (size_t i = 0; i < json_array_size(j); i++) {
        KZ_TRY(add_break(w, i > 0, depth + 1));
        KZ_TRY(add_value(w, json_array_get(j, i), depth + 1));
    }
    if (json_array_size(j) > 0) KZ_TRY(add_break(w, false, depth));
    KZ_TRY(kz_text_add(w->out, "]"));
done:
    return st;
}

static kz_status add_value(const writer *w, const json_t *j, int depth)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT: return add_object(w, j, depth);
    case JSON_ARRAY: return add_array(w, j, depth);
    case JSON_STRING: return add_string(w, j);
    case JSON_REAL: return add_real(w, json_real_value(j));
    case JSON_INTEGER: return kz_text_add(w->out, "%lld", (long long)json_integer_value(j));
    case JSON_TRUE: return kz_text_add(w->out, "true");
    case JSON_FALSE: return kz_text_add(w->out, "false");
    case JSON_NULL: return kz_text_add(w->out, "null");
    }
    return KZ_FAIL(KZ_E_ARG, "JSON: a value of no known type");
}

kz_status kz_json_dump(kz_text *out, const json_t *j, bool indent)
{
    writer w = {out, indent, 17};
    return j ? add_value(&w, j, 0) : KZ_FAIL(KZ_E_MEM, "JSON: out of memory");
}

kz_status kz_json_dump_digits(kz_text *out, const json_t *j, int digits)
{
    writer w = {out, false, digits};
    return j ? add_value(&w, j, 0) : KZ_FAIL(KZ_E_MEM, "JSON: out of memory");
}
