/* Growing text. */
#include "kz/base.h"

#include <string.h>

static kz_status reserve(kz_text *t, int64_t more)
{
    char *grown = NULL;
    if (t->n + more + 1 <= t->room) return KZ_OK;
    int64_t room = 2 * t->room > t->n + more + 1 ? 2 * t->room : t->n + more + 1;
    kz_status st = kz_calloc(&grown, room, 1, "text");
    if (st != KZ_OK) return st;
    if (t->n) memcpy(grown, t->s, (size_t)t->n);
    kz_free(&t->s);
    t->s = grown;
    t->room = room;
    return KZ_OK;
}

kz_status kz_text_add_bytes(kz_text *t, const char *bytes, int64_t n)
{
    kz_status st = reserve(t, n);
    if (st != KZ_OK) return st;
    if (n) memcpy(t->s + t->n, bytes, (size_t)n);
    t->n += n;
    t->s[t->n] = '\0';
    return KZ_OK;
}

kz_status kz_text_add(kz_text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return KZ_FAIL(KZ_E_ARG, "text: format '%s' failed", format);
    kz_status st = reserve(t, n);
    if (st != KZ_OK) return st;
    va_start(args, format);
    vsnprintf(t->s + t->n, (size_t)n + 1, format, args);
    va_end(args);
    t->n += n;
    return KZ_OK;
}

const char *kz_text_str(const kz_text *t)
{
    return t->s ? t->s : "";
}

void kz_text_free(kz_text *t)
{
    kz_free(&t->s);
    t->n = t->room = 0;
}

kz_status kz_strdup(char **out, const char *s)
{
    size_t n = strlen(s) + 1;
    kz_status st = kz_calloc(out, (int64_t)n, 1, "text");
    if (st == KZ_OK) memcpy(*out, s, n);
    return st;
}
