/* Looking into run directories without taking them up. */
#include "record_impl.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 1 << 26 };

bool kz_record_is_run(const char *directory)
{
    char path[4096]; /* taking no memory, it cannot miss a run; nothing longer can be opened */
    int n = snprintf(path, sizeof path, "%s/config.yaml", directory);
    return n > 0 && n < (int)sizeof path && kz_file_exists(path);
}

kz_status kz_record_read(json_t **out, const char *directory)
{
    char *path = NULL;
    kz_text text = {0};
    json_error_t error;
    kz_status st = KZ_OK;
    *out = NULL;
    KZ_TRY(kz_path_join(&path, directory, "run.json"));
    if (!kz_file_exists(path)) goto done;
    KZ_TRY(kz_file_read(&text, path, LIMIT));
    json_t *j = json_loadb(kz_text_str(&text), (size_t)text.n, JSON_REJECT_DUPLICATES, &error);
    const char *schema = json_string_value(json_object_get(j, "schema"));
    if (schema && strcmp(schema, "kaizen.run/1") == 0) *out = j;
    else {
        json_decref(j);
        st = KZ_FAIL(KZ_E_DATA, "%s: is not of schema kaizen.run/1; remove it to go on from the run's checkpoints",
                     path);
    }
done:
    kz_text_free(&text);
    kz_free(&path);
    return st;
}

/* May the run in there be taken up, by what its files say?  *st <- KZ_E_MEM where that could not be found out. */
static bool is_open(const char *directory, kz_status *st)
{
    json_t *run = NULL;
    if (!kz_record_is_run(directory)) return false;
    kz_status read = kz_record_read(&run, directory);
    if (read == KZ_E_MEM) *st = read;
    if (read != KZ_OK) return false;
    const char *status = json_string_value(json_object_get(run, "status"));
    bool open = !run || (status && (strcmp(status, "interrupted") == 0 || strcmp(status, "failed") == 0));
    json_decref(run);
    return open;
}

static bool same_config(const char *directory, const kz_config *cfg, kz_status *st)
{
    char *path = NULL;
    kz_config *began = NULL;
    kz_text report = {0}, difference = {0};
    kz_status compared = kz_path_join(&path, directory, "config.yaml");
    if (compared == KZ_OK) compared = kz_config_load(&began, path, NULL, 0, &report);
    if (compared == KZ_OK) compared = kz_config_difference(&difference, began, cfg);
    if (compared == KZ_E_MEM) *st = compared;
    bool same = compared == KZ_OK && difference.n == 0 && began->train.epochs == cfg->train.epochs;
    kz_text_free(&difference);
    kz_text_free(&report);
    kz_config_destroy(&began);
    kz_free(&path);
    return same;
}

static bool is_free(const char *directory)
{
    int fd = -1;
    bool unlocked = kz_record_directory_lock(&fd, directory) == KZ_OK;
    if (fd >= 0) close(fd);
    return unlocked;
}

static int by_name_down(const struct dirent **a, const struct dirent **b)
{
    return -strcmp((*a)->d_name, (*b)->d_name);
}

kz_status kz_record_find(char **out, const kz_config *cfg)
{
    char *parent = NULL, *directory = NULL;
    struct dirent **names = NULL;
    int n = 0;
    kz_status st = KZ_OK;
    *out = NULL;
    KZ_TRY(kz_record_directory_parent(&parent, cfg));
    n = scandir(parent, &names, NULL, by_name_down); /* names begin with the time */
    for (int i = 0; i < n && !*out; i++) {
        if (names[i]->d_name[0] == '.') continue;
        KZ_TRY(kz_path_join(&directory, parent, names[i]->d_name));
        if (is_open(directory, &st) && same_config(directory, cfg, &st) && is_free(directory)) {
            *out = directory;
            directory = NULL;
        }
        if (st != KZ_OK) goto done; /* or another run would be begun */
        kz_free(&directory);
    }
    kz_error_clear(); /* of those that were passed over */
done:
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    kz_free(&directory);
    kz_free(&parent);
    return st;
}

void kz_record_clear(const char *directory)
{
    int fd = -1;
    char *path = NULL;
    struct stat info;
    if (kz_record_is_run(directory) || kz_record_directory_lock(&fd, directory) != KZ_OK) return;
    kz_record_directory_clean(directory);
    if (kz_path_join(&path, directory, "metrics.jsonl") == KZ_OK && stat(path, &info) == 0 && info.st_size == 0)
        unlink(path);
    kz_free(&path);
    if (fd >= 0) close(fd);
}
