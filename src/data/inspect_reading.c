/* How fast an array is read, why it is slow, and how to store it better. */
#include "data/inspect_impl.h"

#include <string.h>

static const double slow_rate = 200e6, slow_seconds = 1.0; /* slower than that, and longer than that for all rows */
enum { GOOD_CHUNK = 512 << 10, SMALL_CHUNK = 16 << 10, LARGE_CHUNK = 64 << 20 };

static int64_t row_bytes(const kz_array *a)
{
    return kz_array_row(a) * kz_stored_size(a->stored);
}

static double chunk_bytes(const kz_array *a, const kz_node *node)
{
    double bytes = (double)kz_stored_size(a->stored);
    for (int i = 0; i < a->rank; i++) bytes *= (double)node->chunk[i];
    return bytes;
}

static int64_t good_rows(const kz_array *a)
{
    int64_t rows = GOOD_CHUNK / row_bytes(a);
    if (rows < 1) rows = 1;
    return rows < kz_array_rows(a) ? rows : kz_array_rows(a);
}

static bool holds_part_of_rows(const kz_array *a, const kz_node *node)
{
    for (int i = 1; i < a->rank; i++)
        if (node->chunk[i] < a->extent[i]) return true;
    return false;
}

/* Why reading takes long; NULL: nothing to be seen. */
static const char *reason(const kz_array *a, const kz_node *node)
{
    bool chunked = node->chunk[0] > 0;
    double bytes = chunked ? chunk_bytes(a, node) : 0;
    if (!chunked) return "it is stored in one piece: the disk is slow";
    if (bytes < SMALL_CHUNK && bytes < (double)kz_array_rows(a) * (double)row_bytes(a))
        return "its chunks are so small that each costs more than its values";
    if (bytes > LARGE_CHUNK) return "its chunks are so large that each is unpacked for a few rows";
    if (holds_part_of_rows(a, node)) return "each chunk holds a part of its rows: a row is put together from many";
    return *node->filters ? "its chunks take long to unpack" : "the disk is slow";
}

static bool is_well_shaped(const kz_array *a, const kz_node *node)
{
    double bytes = chunk_bytes(a, node);
    return !holds_part_of_rows(a, node) && bytes >= GOOD_CHUNK / 8.0 && bytes <= GOOD_CHUNK * 8.0;
}

/* Chunks of whole rows of about half a megabyte, packed lightly if they were packed; unpacked where they are so already.
 * Nothing for what is in one piece. */
static kz_status remedy(kz_text *out, const kz_hdf5 *file, const kz_array *a, const kz_node *node)
{
    kz_status st = KZ_OK;
    if (node->chunk[0] == 0 || (is_well_shaped(a, node) && !*node->filters)) return KZ_OK;
    if (is_well_shaped(a, node))
        return kz_text_add(out, "h5repack -l %s:CONTI -f %s:NONE %s NEW.h5", node->path, node->path,
                           kz_hdf5_path(file));
    KZ_TRY(kz_text_add(out, "h5repack -l %s:CHUNK=%lld", node->path, (long long)good_rows(a)));
    for (int i = 1; i < a->rank; i++) KZ_TRY(kz_text_add(out, "x%lld", (long long)a->extent[i]));
    if (*node->filters) KZ_TRY(kz_text_add(out, " -f %s:SHUF -f %s:GZIP=1", node->path, node->path));
    KZ_TRY(kz_text_add(out, " %s NEW.h5", kz_hdf5_path(file)));
done:
    return st;
}

kz_status kz_inspect_reading(json_t **out, const kz_hdf5 *file, const kz_array *a, const kz_node *node, double bytes,
                             double seconds)
{
    kz_text better = {0};
    double all = (double)kz_array_rows(a) * (double)row_bytes(a), rate = seconds > 0 ? bytes / seconds : 0;
    bool slow = rate > 0 && rate < slow_rate && all / rate > slow_seconds;
    json_t *j =
        json_pack("{s:f, s:f, s:f, s:b}", "bytes", bytes, "seconds", seconds, "bytes_per_s", rate, "slow", slow);
    kz_status st = j ? KZ_OK : KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
    if (!slow || !j) goto done;
    KZ_TRY(remedy(&better, file, a, node));
    KZ_TRY(kz_inspect_set(j, "seconds_for_all", json_real(all / rate)));
    KZ_TRY(kz_inspect_set(j, "why", json_string(reason(a, node))));
    KZ_TRY(kz_inspect_set(j, "remedy", better.n ? json_string(better.s) : json_null()));
done:
    kz_text_free(&better);
    if (st == KZ_OK) *out = j;
    else json_decref(j);
    return st;
}
