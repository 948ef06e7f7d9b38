/* What becomes of the columns, once all of them are known: what cannot be imported is refused, with the line where it
 * stands and what to do; then task, classes and the layout of a row of x. */
#include "data/import_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *file_of(const kz_table *t)
{
    return t->file[0].bytes->name;
}

/* ---- refusals ---- */

static kz_status check_infinite(const kz_table *t)
{
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        const kz_seen *s = &c->seen;
        if (s->infinite)
            return KZ_FAIL(
                KZ_E_DATA,
                "%s: line %lld: column %s holds '%s', which is infinite or beyond binary64; such values in the "
                "column: %lld; correct them, or count them as missing with --missing '%s'",
                s->infinite_in, (long long)s->infinite_line, c->name, s->infinite_text, (long long)s->infinite,
                s->infinite_text);
        if (s->least <= s->most && fmax(fabs(s->least), fabs(s->most)) > FLT_MAX && !c->text)
            return KZ_FAIL(KZ_E_DATA,
                           "%s: column %s holds %g, beyond the %g of binary32, in which training computes; scale the "
                           "column, or leave it out with --drop '%s'",
                           file_of(t), c->name, fabs(s->least) > fabs(s->most) ? s->least : s->most, (double)FLT_MAX,
                           c->name);
    }
    return KZ_OK;
}

static const char *sample(const kz_column *c)
{
    return *c->seen.odd ? c->seen.odd : c->words.n ? kz_words_text(&c->words, 0) : "";
}

static kz_status refuse_dates(const kz_column *c, const char *date)
{
    char line[32] = "";
    if (strcmp(date, sample(c)) == 0) snprintf(line, sizeof line, " line %lld:", (long long)c->words_line);
    return KZ_FAIL(
        KZ_E_DATA,
        "%s:%s column %s holds dates or times, such as '%.40s'; turn them into numbers (days since a "
        "day, month, hour), or leave the column out with --drop '%s', or take them as words with --categorical "
        "'%s=codes'",
        c->words_in, line, c->name, date, c->name, c->name);
}

/* Words that look like dates, like "1,234", like numbers: how many rows hold them. */
static kz_status check_words(const kz_table *t, const kz_column *c)
{
    int64_t dates = 0, grouped = 0, numbers = 0, other = 0, points = 0, measures = 0, rows = t->rows - c->seen.missing;
    double v;
    int digits;
    const char *date = "", *measure = "";
    for (int64_t i = 0; i < c->words.n; i++) {
        const char *s = kz_words_text(&c->words, i);
        int64_t n = c->words.length[i];
        if (kz_text_is_date(s, n) && dates++ == 0) date = s;
        if (kz_text_is_measure(s, n) && measures++ == 0) measure = s;
        const char *other_stop = kz_number_read(s, s + n, t->point == '.' ? ',' : '.', &v, &digits);
        bool is_other = other_stop && other_stop == s + n;
        grouped += kz_text_is_grouped(s, n);
        const char *stop = kz_number_read(s, s + n, t->point, &v, &digits);
        bool number = stop == s + n && n > 0;
        if (number) numbers += c->too_many ? 1 : c->words.count[i];
        other += is_other;
        points += is_other && !number && !kz_text_is_grouped(s, n);
    }
    if (c->too_many) rows = c->words.n;
    if (dates > 0 && dates * 2 >= c->words.n) return refuse_dates(c, date);
    if (points > 0 && other == c->words.n)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: line %lld: column %s holds numbers with the decimal point '%c', such as '%.40s', where '%c' "
            "is expected; say --decimal %c, or take them as words with --categorical '%s=codes'",
            c->words_in, (long long)c->words_line, c->name, t->point == '.' ? ',' : '.', sample(c), t->point,
            t->point == '.' ? ',' : '.', c->name);
    if (measures > 0 && measures * 2 >= c->words.n)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: column %s holds numbers with a sign of their unit, such as '%.40s'; remove the sign, or take "
            "them as words with --categorical '%s=codes'",
            file_of(t), c->name, measure, c->name);
    if (grouped > 0 && (grouped * 2 >= c->words.n || (numbers + grouped) * 2 >= rows) && c->words_line)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: line %lld: column %s holds '%.40s': numbers are written without separators between thousands; "
            "remove them, or leave the column out with --drop '%s'%s",
            c->words_in, (long long)c->words_line, c->name, sample(c), c->name,
            t->point == '.' ? "; if the comma is the decimal one, say --decimal ," : "");
    if (numbers * 2 >= rows && rows > 0)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: line %lld: column %s holds '%.40s', which is no number, while most of its values are; correct "
            "it, count it as missing with --missing '%.40s', or take all values as words with --categorical "
            "'%s=codes'",
            c->words_in, (long long)c->words_line, c->name, sample(c), sample(c), c->name);
    return KZ_OK;
}

