/* Which array is the features and which the labels, of train and of test: by the options, or by their names. */
#include "data/import_impl.h"

#include <ctype.h>
#include <string.h>

static const char *const role_option[KZ_ROLES] = {"--train-x", "--train-y", "--test-x", "--test-y"};

typedef struct {
    kz_array_set *set;
    const kz_import_options *o;
    kz_text found; /* names of arrays, for messages */
} opening;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The next word of a name in lower case: letters, or digits. */
static bool next_word(const char **s, char out[24])
{
    int n = 0;
    while (**s && !isalnum((unsigned char)**s)) ++*s;
    bool letters = isalpha((unsigned char)**s) != 0;
    while (**s && isalnum((unsigned char)**s) && (isalpha((unsigned char)**s) != 0) == letters) {
        if (n < 23) out[n++] = (char)tolower((unsigned char)**s);
        ++*s;
    }
    out[n] = '\0';
    return n > 0;
}

static bool among(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

/* "x_train", "t10k-labels-idx1-ubyte.gz", "X.npy" -> a role; -1: the name says nothing.  y: the rank says it is labels. */
static int role_of(const char *name, bool idx, int rank)
{
    static const char *const xs[] = {"x",        "xtrain", "xtest",  "image", "images", "data",
                                     "features", "inputs", "trainx", "testx", NULL},
                             *const ys[] = {"y",       "ytrain",  "ytest",  "label", "labels", "target",
                                            "targets", "classes", "trainy", "testy", NULL},
                             *const tests[] = {"test", "testing", "xtest", "ytest", "testx", "testy", NULL};
    const char *s = base_name(name);
    char word[24];
    bool x = false, y = false, test = false;
    while (next_word(&s, word)) {
        x = x || among(word, xs);
        y = y || among(word, ys);
        test = test || among(word, tests);
        if (strcmp(word, "t") == 0 && strncasecmp(s, "10k", 3) == 0) test = true;
    }
    if (idx) x = rank > 1, y = rank == 1;
    if (x == y) return -1;
    return (test ? KZ_TEST_X : KZ_TRAIN_X) + (y ? 1 : 0);
}

static kz_status keep(kz_array_set *set, kz_bytes *bytes)
{
    kz_bytes **more = NULL;
    kz_status st = KZ_OK;
    if (set->n_open == set->room) {
        int64_t room = set->room ? 2 * set->room : 16;
        KZ_TRY(kz_calloc(&more, room, sizeof *more, "input files"));
        if (set->n_open) memcpy(more, set->open, (size_t)set->n_open * sizeof *more);
        kz_free(&set->open);
        set->open = more;
        set->room = room;
    }
    set->open[set->n_open++] = bytes;
    bytes = NULL;
done:
    kz_bytes_close(&bytes);
    return st;
}

static kz_status put(opening *w, int role, const kz_array_in *a)
{
    kz_array_in *place = &w->set->role[role];
    if (place->bytes)
        return KZ_FAIL(KZ_E_DATA, "%s and %s both look like the array for %s; name it with %s", place->name, a->name,
                       role_option[role] + 2, role_option[role]);
    *place = *a;
    return KZ_OK;
}

/* A file or member; role -1: by its name. */
static kz_status open_array(opening *w, kz_bytes *bytes, int role)
{
    kz_array_in a = {0};
    uint8_t magic[2] = {0};
    int64_t got = 0;
    kz_status st = KZ_OK;
    KZ_TRY(keep(w->set, bytes));
    KZ_TRY(bytes->read(bytes, magic, sizeof magic, &got));
    bool idx = got == 2 && magic[0] == 0 && magic[1] == 0;
    KZ_TRY(idx ? kz_idx_open(&a, bytes) : kz_npy_open(&a, bytes));
    if (role < 0) role = role_of(a.name, idx, a.rank);
    KZ_TRY(kz_text_add(&w->found, "%s%s", w->found.n ? ", " : "", base_name(a.name)));
    if (role >= 0) KZ_TRY(put(w, role, &a));
done:
    return st;
}

static kz_status open_file(opening *w, const char *path, int role)
{
    kz_bytes *bytes = NULL;
    kz_status st = kz_bytes_open(&bytes, path);
    if (st != KZ_OK) return st;
    w->set->bytes += bytes->size;
    return open_array(w, bytes, role);
}

/* ---- NPZ ---- */

/* The member `name` or `name`.npy; -1: none. */
static int64_t member_named(const kz_zip *z, const char *name)
{
    size_t n = strlen(name);
    for (int64_t i = 0; i < kz_zip_members(z); i++) {
        const char *s = kz_zip_name(z, i);
        if (strncmp(s, name, n) == 0 && (!s[n] || strcmp(s + n, ".npy") == 0)) return i;
    }
    return -1;
}

static kz_status open_member(opening *w, int64_t i, int role)
{
    kz_bytes *bytes = NULL;
    kz_status st = kz_zip_member(&bytes, w->set->zip, i);
    return st == KZ_OK ? open_array(w, bytes, role) : st;
}

static kz_status open_zip(opening *w, const char *path, const char *const wanted[KZ_ROLES])
{
    kz_bytes *bytes = NULL;
    bool named = false;
    kz_status st = KZ_OK;
    KZ_TRY(kz_bytes_file(&bytes, path));
    w->set->bytes += bytes->size;
    KZ_TRY(kz_zip_open(&w->set->zip, bytes));
    bytes = NULL; /* given away */
    for (int r = 0; r < KZ_ROLES; r++) {
        if (!wanted[r]) continue;
        named = true;
        int64_t i = member_named(w->set->zip, wanted[r]);
        if (i < 0) {
            st = KZ_FAIL(KZ_E_DATA, "%s: %s: there is no array '%s'", path, role_option[r], wanted[r]);
            goto done;
        }
        KZ_TRY(open_member(w, i, r));
    }
    for (int64_t i = 0; !named && i < kz_zip_members(w->set->zip); i++) {
        const char *name = kz_zip_name(w->set->zip, i), *dot = strrchr(name, '.');
        if (dot && strcmp(dot, ".npy") == 0 && role_of(name, false, 0) >= 0) KZ_TRY(open_member(w, i, -1));
        else KZ_TRY(kz_text_add(&w->found, "%s%s", w->found.n ? ", " : "", name));
    }
done:
    kz_bytes_close(&bytes);
    return st;
}

/* ---- all ---- */

static kz_status check_set(const kz_array_set *set, const char *found)
{
    const kz_array_in *role = set->role;
    for (int i = 0; i < KZ_ROLES; i += 2) {
        const kz_array_in *x = &role[i], *y = &role[i + 1];
        if (i > 0 && !x->bytes && !y->bytes) continue;
        if (!x->bytes || !y->bytes)
            return KZ_FAIL(KZ_E_DATA,
                           "no array is known to be %s; there are: %.400s; name them with --train-x, --train-y, "
                           "--test-x and --test-y",
                           i ? (x->bytes ? "the labels of test" : "the features of test")
                             : (x->bytes ? "the labels of train" : "the features of train"),
                           found);
        if (x->extent[0] != y->extent[0])
            return KZ_FAIL(KZ_E_DATA, "%s has %lld rows but %s has %lld; each row of features needs its row of targets",
                           x->name, (long long)x->extent[0], y->name, (long long)y->extent[0]);
        if (y->rank > 2) return KZ_FAIL(KZ_E_DATA, "%s has %d dimensions; targets are N, Nx1 or NxM", y->name, y->rank);
        bool same = i == 0 || (x->rank == role[0].rank && y->rank == role[1].rank &&
                               kz_array_in_row(y) == kz_array_in_row(&role[1]));
        for (int k = 1; k < KZ_RANK_MAX && i > 0; k++) same = same && x->extent[k] == role[0].extent[k];
        if (!same) return KZ_FAIL(KZ_E_DATA, "%s and %s differ in more than their rows", x->name, role[0].name);
    }
    return KZ_OK;
}

kz_status kz_array_set_open(kz_array_set *set, const kz_import_options *o, const char *format)
{
    const char *wanted[KZ_ROLES] = {o->train_x, o->train_y, o->test_x, o->test_y};
    opening w = {.set = set, .o = o};
    kz_status st = KZ_OK;
    if (strcmp(format, "npz") == 0) {
        if (o->inputs.n != 1)
            return KZ_FAIL(KZ_E_USAGE, "one NPZ file is wanted, %lld are named", (long long)o->inputs.n);
        KZ_TRY(open_zip(&w, o->inputs.text[0], wanted));
    } else {
        for (int64_t i = 0; i < o->inputs.n; i++) KZ_TRY(open_file(&w, o->inputs.text[i], -1));
        for (int r = 0; r < KZ_ROLES; r++)
            if (wanted[r]) KZ_TRY(open_file(&w, wanted[r], r));
    }
    KZ_TRY(check_set(set, kz_text_str(&w.found)));
done:
    kz_text_free(&w.found);
    return st;
}

void kz_array_set_free(kz_array_set *set)
{
    for (int64_t i = 0; i < set->n_open; i++) kz_bytes_close(&set->open[i]);
    kz_free(&set->open);
    kz_zip_close(&set->zip);
}
