/* The objects of an HDF5 file, as the reader process lists them. */
#include "data/reader_protocol.h"

#include <string.h>

void kz_nodes_free(kz_node **nodes, int64_t n)
{
    for (int64_t i = 0; *nodes && i < n; i++) {
        kz_free(&(*nodes)[i].path);
        kz_free(&(*nodes)[i].target);
    }
    kz_free(nodes);
}

static bool is_sound(const kz_reader_node *w)
{
    if (w->kind < 0 || w->kind > KZ_NODE_ATTRIBUTE || w->rank < 0 || w->rank > 32 || w->stored_bytes < 0) return false;
    for (int i = 0; i < KZ_NODE_RANK; i++)
        if (w->extent[i] < 0 || w->chunk[i] < 0) return false;
    return true;
}

/* to <- text as valid UTF-8 without control characters, with its NUL. */
static kz_status copy_text(char *to, const char *text, size_t room)
{
    char *clean = NULL;
    kz_status st = kz_hdf5_clean(&clean, text, strnlen(text, room - 1));
    if (st == KZ_OK) snprintf(to, room, "%s", clean);
    kz_free(&clean);
    return st;
}

static kz_status take_text(kz_hdf5 *file, kz_slot *s, char **out)
{
    const uint8_t *text;
    int64_t n;
    if (!kz_reader_take(s, &text, &n)) return kz_reader_refuse(file, "has a name cut short");
    return kz_hdf5_clean(out, (const char *)text, strnlen((const char *)text, (size_t)n));
}

static kz_status take_node(kz_hdf5 *file, kz_slot *s, kz_node *out)
{
    kz_reader_node w;
    const uint8_t *bytes;
    int64_t n;
    kz_status st = KZ_OK;
    if (!kz_reader_take(s, &bytes, &n) || n != sizeof w) return kz_reader_refuse(file, "has an object cut short");
    memcpy(&w, bytes, sizeof w);
    if (!is_sound(&w)) return kz_reader_refuse(file, "has an impossible object");
    *out = (kz_node){.kind = (kz_node_kind)w.kind,
                     .rank = w.rank,
                     .stored_bytes = w.stored_bytes,
                     .readable = w.kind == KZ_NODE_DATASET && w.readable != 0};
    memcpy(out->extent, w.extent, sizeof out->extent);
    memcpy(out->chunk, w.chunk, sizeof out->chunk);
    KZ_TRY(copy_text(out->type, w.type, sizeof w.type));
    KZ_TRY(copy_text(out->layout, w.layout, sizeof w.layout));
    KZ_TRY(copy_text(out->filters, w.filters, sizeof w.filters));
    KZ_TRY(take_text(file, s, &out->path));
    if (w.has_target) KZ_TRY(take_text(file, s, &out->target));
done:
    return st;
}

kz_status kz_hdf5_tree(kz_hdf5 *file, bool attributes, kz_node **out, int64_t *n)
{
    uint8_t *copy = NULL;
    kz_node *nodes = NULL;
    int64_t count = 0;
    kz_slot s;
    kz_status st = KZ_OK;
    KZ_TRY(
        kz_reader_list(file, KZ_CALL_TREE, attributes ? "attributes" : "", sizeof(kz_reader_node), &copy, &s, &count));
    if (count == 0 || count > KZ_NODES_MAX) KZ_TRY(kz_reader_refuse(file, "has an impossible number of objects"));
    KZ_TRY(kz_calloc(&nodes, count, sizeof *nodes, "objects of the file"));
    for (int64_t i = 0; i < count; i++) KZ_TRY(take_node(file, &s, &nodes[i]));
    *out = nodes;
    *n = count;
    nodes = NULL; /* given away */
done:
    kz_nodes_free(&nodes, count);
    kz_free(&copy);
    return st;
}
