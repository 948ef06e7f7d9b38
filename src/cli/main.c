/* kaizen: finds the command, runs it, prints its failure, and makes sure that stdout took everything. */
#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A standard stream that is closed would lend its number to the next file opened; writing to stdout still fails. */
static void open_missing_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) < 0) return;
}

static kz_status run(const kz_command *command, int argc, char *const *argv)
{
    assert(command);
    kz_cli cli;
    kz_status st = kz_cli_parse(&cli, command, argc, argv);
    kz_progress_allow(!cli.quiet);
    if (st == KZ_OK) st = cli.help ? kz_help_print(&(kz_named){.command = command}, stdout) : command->run(&cli);
    kz_progress_end();
    if (st != KZ_OK) kz_cli_print_error(&cli, st);
    kz_cli_free(&cli);
    return st;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* An option where a command must stand: of the program, or behind the name of a group. */
static kz_status unknown_option(kz_cli *cli, const char *word, const kz_group *group)
{
    const char *names[] = {kz_top_options[0].name, group ? NULL : kz_top_options[1].name, NULL};
    const char *near = kz_suggest(word, names), *name = group ? group->name : "", *blank = group ? " " : "";
    if (near) kz_cli_hint(cli, "did you mean %s?", near);
    else
        kz_cli_hint(cli,
                    "options follow the command: kaizen %s%sCOMMAND [OPTION]...; kaizen %s%s--help lists the commands",
                    name, blank, name, blank);
    return KZ_FAIL(KZ_E_USAGE, "%s%sunknown option '%s'", name, group ? ": " : "", word);
}

/* `kaizen data` alone and `kaizen data --help`; all else names a command of the group. */
static kz_status dispatch_group(kz_cli *cli, const kz_group *group, int argc, char **argv)
{
    if (argc == 1) {
        (void)kz_help_print(&(kz_named){.group = group}, stderr);
        return KZ_E_USAGE;
    }
    if (!is_help(argv[1])) {
        kz_status st = unknown_option(cli, argv[1], group);
        kz_cli_print_error(cli, st);
        return st;
    }
    argv[1] = argv[0]; /* as `kaizen help data` */
    return run(kz_command_find("help"), argc - 1, argv + 1);
}

static kz_status dispatch(int argc, char **argv)
{
    const char *word = argv[0];
    const kz_group *group = kz_group_find(word);
    kz_named named = {.used = 1};
    kz_cli cli = {.json = kz_cli_wants_json(argc, argv)}; /* for errors before there is a command */
    kz_status st = KZ_OK;
    if (group && (argc == 1 || argv[1][0] == '-')) {
        st = dispatch_group(&cli, group, argc, argv);
        kz_cli_free(&cli);
        return st;
    }
    if (is_help(word)) named.command = kz_command_find("help");
    else if (strcmp(word, "--version") == 0) named.command = kz_command_find("version");
    else if (word[0] == '-') st = unknown_option(&cli, word, NULL);
    else st = kz_command_named(&cli, (const char *const *)argv, argc, &named);
    if (st != KZ_OK) kz_cli_print_error(&cli, st);
    kz_cli_free(&cli);
    return st == KZ_OK ? run(named.command, argc - named.used, argv + named.used) : st;
}

/* A reader that left early (`kaizen ... | head`) needs no message, but the result did not get out either. */
static int finish(int status)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    bool failed = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !failed) return status;
    int reason = errno;
    bool reader_left = reason == EPIPE || (poll(&out, 1, 0) > 0 && (out.revents & POLLERR));
    if (!reader_left)
        fprintf(stderr, "kaizen: error: cannot write to standard output: %s\n",
                reason ? strerror(reason) : "an earlier write failed");
    return status ? status : kz_status_exit(KZ_E_OUTPUT);
}

int main(int argc, char **argv)
{
    static char buffer[1 << 16]; /* most results are then written by finish(), which can say why it failed */
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "kaizen";
    signal(SIGPIPE, SIG_IGN); /* a write then fails, and is noticed */
    signal(SIGXFSZ, SIG_IGN); /* likewise for a file that may not grow */
    open_missing_streams();
    if (!isatty(STDOUT_FILENO)) setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (strcmp(name, "train") == 0) return finish(kz_status_exit(run(kz_command_find("train"), argc - 1, argv + 1)));
    if (argc > 1) return finish(kz_status_exit(dispatch(argc - 1, argv + 1)));
    (void)kz_help_print(&(kz_named){.used = 0}, stderr);
    return finish(kz_status_exit(KZ_E_USAGE));
}
