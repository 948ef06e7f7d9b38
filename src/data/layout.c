/* Where the splits lie in a file: as the config says, else under our own names, else under names that others use. */
#include "data/data_impl.h"

#include <ctype.h>
#include <string.h>

enum { X, Y, PARTS };
enum { PLAIN = KZ_SPLITS, PLACES }; /* PLAIN: arrays without the name of a split */
enum { WORD = 40, NAMED_MOST = 8 };

static const char *const split_words[KZ_SPLITS] = {"train training", "valid val validation dev", "test testing"};
static const char *const part_words[PARTS] = {"x data images features inputs", "y labels label target targets"};
static const char *const split_names[KZ_SPLITS] = {"train", "valid", "test"};

/* The arrays that a split's x or y could be. */
typedef struct {
    const kz_node *node[NAMED_MOST];
    int n;
} candidates;

typedef struct {
    const kz_hdf5 *file;
    const kz_node *nodes;
    int64_t n;
    candidates found[PLACES][PARTS];
} search;

/* ---- names ---- */

/* Of n bytes of a name: lower case, without the signs that join words; "" if it is too long. */
static void plain_word(char out[WORD], const char *name, size_t n)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        if (strchr("_- .", name[i])) continue;
        if (length == WORD - 1) {
            length = 0;
            break;
        }
        out[length++] = (char)tolower((unsigned char)name[i]);
    }
    out[length] = '\0';
}

/* The first word of the rest of a list; NULL at its end. */
static const char *next_word(const char *list, size_t *n)
{
    list += strspn(list, " ");
    *n = strcspn(list, " ");
    return *n ? list : NULL;
}

static bool is_word(const char *word, size_t n, const char *list)
{
    size_t length;
    for (const char *w = list; (w = next_word(w, &length)); w += length)
        if (length == n && memcmp(w, word, n) == 0) return true;
    return false;
}

/* "xtrain", "trainx" and "trainsetx", each word being one of its list. */
static bool is_both(const char *word, const char *splits, const char *parts)
{
    size_t n = strlen(word), length;
    for (const char *s = splits; (s = next_word(s, &length)); s += length) {
        if (n <= length) continue;
        if (strncmp(word + n - length, s, length) == 0 && is_word(word, n - length, parts)) return true;
        if (strncmp(word, s, length) != 0) continue;
        const char *rest = word + length;
        if (strncmp(rest, "set", 3) == 0) rest += 3;
        if (is_word(rest, strlen(rest), parts)) return true;
    }
    return false;
}

/* What an array's path says that it is; false: nothing that we know. */
static bool understand(const char *path, int *place, int *part)
{
    char group[WORD] = "", name[WORD];
    const char *slash = strchr(path + 1, '/'), *leaf = slash ? slash + 1 : path + 1;
    if (strchr(leaf, '/')) return false;
    if (slash) plain_word(group, path + 1, (size_t)(slash - path - 1));
    plain_word(name, leaf, strlen(leaf));
    for (*part = X; *part < PARTS; ++*part)
        for (*place = 0; *place < PLACES; ++*place) {
            bool whole = is_word(name, strlen(name), part_words[*part]);
            if (*place == PLAIN ? whole && !slash
                : slash         ? whole && is_word(group, strlen(group), split_words[*place])
                                : is_both(name, split_words[*place], part_words[*part]))
                return true;
        }
    return false;
}

/* ---- the search ---- */

static void collect(search *s)
{
    int place, part;
    for (int64_t i = 0; i < s->n; i++) {
        const kz_node *node = &s->nodes[i];
        if (node->kind != KZ_NODE_DATASET || !node->readable || !understand(node->path, &place, &part)) continue;
        candidates *c = &s->found[place][part];
        if (c->n < NAMED_MOST) c->node[c->n] = node;
        c->n++;
    }
}

/* Where the list ends before the file does, what we look for may be behind its end: reading it will tell. */
static bool exists(const search *s, const char *path)
{
    if (s->n >= KZ_NODES_MAX && strncmp(path, "/valid", 6) != 0) return true;
    for (int64_t i = 0; i < s->n; i++)
        if (strcmp(s->nodes[i].path, path) == 0) return true;
    return false;
}

