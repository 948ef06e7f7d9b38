/* Attributes of the root of an HDF5 file: texts and numbers. */
#include "data/hdf5_impl.h"

#include <string.h>

enum { ATTRIBUTE_BYTES_MAX = 1 << 20 };

void kz_texts_free(char ***texts, int64_t n)
{
    for (int64_t i = 0; *texts && i < n; i++) kz_free(&(*texts)[i]);
    kz_free(texts);
}

/* Bytes of the UTF-8 character at s, of n bytes; 0 if it is none or a control character. */
static size_t utf8_length(const uint8_t *s, size_t n)
{
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || length > n) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0; /* longer than needed */
    if (s[0] == 0xed && s[1] > 0x9f) return 0; /* surrogates */
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0; /* beyond U+10FFFF */
    return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : length;
}

kz_status kz_hdf5_clean(char **out, const char *text, size_t n)
{
    char *clean = NULL;
    kz_status st = kz_calloc(&clean, (int64_t)n + 1, 1, "text of an HDF5 file");
    if (st != KZ_OK) return st;
    memcpy(clean, text, n);
    for (size_t i = 0, length; i < n; i += length ? length : 1) {
        length = utf8_length((const uint8_t *)text + i, n - i);
        if (length == 0) clean[i] = '?';
    }
    *out = clean;
    return KZ_OK;
}

typedef struct {
    hid_t id, type, space;
    int64_t n;
    H5T_class_t class;
} attribute;

static void close_attribute(attribute *a)
{
    if (a->space >= 0) H5Sclose(a->space);
    if (a->type >= 0) H5Tclose(a->type);
    if (a->id >= 0) H5Aclose(a->id);
}

/* Attributes are few and small; a large one is a mistake or an attack.  n = 0: there is none. */
static kz_status open_attribute(kz_lib *file, const char *object, attribute *a)
{
    htri_t found;
    kz_status st = KZ_OK;
    *a = (attribute){.id = -1, .type = -1, .space = -1};
    KZ_HDF5(found = H5Aexists(file->id, object));
    if (!found) return KZ_OK;
    KZ_HDF5(a->id = H5Aopen(file->id, object, H5P_DEFAULT));
    KZ_HDF5(a->type = H5Aget_type(a->id));
    KZ_HDF5(a->space = H5Aget_space(a->id));
    a->class = H5Tget_class(a->type);
    a->n = H5Sget_simple_extent_npoints(a->space);
    hsize_t bytes = H5Aget_storage_size(a->id);
    if (a->n < 0 || a->n > ATTRIBUTE_BYTES_MAX || bytes > ATTRIBUTE_BYTES_MAX)
        st = KZ_FAIL(KZ_E_DATA, "%s: attribute %s takes %llu bytes, at most %d are read; shorten or delete it",
                     file->path, object, (unsigned long long)bytes, ATTRIBUTE_BYTES_MAX);
done:
    return st;
}

/* ---- texts ---- */

static kz_status read_varying(kz_lib *file, const char *object, attribute *a, char **texts)
{
    char **raw = NULL;
    size_t bytes = 0;
    bool filled = false;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&raw, a->n, sizeof *raw, object));
    KZ_HDF5(H5Aread(a->id, a->type, raw));
    filled = true;
    for (int64_t i = 0; i < a->n; i++) {
        size_t n = raw[i] ? strlen(raw[i]) : 0;
        bytes += n + 1;
        if (bytes > ATTRIBUTE_BYTES_MAX) {
            st = KZ_FAIL(KZ_E_DATA, "%s: attribute %s takes more than the %d bytes that are read; shorten or delete it",
                         file->path, object, ATTRIBUTE_BYTES_MAX);
            goto done;
        }
        KZ_TRY(kz_hdf5_clean(&texts[i], raw[i] ? raw[i] : "", n));
    }
done:
    if (filled) H5Dvlen_reclaim(a->type, a->space, H5P_DEFAULT, raw);
    kz_free(&raw);
    return st;
}

static size_t text_length(const char *s, size_t size, H5T_str_t padding)
{
    const char *end = memchr(s, '\0', size);
    size_t n = end ? (size_t)(end - s) : size;
    while (padding == H5T_STR_SPACEPAD && n > 0 && s[n - 1] == ' ') n--;
    return n;
}

static kz_status read_fixed(kz_lib *file, const char *object, attribute *a, char **texts)
{
    size_t size = H5Tget_size(a->type);
    char *raw = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&raw, a->n, size, object));
    KZ_HDF5(H5Aread(a->id, a->type, raw));
    for (int64_t i = 0; i < a->n; i++) {
        const char *s = raw + (size_t)i * size;
        KZ_TRY(kz_hdf5_clean(&texts[i], s, text_length(s, size, H5Tget_strpad(a->type))));
    }
done:
    kz_free(&raw);
    return st;
}

