/* config/config_schema.h — the schema of a config as one table (config_schema.c); everything else in this module walks over it. */
#ifndef KZ_CONFIG_SCHEMA_H
#define KZ_CONFIG_SCHEMA_H

#include "config/config_tree.h"

typedef enum {
    KZ_KEY_SECTION,  /* a mapping of keys */
    KZ_KEY_LAYERS,   /* the list of layers; its keys are "model.layers[].<key>" */
    KZ_KEY_NAME,     /* char *: a name that can be a folder's */
    KZ_KEY_PATH,     /* char *: a file or folder */
    KZ_KEY_INSIDE,   /* char *: a path inside the HDF5 file */
    KZ_KEY_DEVICE,   /* char *: auto, cpu, cuda, cuda:N */
    KZ_KEY_METRIC,   /* char *: one of the choices */
    KZ_KEY_CHOICE,   /* const char *: one of the choices */
    KZ_KEY_BOOLEAN,  /* bool */
    KZ_KEY_INTEGER,  /* int64_t */
    KZ_KEY_SEED,     /* uint64_t */
    KZ_KEY_SIZE,     /* int64_t, bytes */
    KZ_KEY_NUMBER,   /* double */
    KZ_KEY_AT_LEAST, /* kz_config_target: value and direction */
    KZ_KEY_AT_MOST,
} kz_config_type;

enum {
    KZ_KEY_BITS = 1,       /* can change bits of the result: part of the config digest */
    KZ_KEY_OR_NONE = 2,    /* `none` may stand for it */
    KZ_KEY_OPTIONAL = 4,   /* may be left out although it has no default: filled in later */
    KZ_KEY_CHOOSES = 8,    /* a choice that says which keys its section uses */
    KZ_KEY_BY_CHOICE = 16, /* used, and with which default, as that choice says */
    KZ_KEY_IF_SET = 32,    /* an optional one that is no part of the digest unless it is set */
};

/* A value of a choice.  keys: "key=default key ..." that it uses of its section, or NULL. */
typedef struct {
    const char *name, *keys, *about;
} kz_config_choice;

typedef struct {
    const char *path; /* "optimizer.lr" */
    kz_config_type type;
    unsigned flags;
    size_t offset;        /* in kz_config; in kz_config_layer for the keys of a layer */
    const char *standard; /* default as text; NULL: none */
    const char *example;  /* where there is no default */
    double min, max;      /* min < max: the range */
    bool above, below;    /* its ends do not belong to it */
    const kz_config_choice *choices;
    const char *forms;   /* of a section: "fraction | x y": the sets of keys of which exactly one is written */
    const char *aliases; /* what other tools call it */
    const char *about;
} kz_config_key;

extern const kz_config_key kz_config_keys[]; /* ends with path NULL */

/* The next key right below `section` (NULL: the top) after `last` (NULL: the first one); NULL at the end. */
const kz_config_key *kz_config_next(const kz_config_key *section, const kz_config_key *last);
const kz_config_key *kz_config_key_of(const char *path);      /* NULL if there is none */
const char *kz_config_leaf(const kz_config_key *key);         /* "lr" of "optimizer.lr" */
bool kz_config_has_word(const char *words, const char *word); /* in a list separated by blanks; NULL has none */
bool kz_config_in_range(const kz_config_key *key, double x);  /* true without a range */

#define KZ_CONFIG_PATH 96
/* The path with [index] for its [], as users see it. */
const char *kz_config_path(char out[KZ_CONFIG_PATH], const kz_config_key *key, int64_t index);

/* The choice of that name, NULL if there is none. */
const kz_config_choice *kz_config_choice_of(const kz_config_key *key, const char *name);
/* The key that chooses for a section, NULL if none does; what is chosen in a config. */
const kz_config_key *kz_config_chooser(const kz_config_key *section);
const kz_config_choice *kz_config_chosen(const kz_config_key *section, const void *base);

#define KZ_CONFIG_STANDARD 32
/* Does the choice use this key?  Its default goes to `standard`, "" if it has none. */
bool kz_config_uses(const kz_config_choice *choice, const kz_config_key *key, char standard[KZ_CONFIG_STANDARD]);
/* The same for any key: the default it has under that choice (may be NULL), or NULL. */
const char *kz_config_standard(const kz_config_choice *choice, const kz_config_key *key, char out[KZ_CONFIG_STANDARD]);

/* ---- values (config_values.c); base is the kz_config, or the kz_config_layer ---- */

/* Reads a scalar node into the config, or reports what is wrong with it. */
kz_status kz_config_read_value(kz_config_reader *r, const kz_config_key *key, int64_t index, kz_config_node *node,
                               void *base);
/* Adds "<verb> a number greater than 0, e.g. 0.001" to the last error. */
kz_status kz_config_help_expected(kz_config_reader *r, const char *verb, const kz_config_key *key);
/* Puts a default of the table, or KZ_UNSET where text is NULL, into the config. */
kz_status kz_config_put_standard(const kz_config_key *key, const char *text, void *base);
bool kz_config_is_set(const kz_config_key *key, const void *base);
bool kz_config_is_none(const kz_config_key *section, const void *base); /* a section for which `none` stands */
json_t *kz_config_value_json(const kz_config_key *key, const void *base);
void kz_config_free_value(const kz_config_key *key, void *base);

/* "a number greater than 0", "one of sgd, adam, adamw"; the range alone: "> 0", "1 to 64" */
kz_status kz_config_expected(kz_text *out, const kz_config_key *key);
kz_status kz_config_range(kz_text *out, const kz_config_key *key);
const char *kz_config_noun(const kz_config_key *key); /* "a number" */
const char *kz_config_example(const kz_config_key *key);
/* What can be written for a section: "{fraction: 0.1} or {x: /valid/x, y: /valid/y} or none". */
kz_status kz_config_forms(kz_text *out, const kz_config_key *section);
/* Form number i of a section, its keys separated by blanks; false if there are fewer. */
bool kz_config_form(const kz_config_key *section, int i, char out[64]);

bool kz_config_looks_typed(const char *plain, const char **kind); /* "123", "true", "~": not text to YAML readers */
kz_status kz_config_number(kz_text *out, double x);               /* shortest that reads back as x */

/* The config as JSON.  digest: only the keys that can change bits, and null for what is left open. */
kz_status kz_config_object(json_t **out, const kz_config *cfg, bool digest);

#endif
