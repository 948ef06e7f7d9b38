/* The groups of commands, and the command that a user's words name. */
#include "cli.h"

#include <string.h>

const kz_group kz_groups[] = {{"data", "looks at, verifies and makes HDF5 data sets"}, {.name = NULL}};

enum { NAMES = 64 }; /* commands and groups, at most */

const kz_group *kz_group_find(const char *name)
{
    for (const kz_group *g = kz_groups; g->name; g++)
        if (strcmp(g->name, name) == 0) return g;
    return NULL;
}

const kz_group *kz_group_of(const kz_command *command)
{
    size_t n = strcspn(command->name, " ");
    if (!command->name[n]) return NULL;
    for (const kz_group *g = kz_groups; g->name; g++)
        if (strlen(g->name) == n && memcmp(g->name, command->name, n) == 0) return g;
    return NULL;
}

const kz_command *kz_group_command(const kz_group *group, int index)
{
    for (const kz_command *const *c = kz_commands; *c; c++)
        if (kz_group_of(*c) == group && index-- == 0) return *c;
    return NULL;
}

const char *kz_command_word(const kz_command *command)
{
    const char *blank = strrchr(command->name, ' ');
    return blank ? blank + 1 : command->name;
}

const char *kz_top_word(const kz_command *const *command, const char **what)
{
    const kz_group *group = kz_group_of(*command);
    *what = group ? group->summary : (*command)->summary;
    if (!group) return (*command)->name;
    return kz_group_command(group, 0) == *command ? group->name : NULL;
}

/* What may have been meant by an unknown word: a command, a group, or the second word of a command. */
static void suggest(kz_cli *cli, const char *word, const kz_group *group)
{
    const char *names[NAMES + 1] = {NULL}, *seconds[NAMES + 1] = {NULL}, *what, *near;
    const kz_command *command;
    int n = 0, m = 0;
    for (const kz_command *const *c = kz_commands; (command = *c) && n < NAMES; c++) {
        const kz_group *its = kz_group_of(command);
        const char *top = kz_top_word(c, &what);
        if (group ? its == group : top != NULL) names[n++] = group ? kz_command_word(command) : top;
        if (its) seconds[m++] = kz_command_word(command);
    }
    near = kz_suggest(word, names);
    if (near) {
        kz_cli_hint(cli, "did you mean kaizen %s%s%s?", group ? group->name : "", group ? " " : "", near);
        return;
    }
    near = group ? NULL : kz_suggest(word, seconds);
    for (const kz_group *g = kz_groups; near && g->name; g++)
        for (int i = 0; (command = kz_group_command(g, i)); i++)
            if (kz_command_word(command) == near) {
                kz_cli_hint(cli, "did you mean kaizen %s?", command->name);
                return;
            }
    kz_cli_hint(cli, "kaizen %s%s--help lists the commands", group ? group->name : "", group ? " " : "");
}

kz_status kz_command_named(kz_cli *cli, const char *const *words, int n, kz_named *out)
{
    const kz_command *command = kz_command_find(words[0]);
    const kz_group *group = command ? kz_group_of(command) : kz_group_find(words[0]);
    if (command || (group && n == 1)) {
        *out = (kz_named){command, group, 1};
        return KZ_OK;
    }
    if (!group) {
        suggest(cli, words[0], NULL);
        return KZ_FAIL(KZ_E_USAGE, "no command '%s'", words[0]);
    }
    for (int i = 0; (command = kz_group_command(group, i)); i++)
        if (strcmp(kz_command_word(command), words[1]) == 0) {
            *out = (kz_named){command, group, 2};
            return KZ_OK;
        }
    suggest(cli, words[1], group);
    return KZ_FAIL(KZ_E_USAGE, "no command '%s %s'", words[0], words[1]);
}

kz_status kz_command_operands(kz_cli *cli, kz_named *out)
{
    kz_status st = KZ_OK;
    *out = (kz_named){.used = 0};
    if (!cli->n_operands) return KZ_OK;
    KZ_TRY(kz_command_named(cli, cli->operands, cli->n_operands, out));
    if (out->used == cli->n_operands) return KZ_OK;
    kz_cli_hint(cli, "usage: kaizen %s %s", cli->command->name, cli->command->usage);
    return KZ_FAIL(KZ_E_USAGE, "%s: unexpected argument '%s'", cli->command->name, cli->operands[out->used]);
done:
    return st;
}
