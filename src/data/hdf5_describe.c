/* Types, layout and filters of an array of an HDF5 file, in words. */
#include "data/hdf5_impl.h"

#include <string.h>

/* ---- types ---- */

static void describe_number(char out[48], hid_t type, H5T_class_t class)
{
    size_t size = H5Tget_size(type), bits = H5Tget_precision(type);
    const char *kind = class == H5T_FLOAT ? "float" : H5Tget_sign(type) == H5T_SGN_2 ? "int" : "uint";
    const char *order = size > 1 && H5Tget_order(type) == H5T_ORDER_BE ? ", big-endian" : "";
    size_t sign, exponent = 0, exponent_bits = 0, fraction, fraction_bits;
    if (class == H5T_FLOAT && size == 2 && bits == 16 &&
        H5Tget_fields(type, &sign, &exponent, &exponent_bits, &fraction, &fraction_bits) >= 0 && exponent_bits == 8)
        kind = "bfloat";
    if (bits == 8 * size) snprintf(out, 48, "%s%zu%s", kind, 8 * size, order);
    else snprintf(out, 48, "%s%zu in %zu bytes%s", kind, bits, size, order);
}

/* h5py keeps booleans as an enumeration of FALSE and TRUE. */
static bool is_boolean(hid_t type)
{
    bool both = H5Tget_nmembers(type) == 2;
    for (unsigned i = 0; both && i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        both = name && strcmp(name, i ? "TRUE" : "FALSE") == 0;
        H5free_memory(name);
    }
    return both;
}

static void describe_enum(char out[48], hid_t type)
{
    char number[48] = "?";
    hid_t base = H5Tget_super(type);
    if (base >= 0) {
        describe_number(number, base, H5T_INTEGER);
        H5Tclose(base);
    }
    snprintf(out, 48, "%.8s of %.30s", is_boolean(type) ? "boolean" : "enum", number);
}

void kz_hdf5_describe_type(char out[48], hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    switch (class) {
    case H5T_INTEGER:
    case H5T_FLOAT: describe_number(out, type, class); return;
    case H5T_ENUM: describe_enum(out, type); return;
    case H5T_STRING:
        if (H5Tis_variable_str(type) > 0) snprintf(out, 48, "string");
        else snprintf(out, 48, "string of %zu bytes", H5Tget_size(type));
        return;
    case H5T_COMPOUND: snprintf(out, 48, "compound of %d", H5Tget_nmembers(type)); return;
    case H5T_REFERENCE: snprintf(out, 48, "reference"); return;
    case H5T_VLEN: snprintf(out, 48, "list of any length"); return;
    case H5T_ARRAY: snprintf(out, 48, "array"); return;
    case H5T_OPAQUE: snprintf(out, 48, "opaque of %zu bytes", H5Tget_size(type)); return;
    case H5T_BITFIELD: snprintf(out, 48, "bit field"); return;
    case H5T_TIME: snprintf(out, 48, "time"); return;
    default: snprintf(out, 48, "unknown");
    }
}

/* ---- arrays ---- */

static void add_filter(char out[96], H5Z_filter_t id, unsigned level)
{
    static const struct {
        H5Z_filter_t id;
        const char *name;
    } known[] = {{H5Z_FILTER_SHUFFLE, "shuffle"},
                 {H5Z_FILTER_FLETCHER32, "checksum"},
                 {H5Z_FILTER_SZIP, "szip"},
                 {H5Z_FILTER_NBIT, "n-bit"},
                 {H5Z_FILTER_SCALEOFFSET, "scale-offset"}};
    static const struct {
        H5Z_filter_t id;
        const char *name;
    } plugins[] = {{307, "bzip2"},        {32000, "LZF"}, {32001, "Blosc"},     {32004, "LZ4"},
                   {32008, "bitshuffle"}, {32013, "ZFP"}, {32015, "Zstandard"}, {32026, "Blosc2"}};
    size_t n = strlen(out);
    const char *comma = n ? ", " : "";
    if (id == H5Z_FILTER_DEFLATE) {
        snprintf(out + n, 96 - n, "%sgzip %u", comma, level);
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == id) {
            snprintf(out + n, 96 - n, "%s%s", comma, known[i].name);
            return;
        }
    snprintf(out + n, 96 - n, "%sfilter %d", comma, id);
    n = strlen(out);
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++)
        if (plugins[i].id == id) snprintf(out + n, 96 - n, " (%s)", plugins[i].name);
}

static void describe_filters(kz_node *node, hid_t made)
{
    int n = H5Pget_nfilters(made);
    for (int i = 0; i < n && i < KZ_NODE_RANK; i++) {
        size_t values = 1;
        unsigned level = 0, flags = 0;
        H5Z_filter_t id = H5Pget_filter2(made, (unsigned)i, &flags, &values, &level, 0, NULL, NULL);
        if (id >= 0) add_filter(node->filters, id, level);
    }
}

static void describe_layout(kz_node *node, hid_t made)
{
    hsize_t chunk[H5S_MAX_RANK] = {0};
    const char *name = "unknown";
    switch (H5Pget_layout(made)) {
    case H5D_COMPACT: name = "compact"; break;
    case H5D_CONTIGUOUS: name = H5Pget_external_count(made) > 0 ? "external" : "contiguous"; break;
    case H5D_CHUNKED: name = "chunked"; break;
    case H5D_VIRTUAL: name = "virtual"; break;
    default: break;
    }
    snprintf(node->layout, sizeof node->layout, "%s", name);
    if (strcmp(name, "chunked") == 0 && H5Pget_chunk(made, H5S_MAX_RANK, chunk) > 0)
        for (int i = 0; i < node->rank && i < KZ_NODE_RANK; i++) node->chunk[i] = (int64_t)chunk[i];
}

/* What cannot be found out is left out: a damaged array must not hide the others. */
void kz_hdf5_describe_set(kz_node *node, hid_t set)
{
    hsize_t extent[H5S_MAX_RANK] = {0};
    hid_t type = H5Dget_type(set), space = H5Dget_space(set), made = H5Dget_create_plist(set);
    if (type >= 0) kz_hdf5_describe_type(node->type, type);
    else snprintf(node->type, sizeof node->type, "unreadable");
    if (space >= 0) node->rank = H5Sget_simple_extent_dims(space, extent, NULL);
    if (node->rank < 0) node->rank = 0;
    for (int i = 0; i < node->rank && i < KZ_NODE_RANK; i++) node->extent[i] = (int64_t)extent[i];
    if (made >= 0) {
        describe_layout(node, made);
        describe_filters(node, made);
    }
    if (strcmp(node->layout, "virtual") != 0) node->stored_bytes = (int64_t)H5Dget_storage_size(set);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (made >= 0) H5Pclose(made);
    H5Eclear2(H5E_DEFAULT);
}
