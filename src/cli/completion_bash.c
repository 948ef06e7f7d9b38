/* The completion script for bash. */
#include "completion.h"

#include <string.h>

static const char head[] =
    "# bash completion for kaizen and train, made by: kaizen completion bash\n"
    "_kaizen()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words= files=\n"
    "    COMPREPLY=()\n"
    "    if [[ $prev == = ]]; then # --option=value is three words to bash\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    elif [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[0]##*/} == train ]]; then\n"
    "        command=train\n"
    "    elif ((COMP_CWORD > 1)); then\n"
    "        command=${COMP_WORDS[1]}\n"
    "    fi\n"
    "    local groups=' ";

/* The second word belongs to the command behind a group's name, and completes what `help` and `man` are asked about. */
static const char second[] = "'\n"
                             "    if ((COMP_CWORD > 2)) && [[ $groups == *\" $command \"* ]]; then\n"
                             "        command+=\" ${COMP_WORDS[2]}\"\n"
                             "    elif ((COMP_CWORD == 3)) && [[ $command == help || $command == man ]]; then\n"
                             "        [[ $groups == *\" ${COMP_WORDS[2]} \"* ]] && command=\"about ${COMP_WORDS[2]}\"\n"
                             "    fi\n";

static const char tail[] = "    if [[ $files && $cur != -* ]]; then\n"
                           "        compopt -o filenames 2>/dev/null\n"
                           "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                           "        return\n"
                           "    fi\n"
                           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                           "}\n"
                           "complete -F _kaizen kaizen train\n";

/* What completes the value of an option: "        "train --config" | "train -c") ... ;;" */
static kz_status add_value_case(kz_text *out, const kz_command *command, const kz_option *option)
{
    kz_status st = KZ_OK;
    const char *values = option->values ? option->values : "";
    KZ_TRY(kz_text_add(out, "        \"%s %s\"", command->name, option->name));
    if (option->letter) KZ_TRY(kz_text_add(out, " | \"%s -%c\"", command->name, option->letter));
    if (strcmp(values, KZ_VALUES_FILE) == 0 || strcmp(values, KZ_VALUES_DIR) == 0) {
        char kind = strcmp(values, KZ_VALUES_FILE) == 0 ? 'f' : 'd';
        KZ_TRY(kz_text_add(out,
                           ")\n            compopt -o filenames 2>/dev/null\n"
                           "            mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\")\n"
                           "            return\n            ;;\n",
                           kind));
    } else {
        KZ_TRY(kz_text_add(out, ")\n            mapfile -t COMPREPLY < <(compgen -W \""));
        KZ_TRY(kz_completion_words(out, values));
        KZ_TRY(kz_text_add(out, "\" -- \"$cur\")\n            return\n            ;;\n"));
    }
done:
    return st;
}

static kz_status add_values(kz_text *out)
{
    const kz_option *option;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "    case \"$command $prev\" in\n"));
    for (const kz_command *const *c = kz_commands; *c; c++)
        for (int i = 0; (option = kz_command_option(*c, i)); i++)
            if (option->argument) KZ_TRY(add_value_case(out, *c, option));
    KZ_TRY(kz_text_add(out, "    esac\n"));
done:
    return st;
}

static kz_status add_words(kz_text *out)
{
    const kz_option *option;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "    case $command in\n        \"\") words=\""));
    KZ_TRY(kz_completion_words(out, KZ_VALUES_COMMAND));
    for (option = kz_top_options; option->name; option++) KZ_TRY(kz_text_add(out, " %s", option->name));
    KZ_TRY(kz_text_add(out, "\" ;;\n"));
    for (const kz_command *const *c = kz_commands; *c; c++) {
        KZ_TRY(kz_text_add(out, "        \"%s\")%s words=\"", (*c)->name,
                           kz_completion_any(*c, KZ_VALUES_FILE) ? " files=1" : ""));
        KZ_TRY(kz_completion_words(out, (*c)->operand_values));
        for (int i = 0; (option = kz_command_option(*c, i)); i++) KZ_TRY(kz_text_add(out, " %s", option->name));
        KZ_TRY(kz_text_add(out, "\" ;;\n"));
    }
    for (const kz_group *g = kz_groups; g->name; g++) {
        KZ_TRY(kz_text_add(out, "        %s | \"about %s\") words=\"", g->name, g->name));
        KZ_TRY(kz_completion_group(out, g));
        KZ_TRY(kz_text_add(out, "\" ;;\n"));
    }
    KZ_TRY(kz_text_add(out, "    esac\n"));
done:
    return st;
}

kz_status kz_completion_bash(kz_text *out)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "%s", head));
    for (const kz_group *g = kz_groups; g->name; g++) KZ_TRY(kz_text_add(out, "%s ", g->name));
    KZ_TRY(kz_text_add(out, "%s", second));
    KZ_TRY(add_values(out));
    KZ_TRY(add_words(out));
    KZ_TRY(kz_text_add(out, "%s", tail));
done:
    return st;
}
