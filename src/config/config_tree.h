/* config/config_tree.h — a config while it is being read: the sources, their values as a tree, and the errors found so far. */
#ifndef KZ_CONFIG_TREE_H
#define KZ_CONFIG_TREE_H

#include "kz/config.h"

enum {
    KZ_CONFIG_MAX_BYTES = 1 << 20,
    KZ_CONFIG_MAX_DEPTH = 32,
    KZ_CONFIG_MAX_NODES = 10000,
    KZ_CONFIG_MAX_ERRORS = 50
};

typedef struct {
    const char *name; /* "run.yaml", or NULL: `text` is the argument of a --set */
    const char *text; /* n bytes and a NUL */
    int64_t n;
} kz_config_source;

typedef struct {
    int64_t source;     /* 0: the file; k: the k-th --set */
    int64_t begin, end; /* bytes of its text */
} kz_config_place;

typedef enum { KZ_NODE_SCALAR, KZ_NODE_MAPPING, KZ_NODE_LIST } kz_config_kind;

typedef struct kz_config_node {
    kz_config_kind kind;
    bool quoted;      /* scalar: not plain */
    bool bad;         /* an error was reported for this value: no second one, please */
    const char *text; /* scalar: UTF-8, no NUL inside */
    const char *key;  /* of an element of a mapping */
    kz_config_place key_place, place;
    struct kz_config_node *child, *next; /* first element; next element of the same parent */
} kz_config_node;

typedef struct {
    kz_config_place place;
    int64_t number; /* of errors before it */
    kz_text message, help;
} kz_config_error;

typedef struct kz_config_block kz_config_block;

typedef struct {
    kz_config_source *sources; /* 1 + number of --set, borrowed */
    kz_config_node *root;      /* NULL: nothing to check */
    int64_t n_nodes;
    kz_config_error *errors;
    int64_t n_errors, room_errors;
    kz_config_block *blocks; /* all that kz_config_keep gave out */
    kz_config *cfg;          /* being filled in */
} kz_config_reader;

void kz_config_reader_free(kz_config_reader *r); /* but not cfg and sources */

/* Zeroed memory that lives as long as the reader. */
kz_status kz_config_keep(kz_config_reader *r, void *out, int64_t bytes);

/* Reads the text of a source from byte `from` on as one YAML document.  *out is NULL when there is none, or when an
 * error left nothing to go on with. */
kz_status kz_config_tree(kz_config_reader *r, int64_t source, int64_t from, kz_config_node **out);

kz_config_node *kz_config_child(const kz_config_node *node, const char *key); /* NULL if there is none */
kz_config_node *kz_config_element(const kz_config_node *list, int64_t index); /* the same for a list */
/* The node at a path of the schema, index standing for its []; NULL if there is none.  *bad: it, or one above it, is. */
kz_config_node *kz_config_find(const kz_config_node *root, const char *path, int64_t index, bool *bad);
kz_status kz_config_new_node(kz_config_reader *r, kz_config_node **out, kz_config_kind kind, kz_config_place place);

/* Puts the value of one --set over the tree: sources[source] is "key.path=value". */
kz_status kz_config_overlay(kz_config_reader *r, int64_t source);

/* Fills r->cfg in from the tree, with defaults, and checks it. */
kz_status kz_config_fill(kz_config_reader *r);
kz_status kz_config_check_rules(kz_config_reader *r); /* what ties several keys together */

/* Records an error; kz_config_help adds to the last one.  Fails only for want of memory. */
kz_status kz_config_error_at(kz_config_reader *r, kz_config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
kz_status kz_config_error_in(kz_config_reader *r, kz_config_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* at the node's value, which is then `bad` */
kz_status kz_config_help(kz_config_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All errors, by place, as a compiler would print them. */
kz_status kz_config_report(kz_config_reader *r, kz_text *report);

int64_t kz_config_line(const kz_config_source *s, int64_t at); /* of byte `at`, from 1 */

#define KZ_CONFIG_SHORT 44
/* `text` cut to what fits into a message. */
const char *kz_config_short(char out[KZ_CONFIG_SHORT], const char *text);

/* Bytes of the UTF-8 character at s, of at most n bytes; 0 if it is none, or a control character but tab and line ends. */
int64_t kz_config_character(const char *s, int64_t n);

#endif
