/* Which columns are features, targets, or left out, and what the options say of each. */
#include "data/import_impl.h"

#include <string.h>

static const char *const fill_names[] = {"error", "drop", "mean", "median", "mode", "category", NULL};
static const char *const category_names[] = {"onehot", "codes", "error", NULL};

void kz_column_free(kz_column *c)
{
    kz_free(&c->name);
    kz_free(&c->small);
    kz_words_free(&c->words);
}

/* "a, b, c and 9 more" */
static kz_status list_names(const kz_table *t, kz_text *out)
{
    enum { MOST = 24 };
    int64_t n = t->fields < MOST ? t->fields : MOST;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n; i++) KZ_TRY(kz_text_add(out, "%s%.60s", i ? ", " : "", t->field_name[i]));
    if (t->fields > n) KZ_TRY(kz_text_add(out, " and %lld more", (long long)(t->fields - n)));
done:
    return st;
}

kz_status kz_columns_named(const kz_table *t, const char *option, const char *word, int64_t *field)
{
    int64_t found = -1, number;
    kz_text names = {0};
    const char **list = NULL;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->fields; i++) {
        if (strcmp(t->field_name[i], word) != 0) continue;
        if (found >= 0)
            return KZ_FAIL(KZ_E_USAGE, "%s: columns %lld and %lld are both named '%s'; say its number", option,
                           (long long)found + 1, (long long)i + 1, word);
        found = i;
    }
    if (found < 0 && kz_parse_int(word, &number)) {
        if (number >= 1 && number <= t->fields) found = number - 1;
        if (number <= -1 && number >= -t->fields) found = t->fields + number;
    }
    if (found >= 0) {
        *field = found;
        return KZ_OK;
    }
    KZ_TRY(kz_calloc(&list, t->fields + 1, sizeof *list, "column names"));
    for (int64_t i = 0; i < t->fields; i++) list[i] = t->field_name[i];
    const char *near = kz_suggest(word, list);
    KZ_TRY(list_names(t, &names));
    st = KZ_FAIL(KZ_E_USAGE, "%s: no column '%s'%s%s%s; there are: %s", option, word, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "", kz_text_str(&names));
done:
    kz_free(&list);
    kz_text_free(&names);
    return st;
}

/* ---- lists of columns ---- */

static bool is_named(const kz_table *t, const char *word)
{
    for (int64_t i = 0; i < t->fields; i++)
        if (strcmp(t->field_name[i], word) == 0) return true;
    return false;
}

/* Marks the fields that the option names; a text with commas that is no name is a list. */
static kz_status mark(const kz_table *t, const char *option, const kz_words_given *given, uint8_t *marked,
                      uint8_t value)
{
    char *copy = NULL, *rest = NULL;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < given->n; i++) {
        int64_t field;
        kz_free(&copy);
        KZ_TRY(kz_strdup(&copy, given->text[i]));
        bool whole = is_named(t, copy) || !strchr(copy, ',');
        for (char *word = whole ? copy : strtok_r(copy, ",", &rest); word;
             word = whole ? NULL : strtok_r(NULL, ",", &rest)) {
            KZ_TRY(kz_columns_named(t, option, word, &field));
            if (marked[field] && marked[field] != value) {
                st = KZ_FAIL(KZ_E_USAGE,
                             "%s: column '%s' has two uses; name it once among --target, --columns, --drop and "
                             "--split-column",
                             option, t->field_name[field]);
                goto done;
            }
            marked[field] = value;
        }
    }
done:
    kz_free(&copy);
    return st;
}

enum { UNMARKED, TARGET, FEATURE, DROPPED, SPLIT };

static kz_status no_target(const kz_table *t)
{
    kz_text names = {0};
    kz_status st = list_names(t, &names);
    if (st == KZ_OK)
        st = KZ_FAIL(KZ_E_USAGE,
                     "--target is missing: which column shall be predicted? %s has %lld: %s; for example --target '%s'",
                     t->file[0].bytes->name, (long long)t->fields, kz_text_str(&names), t->field_name[t->fields - 1]);
    kz_text_free(&names);
    return st;
}

