/* kaizen prove: the golden configs, trained here in many ways, against the recorded digests. */
#include "cli.h"

#include "golden.h"
#include "kz/device.h"
#include "kz/train.h"
#include "prove_resume.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WAYS = 32, MOST_THREADS = 1024 };

/* One way to train: a column of the table. */
typedef struct {
    const char *isa; /* or a GPU: "cuda", "cuda:1" */
    int threads;
    bool again;         /* from the resolved config that the first run would leave in its directory */
    kz_prove_part then; /* isa not NULL: stopped in the middle of an epoch, and taken up like that */
    char title[24];
} way;

typedef struct {
    kz_cli *cli;
    kz_golden_set golden;
    way ways[MOST_WAYS];
    int n_ways;
    char gpu[96]; /* its model; "": none takes part */
    int64_t runs, different, unrecorded;
    json_t *rows; /* --json */
} proof;

/* ---- which ways ---- */

static kz_status add_way(proof *p, const char *isa, int threads, bool again)
{
    if (p->n_ways == MOST_WAYS) return KZ_FAIL(KZ_E_USAGE, "more than %d ways to train; name fewer", MOST_WAYS);
    way *w = &p->ways[p->n_ways++];
    *w = (way){.isa = isa, .threads = threads, .again = again};
    if (again) snprintf(w->title, sizeof w->title, "again");
    else snprintf(w->title, sizeof w->title, "x%d", threads);
    return KZ_OK;
}

/* Stopped and resumed: begun by every instruction set on the first number of threads, taken up by the next one on the last. */
static kz_status add_resumed(proof *p, const char *isa, const char *next, const int *threads, int n)
{
    kz_status st = add_way(p, isa, threads[0], false);
    if (st != KZ_OK) return st;
    way *w = &p->ways[p->n_ways - 1];
    w->then = (kz_prove_part){next, threads[n - 1]};
    snprintf(w->title, sizeof w->title, "cut");
    return KZ_OK;
}

/* Is `word` of length n in the comma-separated list?  NULL stands for all. */
static bool listed(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
    return !list;
}

/* The listed instruction set after *isa; after the last one the first. */
static const char *next_isa(const char *list, const char *const *isa)
{
    while (*++isa)
        if (listed(list, *isa)) return *isa;
    for (isa = kz_device_isas(); !listed(list, *isa);) isa++;
    return *isa;
}

/* Every word of the list must name an instruction set that this machine has. */
static kz_status check_isas(const char *list)
{
    char word[16];
    for (const char *at = list; at;) {
        size_t n = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        const char *const *isa = kz_device_isas();
        while (*isa && strcmp(*isa, word) != 0) isa++;
        if (!*isa)
            return KZ_FAIL(KZ_E_DEVICE, "--isa: '%s' is not available on this CPU and build; see kaizen info", word);
        at = at[n] ? at + n + 1 : NULL;
    }
    return KZ_OK;
}

/* The numbers of "1,2,3,8". */
static kz_status parse_threads(const char *list, int threads[MOST_WAYS], int *n)
{
    char word[16];
    for (const char *at = list; at;) {
        int64_t value;
        if (*n == MOST_WAYS) return KZ_FAIL(KZ_E_USAGE, "--threads: more than %d numbers; name fewer", MOST_WAYS);
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (!kz_parse_int(word, &value) || value < 1 || value > MOST_THREADS)
            return KZ_FAIL(KZ_E_USAGE, "--threads: '%s' is not a number of 1 to %d", word, MOST_THREADS);
        threads[(*n)++] = (int)value;
        at = at[length] ? at + length + 1 : NULL;
    }
    return KZ_OK;
}

