/* kaizen.datacheck/1 as Markdown. */
#include "report/report_impl.h"

#include <math.h>
#include <string.h>

/* A histogram in one line of block characters, scaled to its largest bin; empty bins are blank. */
static kz_status add_bars(kz_text *out, const json_t *counts)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 0;
    const json_t *count;
    size_t i;
    kz_status st = KZ_OK;
    json_array_foreach(counts, i, count) most = fmax(most, json_number_value(count));
    KZ_TRY(kz_text_add(out, "`"));
    json_array_foreach(counts, i, count)
    {
        double share = most > 0 ? json_number_value(count) / most : 0;
        KZ_TRY(kz_text_add(out, "%s", share > 0 ? blocks[(int)ceil(share * 8) - 1] : " "));
    }
    KZ_TRY(kz_text_add(out, "`"));
done:
    return st;
}

static kz_status add_number(kz_text *out, const json_t *v)
{
    if (!json_is_number(v)) return kz_text_add(out, " none |");
    return kz_text_add(out, " %.6g |", json_number_value(v));
}

static kz_status add_finding(kz_text *out, const json_t *f)
{
    const json_t *item, *items = json_object_get(f, "items");
    size_t i;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "### %s: %s", kz_json_text(f, "severity"), kz_json_text(f, "id")));
    if (*kz_json_text(f, "where")) KZ_TRY(kz_text_add(out, " (%s)", kz_json_text(f, "where")));
    KZ_TRY(kz_text_add(out, "%s\n\n", json_is_true(json_object_get(f, "allowed")) ? ", allowed" : ""));
    KZ_TRY(kz_markdown_add(out, kz_json_text(f, "found")));
    KZ_TRY(kz_text_add(out, ".\n\n"));
    json_array_foreach(items, i, item)
    {
        KZ_TRY(kz_text_add(out, "- "));
        KZ_TRY(kz_markdown_add(out, kz_json_text(item, "text")));
        KZ_TRY(kz_text_add(out, "\n"));
    }
    int64_t more = kz_json_int(f, "count") - (int64_t)json_array_size(items);
    if (json_array_size(items) > 0 && more > 0)
        KZ_TRY(kz_text_add(out, "- and more: %lld in all\n", (long long)kz_json_int(f, "count")));
    KZ_TRY(kz_text_add(out, "%sRight is: %s.\nTo do: %s.\n\n", json_array_size(items) > 0 ? "\n" : "",
                       kz_json_text(f, "rule"), kz_json_text(f, "remedy")));
done:
    return st;
}

