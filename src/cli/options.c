/* Parses a command line by the command's table.  No abbreviations; nothing given twice or unused passes silently. */
#include "cli.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { WORDS = 8 }; /* that an operand can be */

typedef struct {
    int option;
    const char *value;
} given; /* one option as it came */

typedef struct {
    kz_cli *cli;
    int argc, at;
    char *const *argv;
    given *seen;
    int n_seen;
} parser;

static const kz_option *find_option(const kz_command *command, const char *name, size_t n, int *index)
{
    const kz_option *option;
    for (*index = 0; (option = kz_command_option(command, *index)); ++*index)
        if (strlen(option->name) == n && memcmp(option->name, name, n) == 0) return option;
    return NULL;
}

static const kz_option *find_letter(const kz_command *command, char letter, int *index)
{
    const kz_option *option;
    for (*index = 0; (option = kz_command_option(command, *index)); ++*index)
        if (option->letter == letter) return option;
    return NULL;
}

static kz_status unknown_option(parser *p, const char *word, size_t n)
{
    const kz_command *command = p->cli->command;
    const char *names[KZ_CLI_OPTIONS + 1] = {NULL};
    char name[64];
    for (int i = 0; kz_command_option(command, i); i++) names[i] = kz_command_option(command, i)->name;
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    const char *near = word[1] == '-' ? kz_suggest(name, names) : NULL;
    if (near) kz_cli_hint(p->cli, "did you mean %s?", near);
    else kz_cli_hint(p->cli, "kaizen %s --help lists the options", command->name);
    return KZ_FAIL(KZ_E_USAGE, "%s: unknown option '%.*s'", command->name, (int)n, word);
}

static kz_status keep(parser *p, int index, const kz_option *option, const char *value)
{
    if (option->argument && !option->repeatable)
        for (int i = 0; i < p->n_seen; i++)
            if (p->seen[i].option == index)
                return KZ_FAIL(KZ_E_USAGE, "%s: %s was given twice", p->cli->command->name, option->name);
    p->seen[p->n_seen++] = (given){index, value};
    return KZ_OK;
}

/* value: what stood behind the '=', or NULL. */
static kz_status take_option(parser *p, int index, const kz_option *option, const char *value)
{
    const char *command = p->cli->command->name;
    if (!option->argument && value)
        return KZ_FAIL(KZ_E_USAGE, "%s: %s takes no value, but was given '%s'", command, option->name, value);
    if (!option->argument) return keep(p, index, option, NULL);
    if (!value && p->at < p->argc &&
        strncmp(p->argv[p->at], option->optional ? "-" : "--", option->optional ? 1 : 2) != 0)
        value = p->argv[p->at++];
    if (!value && option->optional) return keep(p, index, option, NULL);
    if (value && *value) return keep(p, index, option, value);
    if (!value && p->at < p->argc)
        kz_cli_hint(p->cli, "a value that begins with -- is written %s=%s", option->name, p->argv[p->at]);
    return KZ_FAIL(KZ_E_USAGE, "%s: %s needs a value: %s %s", command, option->name, option->name, option->argument);
}

static kz_status take_long(parser *p, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    int index;
    const kz_option *option = find_option(p->cli->command, word, n, &index);
    return option ? take_option(p, index, option, equals ? equals + 1 : NULL) : unknown_option(p, word, n);
}

static kz_status take_short(parser *p, const char *word)
{
    int index;
    const kz_option *option = find_letter(p->cli->command, word[1], &index);
    if (option && !word[2]) return take_option(p, index, option, NULL);
    if (!option) return unknown_option(p, word, strlen(word));
    if (option->argument)
        kz_cli_hint(p->cli, "a short option's value stands apart: -%c %s", word[1], word + 2 + (word[2] == '='));
    else kz_cli_hint(p->cli, "short options stand apart: -%c -%c", word[1], word[2]);
    return KZ_FAIL(KZ_E_USAGE, "%s: unknown option '%s'", p->cli->command->name, word);
}

/* What the unexpected word may have been meant for: the value of a required option. */
static void hint_operand(parser *p, const char *word)
{
    const kz_option *option;
    for (int i = 0; (option = kz_command_option(p->cli->command, i)); i++)
        if (option->required) {
            kz_cli_hint(p->cli, "did you mean %s %s?", option->name, word);
            return;
        }
    kz_cli_hint(p->cli, "usage: kaizen %s %s", p->cli->command->name, p->cli->command->usage);
}

/* The operand is one of the words that the command names, if it names any. */
static kz_status check_operand(parser *p, const char *word)
{
    const kz_command *command = p->cli->command;
    const char *values = command->operand_values, *names[WORDS + 1] = {NULL};
    char name[WORDS][16];
    if (!values || *values == '<') return KZ_OK;
    for (int i = 0; *values; i++) {
        size_t n = strcspn(values, " ");
        assert(i < WORDS && n < sizeof name[i]);
        snprintf(name[i], sizeof name[i], "%.*s", (int)n, values);
        if (strcmp(name[i], word) == 0) return KZ_OK;
        names[i] = name[i];
        values += n + (values[n] == ' ');
    }
    const char *near = kz_suggest(word, names);
    if (near) kz_cli_hint(p->cli, "did you mean %s?", near);
    else kz_cli_hint(p->cli, "there are: %s", command->operand_values);
    return KZ_FAIL(KZ_E_USAGE, "%s: no %s '%s'", command->name, command->operand, word);
}

