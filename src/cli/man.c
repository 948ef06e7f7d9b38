/* Man pages from the tables, in roff with the man macros. */
#include "cli.h"

#include <string.h>

/* Text as roff: nothing in it is a request or an escape.  An empty line between paragraphs becomes .PP. */
static kz_status add_escaped(kz_text *out, const char *text)
{
    kz_status st = KZ_OK;
    bool line_begins = true;
    for (; *text; text++) {
        const char *special = *text == '\\' ? "\\e" : *text == '-' ? "\\-" : NULL;
        if (strncmp(text, "\n\n", 2) == 0) {
            KZ_TRY(kz_text_add(out, "\n.PP"));
            text++;
        }
        if (line_begins && (*text == '.' || *text == '\'')) KZ_TRY(kz_text_add(out, "\\&"));
        KZ_TRY(special ? kz_text_add(out, "%s", special) : kz_text_add_bytes(out, text, 1));
        line_begins = *text == '\n';
    }
done:
    return st;
}

static kz_status add_text(kz_text *out, const char *text)
{
    kz_status st = add_escaped(out, text);
    return st == KZ_OK ? kz_text_add(out, "\n") : st;
}

static kz_status add_section(kz_text *out, const char *request, const char *title)
{
    return kz_text_add(out, ".%s %s\n", request, title);
}

/* An option of a tagged list: ".TP", its name in bold and argument in italics, its text. */
static kz_status add_option(kz_text *out, const kz_option *option)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, ".TP\n"));
    if (option->letter) KZ_TRY(kz_text_add(out, "\\fB\\-%c\\fR, ", option->letter));
    KZ_TRY(kz_text_add(out, "\\fB"));
    KZ_TRY(add_escaped(out, option->name));
    if (option->optional) KZ_TRY(kz_text_add(out, "\\fR [\\fI%s\\fR]\n", option->argument));
    else if (option->argument) KZ_TRY(kz_text_add(out, "\\fR \\fI%s\\fR\n", option->argument));
    else KZ_TRY(kz_text_add(out, "\\fR\n"));
    KZ_TRY(add_text(out, option->help));
done:
    return st;
}

static kz_status add_examples(kz_text *out, const kz_example *example)
{
    kz_status st = KZ_OK;
    for (; example->line; example++) {
        KZ_TRY(kz_text_add(out, ".TP\n.B "));
        KZ_TRY(add_text(out, example->line));
        KZ_TRY(add_text(out, example->what));
    }
done:
    return st;
}

static kz_status add_exits(kz_text *out, const kz_command *command)
{
    kz_exit exits[KZ_EXITS];
    kz_status st = KZ_OK;
    KZ_TRY(add_section(out, "SH", "EXIT STATUS"));
    for (int i = 0, n = kz_command_exits(command, exits); i < n; i++) {
        KZ_TRY(kz_text_add(out, ".TP\n.B %d\n", exits[i].status));
        KZ_TRY(add_text(out, exits[i].meaning));
    }
done:
    return st;
}

static kz_status add_environment(kz_text *out)
{
    static const struct {
        const char *name, *what;
    } rows[] = {{"KAIZEN_ISA", "the CPU instruction set to compute with, such as plain; without it the fastest one"},
                {"KAIZEN_CUDA_MODULE", "the library that drives GPUs, in place of the one that was installed"},
                {"KAIZEN_CUBLASLT", "path of the cuBLASLt that device.arithmetic: fast uses on a GPU"},
                {"KAIZEN_DEBUG", "if set, an error also says where in the program it came from"},
                {"NO_COLOR", "if set, no colours"},
                {"COLUMNS", "the width of help texts that do not go to a terminal"}};
    kz_status st = KZ_OK;
    KZ_TRY(add_section(out, "SH", "ENVIRONMENT"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        KZ_TRY(kz_text_add(out, ".TP\n.B %s\n", rows[i].name));
        KZ_TRY(add_text(out, rows[i].what));
    }
done:
    return st;
}

static kz_status add_title(kz_text *out, const char *page, const char *summary)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, ".TH %s 1 \"\" \"kaizen %s\" \"Kaizen\"\n.SH NAME\n", page, KZ_VERSION));
    KZ_TRY(add_escaped(out, page)); /* on one line with the dash: indexers of man pages rely on it */
    KZ_TRY(kz_text_add(out, " \\- "));
    KZ_TRY(add_text(out, summary));
done:
    return st;
}

static kz_status add_usage(kz_text *out, const kz_command *command)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, ".B kaizen %s\n", command->name));
    KZ_TRY(add_text(out, command->usage));
done:
    return st;
}

/* .SS "kaizen train" and what follows, in kaizen(1). */
static kz_status add_command(kz_text *out, const kz_command *command)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, ".SS kaizen %s\n", command->name));
    KZ_TRY(add_usage(out, command));
    KZ_TRY(kz_text_add(out, ".PP\n"));
    KZ_TRY(add_text(out, command->summary));
    if (*command->description) {
        KZ_TRY(kz_text_add(out, ".PP\n"));
        KZ_TRY(add_text(out, command->description));
    }
    for (const kz_option *o = command->options; o && o->name; o++) KZ_TRY(add_option(out, o));
done:
    return st;
}

