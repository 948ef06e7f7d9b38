/* What the reports of `kaizen data check` have in common. */
#include "report/report_impl.h"

#include <string.h>

kz_status kz_report_data_check_verdict(kz_text *out, const json_t *check)
{
    static const char *const names[] = {"errors", "warnings", "notes"};
    const json_t *counts = json_object_get(check, "counts");
    const char *verdict = kz_json_text(check, "verdict");
    int kinds = 0, told = 0;
    kz_status st = KZ_OK;
    for (int i = 0; i < 3; i++) kinds += kz_json_int(counts, names[i]) > 0;
    if (kinds == 0) KZ_TRY(kz_text_add(out, "nothing found"));
    for (int i = 0; i < 3; i++) {
        int64_t n = kz_json_int(counts, names[i]);
        if (n == 0) continue;
        const char *between = told == 0 ? "" : told + 1 == kinds ? " and " : ", ";
        KZ_TRY(kz_text_add(out, "%s%lld %.*s", between, (long long)n, (int)strlen(names[i]) - (n == 1), names[i]));
        told++;
    }
    int64_t allowed = kz_json_int(counts, "allowed");
    if (allowed > 0) KZ_TRY(kz_text_add(out, " (%lld allowed)", (long long)allowed));
    KZ_TRY(kz_text_add(out, ": %s",
                       strcmp(verdict, "errors") == 0     ? "training on it would be wrong"
                       : strcmp(verdict, "warnings") == 0 ? "training on it is possible; read the warnings first"
                                                          : "training on it is right"));
done:
    return st;
}

static bool has(const json_t *const *list, int n, const json_t *feature)
{
    for (int i = 0; i < n; i++)
        if (list[i] == feature) return true;
    return false;
}

int kz_report_features(const json_t *check, const json_t *out[KZ_REPORT_FEATURES])
{
    const json_t *features = json_object_get(check, "feature_list"), *finding, *item, *feature;
    size_t i, k;
    int n = 0;
    json_array_foreach(json_object_get(check, "findings"), i, finding)
    {
        json_array_foreach(json_object_get(finding, "items"), k, item)
        {
            const json_t *number = json_object_get(item, "feature");
            feature = number ? json_array_get(features, (size_t)json_integer_value(number)) : NULL;
            if (feature && n < KZ_REPORT_FEATURES && !has(out, n, feature)) out[n++] = feature;
        }
    }
    json_array_foreach(features, i, feature) if (n < KZ_REPORT_FEATURES && !has(out, n, feature)) out[n++] = feature;
    return n;
}

kz_status kz_report_data_check_rows(kz_text *out, const json_t *check)
{
    const json_t *split;
    size_t i;
    char count[24];
    kz_status st = KZ_OK;
    json_array_foreach(json_object_get(check, "splits"), i, split)
    {
        kz_format_count(count, kz_json_int(split, "rows"));
        KZ_TRY(kz_text_add(out, "%s%s %s", i ? ", " : "", count, kz_json_text(split, "name")));
    }
    if (i == 0) return kz_text_add(out, "no rows");
    KZ_TRY(kz_text_add(out, " rows of %lld feature%s", (long long)kz_json_int(check, "features"),
                       kz_json_int(check, "features") == 1 ? "" : "s"));
    if (strcmp(kz_json_text(check, "task"), "regression") == 0) KZ_TRY(kz_text_add(out, "; a regression"));
    else if (kz_json_int(check, "classes") > 0)
        KZ_TRY(kz_text_add(out, "; %lld classes", (long long)kz_json_int(check, "classes")));
done:
    return st;
}
