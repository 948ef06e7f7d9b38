/* What is in an HDF5 file: groups, arrays, types, links and attributes, each described and none followed out of it. */
#include "data/hdf5_impl.h"

#include <string.h>

enum {
    DEPTH_MAX = 64,        /* groups within groups that are entered */
    PATH_MAX_BYTES = 4096, /* longer ones are cut */
    ATTRIBUTES_MAX = 64,   /* of one object that are listed */
};

typedef struct {
    const kz_lib *file;
    bool attributes; /* are listed */
    kz_node *nodes;
    int64_t n, room;
    haddr_t *address; /* of the object of each node; HADDR_UNDEF: has none */
} tree;

typedef struct {
    tree *t;
    kz_text names; /* each with its NUL */
    int64_t n;
    kz_status st; /* of the adding, which HDF5's iteration would take for an error of its own */
} name_list;

/* ---- nodes ---- */

static kz_status grow(tree *t)
{
    int64_t room = t->room ? 2 * t->room : 64;
    kz_node *nodes = NULL;
    haddr_t *address = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&nodes, room, sizeof *nodes, "objects of the file"));
    KZ_TRY(kz_calloc(&address, room, sizeof *address, "objects of the file"));
    if (t->n > 0) {
        memcpy(nodes, t->nodes, (size_t)t->n * sizeof *nodes);
        memcpy(address, t->address, (size_t)t->n * sizeof *address);
    }
    kz_free(&t->nodes);
    kz_free(&t->address);
    t->nodes = nodes;
    t->address = address;
    t->room = room;
    nodes = NULL; /* given away */
    address = NULL;
done:
    kz_free(&nodes);
    kz_free(&address);
    return st;
}

static bool is_full(const tree *t)
{
    return t->n >= KZ_NODES_MAX;
}

/* A new node at "<above><between><name>"; *plain: its path is the name itself, neither cleaned nor cut. */
static kz_status add_node(tree *t, kz_node_kind kind, const char *above, const char *between, const char *name,
                          bool *plain)
{
    size_t n = strlen(name), before = strlen(above) + strlen(between);
    char *clean = NULL;
    kz_text path = {0};
    kz_status st = KZ_OK;
    if (t->n == t->room) KZ_TRY(grow(t));
    if (before + n > PATH_MAX_BYTES) n = before < PATH_MAX_BYTES ? PATH_MAX_BYTES - before : 0;
    KZ_TRY(kz_hdf5_clean(&clean, name, n));
    KZ_TRY(kz_text_add(&path, "%s%s%s%s", above, between, clean, name[n] ? "..." : ""));
    *plain = !name[n] && strcmp(clean, name) == 0 && !strchr(name, '/');
    t->nodes[t->n] = (kz_node){.kind = kind, .path = path.s};
    t->address[t->n] = HADDR_UNDEF;
    t->n++;
    path = (kz_text){0}; /* given away */
done:
    kz_free(&clean);
    kz_text_free(&path);
    return st;
}

/* ---- attributes ---- */

static herr_t add_attribute_name(hid_t object, const char *name, const H5A_info_t *info, void *out)
{
    name_list *list = out;
    (void)object, (void)info;
    if (list->n >= ATTRIBUTES_MAX) return 1;
    list->n++;
    list->st = kz_text_add_bytes(&list->names, name, (int64_t)strlen(name) + 1);
    return list->st == KZ_OK ? 0 : -1;
}

static kz_status add_attribute(tree *t, hid_t object, const char *above, const char *name)
{
    bool plain;
    hsize_t extent[H5S_MAX_RANK] = {0};
    hid_t a = -1, type = -1, space = -1;
    kz_status st = KZ_OK;
    KZ_TRY(add_node(t, KZ_NODE_ATTRIBUTE, above, "@", name, &plain));
    kz_node *node = &t->nodes[t->n - 1];
    a = H5Aopen(object, name, H5P_DEFAULT);
    if (a >= 0) type = H5Aget_type(a);
    if (a >= 0) space = H5Aget_space(a);
    if (type >= 0) kz_hdf5_describe_type(node->type, type);
    if (space >= 0) node->rank = H5Sget_simple_extent_dims(space, extent, NULL);
    if (node->rank < 0) node->rank = 0;
    for (int i = 0; i < node->rank && i < KZ_NODE_RANK; i++) node->extent[i] = (int64_t)extent[i];
    if (a >= 0 && type >= 0 && space >= 0) KZ_TRY(kz_hdf5_attribute_text(&node->target, a, type, space));
done:
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

static kz_status add_attributes(tree *t, hid_t object, const char *path)
{
    name_list list = {.t = t};
    hsize_t at = 0;
    kz_status st = KZ_OK;
    if (!t->attributes) return KZ_OK;
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, add_attribute_name, &list);
    H5Eclear2(H5E_DEFAULT);
    KZ_TRY(list.st);
    const char *name = kz_text_str(&list.names);
    for (int64_t i = 0; i < list.n && !is_full(t); i++, name += strlen(name) + 1)
        KZ_TRY(add_attribute(t, object, path, name));
done:
    kz_text_free(&list.names);
    return st;
}

/* ---- groups ---- */

static herr_t add_link_name(hid_t group, const char *name, const H5L_info_t *info, void *out)
{
    name_list *list = out;
    (void)group, (void)info;
    if (list->t->n + list->n >= KZ_NODES_MAX) return 1;
    list->n++;
    list->st = kz_text_add_bytes(&list->names, name, (int64_t)strlen(name) + 1);
    return list->st == KZ_OK ? 0 : -1;
}

