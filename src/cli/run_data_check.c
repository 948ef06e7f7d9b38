/* kaizen data check: options to a check, and what people see of it. */
#include "cli.h"

#include "kz/data.h"
#include "kz/data_check.h"
#include "kz/report.h"

#include <string.h>

enum { SHOWN = 3, COLUMN = 10 }; /* items of a finding that fit on one screen; where sentences begin */

/* ---- options ---- */

static const char *extension(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot : "";
}

static bool is_report(const char *path)
{
    const char *e = extension(path);
    return strcmp(e, ".json") == 0 || strcmp(e, ".md") == 0 || strcmp(e, ".html") == 0;
}

static kz_status check_words(kz_cli *cli)
{
    int64_t n;
    const char *const *words = kz_cli_values(cli, "--report", &n);
    for (int64_t i = 0; i < n; i++)
        if (!is_report(words[i]))
            return KZ_FAIL(KZ_E_USAGE, "data check: --report is '%s', must end in .html, .md or .json", words[i]);
    words = kz_cli_values(cli, "--allow", &n);
    for (int64_t i = 0; i < n; i++) {
        const char *const *id = kz_data_check_ids();
        while (*id && strcmp(*id, words[i]) != 0) id++;
        if (*id) continue;
        const char *near = kz_suggest(words[i], kz_data_check_ids());
        if (near) kz_cli_hint(cli, "did you mean %s?", near);
        else kz_cli_hint(cli, "ids are in the output of the check and in docs/data-check.md");
        return KZ_FAIL(KZ_E_USAGE, "data check: --allow: there is no finding '%s'", words[i]);
    }
    return KZ_OK;
}

static kz_status read_numbers(const kz_cli *cli, kz_data_check_options *o)
{
    const char *psi = kz_cli_value(cli, "--max-psi"), *memory = kz_cli_value(cli, "--memory");
    int64_t threads = 0;
    kz_status st = kz_cli_int(cli, "--threads", 0, 1024, &threads);
    if (st != KZ_OK) return st;
    o->threads = threads ? (int)threads : kz_cpu_count();
    if (psi && !(kz_parse_double(psi, &o->max_psi) && o->max_psi > 0))
        return KZ_FAIL(KZ_E_USAGE, "data check: --max-psi is '%s', must be a number above 0", psi);
    if (memory && !(kz_parse_size(memory, &o->memory) && o->memory > 0))
        return KZ_FAIL(KZ_E_USAGE, "data check: --memory is '%s', must be a size such as 512MiB or 8GiB", memory);
    return KZ_OK;
}

static kz_status load_config(kz_cli *cli, kz_config **cfg)
{
    kz_text report = {0};
    const char *path = kz_cli_value(cli, "--config");
    if (!path) return KZ_OK;
    kz_status st = kz_config_load(cfg, path, NULL, 0, &report);
    if (report.n) kz_cli_report(cli, report.s);
    kz_text_free(&report);
    return st;
}

/* ---- progress ---- */

static void on_progress(void *context, int64_t done, int64_t total)
{
    bool *begun = context;
    if (!*begun) kz_progress_begin(total, "rows");
    *begun = true;
    kz_progress_at(done < total ? done : total, NULL);
}

/* ---- for people ---- */

/* Words from column `at` on, continued below column `indent`; `at` and the rest of the line are already printed. */
static void print_wrapped(const char *text, int at, int indent)
{
    int width = kz_style_width(stdout);
    for (bool first = true; *text; first = false) {
        size_t n = strcspn(text, " ");
        int columns = 0;
        for (size_t i = 0; i < n; i++) columns += ((unsigned char)text[i] & 0xc0) != 0x80; /* of UTF-8 */
        if (!first && at + 1 + columns > width) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)n, text);
        at += columns;
        text += n + strspn(text + n, " ");
    }
    putchar('\n');
}

static void print_line(const char *text)
{
    printf("%*s", COLUMN, "");
    print_wrapped(text, COLUMN, COLUMN);
}

static kz_status print_finding(const json_t *f)
{
    static const struct {
        const char *name;
        kz_style style;
    } styles[] = {{"error", KZ_STYLE_RED}, {"warning", KZ_STYLE_YELLOW}, {"note", KZ_STYLE_DIM}};
    const char *severity = json_string_value(json_object_get(f, "severity"));
    const char *where = json_string_value(json_object_get(f, "where")), *code = "", *off = "";
    const json_t *item, *items = json_object_get(f, "items");
    bool allowed = json_is_true(json_object_get(f, "allowed"));
    kz_text line = {0};
    size_t i;
    kz_status st = KZ_OK;
    for (size_t k = 0; k < 3 && !allowed; k++)
        if (strcmp(severity, styles[k].name) == 0) code = kz_style_code(stdout, styles[k].style);
    if (*code) off = kz_style_code(stdout, KZ_STYLE_OFF);
    printf("%s%-*s%s%s%s%s\n", code, COLUMN, allowed ? "allowed" : severity, off,
           json_string_value(json_object_get(f, "id")), where ? ", " : "", where ? where : "");
    KZ_TRY(kz_text_add(&line, "%s", json_string_value(json_object_get(f, "found"))));
    json_array_foreach(items, i, item) if (i < SHOWN)
        KZ_TRY(kz_text_add(&line, "%s%s", i ? "; " : ": ", json_string_value(json_object_get(item, "text"))));
    if (i > SHOWN) KZ_TRY(kz_text_add(&line, "; and more"));
    print_line(line.s);
    kz_text_free(&line);
    if (allowed) goto done;
    KZ_TRY(kz_text_add(&line, "-> %s", json_string_value(json_object_get(f, "remedy"))));
    print_line(line.s);
done:
    kz_text_free(&line);
    return st;
}

