/* Filters that are plug-ins of HDF5: which are known, loading those that are installed, refusing what is not there. */
#include "data/hdf5_impl.h"

static const struct {
    H5Z_filter_t id;
    const char *name, *package; /* Debian's; NULL: none has it */
} plugins[] = {
    {305, "LZO", NULL},
    {307, "bzip2", "hdf5-filter-plugin"},
    {32000, "LZF", "hdf5-plugin-lzf"},
    {32001, "Blosc", "hdf5-filter-plugin-blosc-serial"},
    {32003, "Snappy", NULL},
    {32004, "LZ4", "hdf5-filter-plugin"},
    {32008, "bitshuffle", NULL},
    {32012, "JPEG-LS", NULL},
    {32013, "ZFP", "hdf5-filter-plugin-zfp-serial"},
    {32015, "Zstandard", NULL},
    {32017, "SZ", NULL},
    {32018, "FCIDECOMP", NULL},
    {32019, "JPEG", NULL},
    {32022, "BitGroom", NULL},
    {32023, "Granular BitRound", NULL},
    {32024, "SZ3", NULL},
    {32026, "Blosc2", NULL},
};

enum { PLUGINS = sizeof plugins / sizeof *plugins };

void kz_hdf5_load_filters(void)
{
    H5PLset_loading_state(H5PL_FILTER_PLUGIN);
    for (int i = 0; i < PLUGINS; i++) H5Zfilter_avail(plugins[i].id);
    H5PLset_loading_state(0);
    H5Eclear2(H5E_DEFAULT);
}

static kz_status not_there(const kz_lib *file, const char *object, H5Z_filter_t id)
{
    int i = 0;
    while (i < PLUGINS && plugins[i].id != id) i++;
    bool known = i < PLUGINS;
    const char *package = known ? plugins[i].package : NULL;
    return KZ_FAIL(
        KZ_E_DATA,
        "%s: %s is packed by filter %d%s%s%s, which is not built in; %s%s%s%srepack it where it can be read: "
        "h5repack -f SHUF -f GZIP=1 OLD.h5 NEW.h5",
        file->path, object, id, known ? " (" : "", known ? plugins[i].name : "", known ? ")" : "",
        !known                ? ""
        : file->allow_filters ? "no plug-in for it was found, "
                              : "if you trust the file, read it with --allow-filters and HDF5's plug-in",
        package ? (file->allow_filters ? "install Debian's " : " (Debian's ") : "", package ? package : "",
        !known                ? ""
        : file->allow_filters ? (package ? ", or " : "so ")
                              : (package ? "), or " : ", or "));
}

kz_status kz_hdf5_check_filters(const kz_lib *file, const char *object, hid_t made)
{
    int n;
    kz_status st = KZ_OK;
    KZ_HDF5(n = H5Pget_nfilters(made));
    for (int i = 0; i < n; i++) {
        size_t values = 0;
        H5Z_filter_t id;
        KZ_HDF5(id = H5Pget_filter2(made, (unsigned)i, NULL, &values, NULL, 0, NULL, NULL));
        if (H5Zfilter_avail(id) <= 0) return not_there(file, object, id);
    }
done:
    return st;
}
