/* One progress bar on stderr: drawn over itself, at most 10 times a second, never wider than the terminal. */
#include "cli.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 160, BAR = 24 };

static struct {
    bool allowed, active, drawn;
    int64_t total, from;
    const char *unit;
    double begin, next; /* when it began, when it may be drawn again */
} bar = {.allowed = true};

void kz_progress_allow(bool allowed)
{
    bar.allowed = allowed;
}

void kz_progress_begin(int64_t total, const char *unit)
{
    kz_progress_end();
    bar.active = bar.allowed && total > 0 && kz_style_terminal(stderr);
    bar.total = total;
    bar.from = 0;
    bar.unit = unit;
    bar.begin = kz_clock();
    bar.next = bar.begin + 0.1;
}

void kz_progress_from(int64_t done)
{
    bar.from = done;
}

/* "1 234 567": a count for a rate that is rounded anyway. */
static void format_rate(char out[24], double rate)
{
    if (rate >= 10) kz_format_count(out, (int64_t)rate);
    else snprintf(out, 24, "%.1f", rate);
}

static void draw(int64_t done, const char *note, double now)
{
    char line[WIDEST + 1], filled[BAR + 1], rate_text[24], left_text[24];
    double share = fmin(fmax((double)done / (double)bar.total, 0), 1), seconds = now - bar.begin;
    double rate = seconds > 0 && done > bar.from ? (double)(done - bar.from) / seconds : 0;
    int columns = kz_style_width(stderr) - 1, on = (int)(share * BAR);
    if (columns > WIDEST) columns = WIDEST;
    if (columns < 1) return;
    memset(filled, '#', (size_t)on);
    memset(filled + on, '.', (size_t)(BAR - on));
    filled[BAR] = '\0';
    format_rate(rate_text, rate);
    kz_format_duration(left_text, rate > 0 ? (double)(bar.total - done) / rate : 0);
    snprintf(line, (size_t)columns + 1, "%3d%% [%s] %s %s/s, %s left%s%s", (int)(share * 100), filled, rate_text,
             bar.unit, rate > 0 ? left_text : "?", note ? "  " : "", note ? note : "");
    fprintf(stderr, "\r%s\033[K", line);
    bar.drawn = true;
}

void kz_progress_at(int64_t done, const char *note)
{
    if (!bar.active) return;
    double now = kz_clock();
    if (now < bar.next) return;
    draw(done, note, now);
    bar.next = now + 0.1;
}

void kz_progress_clear(void)
{
    if (!bar.drawn) return;
    fputs("\r\033[K", stderr);
    bar.drawn = false;
    bar.next = 0;
}

void kz_progress_end(void)
{
    kz_progress_clear();
    bar.active = false;
}
