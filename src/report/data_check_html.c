/* kaizen.datacheck/1 as one HTML page: no scripts, no links, nothing loaded; light and dark by the reader's setting. */
#include "report/report_impl.h"

#include <math.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#59636e;--line:#d1d9e0;--bar:#0969da;"
    "--other:#bc4c00;--error:#b3141e;--warning:#7d4e00;--note:#59636e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9198a1;--line:#3d444d;--bar:#58a6ff;"
    "--other:#f0883e;--error:#ff7b72;--warning:#d29922;--note:#9198a1}}"
    "body{font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;"
    "padding:0 1rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".scroll{overflow-x:auto}article{border-left:.3rem solid var(--note);padding:.1rem 1rem;margin:1rem 0}"
    "article.error{border-color:var(--error)}article.warning{border-color:var(--warning)}"
    ".error b{color:var(--error)}.warning b{color:var(--warning)}.note b{color:var(--note)}"
    "p.why{color:var(--soft);margin:.3rem 0}code{font-size:.9em}svg{display:block}"
    ".train{fill:var(--bar)}.held{fill:var(--other)}.base{stroke:var(--line)}";

static kz_status add_cell_int(kz_text *out, int64_t v)
{
    char count[24];
    kz_format_count(count, v);
    return kz_text_add(out, "<td class=\"n\">%s</td>", count);
}

static kz_status add_cell_real(kz_text *out, const json_t *v)
{
    if (!json_is_number(v)) return kz_text_add(out, "<td class=\"n\">none</td>");
    return kz_text_add(out, "<td class=\"n\">%.6g</td>", json_number_value(v));
}

/* ---- pictures ---- */

/* Bars of one histogram; their shares are in the accessible text. */
static kz_status add_histogram(kz_text *out, const json_t *counts, const char *of, const char *class)
{
    enum { WIDTH = 8, HEIGHT = 40 };
    double most = 0, sum = 0;
    const json_t *count;
    size_t i;
    kz_status st = KZ_OK;
    int width = (int)json_array_size(counts) * WIDTH;
    json_array_foreach(counts, i, count)
    {
        most = fmax(most, json_number_value(count));
        sum += json_number_value(count);
    }
    KZ_TRY(kz_text_add(out,
                       "<svg role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"><title>%s: percent of "
                       "rows in each of %d bins:",
                       width, HEIGHT + 2, width, HEIGHT + 2, of, (int)json_array_size(counts)));
    json_array_foreach(counts, i, count)
        KZ_TRY(kz_text_add(out, " %.2g", sum > 0 ? 100 * json_number_value(count) / sum : 0));
    KZ_TRY(kz_text_add(out, "</title>"));
    json_array_foreach(counts, i, count)
    {
        double height = most > 0 ? json_number_value(count) / most * HEIGHT : 0;
        if (height > 0 && height < 1) height = 1;
        if (height > 0)
            KZ_TRY(kz_text_add(out, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>", class,
                               (int)i * WIDTH, HEIGHT - height, WIDTH - 1, height));
    }
    KZ_TRY(kz_text_add(out, "<line class=\"base\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/></svg>", HEIGHT + 1, width,
                       HEIGHT + 1));
done:
    return st;
}

/* ---- sections ---- */