/* Straight through, begun there and taken up by the CPU, and the other way round. */
static kz_status add_gpu(proof *p, const char *kind)
{
    static const char *const titles[] = {"gpu", "to", "from"};
    const char *const *fastest = kz_device_isas();
    kz_gpu *gpu = NULL;
    int64_t n = 0, number = 0;
    kz_status st = KZ_OK;
    while (fastest[1]) fastest++;
    if (strcmp(kind, "cuda") != 0 &&
        (strncmp(kind, "cuda:", 5) != 0 || !kz_parse_int(kind + strlen("cuda:"), &number) || number < 0))
        return KZ_FAIL(KZ_E_USAGE, "prove: --device is '%s', must be cpu, cuda or cuda:N", kind);
    KZ_TRY(kz_device_gpus(&gpu, &n));
    if (number >= n) {
        st = KZ_FAIL(KZ_E_DEVICE, "--device: '%s', but there are %lld GPUs here; see kaizen info", kind, (long long)n);
        goto done;
    }
    snprintf(p->gpu, sizeof p->gpu, "%s", gpu[number].model);
    for (int i = 0; i < 3; i++) {
        KZ_TRY(add_way(p, i < 2 ? kind : *fastest, i < 2 ? 0 : 2, false));
        way *w = &p->ways[p->n_ways - 1];
        if (i == 1) w->then = (kz_prove_part){*fastest, 2};
        if (i == 2) w->then = (kz_prove_part){kind, 0};
        snprintf(w->title, sizeof w->title, "%s", titles[i]);
    }
done:
    kz_free(&gpu);
    return st;
}

/* Quick: every instruction set on 1, 2, 3 and 8 threads.  Else more threads, and once more from the resolved config.  A
 * GPU instead of the CPU alone where one is named, and beside it where there is one. */
static kz_status choose_ways(proof *p)
{
    bool quick = kz_cli_has(p->cli, "--quick");
    const char *isas = kz_cli_value(p->cli, "--isa"), *given = kz_cli_value(p->cli, "--threads");
    const char *device = kz_cli_value(p->cli, "--device");
    bool gpu = device && strcmp(device, "cpu") != 0;
    if (gpu && (isas || given || quick))
        return KZ_FAIL(KZ_E_USAGE,
                       "prove: --device %s has no instruction sets and threads to choose from; leave out --isa, "
                       "--threads and --quick",
                       device);
    if (gpu) return add_gpu(p, device);
    int threads[MOST_WAYS] = {0}, n = 0;
    kz_status st = KZ_OK;
    KZ_TRY(check_isas(isas));
    KZ_TRY(parse_threads(given ? given : quick ? "1,2,3,8" : "1,2,3,5,8,16", threads, &n));
    for (const char *const *isa = kz_device_isas(); *isa; isa++) {
        if (!listed(isas, *isa)) continue;
        for (int i = 0; i < n; i++) KZ_TRY(add_way(p, *isa, threads[i], false));
        if (!quick) KZ_TRY(add_way(p, *isa, threads[0], true));
        KZ_TRY(add_resumed(p, *isa, next_isa(isas, isa), threads, n));
    }
    if (!device && !isas && kz_device_has_gpu()) KZ_TRY(add_gpu(p, "cuda"));
done:
    return st;
}

static kz_status check_names(const proof *p)
{
    int64_t n;
    const char *const *only = kz_cli_values(p->cli, "--only", &n);
    for (int64_t i = 0; i < n; i++) {
        int64_t g = 0;
        while (g < p->golden.n && strcmp(p->golden.list[g].name, only[i]) != 0) g++;
        if (g == p->golden.n)
            return KZ_FAIL(KZ_E_USAGE, "--only: no golden config '%s' in %s", only[i], p->golden.directory);
    }
    return KZ_OK;
}

static bool chosen(const proof *p, const kz_golden *g)
{
    int64_t n;
    const char *const *only = kz_cli_values(p->cli, "--only", &n);
    for (int64_t i = 0; i < n; i++)
        if (strcmp(only[i], g->name) == 0) return true;
    return n == 0;
}

/* ---- one run ---- */

typedef struct {
    kz_sha256 *hash;
    uint8_t chain[32];
} trajectory;

static kz_status on_epoch(void *context, const kz_epoch *epoch, const float *weights, int64_t n)
{
    trajectory *t = context;
    uint8_t digest[32];
    (void)epoch;
    kz_trajectory_extend(t->chain, digest, weights, n, t->hash);
    return KZ_OK;
}

/* Replaces *cfg by what its resolved form reads back as. */
static kz_status reload(kz_config **cfg)
{
    kz_text yaml = {0}, report = {0};
    kz_config *again = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_yaml(&yaml, *cfg));
    KZ_TRY(kz_config_parse(&again, "config.yaml", kz_text_str(&yaml), NULL, 0, &report));
    kz_config_destroy(cfg);
    *cfg = again;
done:
    kz_text_free(&yaml);
    kz_text_free(&report);
    return st;
}

