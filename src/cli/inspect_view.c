/* kaizen data inspect, for people: the file, what is in it, and where the splits are. */
#include "inspect_view.h"

#include <math.h>
#include <string.h>

enum { OBJECTS_MOST = 60, NAME_MOST = 30, SHAPE_MOST = 18, TYPE_MOST = 22 };

/* ---- shared ---- */

const char *inspect_text(const json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

double inspect_number(const json_t *j, const char *key)
{
    const json_t *value = json_object_get(j, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

bool inspect_true(const json_t *j, const char *key)
{
    return json_is_true(json_object_get(j, key));
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

int inspect_columns(const char *text)
{
    int n = 0;
    for (; *text; text++) n += begins_character(*text);
    return n;
}

void inspect_padded(const char *text, int columns)
{
    int n = 0, wide = inspect_columns(text);
    for (; *text; text++) {
        if (begins_character(*text) && n++ == (wide > columns ? columns - 2 : columns)) break;
        putchar(*text);
    }
    if (wide > columns) printf("..");
    else printf("%*s", columns - wide, "");
}

void inspect_wrapped(const char *text, int at, int indent, int width)
{
    bool first = true;
    while (*text) {
        int bytes = (int)strcspn(text, " "), n = 0;
        for (int i = 0; i < bytes; i++) n += begins_character(text[i]);
        if (!first && at + 1 + n > width) {
            printf("\n%*s", indent, "");
            at = indent;
            first = true;
        }
        printf("%s%.*s", first ? "" : " ", bytes, text);
        at += n + !first;
        first = false;
        text += bytes + (text[bytes] == ' ');
    }
    printf("\n");
}

static void heading(const inspect_view *v, const char *title)
{
    printf("\n%s%s%s\n", v->bold, title, v->off);
}

/* ---- the file ---- */

static void print_file(const inspect_view *v)
{
    char size[24];
    const char *name;
    const json_t *value, *root = json_array_get(json_object_get(v->j, "objects"), 0);
    kz_format_size(size, inspect_number(v->j, "file_bytes"));
    printf("%s%s%s  %s\n", v->bold, inspect_text(v->j, "file"), v->off, size);
    json_object_foreach(json_object_get(root, "attributes"), name, value)
    {
        printf("  ");
        inspect_padded(name, 15);
        printf(" ");
        inspect_wrapped(json_is_string(value) ? json_string_value(value) : "(not shown)", 18, 18, v->width);
    }
}

/* ---- objects ---- */

/* "60000x28x28" */
static void extents(char out[128], const json_t *list)
{
    int n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list) && n < 100; i++)
        n += snprintf(out + n, 128 - (size_t)n, "%s%lld", i ? "x" : "",
                      (long long)json_integer_value(json_array_get(list, i)));
}

static int depth_of(const char *path)
{
    int depth = 0;
    for (; *path; path++) depth += *path == '/';
    return depth;
}

static const char *leaf_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool has_no_values(const json_t *object)
{
    const json_t *shape = json_object_get(object, "shape");
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (json_integer_value(json_array_get(shape, i)) == 0) return true;
    return false;
}

/* "chunks 1024x784, shuffle, gzip 1, 25.2 MiB stored" */
static void storage(char out[320], const json_t *object)
{
    char chunk[128], stored[24];
    const char *layout = inspect_text(object, "layout"), *filters = inspect_text(object, "filters");
    extents(chunk, json_object_get(object, "chunk"));
    kz_format_size(stored, inspect_number(object, "stored_bytes"));
    bool numeric = json_is_integer(json_object_get(object, "bytes")), empty = has_no_values(object);
    if (*chunk) snprintf(out, 320, "chunks %s", chunk);
    else snprintf(out, 320, "%s", layout);
    if (*chunk && inspect_number(object, "stored_bytes") == 0 && !empty)
        snprintf(out + strlen(out), 320 - strlen(out), ", nothing stored");
    else if (*filters) snprintf(out + strlen(out), 320 - strlen(out), ", %s, %s stored", filters, stored);
    if (!inspect_true(object, "readable"))
        snprintf(out + strlen(out), 320 - strlen(out),
                 empty     ? ", empty"
                 : numeric ? ", cannot be used"
                           : ", no plain numbers");
}

typedef struct {
    int name, shape, type;
} columns;

static void print_array(const inspect_view *v, const json_t *object, const columns *c)
{
    char shape[128], size[24] = "", where[320];
    double bytes = inspect_number(object, "bytes");
    extents(shape, json_object_get(object, "shape"));
    if (bytes >= 0) kz_format_size(size, bytes);
    storage(where, object);
    printf("  ");
    inspect_padded(*shape ? shape : "scalar", c->shape);
    printf("  ");
    inspect_padded(inspect_text(object, "type"), c->type);
    int at = 2 + c->name + 2 + c->shape + 2 + c->type + 2 + 9 + 2;
    if (at + (int)strlen(where) <= v->width) printf("  %9s  %s%s%s\n", size, v->dim, where, v->off);
    else printf("%s%s\n%*s%s%s%s\n", *size ? "  " : "", size, c->name + 4, "", v->dim, where, v->off);
}

static void print_link(const json_t *object)
{
    const char *kind = inspect_text(object, "kind"), *target = inspect_text(object, "target");
    if (strcmp(kind, "group") == 0) printf(*target ? "  the same group as %s\n" : "\n", target);
    else if (strcmp(kind, "soft link") == 0 || strcmp(kind, "external link") == 0)
        printf("  -> %s (%s, not followed)\n", *target ? target : "?", kind);
    else printf("  (%s)\n", kind);
}

static void print_attributes(const inspect_view *v, const json_t *object, int indent)
{
    const char *name;
    const json_t *value;
    json_object_foreach(json_object_get(object, "attributes"), name, value)
    {
        int at = indent + inspect_columns(name) + 3;
        printf("%*s@%s: ", indent, "", name);
        inspect_wrapped(json_is_string(value) ? json_string_value(value) : "(not shown)", at, indent + 2, v->width);
    }
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static columns measure(const json_t *objects, size_t most)
{
    columns c = {8, 6, 6};
    char shape[128];
    for (size_t i = 1; i < most; i++) {
        const json_t *object = json_array_get(objects, i);
        const char *path = inspect_text(object, "path");
        int name = 2 * (depth_of(path) - 1) + inspect_columns(leaf_of(path)) + 1;
        if (strcmp(inspect_text(object, "kind"), "array") != 0) continue;
        extents(shape, json_object_get(object, "shape"));
        if (name > c.name) c.name = smaller(name, NAME_MOST);
        if ((int)strlen(shape) > c.shape) c.shape = smaller((int)strlen(shape), SHAPE_MOST);
        int type = inspect_columns(inspect_text(object, "type"));
        if (type > c.type) c.type = smaller(type, TYPE_MOST);
    }
    return c;
}

static void print_objects(const inspect_view *v)
{
    const json_t *objects = json_object_get(v->j, "objects");
    size_t n = json_array_size(objects), most = n < OBJECTS_MOST + 10 ? n : OBJECTS_MOST;
    columns c = measure(objects, most);
    char name[512];
    heading(v, "Contents");
    if (n == 1) printf("  nothing\n");
    for (size_t i = 1; i < most; i++) {
        const json_t *object = json_array_get(objects, i);
        const char *path = inspect_text(object, "path"), *kind = inspect_text(object, "kind");
        int indent = smaller(2 * (depth_of(path) - 1), NAME_MOST - 10);
        bool array = strcmp(kind, "array") == 0, group = strcmp(kind, "group") == 0;
        snprintf(name, sizeof name, "%*s%s%s", indent, "", leaf_of(path), group ? "/" : "");
        printf("  ");
        if (array) inspect_padded(name, c.name);
        else printf("%s", name);
        if (array) print_array(v, object, &c);
        else print_link(object);
        print_attributes(v, object, indent + 4);
    }
    if (most < n || !inspect_true(v->j, "complete"))
        printf("  ... and %s%zu more objects; --json lists %s\n", inspect_true(v->j, "complete") ? "" : "at least ",
               n - most, inspect_true(v->j, "complete") ? "them" : "the first of them");
}

/* ---- splits ---- */

static void print_lines(const char *text, int indent)
{
    for (int n; *text; text += n + (text[n] == '\n')) {
        n = (int)strcspn(text, "\n");
        printf("%*s%.*s\n", indent, "", n, text);
    }
}

/* Of the note only what is not there: the rest stands above it. */
static void print_missing(const char *note)
{
    for (int n; *note; note += n + (note[n] == '\n')) {
        n = (int)strcspn(note, "\n");
        if (strncmp(note, "using ", 6) != 0) printf("  %.*s\n", n, note);
    }
}

static void print_splits(const inspect_view *v)
{
    const char *name, *paste = inspect_text(v->j, "paste"), *problem = inspect_text(v->j, "problem");
    const json_t *split;
    char said[1024];
    heading(v, "Splits");
    json_object_foreach(json_object_get(v->j, "splits"), name, split)
        printf("  %-6s x: %s, y: %s\n", name, inspect_text(split, "x"), inspect_text(split, "y"));
    if (*problem) {
        const char *file = inspect_text(v->j, "file");
        size_t n = strlen(file);
        if (strncmp(problem, file, n) == 0 && strncmp(problem + n, ": ", 2) == 0) problem += n + 2;
        snprintf(said, sizeof said, "%.*s", (int)strcspn(problem, ";"), problem); /* what to do follows */
        printf("  %s", v->yellow);
        inspect_wrapped(said, 2, 2, v->width);
        printf("%s", v->off);
    }
    print_missing(inspect_text(v->j, "note"));
    if (!*paste) return;
    if (*problem) printf("  For a config, if these are the ones:\n\n");
    else printf("  These names are known, a config may leave them out. To write them down:\n\n");
    print_lines(paste, 4);
}

void inspect_view_print(const inspect_view *v)
{
    print_file(v);
    print_objects(v);
    print_splits(v);
    inspect_view_values(v);
}
