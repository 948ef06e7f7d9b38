/* The completion script for zsh: to be sourced, or put on the function path as _kaizen. */
#include "completion.h"

#include <string.h>

static const char choose[] = "    local command=train\n"
                             "    if [[ $service != train ]]; then\n"
                             "        if (( CURRENT == 2 )); then\n"
                             "            _describe -t commands command commands -- top\n"
                             "            return\n"
                             "        fi\n"
                             "        command=$words[2]\n"
                             "        shift words\n"
                             "        (( CURRENT-- ))\n"
                             "    fi\n"
                             "    case $command in\n";

/* Behind the name of a group: its commands, or the name of the command that is there. */
static const char choose_second[] = "            if (( CURRENT == 2 )); then\n"
                                    "                _describe -t commands command seconds\n"
                                    "                return\n"
                                    "            fi\n"
                                    "            command+=\" $words[2]\"\n"
                                    "            shift words\n"
                                    "            (( CURRENT-- ))\n"
                                    "            ;;\n";

static const char tail[] = "if [[ $funcstack[1] == _kaizen ]]; then\n"
                           "    _kaizen \"$@\"\n"
                           "else\n"
                           "    compdef _kaizen kaizen train\n"
                           "fi\n";

static kz_status add_described(kz_text *out, const char *name, const char *what)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "        '%s:", name));
    KZ_TRY(kz_completion_quote(out, what, ":\\", "'\\''"));
    KZ_TRY(kz_text_add(out, "'\n"));
done:
    return st;
}

static kz_status add_commands(kz_text *out)
{
    const char *what;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "    local -a seconds=() commands=(\n"));
    for (const kz_command *const *c = kz_commands; *c; c++)
        if (kz_top_word(c, &what)) KZ_TRY(add_described(out, kz_top_word(c, &what), what));
    KZ_TRY(kz_text_add(out, "    ) top=(\n"));
    for (const kz_option *o = kz_top_options; o->name; o++) KZ_TRY(add_described(out, o->name, o->help));
    KZ_TRY(kz_text_add(out, "    )\n"));
done:
    return st;
}

/* ":FILE:_files", with a second colon in front where the value may be left out */
static kz_status add_action(kz_text *out, const char *colon, const char *argument, const char *values)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "%s%s:", colon, argument));
    if (values && strcmp(values, KZ_VALUES_FILE) == 0) return kz_text_add(out, "_files");
    if (values && strcmp(values, KZ_VALUES_DIR) == 0) return kz_text_add(out, "_files -/");
    if (!values) return kz_text_add(out, " ");
    KZ_TRY(kz_text_add(out, "("));
    KZ_TRY(kz_completion_words(out, values));
    KZ_TRY(kz_text_add(out, ")"));
done:
    return st;
}

/* Behind the name of a group: the second word of its commands. */
static kz_status add_second_operand(kz_text *out)
{
    kz_status st = KZ_OK;
    for (const kz_group *g = kz_groups; g->name; g++) {
        KZ_TRY(kz_text_add(out, "%s[[ $words[2] == %s ]] && compadd -- ", g == kz_groups ? "" : "; ", g->name));
        KZ_TRY(kz_completion_group(out, g));
    }
done:
    return st;
}

/* One spelling of an option: '(-c --config)--config=[help]:FILE:_files'. */
static kz_status add_spec(kz_text *out, const kz_option *option, const char *name, const char *other)
{
    kz_status st = KZ_OK;
    bool joined = option->argument && name[1] == '-'; /* --config=FILE, too */
    KZ_TRY(kz_text_add(out, "                '"));
    if (option->repeatable) KZ_TRY(kz_text_add(out, "*%s%s[", name, joined ? "=" : ""));
    else KZ_TRY(kz_text_add(out, "(%s%s%s)%s%s[", name, other ? " " : "", other ? other : "", name, joined ? "=" : ""));
    KZ_TRY(kz_completion_quote(out, option->help, "[]:\\", "'\\''"));
    KZ_TRY(kz_text_add(out, "]"));
    if (option->argument) KZ_TRY(add_action(out, option->optional ? "::" : ":", option->argument, option->values));
    KZ_TRY(kz_text_add(out, "' \\\n"));
done:
    return st;
}

static kz_status add_case(kz_text *out, const kz_command *command)
{
    const kz_option *option;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "        \"%s\")\n            _arguments \\\n", command->name));
    for (int i = 0; (option = kz_command_option(command, i)); i++) {
        char letter[3] = {'-', option->letter, '\0'};
        KZ_TRY(add_spec(out, option, option->name, option->letter ? letter : NULL));
        if (option->letter) KZ_TRY(add_spec(out, option, letter, option->name));
    }
    if (command->operand) {
        KZ_TRY(kz_text_add(out, "                '%s", command->operand_most > 2 ? "*" : "1"));
        KZ_TRY(add_action(out, ":", command->operand, command->operand_values));
        KZ_TRY(kz_text_add(out, "' \\\n"));
    }
    if (command->operand_values && strcmp(command->operand_values, KZ_VALUES_COMMAND) == 0) {
        KZ_TRY(kz_text_add(out, "                '2::%s:{", command->operand));
        KZ_TRY(add_second_operand(out));
        KZ_TRY(kz_text_add(out, "}' \\\n"));
    }
    KZ_TRY(kz_text_add(out, "                && return\n            ;;\n"));
done:
    return st;
}

static kz_status add_group(kz_text *out, const kz_group *group)
{
    const kz_command *command;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "        %s)\n            seconds=(\n", group->name));
    for (int i = 0; (command = kz_group_command(group, i)); i++)
        KZ_TRY(add_described(out, kz_command_word(command), command->summary));
    KZ_TRY(kz_text_add(out, "            )\n%s", choose_second));
done:
    return st;
}

kz_status kz_completion_zsh(kz_text *out)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "#compdef kaizen train\n"
                            "# zsh completion for kaizen and train, made by: kaizen completion zsh\n"
                            "_kaizen()\n{\n"));
    KZ_TRY(add_commands(out));
    KZ_TRY(kz_text_add(out, "%s", choose));
    for (const kz_group *g = kz_groups; g->name; g++) KZ_TRY(add_group(out, g));
    KZ_TRY(kz_text_add(out, "    esac\n    case $command in\n"));
    for (const kz_command *const *c = kz_commands; *c; c++) KZ_TRY(add_case(out, *c));
    KZ_TRY(kz_text_add(out, "    esac\n}\n%s", tail));
done:
    return st;
}
