/* cli/inspect_view.h — how `kaizen data inspect` shows a document of kaizen.inspect/1 to people. */
#ifndef KZ_CLI_INSPECT_VIEW_H
#define KZ_CLI_INSPECT_VIEW_H

#include "cli.h"

typedef struct {
    const json_t *j;
    int width;    /* columns */
    bool unicode; /* block characters; else ASCII */
    bool all;     /* arrays were named: nothing of them is left out */
    const char *bold, *dim, *yellow, *off;
} inspect_view;

void inspect_view_print(const inspect_view *v);

/* inspect_values.c: ranges, histograms, features, classes. */
void inspect_view_values(const inspect_view *v);

/* ---- shared ---- */

const char *inspect_text(const json_t *j, const char *key); /* "" if there is none */
double inspect_number(const json_t *j, const char *key);    /* NaN if there is none */
bool inspect_true(const json_t *j, const char *key);
int inspect_columns(const char *text);                                 /* of UTF-8 text, a character each */
void inspect_padded(const char *text, int columns);                    /* cut or filled up with blanks */
void inspect_wrapped(const char *text, int at, int indent, int width); /* with a line feed at the end */

#endif
