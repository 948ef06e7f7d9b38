/* Events as lines: logfmt (key=value, with quotes where a value needs them) or JSON. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

kz_status kz_log_choose(kz_log *out, const char *command, const char *given)
{
    static const char *const names[] = {
        [KZ_LOG_TEXT] = "text", [KZ_LOG_LOGFMT] = "logfmt", [KZ_LOG_JSON] = "json", NULL};
    *out = isatty(STDERR_FILENO) ? KZ_LOG_TEXT : KZ_LOG_LOGFMT;
    for (int i = 0; given && names[i]; i++)
        if (strcmp(given, names[i]) == 0) {
            *out = (kz_log)i;
            return KZ_OK;
        }
    return given ? KZ_FAIL(KZ_E_USAGE, "%s: --log is '%s', must be text, logfmt or json", command, given) : KZ_OK;
}

static kz_status add_string(kz_text *line, const char *s)
{
    kz_status st = KZ_OK;
    bool plain = *s && !strpbrk(s, " =\"\\");
    for (const char *p = s; *p; p++) plain = plain && (unsigned char)*p > ' ' && *p != '\x7f';
    if (plain) return kz_text_add(line, "%s", s);
    KZ_TRY(kz_text_add(line, "\""));
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') KZ_TRY(kz_text_add(line, "\\%c", *s));
        else if (*s == '\n') KZ_TRY(kz_text_add(line, "\\n"));
        else KZ_TRY(kz_text_add(line, "%c", (unsigned char)*s < ' ' || *s == '\x7f' ? '?' : *s));
    }
    KZ_TRY(kz_text_add(line, "\""));
done:
    return st;
}

static kz_status add_logfmt(kz_text *line, json_t *fields)
{
    const char *key;
    json_t *value;
    kz_status st = KZ_OK;
    json_object_foreach(fields, key, value)
    {
        KZ_TRY(kz_text_add(line, "%s%s=", line->n ? " " : "", key));
        if (json_is_string(value)) KZ_TRY(add_string(line, json_string_value(value)));
        else KZ_TRY(kz_json_dump_digits(line, value, 9));
    }
done:
    return st;
}

bool kz_log_event(const kz_cli *cli, kz_log format, const char *event, json_t *fields)
{
    char now[24];
    kz_text line = {0};
    bool told = false;
    if (fields && format != KZ_LOG_TEXT && !cli->quiet) {
        kz_clock_utc(now);
        json_t *whole = json_pack("{s:s, s:s}", "time", now, "event", event);
        json_object_update(whole, fields);
        kz_status st = format == KZ_LOG_JSON ? kz_json_dump_digits(&line, whole, 9) : add_logfmt(&line, whole);
        told = st == KZ_OK && fprintf(stderr, "%s\n", kz_text_str(&line)) > 0;
        json_decref(whole);
    }
    json_decref(fields);
    kz_text_free(&line);
    return told;
}
