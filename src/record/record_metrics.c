/* Metrics by name and as JSON. */
#include "record_impl.h"

#include <math.h>
#include <string.h>

double kz_metrics_get(const kz_metrics *m, const char *key)
{
    if (strcmp(key, "loss") == 0) return m->loss;
    if (strcmp(key, "accuracy") == 0) return m->accuracy;
    if (strcmp(key, "rmse") == 0) return m->rmse;
    return strcmp(key, "r2") == 0 ? m->r2 : NAN;
}

json_t *kz_metrics_json(const kz_metrics *m, bool classification)
{
    static const char *const keys[2][4] = {{"loss", "rmse", "r2", NULL}, {"loss", "accuracy", NULL}};
    int bad = 0;
    if (m->rows == 0) return json_null();
    json_t *j = json_object();
    for (const char *const *key = keys[classification]; *key; key++)
        bad |= json_object_set_new(j, *key, kz_json_number(kz_metrics_get(m, *key)));
    if (!bad) return j;
    json_decref(j);
    return NULL;
}

/* A copy of s with '?' for each byte that is not ASCII. */
static json_t *ascii_json(const char *s)
{
    char *copy = NULL;
    if (kz_strdup(&copy, s) != KZ_OK) return NULL;
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80) *p = '?';
    json_t *j = json_string(copy);
    kz_free(&copy);
    return j;
}

json_t *kz_record_text_json(const char *s)
{
    if (!s) return json_null();
    json_t *j = json_string(s);
    return j ? j : ascii_json(s);
}