static kz_status check_category(const kz_table *t, kz_column *c)
{
    kz_status st = KZ_OK;
    if (!c->as_given) KZ_TRY(check_words(t, c));
    if (c->too_many)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: column %s holds text with over %d distinct values, the first '%.40s' in line %lld; leave it "
            "out with --drop '%s'",
            file_of(t), c->name, KZ_MOST_WORDS, sample(c), (long long)c->words_line, c->name);
    if (c->as == KZ_AS_ERROR)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: line %lld: column %s holds text, such as '%.40s', and --categorical says error; correct it, or "
            "leave the column out with --drop '%s'",
            c->words_in, (long long)c->words_line, c->name, sample(c), c->name);
    if (c->as == KZ_AS_ONEHOT && c->words.n > KZ_MOST_ONEHOT)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: column %s holds %lld distinct texts, such as '%.40s'; each would become a feature of its own, "
            "for which %d are the most; say --categorical '%s=codes', or leave it out with --drop '%s'",
            file_of(t), c->name, (long long)c->words.n, sample(c), KZ_MOST_ONEHOT, c->name, c->name);
done:
    return st;
}

static kz_status check_fill(const kz_table *t, const kz_column *c)
{
    if (c->seen.missing == 0 || c->role == KZ_ROLE_SPLIT) return KZ_OK;
    bool target = c->role == KZ_ROLE_TARGET;
    if (target && c->fill != KZ_FILL_DROP && c->fill != KZ_FILL_ERROR)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: the target %s is missing in %lld rows and is never filled in; leave these rows out with "
                       "--missing-action '%s=drop'",
                       file_of(t), c->name, (long long)c->seen.missing, c->name);
    if (c->text && (c->fill == KZ_FILL_MEAN || c->fill == KZ_FILL_MEDIAN))
        return KZ_FAIL(KZ_E_DATA,
                       "%s: column %s holds text, which has no mean or median, and is missing in %lld rows; say "
                       "--missing-action '%s=mode', or category, or drop",
                       file_of(t), c->name, (long long)c->seen.missing, c->name);
    if (!c->text && c->fill == KZ_FILL_CATEGORY)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: column %s holds numbers, so that missing cannot be a category; it is missing in %lld rows: say "
            "--missing-action '%s=mean', or median, mode, drop",
            file_of(t), c->name, (long long)c->seen.missing, c->name);
    return KZ_OK;
}

/* Columns with values missing and no word of what to do: all of them at once. */
static kz_status check_missing(const kz_table *t)
{
    enum { MOST = 16 };
    kz_text list = {0};
    int64_t columns = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->seen.missing == 0 || c->fill != KZ_FILL_ERROR || c->role == KZ_ROLE_SPLIT) continue;
        if (columns++ >= MOST) continue;
        KZ_TRY(kz_text_add(&list, "%s%.60s %lld", columns > 1 ? ", " : "", c->name, (long long)c->seen.missing));
        if (c->seen.missing == t->rows) KZ_TRY(kz_text_add(&list, " (all)"));
    }
    if (columns == 0) goto done;
    if (columns > MOST) KZ_TRY(kz_text_add(&list, " and %lld more columns", (long long)(columns - MOST)));
    st = KZ_FAIL(
        KZ_E_DATA,
        "%s: values are missing, of %lld rows: %s; say what to do with --missing-action drop, mean, median, mode "
        "or category, or for one column --missing-action 'COLUMN=drop'",
        file_of(t), (long long)t->rows, kz_text_str(&list));