static kz_status take_operand(parser *p, const char *word)
{
    const kz_command *command = p->cli->command;
    int most = !command->operand ? 0 : command->operand_most ? command->operand_most : 1;
    if (p->cli->n_operands >= most) {
        hint_operand(p, word);
        return KZ_FAIL(KZ_E_USAGE, "%s: unexpected argument '%s'", command->name, word);
    }
    p->cli->operands[p->cli->n_operands++] = word;
    p->cli->operand = p->cli->operands[0];
    return check_operand(p, word);
}

static kz_status take_all(parser *p)
{
    bool options = true;
    kz_status st = KZ_OK;
    while (st == KZ_OK && p->at < p->argc) {
        const char *word = p->argv[p->at++];
        if (options && strcmp(word, "--") == 0) options = false;
        else if (!options || word[0] != '-' || !word[1]) st = take_operand(p, word);
        else st = word[1] == '-' ? take_long(p, word) : take_short(p, word);
    }
    return st;
}

/* Groups what was seen by option, each in the order given. */
static kz_status group(parser *p)
{
    kz_cli *cli = p->cli;
    int64_t n = 0;
    kz_status st = kz_calloc(&cli->values, p->n_seen, sizeof *cli->values, "command line");
    if (st != KZ_OK) return st;
    for (int option = 0; option < KZ_CLI_OPTIONS; option++) {
        cli->first[option] = n;
        for (int i = 0; i < p->n_seen; i++)
            if (p->seen[i].option == option) cli->values[n++] = p->seen[i].value;
    }
    cli->first[KZ_CLI_OPTIONS] = n;
    return KZ_OK;
}

static kz_status check_required(kz_cli *cli)
{
    const kz_command *command = cli->command;
    const kz_option *option, *missing = NULL;
    for (int i = 0; (option = kz_command_option(command, i)); i++) {
        bool was_given = cli->first[i] < cli->first[i + 1];
        if (option->alone && was_given) return KZ_OK;
        if (option->required && !was_given && !missing) missing = option;
    }
    bool operand_missing = command->operand_required && !cli->operand;
    if (!missing && !operand_missing) return KZ_OK;
    kz_cli_hint(cli, "for example: %s", command->examples->line);
    if (operand_missing) return KZ_FAIL(KZ_E_USAGE, "%s: %s is missing", command->name, command->operand);
    return KZ_FAIL(KZ_E_USAGE, "%s: %s %s is missing", command->name, missing->name, missing->argument);
}

bool kz_cli_wants_json(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) return true;
    return false;
}

kz_status kz_cli_parse(kz_cli *cli, const kz_command *command, int argc, char *const *argv)
{
    kz_status st = KZ_OK;
    parser p = {.cli = cli, .argc = argc, .argv = argv};
    *cli = (kz_cli){.command = command};
    cli->json = kz_cli_wants_json(argc, argv); /* known early, for the errors below */
    KZ_TRY(kz_calloc(&p.seen, argc, sizeof *p.seen, "command line"));
    KZ_TRY(kz_calloc(&cli->operands, argc, sizeof *cli->operands, "command line"));
    KZ_TRY(take_all(&p));
    KZ_TRY(group(&p));
    cli->help = kz_cli_has(cli, "--help");
    cli->json = kz_cli_has(cli, "--json");
    cli->quiet = kz_cli_has(cli, "--quiet");
    KZ_TRY(check_required(cli));
done:
    kz_free(&p.seen);
    return st;
}

void kz_cli_free(kz_cli *cli)
{
    kz_free(&cli->values);
    kz_free(&cli->operands);
    kz_text_free(&cli->hint);
    kz_text_free(&cli->report);
}

const char *const *kz_cli_values(const kz_cli *cli, const char *option, int64_t *n)
{
    int index;
    const kz_option *found = find_option(cli->command, option, strlen(option), &index);
    assert(found);
    (void)found;
    *n = cli->first[index + 1] - cli->first[index];
    return cli->values + cli->first[index];
}

bool kz_cli_has(const kz_cli *cli, const char *option)
{
    int64_t n;
    kz_cli_values(cli, option, &n);
    return n > 0;
}

const char *kz_cli_value(const kz_cli *cli, const char *option)
{
    int64_t n;
    const char *const *values = kz_cli_values(cli, option, &n);
    return n > 0 ? values[n - 1] : NULL;
}

kz_status kz_cli_int(const kz_cli *cli, const char *option, int64_t min, int64_t max, int64_t *out)
{
    int64_t v;
    const char *value = kz_cli_value(cli, option);
    if (!value) return KZ_OK;
    if (!kz_parse_int(value, &v) || v < min || v > max)
        return KZ_FAIL(KZ_E_USAGE, "%s: %s is '%s', must be a whole number from %" PRId64 " to %" PRId64,
                       cli->command->name, option, value, min, max);
    *out = v;
    return KZ_OK;
}