kz_status kz_man_page(kz_text *out)
{
    kz_status st = KZ_OK;
    KZ_TRY(add_title(out, "kaizen", "trains models, measures the training, tells if anything got worse"));
    KZ_TRY(add_section(out, "SH", "SYNOPSIS\n.B kaizen\n.I COMMAND\n[OPTION]..."));
    KZ_TRY(add_section(out, "SH", "DESCRIPTION"));
    KZ_TRY(add_text(out,
                    "Trains models from data in HDF5 files. The same config gives the same bits on every machine: any "
                    "thread count, any instruction set. Results go to standard output, messages and progress to "
                    "standard error.\n\nAn executable named train is installed beside kaizen: train --config FILE is "
                    "kaizen train --config FILE."));
    KZ_TRY(add_section(out, "SH", "EXAMPLES"));
    for (const kz_command *const *c = kz_commands; *c; c++) KZ_TRY(add_examples(out, (*c)->examples));
    KZ_TRY(add_section(out, "SH", "COMMANDS"));
    for (const kz_command *const *c = kz_commands; *c; c++) KZ_TRY(add_command(out, *c));
    KZ_TRY(add_section(out, "SH", "OPTIONS OF EVERY COMMAND"));
    for (const kz_option *o = kz_common_options; o->name; o++) KZ_TRY(add_option(out, o));
    KZ_TRY(add_exits(out, NULL));
    KZ_TRY(add_environment(out));
done:
    return st;
}

/* "kaizen-data-inspect" */
static void page_name(char out[64], const kz_command *command)
{
    snprintf(out, 64, "kaizen-%s", command->name);
    for (char *blank = out; (blank = strchr(blank, ' '));) *blank = '-';
}

kz_status kz_man_command_page(kz_text *out, const kz_command *command)
{
    char page[64];
    const kz_option *option;
    const kz_group *group = kz_group_of(command);
    kz_status st = KZ_OK;
    page_name(page, command);
    KZ_TRY(add_title(out, page, command->summary));
    KZ_TRY(add_section(out, "SH", "SYNOPSIS"));
    KZ_TRY(add_usage(out, command));
    KZ_TRY(add_section(out, "SH", "EXAMPLES"));
    KZ_TRY(add_examples(out, command->examples));
    KZ_TRY(add_section(out, "SH", "DESCRIPTION"));
    KZ_TRY(add_text(out, *command->description ? command->description : command->summary));
    KZ_TRY(add_section(out, "SH", "OPTIONS"));
    for (int i = 0; (option = kz_command_option(command, i)); i++) KZ_TRY(add_option(out, option));
    KZ_TRY(add_exits(out, command));
    KZ_TRY(add_environment(out));
    KZ_TRY(add_section(out, "SH", "SEE ALSO\n.BR kaizen (1)"));
    if (group) KZ_TRY(kz_text_add(out, ".BR kaizen\\-%s (1)\n", group->name));
done:
    return st;
}

kz_status kz_man_group_page(kz_text *out, const kz_group *group)
{
    char page[64];
    const kz_command *command;
    kz_status st = KZ_OK;
    snprintf(page, sizeof page, "kaizen-%s", group->name);
    KZ_TRY(add_title(out, page, group->summary));
    KZ_TRY(add_section(out, "SH", "SYNOPSIS"));
    KZ_TRY(kz_text_add(out, ".B kaizen %s\n.I COMMAND\n[OPTION]...\n", group->name));
    KZ_TRY(add_section(out, "SH", "COMMANDS"));
    for (int i = 0; (command = kz_group_command(group, i)); i++) {
        KZ_TRY(kz_text_add(out, ".TP\n.B kaizen %s\n", command->name));
        KZ_TRY(add_text(out, command->summary));
    }
    KZ_TRY(add_section(out, "SH", "EXAMPLES"));
    for (int i = 0; (command = kz_group_command(group, i)); i++) KZ_TRY(add_examples(out, command->examples));
    KZ_TRY(add_section(out, "SH", "SEE ALSO\n.BR kaizen (1)"));
    for (int i = 0; (command = kz_group_command(group, i)); i++) {
        page_name(page, command);
        KZ_TRY(kz_text_add(out, ".BR "));
        KZ_TRY(add_escaped(out, page));
        KZ_TRY(kz_text_add(out, " (1)\n"));
    }
done:
    return st;
}

static const kz_example examples[] = {{"kaizen man | man -l -", "shows the manual"},
                                      {"kaizen man train | man -l -", "shows the page of one command"},
                                      {"kaizen man data inspect | man -l -", "that of one with two words"},
                                      {.line = NULL}};

const kz_command kz_command_man = {.name = "man",
                                   .summary = "prints the man page",
                                   .usage = "[COMMAND]",
                                   .examples = examples,
                                   .description = "",
                                   .operand = "COMMAND",
                                   .operand_most = 2,
                                   .operand_values = KZ_VALUES_COMMAND,
                                   .run = kz_cli_man};

kz_status kz_cli_man(kz_cli *cli)
{
    kz_named about;
    kz_text text = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_command_operands(cli, &about));
    if (about.command) KZ_TRY(kz_man_command_page(&text, about.command));
    else KZ_TRY(about.group ? kz_man_group_page(&text, about.group) : kz_man_page(&text));
    KZ_TRY(kz_cli_print_text(cli, kz_text_str(&text)));
    if (kz_style_terminal(stdout)) kz_cli_note(cli, "to read it: kaizen man | man -l -");
done:
    kz_text_free(&text);
    return st;
}