kz_status kz_lib_texts(kz_lib *file, const char *object, char ***out, int64_t *n)
{
    attribute a;
    char **texts = NULL;
    kz_status st = KZ_OK;
    *n = 0;
    KZ_TRY(open_attribute(file, object, &a));
    if (a.n == 0) goto done;
    if (a.class != H5T_STRING) {
        st = KZ_FAIL(KZ_E_DATA, "%s: attribute %s is no text; write it as strings or delete it", file->path, object);
        goto done;
    }
    KZ_TRY(kz_calloc(&texts, a.n, sizeof *texts, object));
    KZ_TRY(H5Tis_variable_str(a.type) > 0 ? read_varying(file, object, &a, texts)
                                          : read_fixed(file, object, &a, texts));
    *out = texts;
    *n = a.n;
    texts = NULL; /* given away */
done:
    kz_texts_free(&texts, a.n);
    close_attribute(&a);
    return st;
}

/* ---- numbers ---- */

kz_status kz_lib_number(kz_lib *file, const char *object, double *out, bool *found)
{
    attribute a;
    kz_status st = KZ_OK;
    *found = false;
    KZ_TRY(open_attribute(file, object, &a));
    if (a.id < 0) goto done;
    if (a.n != 1 || (a.class != H5T_INTEGER && a.class != H5T_FLOAT) || !kz_hdf5_number_is_sound(a.type)) {
        st = KZ_FAIL(KZ_E_DATA, "%s: attribute %s is no single number; write it as one or delete it", file->path,
                     object);
        goto done;
    }
    KZ_HDF5(H5Aread(a.id, H5T_NATIVE_DOUBLE, out));
    *found = true;
done:
    close_attribute(&a);
    return st;
}

/* ---- any value, to be shown ---- */

enum { SHOWN_MAX = 16, SHOWN_BYTES = 1 << 16 };

static kz_status add_numbers(kz_text *out, hid_t a, hid_t type, int64_t n, bool *known)
{
    H5T_class_t class = H5Tget_class(type);
    hid_t memory = class == H5T_FLOAT                                          ? H5T_NATIVE_DOUBLE
                   : class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE ? H5T_NATIVE_UINT64
                                                                               : H5T_NATIVE_INT64;
    union {
        double f;
        int64_t i;
        uint64_t u;
    } *v = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&v, n, sizeof *v, "attribute"));
    *known = H5Aread(a, memory, v) >= 0;
    for (int64_t i = 0; *known && i < n && i < SHOWN_MAX; i++) {
        KZ_TRY(kz_text_add(out, "%s", i ? ", " : ""));
        if (class == H5T_FLOAT) KZ_TRY(kz_text_add(out, "%.9g", v[i].f));
        else if (memory == H5T_NATIVE_UINT64) KZ_TRY(kz_text_add(out, "%llu", (unsigned long long)v[i].u));
        else KZ_TRY(kz_text_add(out, "%lld", (long long)v[i].i));
    }
done:
    kz_free(&v);
    return st;
}

static kz_status add_texts(kz_text *out, hid_t id, hid_t type, hid_t space, int64_t n, bool *known)
{
    kz_lib unnamed = {.path = ""};
    attribute a = {id, type, space, n, H5T_STRING};
    char **texts = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&texts, n, sizeof *texts, "attribute"));
    st = H5Tis_variable_str(type) > 0 ? read_varying(&unnamed, "attribute", &a, texts)
                                      : read_fixed(&unnamed, "attribute", &a, texts);
    *known = st == KZ_OK;
    if (st == KZ_E_DATA) {
        kz_error_clear(); /* damaged: shown without its value */
        st = KZ_OK;
    }
    for (int64_t i = 0; st == KZ_OK && *known && i < n && i < SHOWN_MAX; i++)
        st = kz_text_add(out, "%s%s", i ? ", " : "", texts[i]);
done:
    kz_texts_free(&texts, n);
    return st;
}

kz_status kz_hdf5_attribute_text(char **out, hid_t a, hid_t type, hid_t space)
{
    H5T_class_t class = H5Tget_class(type);
    int64_t n = H5Sget_simple_extent_npoints(space);
    bool list = H5Sget_simple_extent_ndims(space) > 0, known = false;
    kz_text text = {0};
    kz_status st = KZ_OK;
    if (n < 1 || n > SHOWN_BYTES || H5Aget_storage_size(a) > SHOWN_BYTES) return KZ_OK;
    if (list) KZ_TRY(kz_text_add(&text, "["));
    if (class == H5T_STRING) KZ_TRY(add_texts(&text, a, type, space, n, &known));
    if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM) KZ_TRY(add_numbers(&text, a, type, n, &known));
    if (n > SHOWN_MAX) KZ_TRY(kz_text_add(&text, ", ..."));
    if (list) KZ_TRY(kz_text_add(&text, "]"));
    if (known) KZ_TRY(kz_strdup(out, kz_text_str(&text)));
done:
    kz_text_free(&text);
    H5Eclear2(H5E_DEFAULT);
    return st;
}