static kz_status add_extents(kz_text *out, const kz_node *node)
{
    kz_status st = KZ_OK;
    for (int i = 0; i < node->rank && i < KZ_NODE_RANK; i++)
        KZ_TRY(kz_text_add(out, "%s%lld", i ? "x" : "", (long long)node->extent[i]));
done:
    return st;
}

static kz_status ambiguous(const search *s, const candidates *c, int split, int part)
{
    kz_text names = {0};
    kz_status st = KZ_OK;
    for (int i = 0; i < c->n && i < NAMED_MOST; i++)
        KZ_TRY(kz_text_add(&names, "%s%s", i ? ", " : "", c->node[i]->path));
    st = KZ_FAIL(KZ_E_DATA,
                 "%s: the config leaves data.%s out, and %d arrays could be its %s: %s; name x and y in data.%s%s",
                 kz_hdf5_path(s->file), split_names[split], c->n, part == X ? "x" : "y", kz_text_str(&names),
                 split_names[split], split == KZ_TRAIN ? "" : ", or set it to none");
done:
    kz_text_free(&names);
    return st;
}

/* The one with most values, and a flat one of as many rows. */
void kz_layout_guess(const kz_node *nodes, int64_t n, const kz_node **x, const kz_node **y)
{
    *x = *y = NULL;
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        const kz_node *node = &nodes[i];
        double values = 1;
        if (node->kind != KZ_NODE_DATASET || !node->readable || node->rank < 2) continue;
        for (int j = 0; j < node->rank; j++) values *= (double)node->extent[j];
        if (values <= most || (node->rank == 2 && node->extent[1] == 1)) continue;
        most = values;
        *x = node;
    }
    for (int64_t i = 0; *x && !*y && i < n; i++) {
        const kz_node *node = &nodes[i];
        bool flat = node->rank == 1 || (node->rank == 2 && node->extent[1] == 1);
        if (node->kind == KZ_NODE_DATASET && node->readable && flat && node->extent[0] == (*x)->extent[0]) *y = node;
    }
}

/* No train, or half of it (`missing`: X or Y; PARTS: both). */
static kz_status nothing_found(const search *s, int missing)
{
    static const char *const said[] = {"no x", "no y", "no x and y"};
    const kz_node *x, *y;
    kz_text there = {0};
    int n = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < s->n && n < NAMED_MOST; i++) {
        if (s->nodes[i].kind != KZ_NODE_DATASET) continue;
        KZ_TRY(kz_text_add(&there, "%s%s (", n++ ? ", " : "", s->nodes[i].path));
        KZ_TRY(add_extents(&there, &s->nodes[i]));
        KZ_TRY(kz_text_add(&there, " %s)", s->nodes[i].type));
    }
    kz_layout_guess(s->nodes, s->n, &x, &y);
    st = KZ_FAIL(KZ_E_DATA,
                 "%s: there is %s to train on under a name that is known, such as /train/x and /train/y; the arrays "
                 "are: %s; name them in the config, data: {train: {x: %s, y: %s}}",
                 kz_hdf5_path(s->file), said[missing], there.n ? there.s : "none", x ? x->path : "/PATH/OF/X",
                 y ? y->path : "/PATH/OF/Y");
done:
    kz_text_free(&there);
    return st;
}

/* ---- one split ---- */

static kz_status put(kz_layout *l, int split, const char *x, const char *y)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_strdup(&l->x[split], x));
    KZ_TRY(kz_strdup(&l->y[split], y));
done:
    return st;
}

/* Under one of the other names: place is the split, or PLAIN. */
static kz_status take(kz_layout *l, const search *s, int split, int place)
{
    const candidates *x = &s->found[place][X], *y = &s->found[place][Y];
    kz_status st = KZ_OK;
    if (x->n > 1) return ambiguous(s, x, split, X);
    if (y->n > 1) return ambiguous(s, y, split, Y);
    KZ_TRY(put(l, split, x->node[0]->path, y->node[0]->path));
    l->other_names = true;
    KZ_TRY(kz_text_add(&l->note, "%susing %s as %s x, %s as %s y", l->note.n ? "\n" : "", l->x[split],
                       split_names[split], l->y[split], split_names[split]));
done:
    return st;
}

