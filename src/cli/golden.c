/* Golden configs: found, read and recorded. */
#include "golden.h"

#include "kz/record.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

/* Where the golden configs lie, seen from the folder of the program: installed, and in a build tree. */
static const char *const places[] = {"../share/kaizen/tests/golden", "golden"};

static kz_status find_directory(char **out)
{
    char program[4096];
    char *folder = NULL, *place = NULL;
    kz_status st = KZ_OK;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0) return KZ_FAIL(KZ_E_FAIL, "/proc/self/exe cannot be read: %s", strerror(errno));
    program[n] = '\0';
    KZ_TRY(kz_path_directory(&folder, program));
    for (size_t i = 0; i < sizeof places / sizeof *places && !*out; i++) {
        kz_free(&place);
        KZ_TRY(kz_path_join(&place, folder, places[i]));
        if (kz_file_exists(place)) KZ_TRY(kz_path_absolute(out, place));
    }
    if (!*out) st = KZ_FAIL(KZ_E_INPUT, "no golden configs beside %s; name their folder with --golden DIR", program);
done:
    kz_free(&folder);
    kz_free(&place);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const kz_golden *)a)->name, ((const kz_golden *)b)->name);
}

static kz_status list_configs(kz_golden_set *set)
{
    kz_status st = KZ_OK;
    DIR *folder = opendir(set->directory);
    if (!folder) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", set->directory, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0 || entry->d_name[0] == '.') continue;
        if (set->n == KZ_GOLDEN_MOST) {
            st = KZ_FAIL(KZ_E_DATA, "%s: more than %d golden configs", set->directory, KZ_GOLDEN_MOST);
            goto done;
        }
        kz_golden *g = &set->list[set->n];
        KZ_TRY(kz_path_join(&g->path, set->directory, entry->d_name));
        set->n++;
        KZ_TRY(kz_strdup(&g->name, entry->d_name));
        g->name[dot - entry->d_name] = '\0';
    }
    qsort(set->list, (size_t)set->n, sizeof *set->list, by_name);
    if (set->n == 0) st = KZ_FAIL(KZ_E_INPUT, "%s: holds no golden configs (*.yaml)", set->directory);
done:
    closedir(folder);
    return st;
}

static void take_digest(char to[KZ_DIGEST_TEXT], const json_t *config, const char *key)
{
    const char *text = json_string_value(json_object_get(config, key));
    if (text && strlen(text) < KZ_DIGEST_TEXT) memcpy(to, text, strlen(text) + 1);
}

static kz_golden *find(kz_golden_set *set, const char *name)
{
    for (int64_t i = 0; i < set->n; i++)
        if (strcmp(set->list[i].name, name) == 0) return &set->list[i];
    return NULL;
}

/* Every digest must belong to a config that is there: a proof of fewer than were recorded would be none. */
static kz_status take_digests(kz_golden_set *set, const char *path, json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema")), *name;
    json_t *configs = json_object_get(root, "configs"), *config;
    set->arithmetic = json_integer_value(json_object_get(root, "arithmetic"));
    if (!schema || strcmp(schema, "kaizen.golden/1") != 0 || set->arithmetic < 1 || !json_is_object(configs))
        return KZ_FAIL(KZ_E_DATA, "%s: is not of schema kaizen.golden/1; record it anew with --record", path);
    json_object_foreach(configs, name, config)
    {
        kz_golden *g = find(set, name);
        if (!g) return KZ_FAIL(KZ_E_INPUT, "%s: names %s, but there is no %s.yaml beside it", path, name, name);
        take_digest(g->weights, config, "weights");
        take_digest(g->trajectory, config, "trajectory");
    }
    return KZ_OK;
}

/* digests.json may be missing: then nothing is recorded yet. */
static kz_status read_digests(kz_golden_set *set)
{
    json_t *root = NULL;
    json_error_t error;
    char *path = NULL;
    kz_text text = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_path_join(&path, set->directory, "digests.json"));
    if (!kz_file_exists(path)) goto done;
    KZ_TRY(kz_file_read(&text, path, LIMIT));
    root = json_loads(kz_text_str(&text), JSON_REJECT_DUPLICATES, &error);
    if (!root) st = KZ_FAIL(KZ_E_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    else KZ_TRY(take_digests(set, path, root));
done:
    json_decref(root);
    kz_text_free(&text);
    kz_free(&path);
    return st;
}

kz_status kz_golden_read(kz_golden_set *out, const char *directory)
{
    kz_status st = KZ_OK;
    *out = (kz_golden_set){0};
    if (directory) KZ_TRY(kz_strdup(&out->directory, directory));
    else KZ_TRY(find_directory(&out->directory));
    KZ_TRY(list_configs(out));
    KZ_TRY(read_digests(out));
done:
    if (st != KZ_OK) kz_golden_free(out);
    return st;
}

kz_status kz_golden_write(const kz_golden_set *set)
{
    kz_text text = {0};
    char *path = NULL;
    kz_status st = KZ_OK;
    json_t *configs = json_object(), *root = json_object();
    json_object_set_new(root, "schema", json_string("kaizen.golden/1"));
    json_object_set_new(root, "arithmetic", json_integer(KZ_ARITHMETIC));
    for (int64_t i = 0; i < set->n; i++)
        json_object_set_new(
            configs, set->list[i].name,
            json_pack("{s:s, s:s}", "weights", set->list[i].weights, "trajectory", set->list[i].trajectory));
    json_object_set(root, "configs", configs);
    KZ_TRY(kz_json_dump(&text, root, true));
    KZ_TRY(kz_text_add(&text, "\n"));
    KZ_TRY(kz_path_join(&path, set->directory, "digests.json"));
    KZ_TRY(kz_file_replace(path, text.s, text.n, false));
done:
    json_decref(configs);
    json_decref(root);
    kz_free(&path);
    kz_text_free(&text);
    return st;
}

void kz_golden_free(kz_golden_set *set)
{
    for (int64_t i = 0; i < set->n; i++) {
        kz_free(&set->list[i].name);
        kz_free(&set->list[i].path);
    }
    kz_free(&set->directory);
    set->n = 0;
}