done:
    kz_text_free(&list);
    return st;
}

/* ---- the task ---- */

/* A target of dates is no class, unless its column is said to be words. */
static kz_status check_target_words(const kz_table *t, const kz_column *c)
{
    int64_t dates = 0;
    const char *date = "";
    for (int64_t i = 0; i < c->words.n && !c->as_given; i++)
        if (kz_text_is_date(kz_words_text(&c->words, i), c->words.length[i]) && dates++ == 0)
            date = kz_words_text(&c->words, i);
    if (dates == 0 || dates * 2 < c->words.n) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA,
                   "%s: the target %s holds dates or times, such as '%.40s'; turn them into numbers, or say "
                   "--categorical '%s=codes' if each is a class",
                   file_of(t), c->name, date, c->name);
}

static kz_status classes_of(kz_table *t, kz_column *c, kz_import_result *r)
{
    char numbered[24];
    bool plain = !c->text;
    kz_status st = KZ_OK;
    r->classes = c->words.n;
    if (c->words.n < 2)
        return KZ_FAIL(KZ_E_DATA, "%s: the target %s holds '%.40s' only; two classes are needed to learn from",
                       file_of(t), c->name, c->words.n ? kz_words_text(&c->words, 0) : "");
    if (!c->text && fmax(fabs(c->seen.least), fabs(c->seen.most)) >= 0x1p53)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: the target %s holds whole numbers up to %.17g, of which binary64 cannot tell neighbours "
                       "apart from 2^53 on, so that classes would become one; write them as texts, or number them from "
                       "0",
                       file_of(t), c->name, fabs(c->seen.least) > fabs(c->seen.most) ? c->seen.least : c->seen.most);
    for (int64_t i = 0; i < c->words.n && plain; i++) {
        snprintf(numbered, sizeof numbered, "%lld", (long long)c->words.rank[i]);
        plain = strcmp(numbered, kz_words_text(&c->words, i)) == 0;
    }
    if (plain) return KZ_OK; /* 0, 1, 2, ... name themselves */
    KZ_TRY(kz_calloc(&r->class_names, r->classes, sizeof *r->class_names, "class names"));
    for (int64_t i = 0; i < c->words.n; i++)
        KZ_TRY(kz_strdup(&r->class_names[c->words.rank[i]], kz_words_text(&c->words, i)));
    if (!c->text)
        KZ_TRY(kz_import_note(r, "%s: classes %s to %s are numbered 0 to %lld; class_names keeps theirs", c->name,
                              r->class_names[0], r->class_names[r->classes - 1], (long long)r->classes - 1));
done:
    return st;
}

/* Numbers that can name classes: whole, and each one exact. */
static bool holds_whole(const kz_column *c)
{
    const kz_seen *s = &c->seen;
    return !s->fraction && (s->least > s->most || (s->least >= -0x1p53 && s->most <= 0x1p53));
}

