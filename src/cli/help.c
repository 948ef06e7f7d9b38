/* Help texts from the tables, and the commands help and version. */
#include "cli.h"

#include <string.h>

enum { WIDEST = 100, NARROWEST = 40 };

/* Adds `text`, wrapped: continued lines begin with `indent` blanks; `at` is the column the first one begins in. */
static kz_status add_wrapped(kz_text *out, const char *text, int at, int indent, int width)
{
    kz_status st = KZ_OK;
    bool first = true; /* on its line */
    while (*text) {
        int n = (int)strcspn(text, " \n");
        if (!first && at + 1 + n > width) {
            KZ_TRY(kz_text_add(out, "\n%*s", indent, ""));
            at = indent;
            first = true;
        }
        KZ_TRY(kz_text_add(out, "%s%.*s", first ? "" : " ", n, text));
        at += n + !first;
        first = false;
        text += n;
        while (*text == '\n') {
            KZ_TRY(kz_text_add(out, "\n"));
            text++;
            at = 0;
            first = true;
        }
        if (*text == ' ') text++;
    }
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

/* "  left   right", the right part wrapped in its column. */
static kz_status add_row(kz_text *out, const char *left, int column, const char *right, int width)
{
    kz_status st = KZ_OK;
    int n = (int)strlen(left) + 2;
    KZ_TRY(kz_text_add(out, "  %s", left));
    if (n + 2 > column) KZ_TRY(kz_text_add(out, "\n%*s", column, ""));
    else KZ_TRY(kz_text_add(out, "%*s", column - n, ""));
    KZ_TRY(add_wrapped(out, right, column, column, width));
done:
    return st;
}

/* "-c, --config FILE" */
static void option_text(char out[64], const kz_option *o)
{
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    const char *open = o->optional ? " [" : o->argument ? " " : "";
    snprintf(out, 64, "%s%s%s%s%s", letter, o->name, open, o->argument ? o->argument : "", o->optional ? "]" : "");
}

static kz_status add_option(kz_text *out, const kz_option *option, int width)
{
    char left[64];
    option_text(left, option);
    return add_row(out, left, 26, option->help, width);
}

static kz_status add_example(kz_text *out, const kz_example *example, int width)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "  %s\n      ", example->line));
    KZ_TRY(add_wrapped(out, example->what, 6, 6, width));
done:
    return st;
}

static kz_status add_examples(kz_text *out, const kz_example *example, int width)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "Examples:\n"));
    for (; example->line; example++) KZ_TRY(add_example(out, example, width));
done:
    return st;
}

static kz_status add_exits(kz_text *out, const kz_command *command, int width)
{
    kz_exit exits[KZ_EXITS];
    char status[16];
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "\nExit status:\n"));
    for (int i = 0, n = kz_command_exits(command, exits); i < n; i++) {
        snprintf(status, sizeof status, "%3d", exits[i].status);
        KZ_TRY(add_row(out, status, 7, exits[i].meaning, width));
    }
done:
    return st;
}

static int usable(int width)
{
    return width > WIDEST ? WIDEST : width < NARROWEST ? NARROWEST : width;
}

kz_status kz_help_command(kz_text *out, const kz_command *command, int width)
{
    const kz_option *option;
    kz_status st = KZ_OK;
    width = usable(width);
    KZ_TRY(kz_text_add(out, "kaizen %s - ", command->name));
    KZ_TRY(add_wrapped(out, command->summary, 10 + (int)strlen(command->name), 2, width));
    KZ_TRY(kz_text_add(out, "\n"));
    KZ_TRY(add_examples(out, command->examples, width));
    KZ_TRY(kz_text_add(out, "\nUsage: kaizen %s %s\n", command->name, command->usage));
    if (*command->description) {
        KZ_TRY(kz_text_add(out, "\n"));
        KZ_TRY(add_wrapped(out, command->description, 0, 0, width));
    }
    KZ_TRY(kz_text_add(out, "\nOptions:\n"));
    for (int i = 0; (option = kz_command_option(command, i)); i++) KZ_TRY(add_option(out, option, width));
    KZ_TRY(add_exits(out, command, width));
done:
    return st;
}