static void print_version_rows(const json_t *check)
{
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(check, "against"), "rows"), i, r)
    {
        static const char *const keys[] = {"unchanged", "added", "removed", "target_changed"};
        long long n[4];
        for (int k = 0; k < 4; k++) n[k] = (long long)json_integer_value(json_object_get(r, keys[k]));
        printf("%*s%s: %lld rows unchanged, %lld added, %lld removed, %lld with another target\n", COLUMN, "",
               json_string_value(json_object_get(r, "split")), n[0], n[1], n[2], n[3]);
    }
}

static kz_status print_text(const json_t *check)
{
    const json_t *finding, *against = json_object_get(check, "against");
    const char *digest = json_string_value(json_object_get(check, "digest"));
    kz_text line = {0};
    size_t i;
    kz_status st = KZ_OK;
    printf("%-*s%s\n", COLUMN, "data", json_string_value(json_object_get(check, "file")));
    KZ_TRY(kz_report_data_check_rows(&line, check));
    print_line(line.s);
    if (digest) printf("%-*s%s\n", COLUMN, "digest", digest);
    if (against) {
        digest = json_string_value(json_object_get(against, "digest"));
        printf("%-*s%s\n", COLUMN, "against", json_string_value(json_object_get(against, "file")));
        if (digest) printf("%-*s%s\n", COLUMN, "", digest);
        print_version_rows(check);
    }
    putchar('\n');
    json_array_foreach(json_object_get(check, "findings"), i, finding) KZ_TRY(print_finding(finding));
    if (i > 0) putchar('\n');
    kz_text_free(&line);
    KZ_TRY(kz_report_data_check_verdict(&line, check));
    printf("%s.\n", line.s);
done:
    kz_text_free(&line);
    return st;
}

/* ---- reports ---- */

static kz_status write_report(const char *path, const json_t *check)
{
    kz_text text = {0};
    kz_status st = KZ_OK;
    if (strcmp(extension(path), ".html") == 0) {
        KZ_TRY(kz_report_data_check_html(&text, check));
    } else if (strcmp(extension(path), ".md") == 0) {
        KZ_TRY(kz_report_data_check_markdown(&text, check));
    } else {
        KZ_TRY(kz_json_dump(&text, check, true));
        KZ_TRY(kz_text_add(&text, "\n"));
    }
    KZ_TRY(kz_file_replace(path, text.s, text.n, false));
done:
    kz_text_free(&text);
    return st;
}

static kz_status write_reports(const kz_cli *cli, const json_t *check)
{
    int64_t n;
    const char *const *paths = kz_cli_values(cli, "--report", &n);
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n && st == KZ_OK; i++) st = write_report(paths[i], check);
    return st;
}

/* ---- the whole ---- */

static kz_status conclude(const kz_cli *cli, const kz_data_check *check, const char *path)
{
    long long errors = (long long)kz_data_check_count(check, KZ_FINDING_ERROR);
    long long warnings = (long long)kz_data_check_count(check, KZ_FINDING_WARNING);
    if (errors > 0)
        return KZ_FAIL(KZ_E_DATA, "%s: training on it would be wrong: %lld error%s", path, errors,
                       errors == 1 ? "" : "s");
    if (warnings > 0 && kz_cli_has(cli, "--strict"))
        return KZ_FAIL(KZ_E_DATA, "%s: %lld warning%s, and --strict lets none pass", path, warnings,
                       warnings == 1 ? "" : "s");
    return KZ_OK;
}

kz_status kz_cli_data_check(kz_cli *cli)
{
    kz_data_check_options o = kz_data_check_defaults();
    kz_data_check *check = NULL;
    kz_config *cfg = NULL;
    json_t *document = NULL;
    char *found = NULL;
    bool begun = false;
    kz_status st = KZ_OK;
    KZ_TRY(check_words(cli));
    KZ_TRY(read_numbers(cli, &o));
    if (!cli->operand && !kz_cli_has(cli, "--config")) {
        kz_cli_hint(cli, "for example: %s", cli->command->examples->line);
        return KZ_FAIL(KZ_E_USAGE, "data check: FILE is missing");
    }
    KZ_TRY(load_config(cli, &cfg));
    if (!cli->operand) KZ_TRY(kz_data_find(&found, cfg));
    o.path = cli->operand ? cli->operand : found;
    o.against = kz_cli_value(cli, "--against");
    o.cfg = cfg;
    if (cfg && !kz_cli_has(cli, "--memory")) o.memory = cfg->data.memory;
    o.allow_filters = kz_cli_has(cli, "--allow-filters") || (cfg && cfg->data.allow_filters);
    o.allow = kz_cli_values(cli, "--allow", &o.n_allow);
    o.progress = on_progress;
    o.context = &begun;
    KZ_TRY(kz_data_check_run(&check, &o));
    kz_progress_end();
    KZ_TRY(kz_data_check_json(&document, check));
    KZ_TRY(cli->json ? kz_cli_print_json(cli, document) : print_text(document));
    KZ_TRY(write_reports(cli, document));
    KZ_TRY(conclude(cli, check, o.path));
done:
    kz_data_check_destroy(&check);
    kz_config_destroy(&cfg);
    json_decref(document);
    kz_free(&found);
    return st;
}