static kz_status add_finding(kz_text *out, const json_t *f)
{
    const char *severity = kz_json_text(f, "severity");
    const json_t *item, *items = json_object_get(f, "items");
    size_t i;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "<article class=\"%s\"><h3><b>%s</b>: %s", severity, severity, kz_json_text(f, "id")));
    if (*kz_json_text(f, "where")) KZ_TRY(kz_text_add(out, " (%s)", kz_json_text(f, "where")));
    KZ_TRY(kz_text_add(out, "%s</h3>\n<p>", json_is_true(json_object_get(f, "allowed")) ? ", allowed" : ""));
    KZ_TRY(kz_html_add(out, kz_json_text(f, "found")));
    KZ_TRY(kz_text_add(out, ".</p>\n"));
    if (json_array_size(items) > 0) KZ_TRY(kz_text_add(out, "<ul>\n"));
    json_array_foreach(items, i, item)
    {
        KZ_TRY(kz_text_add(out, "<li>"));
        KZ_TRY(kz_html_add(out, kz_json_text(item, "text")));
        KZ_TRY(kz_text_add(out, "</li>\n"));
    }
    if (i > 0 && kz_json_int(f, "count") > (int64_t)i)
        KZ_TRY(kz_text_add(out, "<li>and more: %lld in all</li>\n", (long long)kz_json_int(f, "count")));
    if (i > 0) KZ_TRY(kz_text_add(out, "</ul>\n"));
    KZ_TRY(kz_text_add(out, "<p class=\"why\">Right is: "));
    KZ_TRY(kz_html_add(out, kz_json_text(f, "rule")));
    KZ_TRY(kz_text_add(out, ".<br>To do: "));
    KZ_TRY(kz_html_add(out, kz_json_text(f, "remedy")));
    KZ_TRY(kz_text_add(out, ".</p></article>\n"));
done:
    return st;
}

static kz_status add_versions(kz_text *out, const json_t *against)
{
    static const char *const columns[] = {"old_rows", "rows", "unchanged", "added", "removed", "target_changed"};
    const json_t *r;
    size_t i;
    kz_status st = KZ_OK;
    if (!against) return KZ_OK;
    KZ_TRY(kz_text_add(out, "<h2>Against "));
    KZ_TRY(kz_html_add(out, kz_json_text(against, "file")));
    KZ_TRY(kz_text_add(out,
                       "</h2>\n<p>Its digest: <code>%s</code></p>\n<div class=\"scroll\"><table><thead><tr><th "
                       "scope=\"col\">Split</th><th class=\"n\" scope=\"col\">Rows before</th><th class=\"n\" "
                       "scope=\"col\">Rows now</th><th class=\"n\" scope=\"col\">Unchanged</th><th class=\"n\" "
                       "scope=\"col\">Added</th><th class=\"n\" scope=\"col\">Removed</th><th class=\"n\" "
                       "scope=\"col\">Target changed</th></tr></thead><tbody>\n",
                       kz_json_text(against, "digest")));
    json_array_foreach(json_object_get(against, "rows"), i, r)
    {
        KZ_TRY(kz_text_add(out, "<tr><th scope=\"row\">%s</th>", kz_json_text(r, "split")));
        for (int k = 0; k < 6; k++) KZ_TRY(add_cell_int(out, kz_json_int(r, columns[k])));
        KZ_TRY(kz_text_add(out, "</tr>\n"));
    }
    KZ_TRY(kz_text_add(out, "</tbody></table></div>\n"));
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
    KZ_TRY(kz_text_add(out, "<h2>Classes</h2>\n"));
    json_array_foreach(splits, i, split)
    {
        const char *name = kz_json_text(split, "name");
        KZ_TRY(kz_text_add(out, "<p>%s", name));
        if (classes <= 64) KZ_TRY(add_histogram(out, json_object_get(split, "class_rows"), name, i ? "held" : "train"));
        KZ_TRY(kz_text_add(out, "</p>\n"));
    }
    KZ_TRY(kz_text_add(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Class</th>"));
    json_array_foreach(splits, i, split)
        KZ_TRY(kz_text_add(out, "<th class=\"n\" scope=\"col\">%s rows</th>", kz_json_text(split, "name")));
    KZ_TRY(kz_text_add(out, "</tr></thead><tbody>\n"));
    for (int64_t k = 0; k < classes; k++) {
        const char *name = json_string_value(json_array_get(names, (size_t)k));
        KZ_TRY(kz_text_add(out, "<tr><th scope=\"row\">%lld ", (long long)k));
        if (name) KZ_TRY(kz_html_add(out, name));
        KZ_TRY(kz_text_add(out, "</th>"));
        json_array_foreach(splits, i, split) KZ_TRY(
            add_cell_int(out, json_integer_value(json_array_get(json_object_get(split, "class_rows"), (size_t)k))));
        KZ_TRY(kz_text_add(out, "</tr>\n"));
    }
    KZ_TRY(kz_text_add(out, "</tbody></table></div>\n"));
done:
    return st;
}

static kz_status add_feature(kz_text *out, const json_t *feature)
{
    const json_t *drift;
    size_t i;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "<tr><th scope=\"row\">"));
    KZ_TRY(kz_html_add(out, kz_json_text(feature, "name")));
    KZ_TRY(kz_text_add(out, "</th>"));
    KZ_TRY(add_cell_real(out, json_object_get(feature, "min")));
    KZ_TRY(add_cell_real(out, json_object_get(feature, "median")));
    KZ_TRY(add_cell_real(out, json_object_get(feature, "max")));
    KZ_TRY(kz_text_add(out, "<td>"));
    KZ_TRY(add_histogram(out, json_object_get(json_object_get(feature, "histogram"), "train"), "train", "train"));
    KZ_TRY(kz_text_add(out, "</td><td>"));
    json_array_foreach(json_object_get(feature, "drift"), i, drift)
    {
        KZ_TRY(add_histogram(out, json_object_get(drift, "histogram"), kz_json_text(drift, "split"), "held"));
        KZ_TRY(kz_text_add(out, "%s: PSI %.3g, KS %.3g<br>", kz_json_text(drift, "split"),
                           json_number_value(json_object_get(drift, "psi")),
                           json_number_value(json_object_get(drift, "ks"))));
    }
    KZ_TRY(kz_text_add(out, "</td></tr>\n"));
done:
    return st;
}

