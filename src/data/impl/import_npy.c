/* NPY, NumPy's arrays, versions 1 to 3: a magic, the length of a Python dictionary, the dictionary, the values.  The
 * dictionary is read by hand and to the letter; nothing of it is executed, and pickled objects are refused. */
#include "data/import_impl.h"

#include <string.h>

enum { MOST_HEAD = 64 << 10 };

typedef struct {
    const char *s, *end;
    const char *name;
} reader;

static void skip_blanks(reader *r)
{
    while (r->s < r->end && (*r->s == ' ' || *r->s == '\n' || *r->s == '\t' || *r->s == '\r')) r->s++;
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    if (r->s >= r->end || *r->s != c) return false;
    r->s++;
    return true;
}

/* A Python string without escapes. */
static bool take_string(reader *r, char *out, int room)
{
    skip_blanks(r);
    if (r->s >= r->end || (*r->s != '\'' && *r->s != '"')) return false;
    char quote = *r->s++;
    int n = 0;
    while (r->s < r->end && *r->s != quote && *r->s != '\\' && n < room - 1) out[n++] = *r->s++;
    out[n] = '\0';
    return r->s < r->end && *r->s++ == quote;
}

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(r);
    if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0) return false;
    r->s += n;
    return true;
}

static bool take_extent(reader *r, int64_t *out)
{
    int digits = 0;
    skip_blanks(r);
    for (*out = 0; r->s < r->end && *r->s >= '0' && *r->s <= '9' && digits < 18; digits++)
        *out = *out * 10 + (*r->s++ - '0');
    if (digits > 0 && r->s < r->end && *r->s == 'L') r->s++; /* Python 2 */
    return digits > 0;
}

static kz_status bad_head(const reader *r, const char *what)
{
    return KZ_FAIL(KZ_E_DATA, "%s: its NPY head is damaged: %s; save it again with numpy.save", r->name, what);
}

static kz_status take_shape(reader *r, kz_array_in *out)
{
    int64_t extent;
    out->rank = 0;
    if (!take(r, '(')) return bad_head(r, "the shape is no tuple");
    while (!take(r, ')')) {
        if (!take_extent(r, &extent)) return bad_head(r, "the shape holds no whole number");
        if (out->rank == KZ_RANK_MAX)
            return KZ_FAIL(KZ_E_DATA, "%s: has more than %d dimensions; reshape it", r->name, KZ_RANK_MAX);
        out->extent[out->rank++] = extent;
        if (!take(r, ',') && (r->s >= r->end || *r->s != ')')) return bad_head(r, "the shape does not end");
    }
    return KZ_OK;
}

static kz_status set_type(const char *name, const char *descr, kz_array_in *out)
{
    static const struct {
        const char *code;
        kz_stored stored;
        int size;
    } types[] = {{"i1", KZ_STORED_INT8, 1},    {"i2", KZ_STORED_INT16, 2},   {"i4", KZ_STORED_INT32, 4},
                 {"i8", KZ_STORED_INT64, 8},   {"u1", KZ_STORED_UINT8, 1},   {"u2", KZ_STORED_UINT16, 2},
                 {"u4", KZ_STORED_UINT32, 4},  {"u8", KZ_STORED_UINT64, 8},  {"f2", KZ_STORED_FLOAT16, 2},
                 {"f4", KZ_STORED_FLOAT32, 4}, {"f8", KZ_STORED_FLOAT64, 8}, {"b1", KZ_STORED_UINT8, 1}};
    if (descr[0] && descr[1] == 'O')
        return KZ_FAIL(KZ_E_DATA,
                       "%s: holds Python objects (a pickle), which can run any code when read and are refused; "
                       "save it with a number type, such as numpy.save(file, array.astype('float32'))",
                       name);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strchr("<>|=", descr[0]) || !descr[0] || strcmp(descr + 1, types[i].code) != 0) continue;
        out->stored = types[i].stored;
        out->file_size = types[i].size;
        out->big_endian = descr[0] == '>';
        out->boolean = descr[1] == 'b';
        return KZ_OK;
    }
    return KZ_FAIL(KZ_E_DATA, "%s: its type is '%.20s'; integers, float16 to float64 and bool can be imported", name,
                   descr);
}

static kz_status read_dictionary(reader *r, kz_array_in *out)
{
    char key[32], descr[32] = "";
    bool order = false, shape = false;
    kz_status st = KZ_OK;
    if (!take(r, '{')) return bad_head(r, "no dictionary");
    while (!take(r, '}')) {
        if (!take_string(r, key, sizeof key) || !take(r, ':')) return bad_head(r, "no key where one belongs");
        if (strcmp(key, "descr") == 0) {
            skip_blanks(r);
            if (r->s < r->end && *r->s == '[')
                return KZ_FAIL(KZ_E_DATA, "%s: holds records with fields; save each field as an array of its own",
                               r->name);
            if (!take_string(r, descr, sizeof descr)) return bad_head(r, "the type is no text");
        } else if (strcmp(key, "fortran_order") == 0) {
            out->fortran = take_word(r, "True");
            if (!out->fortran && !take_word(r, "False")) return bad_head(r, "fortran_order is neither True nor False");
            order = true;
        } else if (strcmp(key, "shape") == 0) {
            KZ_TRY(take_shape(r, out));
            shape = true;
        } else {
            return bad_head(r, "an unknown key");
        }
        if (!take(r, ',')) {
            if (!take(r, '}')) return bad_head(r, "it does not end");
            break;
        }
    }
    if (!*descr || !order || !shape) return bad_head(r, "a key is missing");
    KZ_TRY(set_type(r->name, descr, out));
done:
    return st;
}

kz_status kz_npy_open(kz_array_in *out, kz_bytes *bytes)
{
    uint8_t magic[8], length[4] = {0};
    char *head = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(bytes->seek(bytes, 0));
    KZ_TRY(kz_bytes_exact(bytes, magic, sizeof magic, "its NPY head"));
    if (memcmp(magic, "\x93NUMPY", 6) != 0) {
        st = KZ_FAIL(KZ_E_DATA, "%s: is no NPY file", bytes->name);
        goto done;
    }
    if (magic[6] < 1 || magic[6] > 3) {
        st = KZ_FAIL(KZ_E_DATA, "%s: is NPY of version %d.%d; 1 to 3 are known", bytes->name, magic[6], magic[7]);
        goto done;
    }
    int bytes_of_length = magic[6] == 1 ? 2 : 4;
    KZ_TRY(kz_bytes_exact(bytes, length, bytes_of_length, "its NPY head"));
    int64_t n = (int64_t)length[0] | (int64_t)length[1] << 8 | (int64_t)length[2] << 16 | (int64_t)length[3] << 24;
    if (n > MOST_HEAD) {
        st = KZ_FAIL(KZ_E_DATA, "%s: its NPY head claims %lld bytes, at most %d are read", bytes->name, (long long)n,
                     MOST_HEAD);
        goto done;
    }
    KZ_TRY(kz_calloc(&head, n + 1, 1, "NPY head"));
    KZ_TRY(kz_bytes_exact(bytes, head, n, "its NPY head"));
    reader r = {head, head + n, bytes->name};
    KZ_TRY(read_dictionary(&r, out));
    out->offset = 8 + bytes_of_length + n;
    out->bytes = bytes;
    st = kz_array_in_check(out);
    if (st != KZ_OK) out->bytes = NULL;
done:
    kz_free(&head);
    return st;
}
