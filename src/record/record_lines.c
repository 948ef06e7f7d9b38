/* metrics.jsonl as a run that was stopped has left it: its whole lines, and cutting it back. */
#include "record_impl.h"

#include <math.h>
#include <string.h>

static const int64_t LIMIT = INT64_C(1) << 31;

static bool parse_digest(uint8_t out[32], const char *text)
{
    unsigned byte;
    if (!text || strlen(text) != 7 + 64 || strncmp(text, "sha256:", 7) != 0) return false;
    for (int i = 0; i < 32; i++) {
        if (sscanf(text + 7 + 2 * i, "%2x", &byte) != 1) return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

/* The line that begins at `at`, if it is whole and of that epoch; length with its line feed. */
static bool parse_line(const kz_text *text, int64_t at, int64_t epoch, int64_t *length, uint8_t weights[32])
{
    const char *begin = text->s + at, *end = memchr(begin, '\n', (size_t)(text->n - at));
    if (!end) return false;
    json_t *line = json_loadb(begin, (size_t)(end - begin), JSON_REJECT_DUPLICATES, NULL);
    bool good = json_integer_value(json_object_get(line, "epoch")) == epoch &&
                parse_digest(weights, json_string_value(json_object_get(line, "weights")));
    json_decref(line);
    *length = end + 1 - begin;
    return good;
}

kz_status kz_record_lines_read(kz_record_lines *out, const char *path)
{
    int64_t most = 0, at = 0, length = 0;
    kz_status st = KZ_OK;
    *out = (kz_record_lines){0};
    if (!kz_file_exists(path)) return KZ_OK;
    KZ_TRY(kz_file_read(&out->text, path, LIMIT));
    for (int64_t i = 0; i < out->text.n; i++) most += out->text.s[i] == '\n';
    KZ_TRY(kz_calloc(&out->end, most, sizeof *out->end, "lines of metrics"));
    KZ_TRY(kz_calloc(&out->weights, most, sizeof *out->weights, "digests of metrics"));
    while (out->n < most && parse_line(&out->text, at, out->n + 1, &length, out->weights[out->n])) {
        at += length;
        out->end[out->n++] = at;
    }
done:
    if (st != KZ_OK) kz_record_lines_free(out);
    return st;
}

void kz_record_lines_free(kz_record_lines *lines)
{
    kz_text_free(&lines->text);
    kz_free(&lines->end);
    kz_free(&lines->weights);
    lines->n = 0;
}

kz_status kz_record_lines_trajectory(const kz_record_lines *lines, int64_t n, uint8_t chain[32])
{
    kz_sha256 *hash = NULL;
    kz_status st = kz_sha256_create(&hash);
    if (st != KZ_OK) return st;
    memset(chain, 0, 32);
    for (int64_t i = 0; i < n; i++) {
        kz_sha256_add(hash, chain, 32);
        kz_sha256_add(hash, lines->weights[i], 32);
        kz_sha256_end(hash, chain);
    }
    kz_sha256_destroy(&hash);
    return KZ_OK;
}

static double number_of(const json_t *metrics, const char *key)
{
    const json_t *value = json_object_get(metrics, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

kz_status kz_record_lines_metrics(const kz_record_lines *lines, int64_t epoch, const char *split, kz_metrics *m)
{
    *m = (kz_metrics){0};
    if (epoch < 1 || epoch > lines->n) return KZ_OK;
    int64_t begin = epoch > 1 ? lines->end[epoch - 2] : 0;
    json_t *line = json_loadb(lines->text.s + begin, (size_t)(lines->end[epoch - 1] - begin), 0, NULL);
    if (!line) return KZ_FAIL(KZ_E_MEM, "metrics.jsonl: out of memory for a line");
    const json_t *metrics = json_object_get(line, split);
    if (json_is_object(metrics))
        *m = (kz_metrics){1, number_of(metrics, "loss"), number_of(metrics, "accuracy"), number_of(metrics, "rmse"),
                          number_of(metrics, "r2")};
    json_decref(line);
    return KZ_OK;
}

kz_status kz_record_lines_cut(const kz_record_lines *lines, int64_t n, const char *path)
{
    int64_t end = n > 0 ? lines->end[n - 1] : 0;
    if (end == lines->text.n) return KZ_OK;
    return kz_file_replace(path, kz_text_str(&lines->text), end, true);
}
