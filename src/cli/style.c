/* What the terminal can do: colours, a movable cursor, a width. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool kz_style_terminal(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

const char *kz_style_code(FILE *stream, kz_style style)
{
    static const char *const codes[] = {
        [KZ_STYLE_OFF] = "\033[0m",  [KZ_STYLE_BOLD] = "\033[1m",   [KZ_STYLE_DIM] = "\033[2m",
        [KZ_STYLE_RED] = "\033[31m", [KZ_STYLE_GREEN] = "\033[32m", [KZ_STYLE_YELLOW] = "\033[33m"};
    const char *no_color = getenv("NO_COLOR");
    return kz_style_terminal(stream) && !(no_color && *no_color) ? codes[style] : "";
}

int kz_style_width(FILE *stream)
{
    struct winsize size;
    int64_t columns;
    if (isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *given = getenv("COLUMNS");
    return given && kz_parse_int(given, &columns) && columns > 0 && columns < 10000 ? (int)columns : 80;
}

bool kz_style_unicode(FILE *stream)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *locale = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !(locale && *locale); i++) locale = getenv(names[i]);
    return kz_style_terminal(stream) && locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}
