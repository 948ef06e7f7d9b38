/* The tables of `kaizen train`. */
#include "cli.h"

static const kz_example examples[] = {
    {"kaizen train --config run.yaml", "fits the model, shows every epoch, writes a run directory"},
    {"kaizen train -c run.yaml --set optimizer.lr=0.01 --seed 2", "the same with other values"},
    {"kaizen train -c run.yaml --dry-run", "checks everything, says peak memory and disk, trains nothing"},
    {"kaizen train -c results/runs/digits/RUN/config.yaml", "repeats a run: the same bits, on any machine and device"},
    {"kaizen train --resume results/runs/digits/RUN", "goes on with a run that was stopped, as if it never had been"},
    {"kaizen train -c run.yaml --resume auto", "for batch jobs: goes on with the run, or begins it"},
    {.line = NULL}};

static const kz_option options[] = {
    {.name = "--config",
     .letter = 'c',
     .argument = "FILE",
     .required = true,
     .values = KZ_VALUES_FILE,
     .help = "the config of the run, in YAML or JSON"},
    {.name = "--set",
     .argument = "KEY=VALUE",
     .repeatable = true,
     .help = "puts VALUE over a key of the config, such as optimizer.lr=0.01; may be repeated"},
    {.name = "--device",
     .argument = "KIND",
     .values = "auto cpu cuda",
     .help = "computes on auto, cpu, cuda or cuda:N; changes no bit, unless device.arithmetic is fast"},
    {.name = "--threads",
     .argument = "N",
     .help = "computes with N threads, 0: all that it may use; changes no bit of the result"},
    {.name = "--seed", .argument = "N", .help = "the seed of every random number of the run"},
    {.name = "--allow-filters",
     .help = "loads the plug-in filters of HDF5 that are installed, for a file that you trust"},
    {.name = "--out",
     .argument = "DIR",
     .values = KZ_VALUES_DIR,
     .help = "writes the run to exactly DIR, which must be empty or not exist"},
    {.name = "--resume",
     .argument = "DIR",
     .optional = true,
     .alone = true,
     .values = KZ_VALUES_DIR,
     .help =
         "goes on with the run in DIR; without DIR with that in --out, or the newest unfinished one of this config; "
         "auto: begins one where there is none"},
    {.name = "--log",
     .argument = "FORMAT",
     .values = "text logfmt json",
     .help =
         "how progress is told: text, or a line per event as logfmt or json; default: text on a terminal, else logfmt"},
    {.name = "--dry-run",
     .letter = 'n',
     .help = "checks config, data and device, says peak memory and disk, trains nothing"},
    {.name = "--print-config", .help = "prints the config as it would be used, and ends"},
    {.name = "--print-schema", .alone = true, .help = "prints the JSON Schema of configs, for editors, and ends"},
    {.name = NULL}};

static const kz_status exits[] = {KZ_E_DATA,   KZ_E_INPUT,  KZ_E_DEVICE,  KZ_E_DIVERGED, KZ_E_INTERRUPTED,
                                  KZ_E_CONFIG, KZ_E_SIGINT, KZ_E_SIGTERM, KZ_OK};

const kz_command kz_command_train = {
    .name = "train",
    .summary = "fits a model; writes a run directory",
    .usage = "--config FILE [OPTION]...",
    .examples = examples,
    .description =
        "The same config gives the same bits on every machine: any thread count, any instruction set. The digest of "
        "the weights is printed last; two runs with the same digest have the same weights.\n\n"
        "The run directory holds the resolved config (config.yaml), the result (run.json), a line per epoch "
        "(metrics.jsonl) and the weights (model.safetensors).\n\n"
        "SIGTERM, SIGINT and SIGHUP write a checkpoint and end the run with status 75; a second one ends the program "
        "at "
        "once. SIGUSR1 writes a checkpoint. --resume then goes on in the middle of the epoch, on any machine, with the "
        "bits that the run would have had.",
    .options = options,
    .exits = exits,
    .run = kz_cli_train};
