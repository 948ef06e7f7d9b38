/* The distinct texts of a column, and what a text looks like. */
#include "data/import_impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- a set of texts, numbered as they come ---- */

static uint64_t hash_of(const char *s, int64_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ (uint64_t)n;
    for (; n >= 8; s += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, s, sizeof v);
        h = (h ^ v) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    for (; n > 0; s++, n--) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    h = (h ^ h >> 32) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

/* The slot of the text, or the free one where it belongs. */
static int64_t slot_of(const kz_words *w, const char *s, int64_t n)
{
    uint64_t mask = (uint64_t)w->slots - 1, i = hash_of(s, n) & mask;
    for (;; i = (i + 1) & mask) {
        int32_t word = w->slot[i];
        if (word < 0 || (w->length[word] == n && memcmp(w->text.s + w->at[word], s, (size_t)n) == 0)) return (int64_t)i;
    }
}

int64_t kz_words_find(const kz_words *w, const char *s, int64_t n)
{
    return w->slots ? w->slot[slot_of(w, s, n)] : -1;
}

static kz_status grow(int64_t **values, int64_t n, int64_t room)
{
    int64_t *more = NULL;
    kz_status st = kz_calloc(&more, room, sizeof *more, "words of a column");
    if (st != KZ_OK) return st;
    if (n) memcpy(more, *values, (size_t)n * sizeof *more);
    kz_free(values);
    *values = more;
    return KZ_OK;
}

static kz_status make_room(kz_words *w)
{
    kz_status st = KZ_OK;
    int32_t *slot = NULL;
    if (w->n < w->room) return KZ_OK;
    int64_t room = w->room ? 2 * w->room : 16;
    KZ_TRY(grow(&w->at, w->n, room));
    KZ_TRY(grow(&w->length, w->n, room));
    KZ_TRY(grow(&w->count, w->n, room));
    KZ_TRY(kz_calloc(&slot, 4 * room, sizeof *slot, "words of a column"));
    kz_free(&w->slot);
    w->slot = slot;
    w->slots = 4 * room;
    w->room = room;
    for (int64_t i = 0; i < w->slots; i++) w->slot[i] = -1;
    for (int64_t i = 0; i < w->n; i++) w->slot[slot_of(w, w->text.s + w->at[i], w->length[i])] = (int32_t)i;
done:
    return st;
}

kz_status kz_words_add(kz_words *w, const char *s, int64_t n, int64_t *number)
{
    kz_status st = KZ_OK;
    *number = kz_words_find(w, s, n);
    if (*number >= 0) return KZ_OK;
    KZ_TRY(make_room(w));
    int64_t at = w->text.n;
    KZ_TRY(kz_text_add_bytes(&w->text, s, n));
    KZ_TRY(kz_text_add_bytes(&w->text, "", 1));
    w->slot[slot_of(w, s, n)] = (int32_t)w->n;
    w->at[w->n] = at;
    w->length[w->n] = n;
    w->count[w->n] = 0;
    *number = w->n++;
done:
    return st;
}

const char *kz_words_text(const kz_words *w, int64_t number)
{
    return w->text.s + w->at[number];
}

static int by_bytes(const void *a, const void *b, void *words)
{
    const kz_words *w = words;
    return strcmp(kz_words_text(w, *(const int64_t *)a), kz_words_text(w, *(const int64_t *)b));
}

/* Numbers by their value, before texts. */
static int by_value(const void *a, const void *b, void *words)
{
    const kz_words *w = words;
    double x, y;
    bool first = kz_parse_double(kz_words_text(w, *(const int64_t *)a), &x),
         second = kz_parse_double(kz_words_text(w, *(const int64_t *)b), &y);
    if (first && second && x < y) return -1;
    if (first && second && x > y) return 1;
    return first != second ? (first ? -1 : 1) : by_bytes(a, b, words);
}

kz_status kz_words_sort(kz_words *w)
{
    int64_t *order = NULL;
    double v;
    bool numbers = true;
    kz_status st = KZ_OK;
    kz_free(&w->rank);
    KZ_TRY(kz_calloc(&order, w->n, sizeof *order, "words of a column"));
    KZ_TRY(kz_calloc(&w->rank, w->n, sizeof *w->rank, "words of a column"));
    for (int64_t i = 0; i < w->n; i++) {
        order[i] = i;
        numbers = numbers && kz_parse_double(kz_words_text(w, i), &v);
    }
    qsort_r(order, (size_t)w->n, sizeof *order, numbers ? by_value : by_bytes, w);
    for (int64_t i = 0; i < w->n; i++) w->rank[order[i]] = i;
done:
    kz_free(&order);
    return st;
}

void kz_words_free(kz_words *w)
{
    kz_text_free(&w->text);
    kz_free(&w->at);
    kz_free(&w->length);
    kz_free(&w->count);
    kz_free(&w->rank);
    kz_free(&w->slot);
    *w = (kz_words){0};
}

/* ---- what a text looks like ---- */

/* Reads 1 to `most` digits; 0 if there are none or more. */
static int64_t digits(const char *s, const char *end, int64_t most)
{
    int64_t n = 0;
    while (s + n < end && s[n] >= '0' && s[n] <= '9') n++;
    return n <= most ? n : 0;
}

/* 10:15, 10:15:30, 10:15:30.25, with Z, +01:00, AM or PM behind. */
static bool is_time(const char *s, const char *end)
{
    int64_t n = digits(s, end, 2);
    if (!n || s + n == end || s[n] != ':') return false;
    s += n + 1;
    if (digits(s, end, 2) != 2) return false;
    return strspn(s, "0123456789:.,+- ZAPMapm") >= (size_t)(end - s);
}

/* The English name of a month at s, in full or its first three letters: how many letters; 0: none. */
static int64_t month(const char *s, const char *end)
{
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    int64_t n = 0;
    while (s + n < end && ((s[n] | 32) >= 'a' && (s[n] | 32) <= 'z')) n++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((n == 3 || n == (int64_t)strlen(names[i])) && strncasecmp(names[i], s, (size_t)n) == 0) return n;
    return 0;
}

/* 31-Jan-2024, 1 March 24, Jan 31 2024, Feb 1, 2024 11:00: a month's name between or before numbers. */
static bool has_month(const char *s, const char *end)
{
    int64_t day = digits(s, end, 4), name, year;
    s += day;
    if (day) s += strspn(s, "-/. ");
    name = s < end ? month(s, end) : 0;
    if (!name) return false;
    s += name;
    s += strspn(s, "-/., ");
    year = s < end ? digits(s, end, 4) : 0;
    if (!year) return false;
    s += year;
    if (s == end) return true;
    s += strspn(s, ", ");
    if (!day && s < end) { /* behind the month stood the day */
        year = digits(s, end, 4);
        s += year;
        if (s == end) return true;
        s += strspn(s, ", ");
    }
    return s < end && is_time(s, end);
}

bool kz_text_is_date(const char *s, int64_t length)
{
    const char *end = s + length;
    int64_t first = digits(s, end, 4), second, third;
    char mark;
    if (is_time(s, end) || has_month(s, end)) return true;
    if (!first || s + first == end) return false;
    mark = s[first];
    if (mark != '-' && mark != '/' && mark != '.') return false;
    s += first + 1;
    second = digits(s, end, 2);
    if (!second || s + second == end || s[second] != mark) return false;
    s += second + 1;
    third = digits(s, end, 4);
    s += third;
    if (!third || !(first == 4 || third == 4 || (first <= 2 && third == 2)) || (first == 4 && third > 2)) return false;
    return s == end || ((*s == 'T' || *s == ' ') && is_time(s + 1, end));
}

bool kz_text_is_grouped(const char *s, int64_t n)
{
    const char *end = s + n;
    if (s < end && (*s == '-' || *s == '+')) s++;
    int64_t d = digits(s, end, 3), groups = 0;
    if (!d) return false;
    for (s += d; s < end && *s == ',' && digits(s + 1, end, 3) == 3; s += 4) groups++;
    if (s < end && *s == '.') {
        d = digits(s + 1, end, 30);
        s += 1 + d;
    }
    return groups > 0 && s == end;
}

bool kz_text_is_measure(const char *s, int64_t n)
{
    static const char *const units[] = {"%", "$", "\u20ac", "\u00a3"}; /* percent, dollar, euro, pound */
    const char *end = s + n;
    double v;
    int count;
    bool unit = false;
    if (s < end && (*s == '-' || *s == '+')) s++;
    for (size_t i = 1; i < sizeof units / sizeof *units; i++)
        if (!unit && strncmp(s, units[i], strlen(units[i])) == 0) s += strlen(units[i]), unit = true;
    const char *stop = s < end && *s != '-' && *s != '+' ? kz_number_read(s, end, '.', &v, &count) : NULL;
    if (!stop) return false;
    while (stop < end && *stop == ' ') stop++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!unit && strcmp(stop, units[i]) == 0) stop = end, unit = true;
    return unit && stop == end;
}

bool kz_text_is_infinite(const char *s, int64_t n)
{
    if (n > 0 && (*s == '-' || *s == '+')) s++, n--;
    return (n == 3 && strncasecmp(s, "inf", 3) == 0) || (n == 8 && strncasecmp(s, "infinity", 8) == 0);
}

/* Bytes of the UTF-8 character at s; 0 if it is none. */
static int64_t character(const uint8_t *s, int64_t n)
{
    if (s[0] < 0x80) return 1;
    int64_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || length > n) return 0;
    for (int64_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool longer = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return longer || outside ? 0 : length;
}

bool kz_text_is_utf8(const char *s, int64_t n, int64_t *bad)
{
    int64_t i = 0;
    while (i < n) {
        uint64_t v;
        if (n - i >= 8 && (memcpy(&v, s + i, sizeof v), (v & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        int64_t length = character((const uint8_t *)s + i, n - i);
        if (length == 0) {
            *bad = i;
            return false;
        }
        i += length;
    }
    return true;
}