static kz_status find_train(kz_layout *l, const search *s)
{
    bool named = s->found[KZ_TRAIN][X].n > 0 || s->found[KZ_TRAIN][Y].n > 0;
    const candidates *found = s->found[named ? KZ_TRAIN : PLAIN];
    if (exists(s, "/train/x") && exists(s, "/train/y")) return put(l, KZ_TRAIN, "/train/x", "/train/y");
    if (found[X].n == 0 || found[Y].n == 0) {
        int missing = found[X].n ? Y : found[Y].n ? X : PARTS;
        /* a half of our own names: reading it says what is wrong */
        if (exists(s, "/train/x") || exists(s, "/train/y")) return put(l, KZ_TRAIN, "/train/x", "/train/y");
        return nothing_found(s, missing);
    }
    return take(l, s, KZ_TRAIN, named ? KZ_TRAIN : PLAIN);
}

/* Valid and test may be missing. */
static kz_status find_other(kz_layout *l, const search *s, int split)
{
    const candidates *found = s->found[split];
    const char *name = split_names[split], *end = l->note.n ? "\n" : "";
    char x[16], y[16];
    kz_status st = KZ_OK;
    snprintf(x, sizeof x, "/%s/x", name);
    snprintf(y, sizeof y, "/%s/y", name);
    bool usual = exists(s, x) && exists(s, y);
    if (usual) KZ_TRY(put(l, split, x, y));
    else if (found[X].n > 0 && found[Y].n > 0) KZ_TRY(take(l, s, split, split));
    if (usual && split == KZ_VALID) KZ_TRY(kz_text_add(&l->note, "%susing %s, %s as valid", end, x, y));
    if (l->x[split]) goto done;
    if (found[X].n + found[Y].n > 0) {
        const kz_node *node = found[found[X].n ? X : Y].node[0];
        KZ_TRY(kz_text_add(&l->note, "%sthe file has %s but no %s to it; %s is none", end, node->path,
                           found[X].n ? "y" : "x", name));
    } else if (split == KZ_TEST) {
        KZ_TRY(kz_text_add(&l->note, "%sthe file has no test arrays; test is none", end));
    }
done:
    return st;
}

/* ---- the whole ---- */

static kz_status put_written(kz_layout *l, int split, const kz_config_split *c)
{
    kz_status st = KZ_OK;
    if (c->x) KZ_TRY(kz_strdup(&l->x[split], c->x));
    if (c->y) KZ_TRY(kz_strdup(&l->y[split], c->y));
done:
    return st;
}

kz_status kz_layout_find(kz_layout *out, kz_hdf5 *file, const kz_config_data *c)
{
    static const kz_config_split open = {.left_out = true};
    const kz_config_split *split[KZ_SPLITS] = {c ? &c->train : &open, c ? &c->valid : &open, c ? &c->test : &open};
    kz_layout l = {.other_names = false};
    search s = {.file = file};
    kz_node *nodes = NULL;
    kz_status st = KZ_OK;
    bool any = false;
    for (int i = 0; i < KZ_SPLITS; i++) any = any || split[i]->left_out;
    if (any) KZ_TRY(kz_hdf5_tree(file, false, &nodes, &s.n));
    s.nodes = nodes;
    collect(&s);
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!split[i]->left_out) KZ_TRY(put_written(&l, i, split[i]));
        else KZ_TRY(i == KZ_TRAIN ? find_train(&l, &s) : find_other(&l, &s, i));
    }
    *out = l;
    l = (kz_layout){.other_names = false}; /* given away */
done:
    kz_nodes_free(&nodes, s.n);
    kz_layout_free(&l);
    return st;
}

void kz_layout_free(kz_layout *l)
{
    for (int i = 0; i < KZ_SPLITS; i++) {
        kz_free(&l->x[i]);
        kz_free(&l->y[i]);
    }
    kz_text_free(&l->note);
}