static kz_status add_versions(kz_text *out, const json_t *against)
{
    const json_t *r, *rows = json_object_get(against, "rows");
    size_t i;
    kz_status st = KZ_OK;
    if (!against) return KZ_OK;
    KZ_TRY(kz_text_add(out, "## Against "));
    KZ_TRY(kz_markdown_add(out, kz_json_text(against, "file")));
    KZ_TRY(kz_text_add(out, "\n\nIts digest: `%s`\n\n", kz_json_text(against, "digest")));
    if (json_array_size(rows) == 0) return KZ_OK;
    KZ_TRY(kz_text_add(out, "| Split | Rows before | Rows now | Unchanged | Added | Removed | Target changed |\n"
                            "|---|--:|--:|--:|--:|--:|--:|\n"));
    json_array_foreach(rows, i, r)
        KZ_TRY(kz_text_add(out, "| %s | %lld | %lld | %lld | %lld | %lld | %lld |\n", kz_json_text(r, "split"),
                           (long long)kz_json_int(r, "old_rows"), (long long)kz_json_int(r, "rows"),
                           (long long)kz_json_int(r, "unchanged"), (long long)kz_json_int(r, "added"),
                           (long long)kz_json_int(r, "removed"), (long long)kz_json_int(r, "target_changed")));
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

static kz_status add_classes(kz_text *out, const json_t *check)
{
    const json_t *split, *splits = json_object_get(check, "splits"), *names = json_object_get(check, "class_names");
    int64_t classes = (int64_t)json_array_size(json_object_get(json_array_get(splits, 0), "class_rows"));
    size_t i;
    kz_status st = KZ_OK;
    if (classes == 0) return KZ_OK;
    KZ_TRY(kz_text_add(out, "## Rows of each class\n\n| Class |"));
    json_array_foreach(splits, i, split) KZ_TRY(kz_text_add(out, " %s |", kz_json_text(split, "name")));
    KZ_TRY(kz_text_add(out, "\n|---|"));
    json_array_foreach(splits, i, split) KZ_TRY(kz_text_add(out, "--:|"));
    for (int64_t k = 0; k < classes; k++) {
        const char *name = json_string_value(json_array_get(names, (size_t)k));
        KZ_TRY(kz_text_add(out, "\n| %lld%s", (long long)k, name ? " " : ""));
        if (name) KZ_TRY(kz_markdown_add(out, name));
        KZ_TRY(kz_text_add(out, " |"));
        json_array_foreach(splits, i, split)
        {
            const json_t *rows = json_array_get(json_object_get(split, "class_rows"), (size_t)k);
            KZ_TRY(kz_text_add(out, " %lld |", (long long)json_integer_value(rows)));
        }
    }
    KZ_TRY(kz_text_add(out, "\n\n"));
done:
    return st;
}

static kz_status add_features(kz_text *out, const json_t *check)
{
    const json_t *list[KZ_REPORT_FEATURES], *drift;
    int n = kz_report_features(check, list);
    size_t i;
    kz_status st = KZ_OK;
    if (n == 0) return KZ_OK;
    KZ_TRY(kz_text_add(out, "## Features\n\n| Feature | Least | Median | Greatest | train | others |\n"
                            "|---|--:|--:|--:|---|---|\n"));
    for (int k = 0; k < n; k++) {
        KZ_TRY(kz_text_add(out, "| "));
        KZ_TRY(kz_markdown_add(out, kz_json_text(list[k], "name")));
        KZ_TRY(kz_text_add(out, " |"));
        KZ_TRY(add_number(out, json_object_get(list[k], "min")));
        KZ_TRY(add_number(out, json_object_get(list[k], "median")));
        KZ_TRY(add_number(out, json_object_get(list[k], "max")));
        KZ_TRY(kz_text_add(out, " "));
        KZ_TRY(add_bars(out, json_object_get(json_object_get(list[k], "histogram"), "train")));
        KZ_TRY(kz_text_add(out, " |"));
        json_array_foreach(json_object_get(list[k], "drift"), i, drift)
        {
            KZ_TRY(kz_text_add(out, " %s ", kz_json_text(drift, "split")));
            KZ_TRY(add_bars(out, json_object_get(drift, "histogram")));
            KZ_TRY(kz_text_add(out, " PSI %.3g, KS %.3g", json_number_value(json_object_get(drift, "psi")),
                               json_number_value(json_object_get(drift, "ks"))));
        }
        KZ_TRY(kz_text_add(out, " |\n"));
    }
    if (n < kz_json_int(check, "features"))
        KZ_TRY(kz_text_add(out, "\n%d of %lld features are shown.\n", n, (long long)kz_json_int(check, "features")));
done:
    return st;
}

kz_status kz_report_data_check_markdown(kz_text *out, const json_t *check)
{
    const json_t *finding;
    size_t i;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "# Data check: "));
    KZ_TRY(kz_markdown_add(out, kz_json_text(check, "file")));
    KZ_TRY(kz_text_add(out, "\n\n**"));
    KZ_TRY(kz_report_data_check_verdict(out, check));
    KZ_TRY(kz_text_add(out, ".**\n\n"));
    KZ_TRY(kz_report_data_check_rows(out, check));
    KZ_TRY(kz_text_add(out, ".\nDigest: `%s`\n\n", kz_json_text(check, "digest")));
    if (json_array_size(json_object_get(check, "findings")) > 0) KZ_TRY(kz_text_add(out, "## Findings\n\n"));
    json_array_foreach(json_object_get(check, "findings"), i, finding) KZ_TRY(add_finding(out, finding));
    KZ_TRY(add_versions(out, json_object_get(check, "against")));
    KZ_TRY(add_classes(out, check));
    KZ_TRY(add_features(out, check));
done:
    return st;
}
