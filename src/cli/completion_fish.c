/* The completion script for fish: one `complete` line per command and option. */
#include "completion.h"

#include <string.h>

/* -d 'help', the end of every line. */
static kz_status add_description(kz_text *out, const char *what)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, " -d '"));
    KZ_TRY(kz_completion_quote(out, what, "\\", "\\'"));
    KZ_TRY(kz_text_add(out, "'\n"));
done:
    return st;
}

/* What the value can be: -r: there is one; -F: files; -x: no files but what -a says. */
static kz_status add_values(kz_text *out, const char *values)
{
    kz_status st = KZ_OK;
    if (values && strcmp(values, KZ_VALUES_FILE) == 0) return kz_text_add(out, " -r -F");
    if (values && strcmp(values, KZ_VALUES_DIR) == 0) return kz_text_add(out, " -x -a '(__fish_complete_directories)'");
    KZ_TRY(kz_text_add(out, " -x"));
    if (!values) return KZ_OK;
    KZ_TRY(kz_text_add(out, " -a '"));
    KZ_TRY(kz_completion_words(out, values));
    KZ_TRY(kz_text_add(out, "'"));
done:
    return st;
}

/* start: "complete -c kaizen -n '...'" */
static kz_status add_option(kz_text *out, const char *start, const kz_option *option)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "%s -l %s", start, option->name + 2));
    if (option->letter) KZ_TRY(kz_text_add(out, " -s %c", option->letter));
    if (option->argument) KZ_TRY(add_values(out, option->values));
    KZ_TRY(add_description(out, option->help));
done:
    return st;
}

static kz_status add_options(kz_text *out, const char *start, const kz_command *command)
{
    const kz_option *option;
    kz_status st = KZ_OK;
    for (int i = 0; (option = kz_command_option(command, i)); i++) KZ_TRY(add_option(out, start, option));
    if (command->operand) {
        KZ_TRY(kz_text_add(out, "%s", start));
        KZ_TRY(add_values(out, command->operand_values));
        KZ_TRY(add_description(out, command->operand));
    }
done:
    return st;
}

static kz_status add_command(kz_text *out, const kz_command *command)
{
    char start[192];
    const kz_group *group = kz_group_of(command);
    const char *first = group ? group->name : command->name, *word = kz_command_word(command);
    const char *seen = "__fish_seen_subcommand_from";
    if (group) snprintf(start, sizeof start, "complete -c kaizen -n '%s %s; and %s %s'", seen, first, seen, word);
    else snprintf(start, sizeof start, "complete -c kaizen -n '%s %s'", seen, first);
    return add_options(out, start, command);
}

/* The commands of a group, as long as none of them stands there. */
static kz_status add_group(kz_text *out, const kz_group *group)
{
    const kz_command *command;
    kz_status st = KZ_OK;
    for (int i = 0; (command = kz_group_command(group, i)); i++) {
        KZ_TRY(kz_text_add(out,
                           "complete -c kaizen -n '__fish_seen_subcommand_from %s; "
                           "and not __fish_seen_subcommand_from ",
                           group->name));
        KZ_TRY(kz_completion_group(out, group));
        KZ_TRY(kz_text_add(out, "' -a %s", kz_command_word(command)));
        KZ_TRY(add_description(out, command->summary));
    }
done:
    return st;
}

kz_status kz_completion_fish(kz_text *out)
{
    static const char top[] = "complete -c kaizen -n __fish_use_subcommand";
    const char *what;
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(out, "# fish completion for kaizen and train, made by: kaizen completion fish\n"
                            "complete -c kaizen -f\ncomplete -c train -f\n"));
    for (const kz_option *o = kz_top_options; o->name; o++) KZ_TRY(add_option(out, top, o));
    for (const kz_command *const *c = kz_commands; *c; c++) {
        if (!kz_top_word(c, &what)) continue;
        KZ_TRY(kz_text_add(out, "%s -a %s", top, kz_top_word(c, &what)));
        KZ_TRY(add_description(out, what));
    }
    for (const kz_group *g = kz_groups; g->name; g++) KZ_TRY(add_group(out, g));
    for (const kz_command *const *c = kz_commands; *c; c++) KZ_TRY(add_command(out, *c));
    KZ_TRY(add_options(out, "complete -c train", kz_command_find("train")));
done:
    return st;
}
