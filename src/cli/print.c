/* Messages on stderr, the JSON result on stdout, and how a failure looks in both. */
#define _GNU_SOURCE /* memmem, memrchr */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

char *kz_cli_safe(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        bool control = (*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f;
        bool second = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* U+0080 to U+009F */
        if (control || second) *p = '?';
        if (second) *++p = '?';
    }
    return text;
}

void kz_cli_put(FILE *stream, const char *text)
{
    char piece[256];
    for (size_t n; *text; text += n) {
        for (n = strnlen(text, sizeof piece - 1); text[n] && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80;) n--;
        memcpy(piece, text, n);
        piece[n] = '\0';
        fputs(kz_cli_safe(piece), stream);
    }
}

void kz_cli_note(const kz_cli *cli, const char *format, ...)
{
    char *line = NULL;
    va_list args, again;
    if (cli->quiet) return;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && kz_calloc(&line, (int64_t)n + 1, 1, "note") == KZ_OK) {
        vsnprintf(line, (size_t)n + 1, format, again);
        kz_progress_clear();
        fprintf(stderr, "%s\n", kz_cli_safe(line));
    }
    va_end(again);
    va_end(args);
    kz_free(&line);
}

static kz_status print_json(const json_t *j)
{
    kz_text text = {0};
    kz_status st = kz_json_dump(&text, j, true);
    if (st == KZ_OK) printf("%s\n", kz_text_str(&text));
    kz_text_free(&text);
    return st;
}

kz_status kz_cli_print_json(kz_cli *cli, const json_t *j)
{
    kz_status st = print_json(j);
    cli->printed_json = st == KZ_OK;
    return st;
}

kz_status kz_cli_print_text(kz_cli *cli, const char *text)
{
    if (!cli->json) {
        fputs(text, stdout);
        return KZ_OK;
    }
    json_t *j = json_pack("{s:s}", "text", text);
    kz_status st = j ? kz_cli_print_json(cli, j) : KZ_FAIL(KZ_E_MEM, "no memory for the result");
    json_decref(j);
    return st;
}

void kz_cli_hint(kz_cli *cli, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kz_text_free(&cli->hint);
    (void)kz_text_add(&cli->hint, "%s", line); /* without memory the error goes without its hint */
}

void kz_cli_report(kz_cli *cli, const char *text)
{
    kz_text_free(&cli->report);
    (void)kz_text_add(&cli->report, "%s", text);
}

/* A JSON string of n bytes that may come from anywhere: where they are not UTF-8, '?' for all that is not ASCII. */
static json_t *text_json(const char *s, size_t n)
{
    json_t *text = json_stringn(s, n);
    char ascii[2048];
    if (text) return text;
    if (n > sizeof ascii) n = sizeof ascii;
    for (size_t i = 0; i < n; i++) ascii[i] = (unsigned char)s[i] < 128 ? s[i] : '?';
    return json_stringn(ascii, n);
}

json_t *kz_cli_json_text(const char *text)
{
    return text_json(text, strlen(text));
}

/* One "file:line:column: error: message" as an object; NULL if the line is none. */
static json_t *located_error(const char *line, size_t n)
{
    static const char mark[] = ": error: ";
    const char *end = line + n, *at = memmem(line, n, mark, sizeof mark - 1);
    if (!at) return NULL;
    const char *column = memrchr(line, ':', (size_t)(at - line));
    const char *row = column ? memrchr(line, ':', (size_t)(column - line)) : NULL;
    if (!row) return NULL;
    const char *message = at + sizeof mark - 1;
    return json_pack("{s:o, s:I, s:I, s:o}", "file", text_json(line, (size_t)(row - line)), "line",
                     (json_int_t)strtol(row + 1, NULL, 10), "column", (json_int_t)strtol(column + 1, NULL, 10),
                     "message", text_json(message, (size_t)(end - message)));
}

static json_t *located_errors(const char *report)
{
    json_t *errors = json_array();
    while (*report) {
        size_t n = strcspn(report, "\n");
        json_t *error = located_error(report, n);
        if (error) json_array_append_new(errors, error);
        report += n + (report[n] == '\n');
    }
    return errors;
}

static void print_json_error(const kz_cli *cli, kz_status st, const char *message)
{
    json_t *error = json_pack("{s:s, s:i, s:o}", "code", kz_status_name(st), "exit", kz_status_exit(st), "message",
                              text_json(message, strlen(message)));
    if (cli->hint.n) json_object_set_new(error, "hint", text_json(cli->hint.s, (size_t)cli->hint.n));
    if (cli->report.n) json_object_set_new(error, "errors", located_errors(cli->report.s));
    json_t *document = json_pack("{s:o}", "error", error);
    if (document) (void)print_json(document); /* stderr has the message, too */
    json_decref(document);
}

static void print_people_error(const kz_cli *cli, const char *message)
{
    const char *red = kz_style_code(stderr, KZ_STYLE_RED), *off = kz_style_code(stderr, KZ_STYLE_OFF);
    const char *trail = getenv("KAIZEN_DEBUG") ? kz_error_trail() : "";
    kz_cli_put(stderr, kz_text_str(&cli->report));
    fprintf(stderr, "%skaizen: error:%s ", red, off);
    kz_cli_put(stderr, message);
    if (cli->hint.n) fputs("\n  ", stderr);
    kz_cli_put(stderr, kz_text_str(&cli->hint));
    fputc('\n', stderr);
    if (*trail) fprintf(stderr, "  trail: %s\n", trail);
}

void kz_cli_print_error(kz_cli *cli, kz_status st)
{
    const char *message = *kz_error_message() ? kz_error_message() : kz_status_meaning(st);
    kz_progress_end();
    if (kz_status_exit(st) == 70 && !cli->hint.n)
        kz_cli_hint(cli, "this is a bug in kaizen: please report it with the output of KAIZEN_DEBUG=1");
    fflush(stdout); /* results before the error, also where both go to one file */
    if (!cli->error_told) print_people_error(cli, message);
    if (cli->json && !cli->printed_json) print_json_error(cli, st, message);
}