kz_status kz_help_group(kz_text *out, const kz_group *group, int width)
{
    const kz_command *command;
    kz_status st = KZ_OK;
    width = usable(width);
    KZ_TRY(kz_text_add(out, "kaizen %s - ", group->name));
    KZ_TRY(add_wrapped(out, group->summary, 10 + (int)strlen(group->name), 2, width));
    KZ_TRY(kz_text_add(out, "\nExamples:\n"));
    for (int i = 0; (command = kz_group_command(group, i)); i++) KZ_TRY(add_example(out, command->examples, width));
    KZ_TRY(kz_text_add(out, "\nUsage: kaizen %s COMMAND [OPTION]...\n\nCommands:\n", group->name));
    for (int i = 0; (command = kz_group_command(group, i)); i++)
        KZ_TRY(add_row(out, kz_command_word(command), 16, command->summary, width));
    KZ_TRY(kz_text_add(out, "\n'kaizen %s COMMAND --help' says more about a command.\n", group->name));
done:
    return st;
}

kz_status kz_help_overview(kz_text *out, int width)
{
    static const kz_example examples[] = {
        {"kaizen train --config run.yaml", "fits a model; the same config gives the same bits on every machine"},
        {"kaizen prove --quick", "checks that claim on this machine"},
        {"kaizen info", "shows what this machine and this build can do"},
        {.line = NULL}};
    kz_status st = KZ_OK;
    width = usable(width);
    KZ_TRY(add_wrapped(out, "kaizen - trains models, measures the training, tells if anything got worse", 0, 2, width));
    KZ_TRY(kz_text_add(out, "\n"));
    KZ_TRY(add_examples(out, examples, width));
    KZ_TRY(kz_text_add(out, "\nUsage: kaizen COMMAND [OPTION]...\n\nCommands:\n"));
    for (const kz_command *const *c = kz_commands; *c; c++) KZ_TRY(add_row(out, (*c)->name, 16, (*c)->summary, width));
    KZ_TRY(kz_text_add(out, "\nOptions:\n"));
    for (const kz_option *o = kz_top_options; o->name; o++) KZ_TRY(add_option(out, o, width));
    KZ_TRY(kz_text_add(out, "\n'kaizen COMMAND --help' says more about a command.\n"));
done:
    return st;
}

/* Headings, which begin in the first column and end with a colon or are followed by one, in bold. */
static void print_styled(const char *text, FILE *stream)
{
    const char *bold = kz_style_code(stream, KZ_STYLE_BOLD), *off = kz_style_code(stream, KZ_STYLE_OFF);
    while (*text) {
        int n = (int)strcspn(text, "\n");
        bool heading = *text != ' ' && (strncmp(text, "Usage:", 6) == 0 || (n > 0 && text[n - 1] == ':'));
        int bright = heading ? (int)strcspn(text, ":") + 1 : 0;
        fprintf(stream, "%s%.*s%s%.*s\n", heading ? bold : "", bright, text, heading ? off : "", n - bright,
                text + bright);
        text += n + (text[n] == '\n');
    }
}

static kz_status add_help(kz_text *out, const kz_named *about, int width)
{
    if (about->command) return kz_help_command(out, about->command, width);
    return about->group ? kz_help_group(out, about->group, width) : kz_help_overview(out, width);
}

kz_status kz_help_print(const kz_named *about, FILE *stream)
{
    kz_text text = {0};
    kz_status st = add_help(&text, about, kz_style_width(stream));
    if (st == KZ_OK) print_styled(kz_text_str(&text), stream);
    kz_text_free(&text);
    return st;
}

static const kz_example help_examples[] = {{"kaizen help train", "prints the help of kaizen train"},
                                           {"kaizen help data inspect", "prints the help of kaizen data inspect"},
                                           {.line = NULL}};

const kz_command kz_command_help = {.name = "help",
                                    .summary = "prints the help of the program or of a command",
                                    .usage = "[COMMAND]",
                                    .examples = help_examples,
                                    .description = "",
                                    .operand = "COMMAND",
                                    .operand_most = 2,
                                    .operand_values = KZ_VALUES_COMMAND,
                                    .run = kz_cli_help};

kz_status kz_cli_help(kz_cli *cli)
{
    kz_named about;
    kz_text text = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_command_operands(cli, &about));
    if (!cli->json) {
        KZ_TRY(kz_help_print(&about, stdout));
    } else {
        KZ_TRY(add_help(&text, &about, 80));
        KZ_TRY(kz_cli_print_text(cli, kz_text_str(&text)));
    }
done:
    kz_text_free(&text);
    return st;
}