static kz_status decide_task(kz_table *t, kz_import_result *r)
{
    kz_column *target = NULL;
    bool said = t->o->task != NULL, whole = true, text = false, many = false;
    for (int64_t i = 0; i < t->n_columns; i++) {
        kz_column *c = &t->column[i];
        if (c->role != KZ_ROLE_TARGET) continue;
        r->targets++;
        target = c;
        text = text || c->text;
        many = many || c->too_many;
        whole = whole && holds_whole(c);
    }
    if (!target) return KZ_FAIL(KZ_E_ARG, "no column is the target");
    bool classes = said ? strcmp(t->o->task, "classification") == 0
                        : r->targets == 1 && (text || (whole && target->words.n <= KZ_FEW_CLASSES));
    r->classification = classes;
    if (!classes) {
        for (int64_t i = 0; i < t->n_columns && text; i++)
            if (t->column[i].role == KZ_ROLE_TARGET && t->column[i].text)
                return KZ_FAIL(KZ_E_DATA,
                               "%s: line %lld: the target %s holds the text '%.40s'; the targets of a regression are "
                               "numbers",
                               t->column[i].words_in, (long long)t->column[i].words_line, t->column[i].name,
                               sample(&t->column[i]));
        if (t->o->stratify)
            return KZ_FAIL(KZ_E_USAGE, "--stratify: the rows of a regression have no classes; leave it out");
        if (said || !whole || r->targets > 1) return KZ_OK;
        return kz_import_note(
            r,
            "%s holds whole numbers, %s than %d of them: taken as a regression; --task classification "
            "takes them as classes",
            target->name, "more", KZ_FEW_CLASSES);
    }
    if (r->targets > 1)
        return KZ_FAIL(KZ_E_USAGE, "--target: classes are told by one column, %lld are named", (long long)r->targets);
    if (many)
        return KZ_FAIL(KZ_E_DATA, "%s: the target %s holds over %d classes; is it another column?", file_of(t),
                       target->name, KZ_MOST_WORDS);
    if (!text && !whole)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: the target %s holds numbers that are not whole, or beyond 2^53, so that they are no classes; "
            "leave out --task, or say --task regression",
            file_of(t), target->name);
    kz_status st = text ? check_target_words(t, target) : KZ_OK;
    if (st == KZ_OK) st = classes_of(t, target, r);
    if (st == KZ_OK && !said && !text)
        st = kz_import_note(r, "%s holds %lld whole numbers: taken as classes; --task regression takes them as numbers",
                            target->name, (long long)target->words.n);
    r->targets = 0;
    return st;
}

/* ---- the layout of x ---- */

static void lay_out(kz_table *t, kz_import_result *r)
{
    for (int64_t i = 0; i < t->n_columns; i++) {
        kz_column *c = &t->column[i];
        if (c->role != KZ_ROLE_FEATURE) continue;
        bool more = c->text && c->fill == KZ_FILL_CATEGORY && c->seen.missing > 0;
        c->first = r->features;
        c->wide = c->text && c->as == KZ_AS_ONEHOT ? c->words.n + more : 1;
        r->features += c->wide;
        if (more) c->value = (double)c->words.n; /* a word behind the others */
    }
    r->rank = 1;
    r->shape[0] = r->features;
}

kz_status kz_import_names(const kz_table *t, char ***out, int64_t *n)
{
    char **names = NULL;
    int64_t at = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->n_columns; i++)
        if (t->column[i].role == KZ_ROLE_FEATURE) at += t->column[i].wide;
    *n = at;
    KZ_TRY(kz_calloc(&names, *n, sizeof *names, "feature names"));
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->role != KZ_ROLE_FEATURE) continue;
        bool onehot = c->text && c->as == KZ_AS_ONEHOT;
        if (!onehot) KZ_TRY(kz_strdup(&names[c->first], c->name));
        for (int64_t w = 0; onehot && w < c->wide; w++) {
            kz_text name = {0};
            int64_t place = w < c->words.n ? c->words.rank[w] : w;
            KZ_TRY(kz_text_add(&name, "%s=%s", c->name, w < c->words.n ? kz_words_text(&c->words, w) : "(missing)"));
            names[c->first + place] = name.s;
        }
    }
    *out = names;
    names = NULL; /* given away */
done:
    kz_texts_free(&names, *n);
    return st;
}

/* ---- types ---- */

/* The range of all values of x, and whether they are whole. */
static void range_of(const kz_table *t, double *least, double *most, bool *whole)
{
    *least = *most = 0;
    *whole = true;
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->role != KZ_ROLE_FEATURE) continue;
        bool onehot = c->text && c->as == KZ_AS_ONEHOT;
        double low = c->text ? 0 : c->seen.least, high = onehot ? 1 : c->text ? (double)c->words.n : c->seen.most;
        bool filled = !c->text && c->seen.missing > 0 && c->fill != KZ_FILL_DROP;
        if (low < *least) *least = low;
        if (high > *most) *most = high;
        *whole = *whole && (c->text || (!c->seen.fraction && (!filled || c->value == trunc(c->value))));
    }
}

