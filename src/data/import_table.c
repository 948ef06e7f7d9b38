/* Tables as blocks of cells: the file is read once per pass, cut into pieces of whole rows, and parsed by the team; or
 * the cells are in memory since the first pass. */
#include "data/import_impl.h"

#include <signal.h>
#include <string.h>

enum { BUFFER = KZ_BLOCK_PIECES * KZ_PIECE_BYTES, HEAD = 1 << 20, SLACK = 64, WIDE = 1024 };

/* ---- pieces ---- */

void kz_piece_fail(kz_piece *p, int64_t line, const char *format, ...)
{
    va_list args;
    if (p->status != KZ_OK) return; /* the first counts */
    va_start(args, format);
    vsnprintf(p->bad, sizeof p->bad, format, args);
    va_end(args);
    p->status = KZ_E_DATA;
    p->bad_line = line;
}

static kz_status no_memory(kz_piece *p, kz_status st)
{
    p->status = st;
    snprintf(p->bad, sizeof p->bad, "%s", kz_error_message());
    return st;
}

static int64_t rows_in(const kz_piece *p)
{
    int64_t n = 1;
    for (const char *s = p->s, *end = s + p->n; (s = memchr(s, '\n', (size_t)(end - s))); s++) n++;
    return n;
}

bool kz_piece_row(kz_piece *p, int64_t columns, double **row)
{
    double *cells = NULL;
    if (p->rows == p->room) {
        int64_t room = p->room ? 2 * p->room : rows_in(p);
        kz_status st = kz_calloc(&cells, room * (columns ? columns : 1), sizeof *cells, "cells of a table");
        if (st != KZ_OK) return no_memory(p, st), false;
        if (p->rows) memcpy(cells, p->cells, (size_t)(p->rows * columns) * sizeof *cells);
        kz_free(&p->cells);
        p->cells = cells;
        p->room = room;
    }
    *row = p->cells + p->rows * columns;
    return true;
}

bool kz_piece_novel(kz_piece *p, int64_t cell, int64_t line, const char *s, int64_t n)
{
    kz_novel *more = NULL;
    kz_status st = KZ_OK;
    if (p->n_novel == p->novel_room) {
        int64_t room = p->novel_room ? 2 * p->novel_room : 64;
        KZ_TRY(kz_calloc(&more, room, sizeof *more, "words of a table"));
        if (p->n_novel) memcpy(more, p->novel, (size_t)p->n_novel * sizeof *more);
        kz_free(&p->novel);
        p->novel = more;
        p->novel_room = room;
    }
    p->novel[p->n_novel++] = (kz_novel){cell, line, p->words.n, n};
    KZ_TRY(kz_text_add_bytes(&p->words, s, n));
    return true;
done:
    (void)no_memory(p, st);
    return false;
}

void kz_piece_free(kz_piece *p)
{
    kz_free(&p->cells);
    kz_free(&p->seen);
    kz_free(&p->ranges);
    kz_free(&p->novel);
    kz_free(&p->fate);
    kz_text_free(&p->words);
    kz_text_free(&p->scratch);
}

bool kz_text_is_missing(const kz_table *t, const char *s, int64_t n)
{
    if (n == 0) return true;
    for (int64_t i = 0; i < t->n_missing; i++)
        if (t->missing_length[i] == n && memcmp(t->missing[i], s, (size_t)n) == 0) return true;
    return false;
}

/* ---- a block ---- */

static void parse_pieces(void *context, int64_t begin, int64_t end)
{
    kz_table *t = context;
    for (int64_t i = begin; i < end; i++) {
        kz_piece *p = &t->piece[i];
        p->rows = p->lines = p->n_novel = p->words.n = 0;
        p->status = KZ_OK;
        for (int64_t c = 0; c < t->n_columns; c++) p->seen[c] = (kz_seen){.least = 1, .most = 0};
        t->format->parse(t, p);
        if (t->looking && p->status == KZ_OK) kz_look_ranges(t, p);
    }
}

static kz_status prepare(kz_table *t, kz_piece *p)
{
    kz_status st = KZ_OK;
    if (p->seen) return KZ_OK;
    KZ_TRY(kz_calloc(&p->seen, t->n_columns, sizeof *p->seen, "table columns"));
    KZ_TRY(kz_calloc(&p->ranges, 5 * t->n_columns, sizeof *p->ranges, "table columns"));
done:
    return st;
}

kz_status kz_import_stopped(const kz_import_options *o)
{
    int number = o->stop ? (int)*o->stop : 0;
    if (!number) return KZ_OK;
    return KZ_FAIL(number == SIGINT ? KZ_E_SIGINT : KZ_E_SIGTERM, "import: stopped by a signal; nothing was written");
}