static kz_status mark_all(const kz_table *t, uint8_t *marked)
{
    const kz_import_options *o = t->o;
    const kz_words_given split = {&o->split_column, o->split_column ? 1 : 0};
    kz_status st = KZ_OK;
    KZ_TRY(mark(t, "--target", &o->target, marked, TARGET));
    if (o->target.n == 0 && t->target_first) marked[0] = TARGET;
    else if (o->target.n == 0) return no_target(t);
    KZ_TRY(mark(t, "--split-column", &split, marked, SPLIT));
    KZ_TRY(mark(t, "--drop", &o->drop, marked, DROPPED));
    KZ_TRY(mark(t, "--columns", &o->columns, marked, FEATURE));
    bool any = false;
    for (int64_t i = 0; i < t->fields; i++) {
        if (!marked[i]) marked[i] = o->columns.n ? DROPPED : FEATURE;
        any = any || marked[i] == FEATURE;
    }
    if (!any)
        return KZ_FAIL(KZ_E_USAGE, "%s: no column is left as a feature%s", t->file[0].bytes->name,
                       t->fields == 1 ? "; is the delimiter another (--delimiter)?" : "");
done:
    return st;
}

/* ---- choices ---- */

static int choice(const char *const *names, const char *word)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], word) == 0) return i;
    return -1;
}

static void set_choice(kz_column *c, bool fills, int value, bool given)
{
    if (fills) {
        c->fill = (kz_fill)value;
        c->fill_given = given;
    } else {
        c->as = (kz_category)value;
        c->as_given = given;
    }
}

/* "ACTION" for all columns, "COLUMN=ACTION" for one, whatever their order. */
static kz_status apply(kz_table *t, const char *option, const kz_words_given *given, const char *const *names,
                       bool fills)
{
    char *copy = NULL;
    kz_status st = KZ_OK;
    for (int one = 0; one < 2; one++)
        for (int64_t i = 0; i < given->n; i++) {
            kz_free(&copy);
            KZ_TRY(kz_strdup(&copy, given->text[i]));
            char *equals = strrchr(copy, '=');
            int value = choice(names, equals ? equals + 1 : copy);
            int64_t field;
            if (value < 0) {
                const char *near = kz_suggest(equals ? equals + 1 : copy, names);
                st = KZ_FAIL(KZ_E_USAGE, "%s: '%s' is no choice%s%s%s; there are: %s", option,
                             equals ? equals + 1 : copy, near ? "; did you mean " : "", near ? near : "",
                             near ? "?" : "", fills ? "error drop mean median mode category" : "onehot codes error");
                goto done;
            }
            if ((equals != NULL) != (one == 1)) continue;
            if (!equals) {
                for (int64_t c = 0; c < t->n_columns; c++) set_choice(&t->column[c], fills, value, false);
                continue;
            }
            *equals = '\0';
            KZ_TRY(kz_columns_named(t, option, copy, &field));
            if (t->column_of[field] < 0) {
                st = KZ_FAIL(KZ_E_USAGE, "%s: column '%s' is left out by --drop or --columns", option, copy);
                goto done;
            }
            set_choice(&t->column[t->column_of[field]], fills, value, true);
        }
done:
    kz_free(&copy);
    return st;
}

/* ---- the whole ---- */

kz_status kz_columns_make(kz_table *t)
{
    uint8_t *marked = NULL;
    kz_status st = KZ_OK;
    if (t->fields > t->memory / KZ_FIELD_BYTES)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: has %lld columns, of which this --memory can keep account of %lld; raise it, or check the "
                       "delimiter",
                       t->file[0].bytes->name, (long long)t->fields, (long long)(t->memory / KZ_FIELD_BYTES));
    KZ_TRY(kz_calloc(&marked, t->fields, 1, "column names"));
    KZ_TRY(mark_all(t, marked));
    KZ_TRY(kz_calloc(&t->column_of, t->fields, sizeof *t->column_of, "columns"));
    KZ_TRY(kz_calloc(&t->column, t->fields, sizeof *t->column, "columns"));
    for (int64_t i = 0; i < t->fields; i++) {
        t->column_of[i] = -1;
        if (marked[i] == DROPPED) continue;
        kz_column *c = &t->column[t->n_columns];
        t->column_of[i] = (int32_t)t->n_columns++;
        KZ_TRY(kz_strdup(&c->name, t->field_name[i]));
        c->field = i;
        c->role = marked[i] == TARGET ? KZ_ROLE_TARGET : marked[i] == SPLIT ? KZ_ROLE_SPLIT : KZ_ROLE_FEATURE;
        c->text = c->role == KZ_ROLE_SPLIT;
    }
    KZ_TRY(apply(t, "--missing-action", &t->o->fill, fill_names, true));
    KZ_TRY(apply(t, "--categorical", &t->o->categories, category_names, false));
done:
    kz_free(&marked);
    return st;
}
