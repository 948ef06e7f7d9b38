/* The tables of `kaizen data check`. */
#include "cli.h"

static const kz_example examples[] = {
    {"kaizen data check digits.h5", "tells what is wrong or suspicious"},
    {"kaizen data check --config run.yaml", "the arrays that a config names"},
    {"kaizen data check new.h5 --against old.h5 --strict --report check.html", "a gate for a new version"},
    {.line = NULL}};

static const kz_option options[] = {
    {.name = "--config",
     .argument = "FILE",
     .values = KZ_VALUES_FILE,
     .help = "takes the names of arrays and the task from this config, and its data set where no FILE is given"},
    {.name = "--against",
     .argument = "OLD",
     .values = KZ_VALUES_FILE,
     .help = "compares with OLD, an older version of the data set, as well"},
    {.name = "--strict", .help = "warnings are errors: exit 65"},
    {.name = "--allow",
     .argument = "ID",
     .repeatable = true,
     .help = "the finding ID, such as duplicate-rows, is known: listed, and not counted; may be repeated"},
    {.name = "--max-psi",
     .argument = "X",
     .help = "warns of drift where the population stability index is above X; default 0.25"},
    {.name = "--report",
     .argument = "FILE",
     .repeatable = true,
     .values = KZ_VALUES_FILE,
     .help = "writes a report: .html, .md or .json; may be repeated"},
    {.name = "--allow-filters",
     .help = "loads the plug-in filters of HDF5 that are installed, for a file that you trust"},
    {.name = "--memory",
     .argument = "SIZE",
     .help = "takes at most SIZE of memory, such as 2GiB; default data.memory of the config, else 8GiB"},
    {.name = "--threads", .argument = "N", .help = "uses N threads; 0, the default: all there are"},
    {.name = NULL}};

static const kz_status exits[] = {KZ_E_DATA, KZ_E_INPUT, KZ_E_CONFIG, KZ_OK};

const kz_command kz_command_data_check = {
    .name = "data check",
    .summary = "tells whether a data set is right to train on",
    .usage = "[FILE] [OPTION]...",
    .examples = examples,
    .description =
        "Reads every value and looks for what makes training wrong (values that are not numbers, labels out of range, "
        "splits that do not fit: exit 65) and for what makes its result mislead (rows of test that are in train, "
        "repeated rows, features that drift or give the label away: warnings).\n\n"
        "With --against it also tells what changed since an older version: schema, rows, labels, distributions.",
    .options = options,
    .operand = "FILE",
    .operand_values = KZ_VALUES_FILE,
    .exits = exits,
    .run = kz_cli_data_check};
