/* The commands of the program and what they have in common. */
#include "cli.h"

#include <string.h>

#define KZ_COMMAND(name) extern const kz_command kz_command_##name;
#include "command_list.inc"
#undef KZ_COMMAND

const kz_command *const kz_commands[] = {
#define KZ_COMMAND(name) &kz_command_##name,
#include "command_list.inc"
#undef KZ_COMMAND
    NULL};

const kz_option kz_common_options[] = {
    {.name = "--json", .help = "prints the result as JSON on standard output"},
    {.name = "--quiet", .letter = 'q', .help = "no progress and no notes; results and errors still"},
    {.name = "--help", .letter = 'h', .help = "prints this help", .alone = true},
    {.name = NULL}};

const kz_option kz_top_options[] = {
    {.name = "--help", .letter = 'h', .help = "prints this help", .alone = true},
    {.name = "--version", .help = "prints the version, the commit and the compiler", .alone = true},
    {.name = NULL}};

const kz_command *kz_command_find(const char *name)
{
    for (const kz_command *const *c = kz_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}

const kz_option *kz_command_option(const kz_command *command, int index)
{
    int own = 0;
    if (command->options)
        while (command->options[own].name) own++;
    if (index < own) return &command->options[index];
    const int common = (int)(sizeof kz_common_options / sizeof *kz_common_options) - 1;
    return index - own < common ? &kz_common_options[index - own] : NULL;
}

/* Statuses that several codes share get a meaning of their own. */
static const char *meaning_of(kz_status st)
{
    int status = kz_status_exit(st);
    if (status == 1) return "failed at run time";
    return status == 70 ? "internal error: please report it" : kz_status_meaning(st);
}

static int insert_exit(kz_exit *out, int n, kz_status st)
{
    int status = kz_status_exit(st), at = 0;
    while (at < n && out[at].status < status) at++;
    if (at < n && out[at].status == status) return n;
    memmove(out + at + 1, out + at, (size_t)(n - at) * sizeof *out);
    out[at] = (kz_exit){status, meaning_of(st)};
    return n + 1;
}

int kz_command_exits(const kz_command *command, kz_exit out[KZ_EXITS])
{
    static const kz_status common[] = {KZ_OK, KZ_E_FAIL, KZ_E_USAGE, KZ_E_ARG, KZ_E_OUTPUT};
    int n = 0;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) n = insert_exit(out, n, common[i]);
    for (const kz_command *const *c = kz_commands; *c; c++)
        for (const kz_status *st = (*c)->exits; st && *st != KZ_OK; st++)
            if (!command || command == *c) n = insert_exit(out, n, *st);
    return n;
}