/* Trains g in one way; *out <- its digests. */
static kz_status train_once(kz_cli *cli, const kz_golden *g, const way *w, kz_golden *out)
{
    kz_config *cfg = NULL;
    kz_text report = {0};
    kz_train_result result = {0};
    trajectory t = {0};
    kz_status st = KZ_OK;
    kz_train_options options = {.no_record = true};
    if (w->then.isa) return kz_prove_resumed(out, g->path, &(kz_prove_part){w->isa, w->threads}, &w->then);
    KZ_TRY(kz_sha256_create(&t.hash));
    st = kz_config_load(&cfg, g->path, NULL, 0, &report);
    if (report.n) kz_cli_report(cli, report.s);
    KZ_TRY(st);
    if (w->again) {
        options.dry_run = true;
        KZ_TRY(kz_prove_on(&(kz_prove_part){w->isa, w->threads}, cfg, &options));
        KZ_TRY(kz_train(cfg, &options, &result)); /* closes what the config leaves open */
        KZ_TRY(reload(&cfg));
        options.dry_run = false;
    }
    KZ_TRY(kz_prove_on(&(kz_prove_part){w->isa, w->threads}, cfg, &options));
    options.watch = (kz_train_watch){.context = &t, .epoch = on_epoch};
    KZ_TRY(kz_train(cfg, &options, &result));
    memcpy(out->weights, result.weights, sizeof out->weights);
    kz_digest_text(out->trajectory, t.chain);
done:
    kz_train_result_free(&result);
    kz_config_destroy(&cfg);
    kz_sha256_destroy(&t.hash);
    kz_text_free(&report);
    return st;
}

/* ---- the table ---- */

static const char *coloured(const char *word, kz_style style, char out[32])
{
    snprintf(out, 32, "%s%s%s", kz_style_code(stdout, style), word, kz_style_code(stdout, KZ_STYLE_OFF));
    return out;
}

static void print_where(const proof *p)
{
    json_t *machine = kz_machine_json(), *build = kz_build_json();
    const char *cpu = json_string_value(json_object_get(json_object_get(machine, "cpu"), "model"));
    const char *version = json_string_value(json_object_get(build, "version"));
    const char *compiler = json_string_value(json_object_get(build, "compiler"));
    printf("machine   %s, %d cores usable\n", cpu ? cpu : "unknown CPU", kz_cpu_count());
    if (*p->gpu) printf("gpu       %s\n", p->gpu);
    printf("build     kaizen %s, %s, arithmetic %d\n", version ? version : "", compiler ? compiler : "", KZ_ARITHMETIC);
    if (p->golden.arithmetic > 0)
        printf("recorded  %s/digests.json, arithmetic %lld\n\n", p->golden.directory, (long long)p->golden.arithmetic);
    else printf("recorded  nothing in %s\n\n", p->golden.directory);
    json_decref(machine);
    json_decref(build);
}

/* Two lines: instruction sets above their columns, then threads; "again" is from the resolved config, "cut" stopped in the
 * middle of an epoch and resumed by another instruction set and number of threads; "to" begun on the GPU and resumed by the
 * CPU, "from" the other way round. */
static void print_head(const proof *p)
{
    if (p->cli->json) return;
    printf(
        "Does the same config give the same bits here?  Each training must end with the digest recorded for it,\n"
        "also where it is cut in the middle of an epoch and resumed by another instruction set on other threads.\n\n");
    print_where(p);
    printf("%-20s", "");
    for (int i = 0; i < p->n_ways; i++)
        printf(" %5s", i == 0 || p->ways[i].isa != p->ways[i - 1].isa ? p->ways[i].isa : "");
    printf("\n%-20s", "golden config");
    for (int i = 0; i < p->n_ways; i++) printf(" %5s", p->ways[i].title);
    printf("  %-12s %8s\n", "weights", "time");
}

static void print_cell(const proof *p, bool same, bool recorded)
{
    char word[32];
    if (p->cli->json) return;
    if (!recorded) printf(" %5s", "new");
    else printf("  %s", same ? coloured("same", KZ_STYLE_GREEN, word) : coloured("DIFF", KZ_STYLE_RED, word));
    fflush(stdout);
}

