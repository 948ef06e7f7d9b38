/* The list of findings. */
#include "data/check_impl.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *id, *rule, *remedy;
} rules[] = {
#define KZ_RULE(constant, id, rule, remedy) {id, rule, remedy},
#include "data/check_rules.inc"
#undef KZ_RULE
};

const char *const *kz_data_check_ids(void)
{
    static const char *const ids[] = {
#define KZ_RULE(constant, id, rule, remedy) id,
#include "data/check_rules.inc"
#undef KZ_RULE
        NULL};
    return ids;
}

const char *kz_severity_name(kz_severity severity)
{
    static const char *const names[] = {"error", "warning", "note"};
    return names[severity];
}

/* Bytes of the UTF-8 character at s, 0: it is none, or one that could command a terminal. */
static int character(const unsigned char *s)
{
    int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if (s[0] < 0x20 || s[0] == 0x7f || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4) return 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    bool control = s[0] == 0xc2 && s[1] < 0xa0;
    return overlong || beyond || control ? 0 : n;
}

char *kz_check_clean(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p;) {
        int n = character(p);
        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
    return s;
}

static kz_status format_text(char **out, const char *format, va_list args)
{
    char line[1024];
    vsnprintf(line, sizeof line, format, args);
    return kz_strdup(out, kz_check_clean(line));
}

static kz_status grow(kz_findings *f)
{
    int64_t room = f->room ? 2 * f->room : 16;
    kz_finding *list = NULL;
    kz_rule *rule = NULL;
    kz_status st = KZ_OK;
    if (f->n < f->room) return KZ_OK;
    KZ_TRY(kz_calloc(&list, room, sizeof *list, "findings"));
    KZ_TRY(kz_calloc(&rule, room, sizeof *rule, "findings"));
    if (f->n) memcpy(list, f->list, (size_t)f->n * sizeof *list);
    if (f->n) memcpy(rule, f->rule, (size_t)f->n * sizeof *rule);
    kz_free(&f->list);
    kz_free(&f->rule);
    *f = (kz_findings){list, rule, f->n, room};
    list = NULL;
    rule = NULL;
done:
    kz_free(&list);
    kz_free(&rule);
    return st;
}

kz_status kz_findings_add(kz_findings *f, kz_rule rule, kz_severity severity, const char *where, int64_t count,
                          const char *found, ...)
{
    kz_finding new_one = {.id = rules[rule].id,
                          .severity = severity,
                          .where = where,
                          .count = count,
                          .value = NAN,
                          .threshold = NAN,
                          .rule = rules[rule].rule,
                          .remedy = rules[rule].remedy};
    va_list args;
    kz_status st = KZ_OK;
    KZ_TRY(grow(f));
    va_start(args, found);
    st = format_text(&new_one.found, found, args);
    va_end(args);
    if (st != KZ_OK) goto done;
    KZ_TRY(kz_calloc(&new_one.item, KZ_FINDING_ITEMS, sizeof *new_one.item, "findings"));
    f->list[f->n] = new_one;
    f->rule[f->n++] = rule;
    new_one = (kz_finding){.id = NULL}; /* given away */
done:
    kz_free(&new_one.found);
    return st;
}

void kz_finding_measure(kz_findings *f, double value, double threshold)
{
    f->list[f->n - 1].value = value;
    f->list[f->n - 1].threshold = threshold;
}

kz_finding_item kz_finding_item_none(void)
{
    return (kz_finding_item){.row = -1, .feature = -1, .class_number = -1, .other = -1, .value = NAN};
}

kz_status kz_finding_add_item(kz_findings *f, kz_finding_item item, const char *text, ...)
{
    kz_finding *last = &f->list[f->n - 1];
    va_list args;
    if (last->items == KZ_FINDING_ITEMS) return KZ_OK;
    va_start(args, text);
    kz_status st = format_text(&item.text, text, args);
    va_end(args);
    if (st == KZ_OK) last->item[last->items++] = item;
    return st;
}

void kz_findings_allow(kz_findings *f, const char *const *ids, int64_t n)
{
    for (int64_t i = 0; i < f->n; i++)
        for (int64_t j = 0; j < n; j++)
            if (strcmp(f->list[i].id, ids[j]) == 0) f->list[i].allowed = true;
}

/* Those that count first, then the worst, then in the order of the rules, then as they were found. */
static bool comes_before(const kz_findings *f, int64_t a, int64_t b)
{
    const kz_finding *x = &f->list[a], *y = &f->list[b];
    if (x->allowed != y->allowed) return y->allowed;
    if (x->severity != y->severity) return x->severity < y->severity;
    return f->rule[a] < f->rule[b];
}

void kz_findings_sort(kz_findings *f)
{
    for (int64_t i = 1; i < f->n; i++) /* there are some tens of them */
        for (int64_t j = i; j > 0 && comes_before(f, j, j - 1); j--) {
            kz_finding finding = f->list[j];
            kz_rule rule = f->rule[j];
            f->list[j] = f->list[j - 1];
            f->rule[j] = f->rule[j - 1];
            f->list[j - 1] = finding;
            f->rule[j - 1] = rule;
        }
}

void kz_findings_free(kz_findings *f)
{
    for (int64_t i = 0; i < f->n; i++) {
        for (int k = 0; k < f->list[i].items; k++) kz_free(&f->list[i].item[k].text);
        kz_free(&f->list[i].item);
        kz_free(&f->list[i].found);
    }
    kz_free(&f->list);
    kz_free(&f->rule);
    f->n = f->room = 0;
}