static kz_status check_dtype(const kz_table *t, kz_stored x)
{
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->role != KZ_ROLE_FEATURE || c->text || c->seen.least > c->seen.most) continue;
        bool filled = c->seen.missing > 0 && c->fill != KZ_FILL_DROP;
        if (c->seen.fraction || (filled && c->value != trunc(c->value)))
            return KZ_FAIL(KZ_E_DATA,
                           "%s: column %s holds numbers that are not whole%s; --dtype %s cannot keep them: say "
                           "float32 or auto",
                           file_of(t), c->name, c->seen.fraction ? "" : " once the missing ones are filled in",
                           kz_stored_name(x));
        if (!kz_stored_holds(x, c->seen.least) || !kz_stored_holds(x, c->seen.most))
            return KZ_FAIL(KZ_E_DATA,
                           "%s: column %s holds numbers from %.17g to %.17g; --dtype %s cannot keep them: say auto",
                           file_of(t), c->name, c->seen.least, c->seen.most, kz_stored_name(x));
    }
    return KZ_OK;
}

/* What the reader should know of numbers that a binary32 or a binary64 does not hold as written. */
static kz_status note_digits(const kz_table *t, kz_import_result *r, kz_stored x)
{
    int64_t columns = 0;
    const kz_column *first = NULL;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->text || c->role == KZ_ROLE_SPLIT) continue;
        if (fmax(fabs(c->seen.least), fabs(c->seen.most)) >= 0x1p53 && !c->seen.fraction && c->seen.digits > 15)
            KZ_TRY(kz_import_note(
                r,
                "%s holds whole numbers beyond 2^53, whose last digits are lost; if it numbers the rows, "
                "leave it out with --drop '%s'",
                c->name, c->name));
        if (!c->seen.inexact || c->seen.digits <= 7 || c->role != KZ_ROLE_FEATURE) continue;
        if (columns++ == 0) first = c;
    }
    if (columns > 0 && x == KZ_STORED_FLOAT32)
        KZ_TRY(kz_import_note(
            r,
            "float32 keeps about 7 digits; %lld column%s more, such as %s with %d; --dtype float64 keeps "
            "them, but training computes in float32",
            (long long)columns, columns == 1 ? " has" : "s have", first->name, first->seen.digits));
done:
    return st;
}

kz_status kz_import_dtype(const kz_table *t, kz_import_result *r, kz_stored *x, kz_stored *y)
{
    const char *said = t->o->dtype && strcmp(t->o->dtype, "auto") != 0 ? t->o->dtype : NULL;
    double least, most;
    bool whole;
    kz_status st = KZ_OK;
    range_of(t, &least, &most, &whole);
    *x = whole ? kz_stored_for(least, most) : KZ_STORED_FLOAT32;
    if (said) (void)kz_stored_named(said, x);
    if (kz_stored_integer(*x)) KZ_TRY(check_dtype(t, *x));
    *y = r->classification ? KZ_STORED_INT32 : *x == KZ_STORED_FLOAT64 ? KZ_STORED_FLOAT64 : KZ_STORED_FLOAT32;
    r->dtype = kz_stored_name(*x);
    r->target_dtype = kz_stored_name(*y);
    KZ_TRY(note_digits(t, r, *x));
done:
    return st;
}

kz_status kz_import_decide(kz_table *t, kz_import_result *r)
{
    kz_status st = KZ_OK;
    KZ_TRY(check_infinite(t));
    for (int64_t i = 0; i < t->n_columns; i++)
        if (t->column[i].text && t->column[i].role == KZ_ROLE_FEATURE) KZ_TRY(check_category(t, &t->column[i]));
    for (int64_t i = 0; i < t->n_columns; i++) KZ_TRY(check_fill(t, &t->column[i]));
    KZ_TRY(check_missing(t));
    KZ_TRY(decide_task(t, r));
    lay_out(t, r);
done:
    return st;
}
