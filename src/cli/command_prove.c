/* The tables of `kaizen prove`. */
#include "cli.h"

static const kz_example examples[] = {{"kaizen prove", "every golden config, instruction set and thread count"},
                                      {"kaizen prove --quick", "the same with fewer thread counts"},
                                      {"kaizen prove --device cuda", "on the GPU, and handed over to the CPU and back"},
                                      {"kaizen prove --isa plain --threads 1,8 --only digits", "some of it"},
                                      {.line = NULL}};

static const kz_option options[] = {
    {.name = "--quick", .help = "fewer thread counts: 1, 2, 3 and 8; some seconds in all"},
    {.name = "--golden",
     .argument = "DIR",
     .values = KZ_VALUES_DIR,
     .help = "takes the golden configs and digests.json from DIR"},
    {.name = "--isa",
     .argument = "LIST",
     .help = "only these instruction sets, such as plain,avx2; `kaizen info` lists this machine's"},
    {.name = "--device",
     .argument = "DEVICE",
     .values = "cpu cuda",
     .help = "only on cpu, or cuda or cuda:N; without it on the CPU, and on a GPU where there is one"},
    {.name = "--threads", .argument = "LIST", .help = "only these thread counts, such as 1,2,3,8"},
    {.name = "--only", .argument = "NAME", .repeatable = true, .help = "only the golden config NAME; may be repeated"},
    {.name = "--record", .help = "writes digests.json instead of comparing; for developers"},
    {.name = NULL}};

static const kz_status exits[] = {KZ_E_DIFFERENT, KZ_E_DATA, KZ_E_INPUT, KZ_E_DEVICE, KZ_E_CONFIG, KZ_OK};

const kz_command kz_command_prove = {
    .name = "prove",
    .summary = "trains the golden configs here and compares their bits",
    .usage = "[OPTION]...",
    .examples = examples,
    .description =
        "Trains small configs whose weights digests were recorded elsewhere, over the instruction sets and thread "
        "counts of this machine, straight through and stopped and resumed, and prints one table and one verdict: the "
        "same bits, or where they differ.",
    .options = options,
    .exits = exits,
    .run = kz_cli_prove};
