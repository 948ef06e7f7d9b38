/* cli/cli.h — the frame of every command: its tables, its parsed options, how it prints, and how it ends.
 *
 * A command is a kz_command and a line of command_list.inc; parser, help, man page and completions come from those tables.
 * It reads its options from kz_cli, prints results on stdout and messages on stderr, and returns a status; the frame
 * prints the error (kz_error_message), flushes stdout and exits with kz_status_exit. */
#ifndef KZ_CLI_H
#define KZ_CLI_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tables ---- */

#define KZ_VALUES_FILE "<file>" /* for kz_option.values: complete file names */
#define KZ_VALUES_DIR "<dir>"
#define KZ_VALUES_COMMAND "<command>"

enum { KZ_OPERANDS_ANY = INT32_MAX };

typedef struct {
    const char *name;     /* "--config" */
    char letter;          /* 'c' for -c; 0: none */
    const char *argument; /* "FILE"; NULL: a flag */
    bool required, repeatable;
    bool optional;      /* its value may be left out: it then stands last, or before a word that begins with - */
    const char *values; /* for completion: KZ_VALUES_FILE, KZ_VALUES_DIR, or words: "auto cpu cuda"; NULL: unknown */
    const char *help;   /* "fits the model of FILE": lower case, no full stop; wrapped where it is long */
    bool alone;         /* does a job of its own: with it the required options may be left out */
} kz_option;

typedef struct {
    const char *line, *what; /* "kaizen train --config run.yaml", "fits a model" */
} kz_example;

typedef struct kz_cli kz_cli;

typedef struct {
    const char *name;           /* "train"; "data inspect": of the group data */
    const char *summary;        /* one line: "fits a model; writes a run directory" */
    const char *usage;          /* what follows the name: "--config FILE [OPTION]..." */
    const kz_example *examples; /* ends with a NULL line */
    const char *description;    /* paragraphs, separated by an empty line; "" if the summary says it all */
    const kz_option *options;   /* its own, without the common ones; ends with a NULL name; NULL: none */
    const char *operand;        /* an argument that is not an option: "SHELL"; NULL: takes none */
    bool operand_required;      /* at least one */
    int operand_most;           /* how many there can be, such as KZ_OPERANDS_ANY; 0: one */
    const char *operand_values; /* as kz_option.values, but words are all that is accepted */
    const kz_status *exits;     /* what it returns beyond the common 0, 1, 2, 70, 73; ends with KZ_OK; NULL: none */
    kz_status (*run)(kz_cli *cli);
} kz_command;

extern const kz_command *const kz_commands[]; /* command_list.inc; ends with NULL */
extern const kz_option kz_common_options[];   /* of every command: --json, --quiet, --help; ends with a NULL name */
extern const kz_option kz_top_options[];      /* of the bare program: --help, --version; ends with a NULL name */

const kz_command *kz_command_find(const char *name); /* "train", "data inspect"; NULL: no such command */
const kz_option *kz_command_option(const kz_command *command,
                                   int index); /* its own, then the common; NULL: past the end */

/* Commands of two words: the first of them is their group's name. */
typedef struct {
    const char *name;    /* "data" */
    const char *summary; /* as a command's */
} kz_group;

extern const kz_group kz_groups[]; /* ends with a NULL name */

const kz_group *kz_group_find(const char *name);                              /* NULL: no such group */
const kz_group *kz_group_of(const kz_command *command);                       /* NULL: a command of one word */
const kz_command *kz_group_command(const kz_group *group, int index);         /* NULL: past the end */
const char *kz_command_word(const kz_command *command);                       /* its last: "train", "inspect" */
const char *kz_top_word(const kz_command *const *command, const char **what); /* "train", "data"; NULL: had before */

/* What a user typed: n >= 1 words, of which the first `used` name a command, or a group and nothing more (command is
 * then NULL).  Fails: KZ_E_USAGE, with a suggestion as the hint of cli; *out is then untouched. */
typedef struct {
    const kz_command *command;
    const kz_group *group; /* NULL: a command of one word */
    int used;
} kz_named;
kz_status kz_command_named(kz_cli *cli, const char *const *words, int n, kz_named *out);
/* The same for the operands of `help` and `man`, all of which must be used; none given: both NULL. */
kz_status kz_command_operands(kz_cli *cli, kz_named *out);

typedef struct {
    int status;
    const char *meaning;
} kz_exit;
enum { KZ_EXITS = 24 };
/* All exit statuses of a command (NULL: of every command), ascending, each once.  Returns how many. */
int kz_command_exits(const kz_command *command, kz_exit out[KZ_EXITS]);

/* ---- a parsed command line ---- */

enum { KZ_CLI_OPTIONS = 64 }; /* of one command at most, with the common ones */

struct kz_cli {
    const kz_command *command;
    bool json;           /* results as JSON on stdout (kz_cli_print_json), and nothing else there */
    bool quiet;          /* no progress and no notes; results and errors still */
    bool help;           /* --help was given: required options may be missing */
    const char *operand; /* the first of them; NULL: not given */
    const char **operands;
    int n_operands;

    /* the parser's and the frame's own */
    const char **values;               /* all option values, grouped by option, in the order given */
    int64_t first[KZ_CLI_OPTIONS + 1]; /* values of option i: first[i] .. first[i + 1] - 1; a flag's are NULL */
    kz_text hint, report;
    bool printed_json;
    bool error_told; /* on stderr, in a form of the command's own */
};

/* Parses what follows the command's name.  *cli is overwritten; kz_cli_free it, also after a failure (which keeps the
 * hint and `json`).  argv must outlive it.  Fails: KZ_E_USAGE, KZ_E_MEM. */
