/* The completion script for bash. */
#include "completion.h"

#include <string.h>

static const char head[] =
    "# bash completion for kaizen and train, made by: kaizen completion bash\n"
    "_kaizen()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words=\n"
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
    "    fi\n";

static const char tail[] = "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
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
        KZ_TRY(kz_text_add(out, "        %s) words=\"", (*c)->name));
        KZ_TRY(kz_completion_words(out, (*c)->operand_values));
        for (int i = 0; (option = kz_command_option(*c, i)); i++) KZ_TRY(kz_text_add(out, " %s", option->name));
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
    KZ_TRY(add_values(out));
    KZ_TRY(add_words(out));
    KZ_TRY(kz_text_add(out, "%s", tail));
done:
    return st;
}