static kz_status add_features(kz_text *out, const json_t *check)
{
    const json_t *list[KZ_REPORT_FEATURES];
    int n = kz_report_features(check, list);
    kz_status st = KZ_OK;
    if (n == 0) return KZ_OK;
    KZ_TRY(kz_text_add(out,
                       "<h2>Features</h2>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Feature</th><th "
                       "class=\"n\" scope=\"col\">Least</th><th class=\"n\" scope=\"col\">Median</th><th class=\"n\" "
                       "scope=\"col\">Greatest</th><th scope=\"col\">In train</th><th scope=\"col\">Held "
                       "out</th></tr></thead><tbody>\n"));
    for (int k = 0; k < n; k++) KZ_TRY(add_feature(out, list[k]));
    KZ_TRY(kz_text_add(out,
                       "</tbody></table></div>\n<p>Bins are of equal width from the 1st to the 99th percentile of "
                       "train; values outside count in the first and the last. %d of %lld features are shown.</p>\n",
                       n, (long long)kz_json_int(check, "features")));
done:
    return st;
}

kz_status kz_report_data_check_html(kz_text *out, const json_t *check)
{
    const json_t *finding, *findings = json_object_get(check, "findings");
    size_t i;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                            "content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" "
                            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>Data check: "));
    KZ_TRY(kz_html_add(out, kz_json_text(check, "file")));
    KZ_TRY(kz_text_add(out, "</title>\n<style>%s</style></head>\n<body><main>\n<h1>Data check: ", style));
    KZ_TRY(kz_html_add(out, kz_json_text(check, "file")));
    KZ_TRY(kz_text_add(out, "</h1>\n<p><strong>"));
    KZ_TRY(kz_report_data_check_verdict(out, check));
    KZ_TRY(kz_text_add(out, ".</strong></p>\n<p>"));
    KZ_TRY(kz_report_data_check_rows(out, check));
    KZ_TRY(kz_text_add(out, ".<br>Digest: <code>%s</code></p>\n", kz_json_text(check, "digest")));
    if (json_array_size(findings) > 0) KZ_TRY(kz_text_add(out, "<h2>Findings</h2>\n"));
    json_array_foreach(findings, i, finding) KZ_TRY(add_finding(out, finding));
    KZ_TRY(add_versions(out, json_object_get(check, "against")));
    KZ_TRY(add_classes(out, check));
    KZ_TRY(add_features(out, check));
    KZ_TRY(kz_text_add(out, "</main></body></html>\n"));
done:
    return st;
}