static kz_status add_soft(tree *t, hid_t group, const char *path, const char *name, const H5L_info_t *link)
{
    enum { TARGET_MAX = 4096 };
    char value[TARGET_MAX + 1] = "";
    const char *inner = NULL, *outer = NULL;
    bool plain, soft = link->type == H5L_TYPE_SOFT, external = link->type == H5L_TYPE_EXTERNAL;
    kz_text target = {0};
    unsigned flags;
    kz_status st = KZ_OK;
    KZ_TRY(add_node(t, soft ? KZ_NODE_SOFT : external ? KZ_NODE_EXTERNAL : KZ_NODE_OTHER, path, "/", name, &plain));
    if (link->u.val_size > TARGET_MAX || H5Lget_val(group, name, value, TARGET_MAX, H5P_DEFAULT) < 0) goto done;
    if (external && H5Lunpack_elink_val(value, link->u.val_size, &flags, &outer, &inner) < 0) goto done;
    if (soft) KZ_TRY(kz_text_add(&target, "%s", value));
    if (external) KZ_TRY(kz_text_add(&target, "%s:%s", outer, inner));
    if (target.n) KZ_TRY(kz_hdf5_clean(&t->nodes[t->n - 1].target, target.s, (size_t)target.n));
done:
    kz_text_free(&target);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

/* The path under which the object has been listed before; NULL: it is new. */
static const char *seen_as(const tree *t, haddr_t address)
{
    for (int64_t i = 0; i < t->n; i++)
        if (t->address[i] == address) return t->nodes[i].path;
    return NULL;
}

static kz_status add_group(tree *t, hid_t group, const char *path, int depth);

static kz_status add_object(tree *t, hid_t object, const char *path, const char *name, int depth)
{
    H5O_info_t info = {.addr = HADDR_UNDEF};
    bool plain, known = H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0;
    const char *before = known && info.rc > 1 ? seen_as(t, info.addr) : NULL;
    H5I_type_t type = H5Iget_type(object);
    kz_node_kind kind = type == H5I_GROUP ? KZ_NODE_GROUP : type == H5I_DATASET ? KZ_NODE_DATASET : KZ_NODE_TYPE;
    kz_status st = KZ_OK;
    KZ_TRY(add_node(t, kind, path, "/", name, &plain));
    kz_node *node = &t->nodes[t->n - 1];
    if (before) KZ_TRY(kz_strdup(&node->target, before));
    else t->address[t->n - 1] = known ? info.addr : HADDR_UNDEF;
    if (kind == KZ_NODE_DATASET) {
        kz_hdf5_describe_set(node, object);
        if (plain) KZ_TRY(kz_lib_readable(t->file, node->path, &node->readable));
    }
    if (before) goto done;
    char *inner = node->path; /* the nodes may move, their paths do not */
    KZ_TRY(add_attributes(t, object, inner));
    if (kind == KZ_NODE_GROUP && known) KZ_TRY(add_group(t, object, inner, depth + 1));
done:
    return st;
}

static kz_status add_link(tree *t, hid_t group, const char *path, const char *name, int depth)
{
    H5L_info_t link;
    bool plain;
    kz_status st = KZ_OK;
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0) return add_node(t, KZ_NODE_OTHER, path, "/", name, &plain);
    if (link.type != H5L_TYPE_HARD) return add_soft(t, group, path, name, &link);
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0) {
        H5Eclear2(H5E_DEFAULT);
        return add_node(t, KZ_NODE_OTHER, path, "/", name, &plain);
    }
    st = add_object(t, object, path, name, depth);
    H5Oclose(object);
    return st;
}

/* The names first, then what they lead to: HDF5's iteration holds on to the group. */
static kz_status add_group(tree *t, hid_t group, const char *path, int depth)
{
    name_list list = {.t = t};
    hsize_t at = 0;
    kz_status st = KZ_OK;
    if (depth > DEPTH_MAX) return KZ_OK;
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, add_link_name, &list);
    H5Eclear2(H5E_DEFAULT);
    KZ_TRY(list.st);
    const char *name = kz_text_str(&list.names);
    for (int64_t i = 0; i < list.n && !is_full(t); i++, name += strlen(name) + 1)
        KZ_TRY(add_link(t, group, path, name, depth));
done:
    kz_text_free(&list.names);
    return st;
}

kz_status kz_lib_tree(const kz_lib *file, bool attributes, kz_node **out, int64_t *n)
{
    const char *object = "/";
    H5O_info_t info;
    bool plain;
    tree t = {.file = file, .attributes = attributes};
    hid_t root = -1;
    kz_status st = KZ_OK;
    KZ_HDF5(root = H5Gopen2(file->id, "/", H5P_DEFAULT));
    KZ_TRY(add_node(&t, KZ_NODE_GROUP, "", "", "/", &plain));
    if (H5Oget_info2(root, &info, H5O_INFO_BASIC) >= 0) t.address[0] = info.addr;
    KZ_TRY(add_attributes(&t, root, "/"));
    KZ_TRY(add_group(&t, root, "", 0));
    *out = t.nodes;
    *n = t.n;
    t.nodes = NULL; /* given away */
done:
    if (root >= 0) H5Gclose(root);
    kz_nodes_free(&t.nodes, t.n);
    kz_free(&t.address);
    return st;
}
