/* How `kaizen info` reads: sections of rows, wrapped in their column. */
#include "info.h"

#include <string.h>

enum { COLUMN = 14 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "unknown";
}

static int int_of(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static void heading(const char *title)
{
    printf("%s%s%s\n", kz_style_code(stdout, KZ_STYLE_BOLD), title, kz_style_code(stdout, KZ_STYLE_OFF));
}

/* "  name        text", continued below itself where the line is full. */
static void __attribute__((format(printf, 2, 3))) row(const char *name, const char *format, ...)
{
    char text[2048];
    int width = kz_style_width(stdout), at = COLUMN;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("  %-*s", COLUMN - 2, name);
    for (char *rest = NULL, *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        int n = (int)strlen(word);
        if (at > COLUMN && at + 1 + n > width) {
            printf("\n%*s", COLUMN, "");
            at = COLUMN;
        }
        at += printf("%s%s", at > COLUMN ? " " : "", word);
    }
    putchar('\n');
}

/* "ready" or "not available", in its colour, in front of the rest of a row. */
static const char *state(char out[40], bool available)
{
    snprintf(out, 40, "%s%s%s", kz_style_code(stdout, available ? KZ_STYLE_GREEN : KZ_STYLE_YELLOW),
             available ? "ready" : "not available", kz_style_code(stdout, KZ_STYLE_OFF));
    return out;
}

/* The texts of a list with `between` between them. */
static void join(kz_text *out, const json_t *list, const char *between)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)(void) kz_text_add(out, "%s%s", i ? between : "", json_string_value(item));
}

static void print_cpu(const json_t *cpu)
{
    static const char *const levels[][2] = {{"L1d", "l1d_bytes"}, {"L2", "l2_bytes"}, {"L3", "l3_bytes"}};
    kz_text isas = {0}, caches = {0};
    char size[24];
    const json_t *cache = json_object_get(cpu, "caches");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        double bytes = json_number_value(json_object_get(cache, levels[i][1]));
        if (bytes <= 0) continue;
        kz_format_size(size, bytes);
        (void)kz_text_add(&caches, "%s%s %s", caches.n ? ", " : "", levels[i][0], size);
    }
    join(&isas, json_object_get(cpu, "isa"), " ");
    row("CPU", "%s", text_of(cpu, "model"));
    row("", "%d of %d logical CPUs usable", int_of(cpu, "usable"), int_of(cpu, "logical"));
    if (isas.n) row("vectors", "%s", isas.s);
    if (caches.n) row("caches", "%s", caches.s);
    kz_text_free(&isas);
    kz_text_free(&caches);
}

static void print_machine(const json_t *machine)
{
    char memory[24];
    heading("Machine");
    print_cpu(json_object_get(machine, "cpu"));
    kz_format_size(memory, (double)json_integer_value(json_object_get(machine, "memory_bytes")));
    row("memory", "%s", memory);
    row("system", "%s, Linux %s, %s", text_of(machine, "os"), text_of(machine, "kernel"), text_of(machine, "arch"));
    const char *container = json_string_value(json_object_get(machine, "container"));
    if (container) row("container", "%s", container);
}

static void print_gpu(const json_t *gpu, const char *ready)
{
    char all[24], unused[24];
    kz_format_size(all, (double)json_integer_value(json_object_get(gpu, "memory_bytes")));
    kz_format_size(unused, (double)json_integer_value(json_object_get(gpu, "memory_free_bytes")));
    row(text_of(gpu, "name"),
        "%s: %s (%s), %d multiprocessors, %s of memory, %s free; driver for CUDA %s, built with %s", ready,
        text_of(gpu, "model"), text_of(gpu, "isa"), int_of(gpu, "multiprocessors"), all, unused, text_of(gpu, "driver"),
        text_of(gpu, "runtime"));
}

static void print_device(const json_t *device)
{
    char ready[40];
    bool available = json_is_true(json_object_get(device, "available"));
    const json_t *isas = json_object_get(device, "instruction_sets");
    kz_text list = {0};
    state(ready, available);
    join(&list, isas, ", ");
    if (!available) row(text_of(device, "name"), "%s: %s", ready, text_of(device, "reason"));
    else if (isas)
        row(text_of(device, "name"), "%s: %d threads, instruction set %s (of %s)", ready, int_of(device, "threads"),
            text_of(device, "chosen"), kz_text_str(&list));
    else print_gpu(device, ready);
    kz_text_free(&list);
}

static void print_meter(const char *name, const json_t *meter)
{
    char ready[40];
    bool available = json_is_true(json_object_get(meter, "available"));
    state(ready, available);
    row(name, "%s%s %s", ready, available ? ": by" : ":", text_of(meter, available ? "source" : "reason"));
}

/* The optional features that are in, or those that are not: "cuda, mpi". */
static void add_features(kz_text *out, const json_t *features, bool in)
{
    const char *name;
    json_t *on;
    json_object_foreach((json_t *)features, name, on) if (json_is_true(on) == in)(void)
        kz_text_add(out, "%s%s", out->n ? ", " : "", name);
}

static void print_build(const json_t *build)
{
    kz_text in = {0}, out = {0}, libraries = {0};
    const char *name;
    json_t *value;
    add_features(&in, json_object_get(build, "features"), true);
    add_features(&out, json_object_get(build, "features"), false);
    json_object_foreach(json_object_get(build, "libraries"), name, value)(void)
        kz_text_add(&libraries, "%s%s %s", libraries.n ? ", " : "", name, json_string_value(value));
    heading("Build");
    row("kaizen", "%s, commit %.12s%s, arithmetic %d", text_of(build, "version"), text_of(build, "commit"),
        json_is_true(json_object_get(build, "dirty")) ? " with changes" : "", int_of(build, "arithmetic"));
    row("compiler", "%s, %s", text_of(build, "compiler"), text_of(build, "type"));
    row("flags", "%s", text_of(build, "flags"));
    row("libraries", "%s", kz_text_str(&libraries));
    row("features", "%s%s%s", in.n ? in.s : "none", out.n ? "; not built in: " : "", kz_text_str(&out));
    kz_text_free(&in);
    kz_text_free(&out);
    kz_text_free(&libraries);
}

void kz_info_print(const json_t *info)
{
    size_t i;
    const json_t *device, *energy = json_object_get(info, "energy"), *reader = json_object_get(info, "reader");
    print_machine(json_object_get(info, "machine"));
    putchar('\n');
    heading("Devices");
    json_array_foreach(json_object_get(info, "devices"), i, device) print_device(device);
    putchar('\n');
    heading("Energy meters");
    print_meter("CPU", json_object_get(energy, "cpu"));
    print_meter("GPU", json_object_get(energy, "gpu"));
    putchar('\n');
    heading("Limits of the process that reads HDF5 files");
    print_meter("memory", json_object_get(reader, "memory"));
    print_meter("files", json_object_get(reader, "files"));
    print_meter("calls", json_object_get(reader, "calls"));
    putchar('\n');
    print_build(json_object_get(info, "build"));
    putchar('\n');
    heading("Files");
    row("runs", "%s in the working directory, unless the config's `output` or --out says otherwise",
        text_of(info, "output"));
}
