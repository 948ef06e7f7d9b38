/* kaizen version, also --version. */
#include "cli.h"
#include "kz/record.h"

static const kz_example examples[] = {{"kaizen --version", "prints the version, the commit and the compiler"},
                                      {.line = NULL}};

const kz_command kz_command_version = {.name = "version",
                                       .summary = "prints the version, the commit and the compiler",
                                       .usage = "[OPTION]...",
                                       .examples = examples,
                                       .description = "",
                                       .run = kz_cli_version};

static const char *text_of(const json_t *build, const char *key)
{
    const char *text = json_string_value(json_object_get(build, key));
    return text ? text : "unknown";
}

kz_status kz_cli_version(kz_cli *cli)
{
    kz_status st = KZ_OK;
    json_t *build = kz_build_json();
    if (!build) return KZ_FAIL(KZ_E_MEM, "version: no memory");
    if (cli->json) st = kz_cli_print_json(cli, build);
    else
        printf("kaizen %s (%.12s, %s)\n", text_of(build, "version"), text_of(build, "commit"),
               text_of(build, "compiler"));
    json_decref(build);
    return st;
}
