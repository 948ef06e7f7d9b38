/* Where the data set lies, and what a file is that is no HDF5 file. */
#include "data/data_impl.h"

#include <string.h>

/* *out <- the absolute path of data.path beside the config file. */
static kz_status beside_config(char **out, const kz_config *cfg)
{
    char *directory = NULL, *path = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_path_directory(&directory, cfg->file));
    KZ_TRY(strcmp(directory, ".") == 0 ? kz_strdup(&path, cfg->data.path)
                                       : kz_path_join(&path, directory, cfg->data.path));
    KZ_TRY(kz_path_absolute(out, path));
done:
    kz_free(&directory);
    kz_free(&path);
    return st;
}

kz_status kz_data_find(char **out, const kz_config *cfg)
{
    const char *path = cfg->data.path;
    char *beside = NULL, *here = NULL;
    kz_status st = KZ_OK;
    if (cfg->file && path[0] != '/') {
        KZ_TRY(beside_config(&beside, cfg));
        if (kz_file_exists(beside)) {
            *out = beside;
            return KZ_OK;
        }
    }
    KZ_TRY(kz_path_absolute(&here, path));
    if (kz_file_exists(here)) {
        *out = here;
        here = NULL; /* given away */
    } else if (beside && strcmp(beside, here) != 0) {
        st = KZ_FAIL(KZ_E_INPUT, "data.path: no file '%s': tried %s and %s", path, beside, here);
    } else {
        st = KZ_FAIL(KZ_E_INPUT, "data.path: no file '%s': tried %s", path, here);
    }
done:
    kz_free(&beside);
    kz_free(&here);
    return st;
}

#define IMPORT_IT "make a data set of it with `kaizen data import`"
#define STORE_IT "store the arrays as /train/x and /train/y in HDF5, for example with Python's h5py"

static const struct {
    const char *magic;
    int64_t n;
    const char *what;
} kinds[] = {
    {"\x1f\x8b", 2, "gzip; unpack it with gunzip"},
    {"\xfd"
     "7zXZ",
     5, "xz; unpack it with unxz"},
    {"BZh", 3, "bzip2; unpack it with bunzip2"},
    {"\x28\xb5\x2f\xfd", 4, "zstd; unpack it with unzstd"},
    {"PK\x03\x04", 4, "NPZ or another zip archive; " IMPORT_IT},
    {"\x93NUMPY", 6, "NPY; " IMPORT_IT},
    {"PAR1", 4, "Parquet; " STORE_IT},
    {"ARROW1", 6, "Arrow; " STORE_IT},
    {"\x00\x00\x08\x01", 4, "IDX labels; " IMPORT_IT},
    {"\x00\x00\x08\x03", 4, "IDX images; " IMPORT_IT},
    {"\x0e\x03\x13\x01", 4, "HDF4; convert it with h4toh5"},
    {"CDF\x01", 4, "netCDF 3; convert it with nccopy -k nc4"},
    {"CDF\x02", 4, "netCDF 3; convert it with nccopy -k nc4"},
    {"MATLAB 5", 8, "a MATLAB 5 file; save it with -v7.3"},
    {"\x80\x04\x95", 3, "a Python pickle; " STORE_IT},
    {"version https://git-lfs", 23, "a Git LFS pointer; fetch the file with `git lfs pull`"},
};

static bool is_text(const uint8_t *head, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (head[i] < 0x20 && head[i] != '\t' && head[i] != '\n' && head[i] != '\r') return false;
    return true;
}

const char *kz_data_looks_like(const uint8_t *head, int64_t n)
{
    if (n == 0) return "an empty file";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].n && memcmp(head, kinds[i].magic, (size_t)kinds[i].n) == 0) return kinds[i].what;
    if (!is_text(head, n)) return "unknown binary data; " STORE_IT;
    if (head[0] == '{' || head[0] == '[') return "JSON; " STORE_IT;
    if (head[0] == '<') return "HTML or XML, perhaps the error page of a download; fetch the file again";
    if (memchr(head, '\t', (size_t)n)) return "TSV text; " IMPORT_IT;
    if (memchr(head, ',', (size_t)n) || memchr(head, ';', (size_t)n)) return "CSV text; " IMPORT_IT;
    return "text; " STORE_IT;
}