static void note_run(proof *p, const kz_golden *g, const way *w, const kz_golden *got, bool same, double seconds)
{
    if (!p->cli->json) return;
    json_array_append_new(p->rows,
                          json_pack("{s:s, s:s, s:i, s:b, s:b, s:b, s:s, s:s, s:f}", "config", g->name, "isa", w->isa,
                                    "threads", w->threads, "again", w->again, "resumed", w->then.isa != NULL, "same",
                                    same, "weights", got->weights, "trajectory", got->trajectory, "seconds", seconds));
}

/* A row: g in every way. */
static kz_status prove_config(proof *p, kz_golden *g)
{
    kz_golden got = {0};
    char time[24];
    double start = kz_clock();
    kz_status st = KZ_OK;
    bool record = kz_cli_has(p->cli, "--record"), recorded = !record && g->weights[0] != '\0';
    if (!p->cli->json) printf("%-20s", g->name);
    for (int i = 0; i < p->n_ways; i++) {
        double began = kz_clock();
        KZ_TRY(train_once(p->cli, g, &p->ways[i], &got));
        if (!recorded && i == 0) { /* the first way sets what the others must equal */
            memcpy(g->weights, got.weights, sizeof g->weights);
            memcpy(g->trajectory, got.trajectory, sizeof g->trajectory);
        }
        bool same = strcmp(got.weights, g->weights) == 0 && strcmp(got.trajectory, g->trajectory) == 0;
        p->runs++;
        p->different += !same;
        print_cell(p, same, recorded || i > 0);
        note_run(p, g, &p->ways[i], &got, same, kz_clock() - began);
    }
    p->unrecorded += !recorded && !record;
    kz_format_duration(time, kz_clock() - start);
    if (!p->cli->json) printf("  %.12s %8s\n", got.weights + strlen("sha256:"), time);
done:
    return st;
}

static kz_status conclude(proof *p, double seconds)
{
    char time[24], word[32];
    const char *verdict = p->different ? "different" : p->unrecorded ? "not recorded" : "same";
    kz_status st = KZ_OK;
    if (p->cli->json) {
        json_t *root = json_pack("{s:s, s:s, s:I, s:I, s:f, s:s?, s:O}", "schema", "kaizen.prove/1", "verdict", verdict,
                                 "runs", (json_int_t)p->runs, "different", (json_int_t)p->different, "seconds", seconds,
                                 "gpu", *p->gpu ? p->gpu : NULL, "table", p->rows);
        st = root ? kz_cli_print_json(p->cli, root) : KZ_FAIL(KZ_E_MEM, "JSON: out of memory");
        json_decref(root);
    } else {
        kz_format_duration(time, seconds);
        printf("\n%lld trainings in %s: ", (long long)p->runs, time);
        if (p->different)
            printf("%s, in %lld of them.\n", coloured("DIFFERENT BITS", KZ_STYLE_RED, word), (long long)p->different);
        else if (p->unrecorded) printf("equal among themselves, but nothing is recorded to compare with.\n");
        else printf("%s.\n", coloured("the same bits", KZ_STYLE_GREEN, word));
    }
    if (st != KZ_OK) return st;
    if (p->different)
        return KZ_FAIL(KZ_E_DIFFERENT, "%lld of %lld runs differ from the digests in %s/digests.json%s",
                       (long long)p->different, (long long)p->runs, p->golden.directory,
                       p->golden.arithmetic != KZ_ARITHMETIC ? ", which is of another arithmetic version" : "");
    if (p->unrecorded)
        return KZ_FAIL(KZ_E_FAIL, "%lld golden configs have no digest in %s/digests.json; record them with --record",
                       (long long)p->unrecorded, p->golden.directory);
    return KZ_OK;
}

kz_status kz_cli_prove(kz_cli *cli)
{
    proof p = {.cli = cli, .rows = json_array()};
    double start = kz_clock();
    kz_status st = KZ_OK;
    KZ_TRY(kz_golden_read(&p.golden, kz_cli_value(cli, "--golden")));
    KZ_TRY(check_names(&p));
    KZ_TRY(choose_ways(&p));
    print_head(&p);
    for (int64_t i = 0; i < p.golden.n; i++)
        if (chosen(&p, &p.golden.list[i])) KZ_TRY(prove_config(&p, &p.golden.list[i]));
    if (kz_cli_has(cli, "--record") && p.different == 0) KZ_TRY(kz_golden_write(&p.golden));
    KZ_TRY(conclude(&p, kz_clock() - start));
done:
    kz_golden_free(&p.golden);
    json_decref(p.rows);
    return st;
}
