/* kaizen info: the machine, the devices, the build, and what each can do. */
#include "info.h"
#include "kz/data.h"
#include "kz/device.h"
#include "kz/record.h"

static const kz_example examples[] = {{"kaizen info", "what this machine and this build can do"},
                                      {"kaizen info --json | jq .devices", "the same for programs"},
                                      {.line = NULL}};

const kz_command kz_command_info = {.name = "info",
                                    .summary = "shows machine, devices and build, and what each can do",
                                    .usage = "[OPTION]...",
                                    .examples = examples,
                                    .description = "What is not available is listed with the reason.",
                                    .run = kz_cli_info};

static json_t *isas_json(void)
{
    json_t *list = json_array();
    for (const char *const *isa = kz_device_isas(); *isa; isa++) json_array_append_new(list, json_string(*isa));
    return list;
}

/* The CPU as `train` would use it now; KAIZEN_ISA may ask for what is not there. */
static json_t *cpu_json(void)
{
    kz_device *dev = NULL;
    char kind[] = "cpu";
    kz_config_device cfg = {.kind = kind};
    kz_status st = kz_device_create(&dev, &cfg, NULL);
    json_t *cpu = json_pack("{s:s, s:b, s:s?, s:o, s:s?, s:i}", "name", "cpu", "available", st == KZ_OK, "reason",
                            st == KZ_OK ? NULL : kz_error_message(), "instruction_sets", isas_json(), "chosen",
                            dev ? dev->variant : NULL, "threads", dev ? dev->threads : 0);
    kz_device_destroy(&dev);
    kz_error_clear(); /* a device that is not there is a result */
    return cpu;
}

static json_t *gpu_json(const kz_gpu *g, int64_t number)
{
    char name[16];
    snprintf(name, sizeof name, "cuda:%d", (int)number);
    return json_pack("{s:s, s:b, s:s?, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "name", name, "available", !*g->reason,
                     "reason", *g->reason ? g->reason : NULL, "model", g->model, "isa", g->variant, "memory_bytes",
                     (json_int_t)g->memory, "memory_free_bytes", (json_int_t)g->free, "multiprocessors",
                     (json_int_t)g->multiprocessors, "driver", g->driver, "runtime", g->runtime, "bus", g->bus);
}

/* The CPU and each GPU; without any, why. */
static json_t *devices_json(void)
{
    kz_gpu *gpu = NULL;
    int64_t n = 0;
    json_t *list = json_array();
    json_array_append_new(list, cpu_json());
    kz_status st = kz_device_gpus(&gpu, &n);
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, gpu_json(&gpu[i], i));
    if (n == 0)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", "cuda", "available", false, "reason",
                                              st == KZ_OK ? "no NVIDIA GPU here" : kz_error_message()));
    kz_free(&gpu);
    kz_error_clear();
    return list;
}

kz_status kz_cli_info(kz_cli *cli)
{
    kz_status st = KZ_OK;
    json_t *info = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "schema", "kaizen.info/1", "machine",
                             kz_machine_json(), "devices", devices_json(), "energy", kz_info_energy(), "reader",
                             kz_data_walls(), "build", kz_build_json(), "output", "results/runs");
    if (!info) return KZ_FAIL(KZ_E_MEM, "info: no memory for the result");
    if (cli->json) st = kz_cli_print_json(cli, info);
    else kz_info_print(info);
    json_decref(info);
    return st;
}