kz_status kz_cli_parse(kz_cli *cli, const kz_command *command, int argc, char *const *argv);
void kz_cli_free(kz_cli *cli);
bool kz_cli_wants_json(int argc, char *const *argv); /* --json is among them; for errors before or while parsing */

/* `option` is a name of the command's table, such as "--set"; anything else is a bug (assert). */
bool kz_cli_has(const kz_cli *cli, const char *option);          /* it was given */
const char *kz_cli_value(const kz_cli *cli, const char *option); /* NULL: not given, or without its value */
const char *const *kz_cli_values(const kz_cli *cli, const char *option, int64_t *n); /* of a repeatable one, in order */
/* A whole number of min .. max; *out is untouched when not given.  Fails: KZ_E_USAGE. */
kz_status kz_cli_int(const kz_cli *cli, const char *option, int64_t min, int64_t max, int64_t *out);

/* ---- printing ---- */

/* A message for people on stderr, made safe as by kz_cli_safe, with a newline; nothing with --quiet.  Clears a progress bar that is in the way. */
void kz_cli_note(const kz_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Names of files and what else may come from strangers.  In place: control characters, which could command a terminal,
 * become '?', but for newlines and tabs; gives text back. */
char *kz_cli_safe(char *text);
void kz_cli_put(FILE *stream, const char *text); /* prints it so */
/* The same for JSON: where it is not UTF-8, '?' for all that is not ASCII.  NULL: no memory. */
json_t *kz_cli_json_text(const char *text);
/* The command's one JSON result, indented, on stdout.  j is borrowed.  After it a failure prints no JSON error. */
kz_status kz_cli_print_json(kz_cli *cli, const json_t *j);
/* A text that is the command's whole result, on stdout; with --json as {"text": ...}. */
kz_status kz_cli_print_text(kz_cli *cli, const char *text);

/* For a failure that is about to be returned: one line that says what to do about it ... */
void kz_cli_hint(kz_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ... and the many-line text that kz_config_load made: shown above the error, and as "errors" in the JSON form. */
void kz_cli_report(kz_cli *cli, const char *text);

/* Prints the failure st: on stderr, and with --json on stdout as {"error": {"code", "exit", "message", "hint"}}. */
void kz_cli_print_error(kz_cli *cli, kz_status st);

/* ---- style: escape sequences, empty unless `stream` is a terminal that wants them (NO_COLOR, TERM) ---- */

typedef enum { KZ_STYLE_OFF, KZ_STYLE_BOLD, KZ_STYLE_DIM, KZ_STYLE_RED, KZ_STYLE_GREEN, KZ_STYLE_YELLOW } kz_style;

/* printf("%s%s%s", kz_style_code(stdout, KZ_STYLE_GREEN), "same", kz_style_code(stdout, KZ_STYLE_OFF)) */
const char *kz_style_code(FILE *stream, kz_style style);
bool kz_style_terminal(FILE *stream); /* a terminal that can move its cursor */
bool kz_style_unicode(FILE *stream);  /* a terminal of a UTF-8 locale: block characters can be shown */
int kz_style_width(FILE *stream);     /* columns of the terminal; COLUMNS or 80 elsewhere */

/* ---- events: one line each on stderr, for machines that read what people see on a terminal ---- */

typedef enum { KZ_LOG_TEXT, KZ_LOG_LOGFMT, KZ_LOG_JSON } kz_log;

/* What --log says ("text", "logfmt", "json"); left out: text on a terminal, logfmt elsewhere.  Fails: KZ_E_USAGE. */
kz_status kz_log_choose(kz_log *out, const char *command, const char *given);
/* time=2026-01-31T09:05:00Z event=epoch epoch=3 ..., or the same as a JSON object.  fields is taken over; NULL (no memory)
 * leaves the line out.  Nothing with --quiet or KZ_LOG_TEXT.  Returns whether a line was written. */
bool kz_log_event(const kz_cli *cli, kz_log format, const char *event, json_t *fields);

/* ---- progress: one bar on stderr, only on a terminal and without --quiet; elsewhere all of this does nothing ---- */

void kz_progress_allow(bool allowed);                    /* the frame's: false with --quiet */
void kz_progress_begin(int64_t total, const char *unit); /* unit: "samples"; for the rate */
void kz_progress_from(int64_t done);                     /* so much was done before: it does not count for the rate */
void kz_progress_at(int64_t done, const char *note); /* cheap; redraws at most 10 times a second.  note: may be NULL */
void kz_progress_clear(void);                        /* before printing a line; the next _at draws it again */
void kz_progress_end(void);                          /* clears it for good */

/* ---- what the tables make ---- */

kz_status kz_help_overview(kz_text *out, int width);                           /* kaizen --help */
kz_status kz_help_group(kz_text *out, const kz_group *group, int width);       /* kaizen data --help */
kz_status kz_help_command(kz_text *out, const kz_command *command, int width); /* kaizen train --help */
kz_status kz_help_print(const kz_named *about, FILE *stream);                  /* one of the three; headings in bold */
kz_status kz_man_page(kz_text *out);                                           /* kaizen(1), roff */
kz_status kz_man_group_page(kz_text *out, const kz_group *group);              /* kaizen-data(1) */
kz_status kz_man_command_page(kz_text *out, const kz_command *command);        /* kaizen-train(1) */
kz_status kz_completion_script(kz_text *out, const char *shell);               /* "bash", "zsh" or "fish" */

/* ---- commands: one file each ---- */

#define KZ_COMMAND(name) kz_status kz_cli_##name(kz_cli *cli);
#include "command_list.inc"
#undef KZ_COMMAND

#ifdef __cplusplus
}
#endif
#endif
