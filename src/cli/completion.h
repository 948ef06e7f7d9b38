/* cli/completion.h — one generator of a completion script per shell, and what they share. */
#ifndef KZ_CLI_COMPLETION_H
#define KZ_CLI_COMPLETION_H

#include "cli.h"

kz_status kz_completion_bash(kz_text *out);
kz_status kz_completion_zsh(kz_text *out);
kz_status kz_completion_fish(kz_text *out);

/* Adds `text` for inside single quotes of a shell: each character of `special` gets a backslash, a quote becomes
 * `quote`. */
kz_status kz_completion_quote(kz_text *out, const char *text, const char *special, const char *quote);
/* The values of an option or operand as words: what the table says, or the commands; "" if they are not words. */
kz_status kz_completion_words(kz_text *out, const char *values);
kz_status kz_completion_group(kz_text *out, const kz_group *group);    /* "inspect check import" */
bool kz_completion_any(const kz_command *command, const char *values); /* its operand's: kz_command.operand_values */

#endif
