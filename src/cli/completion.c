/* kaizen completion: the scripts that let a shell complete our commands, options and values. */
#include "completion.h"

#include <string.h>

kz_status kz_completion_quote(kz_text *out, const char *text, const char *special, const char *quote)
{
    kz_status st = KZ_OK;
    for (; *text; text++) {
        if (*text == '\'') {
            KZ_TRY(kz_text_add(out, "%s", quote));
            continue;
        }
        if (strchr(special, *text)) KZ_TRY(kz_text_add(out, "\\"));
        KZ_TRY(kz_text_add_bytes(out, text, 1));
    }
done:
    return st;
}

kz_status kz_completion_words(kz_text *out, const char *values)
{
    kz_status st = KZ_OK;
    const char *what;
    if (!values) return KZ_OK;
    if (strcmp(values, KZ_VALUES_COMMAND) == 0) {
        for (const kz_command *const *c = kz_commands; *c; c++)
            if (kz_top_word(c, &what))
                KZ_TRY(kz_text_add(out, "%s%s", c == kz_commands ? "" : " ", kz_top_word(c, &what)));
    } else if (*values != '<') KZ_TRY(kz_text_add(out, "%s", values));
done:
    return st;
}

kz_status kz_completion_group(kz_text *out, const kz_group *group)
{
    const kz_command *command;
    kz_status st = KZ_OK;
    for (int i = 0; (command = kz_group_command(group, i)); i++)
        KZ_TRY(kz_text_add(out, "%s%s", i ? " " : "", kz_command_word(command)));
done:
    return st;
}

bool kz_completion_any(const kz_command *command, const char *values)
{
    return command->operand_values && strcmp(command->operand_values, values) == 0;
}

kz_status kz_completion_script(kz_text *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0) return kz_completion_bash(out);
    if (strcmp(shell, "zsh") == 0) return kz_completion_zsh(out);
    if (strcmp(shell, "fish") == 0) return kz_completion_fish(out);
    return KZ_FAIL(KZ_E_NAME, "completion: no script for '%s'", shell);
}

static const kz_example examples[] = {{"source <(kaizen completion bash)", "in ~/.bashrc"},
                                      {"source <(kaizen completion zsh)", "in ~/.zshrc, after compinit"},
                                      {"kaizen completion fish > ~/.config/fish/completions/kaizen.fish", "once"},
                                      {.line = NULL}};

const kz_command kz_command_completion = {.name = "completion",
                                          .summary = "prints a completion script for a shell",
                                          .usage = "bash|zsh|fish",
                                          .examples = examples,
                                          .description = "",
                                          .operand = "SHELL",
                                          .operand_required = true,
                                          .operand_values = "bash zsh fish",
                                          .run = kz_cli_completion};

kz_status kz_cli_completion(kz_cli *cli)
{
    kz_text script = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_completion_script(&script, cli->operand));
    KZ_TRY(kz_cli_print_text(cli, kz_text_str(&script)));
done:
    kz_text_free(&script);
    return st;
}
