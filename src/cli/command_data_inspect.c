/* kaizen data inspect: shows what is in an HDF5 file. */
#include "inspect_view.h"
#include "kz/data.h"

static const kz_example examples[] = {
    {"kaizen data inspect digits.h5", "shows what is in the file and what its values are like"},
    {"kaizen data inspect digits.h5 --object /train/x", "every column of one array"},
    {"kaizen data inspect digits.h5 --json | jq .splits", "the same for programs"},
    {.line = NULL}};

static const kz_option options[] = {{.name = "--object",
                                     .argument = "PATH",
                                     .repeatable = true,
                                     .help = "shows the values of this array, such as /train/x; may be repeated"},
                                    {.name = "--allow-filters",
                                     .help =
                                         "loads the plug-in filters of HDF5 that are installed, for a file that you "
                                         "trust"},
                                    {.name = NULL}};

static const kz_status exits[] = {KZ_E_DATA, KZ_E_INPUT, KZ_OK};

const kz_command kz_command_data_inspect = {
    .name = "data inspect",
    .summary = "shows what is in an HDF5 file, and what its values are like",
    .usage = "FILE [OPTION]...",
    .examples = examples,
    .description =
        "Lists groups, arrays, links and attributes, with types, shapes, chunks and filters; says which arrays a "
        "config "
        "would train on, with lines to paste where their names are not our own; and shows ranges, histograms, missing "
        "values and the balance of classes.\n\n"
        "Arrays of up to 64 MiB are read whole, of larger ones 16 parts spread evenly, which the output says. Reading "
        "is "
        "timed: where it would be slow, the reason and the h5repack line that helps are shown.",
    .options = options,
    .operand = "FILE",
    .operand_required = true,
    .operand_values = KZ_VALUES_FILE,
    .exits = exits,
    .run = kz_cli_data_inspect};

static void print(const json_t *found, bool all)
{
    inspect_view view = {.j = found,
                         .width = kz_style_width(stdout),
                         .unicode = kz_style_unicode(stdout),
                         .all = all,
                         .bold = kz_style_code(stdout, KZ_STYLE_BOLD),
                         .dim = kz_style_code(stdout, KZ_STYLE_DIM),
                         .yellow = kz_style_code(stdout, KZ_STYLE_YELLOW),
                         .off = kz_style_code(stdout, KZ_STYLE_OFF)};
    inspect_view_print(&view);
}

/* All is shown, and then an array that cannot be read is bad data. */
static kz_status verdict(const json_t *found)
{
    const json_t *arrays = json_object_get(found, "arrays");
    for (size_t i = 0; i < json_array_size(arrays); i++) {
        const char *problem = inspect_text(json_array_get(arrays, i), "problem");
        if (*problem) return KZ_FAIL(KZ_E_DATA, "%s", problem);
    }
    return KZ_OK;
}

kz_status kz_cli_data_inspect(kz_cli *cli)
{
    json_t *found = NULL;
    int64_t n;
    const char *const *objects = kz_cli_values(cli, "--object", &n);
    kz_status st = KZ_OK;
    KZ_TRY(kz_data_inspect(&found, cli->operand, objects, n, kz_cli_has(cli, "--allow-filters")));
    if (cli->json) KZ_TRY(kz_cli_print_json(cli, found));
    else print(found, n > 0);
    st = verdict(found);
done:
    json_decref(found);
    return st;
}