/* Parses n pieces and passes them on; *line is the line of the file where they begin, and moves on. */
static kz_status take_block(kz_table *t, int64_t i, int64_t n, int64_t *line, kz_block_fn *fn, void *context)
{
    const char *name = t->file[i].bytes->name;
    kz_block block = {.piece = t->piece, .n = n, .test = t->file[i].test};
    kz_status st = KZ_OK;
    for (int64_t k = 0; k < n; k++) KZ_TRY(prepare(t, &t->piece[k]));
    kz_team_run(t->team, n, 1, parse_pieces, t);
    for (int64_t k = 0; k < n; k++) {
        kz_piece *p = &t->piece[k];
        if (p->status == KZ_E_MEM) return KZ_FAIL(KZ_E_MEM, "%s", p->bad);
        if (p->status != KZ_OK)
            return KZ_FAIL(p->status, "%s: line %lld: %s", name, (long long)(*line + p->bad_line + 1), p->bad);
        if (t->looking) KZ_TRY(kz_look_merge(t, p, name, *line));
        *line += p->lines;
    }
    KZ_TRY(fn(context, &block));
    for (int64_t k = 0; k < n && t->looking && t->caching; k++) KZ_TRY(kz_look_keep(t, &t->piece[k]));
done:
    return st;
}

/* ---- a file ---- */

typedef struct {
    int64_t n;    /* bytes in the buffer */
    int64_t line; /* where they begin */
    bool ended;
} stream;

static kz_status grow(kz_table *t, const stream *s)
{
    char *more = NULL;
    int64_t room = 2 * t->buffer_room;
    kz_status st = KZ_OK;
    if (room > t->memory / 4)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: line %lld: is longer than %lld bytes, more than --memory leaves room for; is a quote not "
                       "closed, or the delimiter another?",
                       t->file[0].bytes->name, (long long)s->line + 1, (long long)t->buffer_room);
    KZ_TRY(kz_calloc(&more, room + SLACK, 1, "lines of a table"));
    memcpy(more, t->buffer, (size_t)s->n);
    kz_free(&t->buffer);
    t->buffer = more;
    t->buffer_room = room;
done:
    return st;
}

/* Fills the buffer; the last line gets its end. */
static kz_status fill(kz_table *t, kz_bytes *bytes, stream *s)
{
    int64_t got = 0, wanted = t->buffer_room - s->n;
    if (s->ended || wanted == 0) return KZ_OK;
    kz_status st = bytes->read(bytes, t->buffer + s->n, wanted, &got);
    if (st != KZ_OK) return st;
    s->n += got;
    s->ended = got < wanted;
    if (s->ended && s->n > 0 && t->buffer[s->n - 1] != t->eol) t->buffer[s->n++] = t->eol;
    return KZ_OK;
}

/* Cuts the buffer into pieces; returns the bytes that they take. */
static int64_t cut(kz_table *t, const stream *s, int64_t begin, int64_t *pieces)
{
    int64_t at = begin, most = t->n_columns > WIDE ? KZ_BLOCK_PIECES * WIDE / t->n_columns : KZ_BLOCK_PIECES;
    for (*pieces = 0; (*pieces < most || *pieces < 2) && at < s->n; ++*pieces) {
        int64_t n = t->format->cut(t, t->buffer + at, s->n - at);
        if (n == 0 && s->ended && at == begin) n = s->n - at; /* a quote that nothing closes: the parser says so */
        if (n == 0) break;
        t->piece[*pieces].s = t->buffer + at;
        t->piece[*pieces].n = n;
        at += n;
    }
    return at;
}

static int64_t skip_lines(const kz_table *t, const stream *s, int64_t lines)
{
    const char *at = t->buffer, *end = at + s->n;
    for (; lines > 0; lines--) {
        const char *next = memchr(at, t->eol, (size_t)(end - at));
        if (!next) return s->n;
        at = next + 1;
    }
    return at - t->buffer;
}

static kz_status begin_file(kz_table *t, int64_t i, stream *s, int64_t *begin)
{
    kz_table_file *f = &t->file[i];
    kz_status st = KZ_OK;
    KZ_TRY(f->bytes->seek(f->bytes, 0));
    KZ_TRY(fill(t, f->bytes, s));
    if (f->skip < 0) KZ_TRY(t->format->again(t, f->bytes->name, t->buffer, s->n < HEAD ? s->n : HEAD, &f->skip));
    *begin = skip_lines(t, s, f->skip);
    s->line = f->skip;
done:
    return st;
}

static kz_status scan_file(kz_table *t, int64_t i, int64_t before, kz_block_fn *fn, void *context)
{
    stream s = {0};
    kz_bytes *bytes = t->file[i].bytes;
    int64_t at = 0, pieces;
    kz_status st = KZ_OK;
    KZ_TRY(begin_file(t, i, &s, &at));
    for (;;) {
        KZ_TRY(kz_import_stopped(t->o));
        int64_t end = cut(t, &s, at, &pieces);
        if (pieces > 0) KZ_TRY(take_block(t, i, pieces, &s.line, fn, context));
        if (t->o->progress) t->o->progress(t->o->context, before + bytes->at, t->bytes_total, t->what);
        if ((s.ended && end == s.n) || (pieces > 0 && t->one_block)) break;
        if (end == 0 && s.n == t->buffer_room) {
            KZ_TRY(grow(t, &s));
        } else if (end > 0) {
            memmove(t->buffer, t->buffer + end, (size_t)(s.n - end));
            s.n -= end;
        }
        at = 0;
        KZ_TRY(fill(t, bytes, &s));
    }
done:
    return st;
}

/* ---- all files ---- */

static kz_status scan_kept(kz_table *t, kz_block_fn *fn, void *context)
{
    kz_status st = KZ_OK;
    for (int64_t f = 0; f < t->n_files; f++)
        for (int64_t i = t->kept_file[f]; i < t->kept_file[f + 1]; i += KZ_BLOCK_PIECES) {
            int64_t left = t->kept_file[f + 1] - i;
            kz_block block = {t->kept + i, left < KZ_BLOCK_PIECES ? left : KZ_BLOCK_PIECES, t->file[f].test};
            KZ_TRY(kz_import_stopped(t->o));
            KZ_TRY(fn(context, &block));
            if (t->o->progress)
                t->o->progress(t->o->context, (int64_t)((double)t->bytes_total * (double)i / (double)t->n_kept),
                               t->bytes_total, t->what);
        }
done:
    return st;
}

kz_status kz_table_scan(kz_table *t, const char *what, kz_block_fn *fn, void *context)
{
    int64_t before = 0;
    kz_status st = KZ_OK;
    t->what = what;
    if (t->cached) return scan_kept(t, fn, context);
    for (int64_t i = 0; i < t->n_files; i++) {
        if (t->caching) t->kept_file[i] = t->n_kept;
        KZ_TRY(scan_file(t, i, before, fn, context));
        before += t->file[i].bytes->size;
        if (t->one_block) break;
    }
    if (t->caching) t->kept_file[t->n_files] = t->n_kept;
done:
    return st;
}

kz_status kz_table_open(kz_table *t)
{
    kz_bytes *first = t->file[0].bytes;
    int64_t n = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->n_files; i++) {
        t->bytes_total += t->file[i].bytes->size;
        t->file[i].skip = i == 0 ? 0 : -1;
    }
    if (t->buffer_room == 0) t->buffer_room = BUFFER;
    int64_t most = t->buffer_room < HEAD ? t->buffer_room : HEAD;
    KZ_TRY(kz_calloc(&t->buffer, t->buffer_room + SLACK, 1, "lines of a table"));
    KZ_TRY(kz_calloc(&t->kept_file, t->n_files + 1, sizeof *t->kept_file, "files of a table"));
    KZ_TRY(first->read(first, t->buffer, most, &n));
    if (n == 0) {
        st = KZ_FAIL(KZ_E_DATA, "%s: is empty; write it again or fetch it again", first->name);
        goto done;
    }
    bool whole = n < most;
    t->eol = memchr(t->buffer, '\n', (size_t)n) || !memchr(t->buffer, '\r', (size_t)n) ? '\n' : '\r';
    if (whole && t->buffer[n - 1] != t->eol) {
        t->buffer[n] = t->eol;
        n++;
    }
    KZ_TRY(t->format->open(t, t->buffer, n, whole));
done:
    return st;
}

void kz_table_close(kz_table *t)
{
    for (int i = 0; i < KZ_BLOCK_PIECES; i++) kz_piece_free(&t->piece[i]);
    kz_look_drop(t);
    kz_free(&t->kept);
    kz_free(&t->kept_file);
    for (int64_t c = 0; t->column && c < t->n_columns; c++) kz_column_free(&t->column[c]);
    kz_free(&t->column);
    kz_texts_free(&t->field_name, t->fields);
    kz_free(&t->column_of);
    kz_free(&t->missing);
    kz_free(&t->missing_length);
    kz_free(&t->buffer);
    for (int64_t i = 0; t->file && i < t->n_files; i++) kz_bytes_close(&t->file[i].bytes);
    kz_free(&t->file);
    kz_team_destroy(&t->team);
}
