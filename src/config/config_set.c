/* --set key.path=value: the value, read as YAML, is put over the tree of the file. */
#include "config/config_tree.h"

#include <ctype.h>
#include <string.h>

typedef struct {
    kz_config_reader *r;
    int64_t source;
    const char *text;
    int64_t at, end;  /* the next byte of the path, and the '=' */
    const char *name; /* the part just read: a key, or NULL for [index] */
    int64_t index;
    kz_config_place part; /* where it stands */
} cursor;

static kz_config_place span(const cursor *c, int64_t begin, int64_t end)
{
    return (kz_config_place){c->source, begin, end};
}

static bool key_character(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '-';
}

static kz_status refuse_path(cursor *c, int64_t at, bool *good)
{
    kz_status st = KZ_OK;
    *good = false;
    KZ_TRY(kz_config_error_at(c->r, span(c, at, at < c->end ? at + 1 : at), "the path before '=' is not complete"));
    KZ_TRY(kz_config_help(c->r, "write it like optimizer.lr or model.layers[0].units"));
done:
    return st;
}

static kz_status next_index(cursor *c, bool *good)
{
    int64_t i = c->at + 1, index = 0;
    while (i < c->end && isdigit((unsigned char)c->text[i]) && index < 1000000)
        index = 10 * index + (c->text[i++] - '0');
    if (i == c->at + 1 || c->text[i] != ']') return refuse_path(c, c->at, good);
    c->name = NULL;
    c->index = index;
    c->part = span(c, c->at, i + 1);
    c->at = i + 1;
    return KZ_OK;
}

/* Reads the next part of the path: "key", ".key" or "[3]". */
static kz_status next_part(cursor *c, bool *good)
{
    char *name = NULL;
    if (c->at > 0 && c->text[c->at] == '[') return next_index(c, good);
    if (c->at > 0 && c->text[c->at] != '.') return refuse_path(c, c->at, good);
    int64_t begin = c->at + (c->at > 0), i = begin;
    while (i < c->end && key_character(c->text[i])) i++;
    if (i == begin) return refuse_path(c, c->at, good);
    kz_status st = kz_config_keep(c->r, &name, i - begin + 1);
    if (st != KZ_OK) return st;
    memcpy(name, c->text + begin, (size_t)(i - begin));
    c->name = name;
    c->part = span(c, begin, i);
    c->at = i;
    return KZ_OK;
}

static kz_status refuse_element(cursor *c, const kz_config_node *list)
{
    long long n = 0;
    kz_status st = KZ_OK;
    bool is_list = list->kind == KZ_NODE_LIST;
    for (const kz_config_node *e = is_list ? list->child : NULL; e; e = e->next) n++;
    if (!is_list) return kz_config_error_at(c->r, c->part, "there is no list here to take an element of");
    KZ_TRY(kz_config_error_at(c->r, c->part, "the list has no element [%lld]", (long long)c->index));
    if (n > 0) KZ_TRY(kz_config_help(c->r, "it has %lld, the last is [%lld]", n, n - 1));
done:
    return st;
}

/* The place in the tree where the part just read hangs; *slot NULL: an error was reported. */
static kz_status find_slot(cursor *c, kz_config_node *above, kz_config_node ***slot)
{
    kz_status st = KZ_OK;
    *slot = NULL;
    if (!c->name) {
        kz_config_node **e = &above->child;
        for (int64_t i = 0; above->kind == KZ_NODE_LIST && *e && i < c->index; i++) e = &(*e)->next;
        if (above->kind != KZ_NODE_LIST || !*e) return refuse_element(c, above);
        *slot = e;
        return KZ_OK;
    }
    if (above->kind == KZ_NODE_SCALAR && strcmp(above->text, "none") == 0) {
        above->kind = KZ_NODE_MAPPING; /* data.valid.fraction=0.1 where data.valid was none */
        above->place = c->part;
    }
    if (above->kind != KZ_NODE_MAPPING) {
        KZ_TRY(kz_config_error_at(c->r, c->part, "there is no mapping here to take '%s' of", c->name));
        if (above->kind == KZ_NODE_LIST) KZ_TRY(kz_config_help(c->r, "name an element of the list first, e.g. [0]"));
        return KZ_OK;
    }
    kz_config_node **e = &above->child;
    while (*e && strcmp((*e)->key, c->name) != 0) e = &(*e)->next;
    *slot = e;
done:
    return st;
}

/* The value goes where the path ends, in place of what was there. */
static void replace(cursor *c, kz_config_node **slot, kz_config_node *value)
{
    value->key = c->name;
    value->key_place = c->part;
    value->next = *slot ? (*slot)->next : NULL;
    *slot = value;
}

static kz_status walk(cursor *c, kz_config_node *value)
{
    kz_config_node *above = c->r->root, **slot = NULL, *made = NULL;
    bool good = true;
    kz_status st = KZ_OK;
    for (;;) {
        KZ_TRY(next_part(c, &good));
        if (good) KZ_TRY(find_slot(c, above, &slot));
        if (!good || !slot) {
            if (made) made->bad = true; /* what was made on the way is no second error */
            return KZ_OK;
        }
        if (c->at == c->end) break;
        if (!*slot) {
            KZ_TRY(kz_config_new_node(c->r, &made, KZ_NODE_MAPPING, c->part));
            replace(c, slot, made);
        }
        above = *slot;
    }
    replace(c, slot, value);
done:
    return st;
}

/* What YAML takes for a comment is most likely meant as part of the value. */
static kz_status check_rest(cursor *c, const kz_config_node *value)
{
    int64_t last = c->r->sources[c->source].n, i = value->place.end;
    kz_status st = KZ_OK;
    while (i < last && strchr(" \t\r\n", c->text[i])) i++;
    if (i == last || c->text[i] != '#') return KZ_OK;
    KZ_TRY(kz_config_error_at(c->r, span(c, i, last), "YAML takes this for a comment"));
    KZ_TRY(kz_config_help(c->r, "put the value into quotes"));
done:
    return st;
}

kz_status kz_config_overlay(kz_config_reader *r, int64_t source)
{
    const kz_config_source *s = &r->sources[source];
    cursor c = {.r = r, .source = source, .text = s->text};
    kz_config_node *value = NULL;
    kz_status st = KZ_OK;
    int64_t errors = r->n_errors;
    const char *equals = strchr(s->text, '=');
    if (!equals) {
        KZ_TRY(kz_config_error_at(r, span(&c, 0, s->n), "there is no '='"));
        KZ_TRY(kz_config_help(r, "write key.path=value, e.g. optimizer.lr=0.01"));
        return KZ_OK;
    }
    c.end = equals - s->text;
    KZ_TRY(kz_config_tree(r, source, c.end + 1, &value));
    if (value) KZ_TRY(check_rest(&c, value));
    if (!value && r->n_errors == errors) {
        KZ_TRY(kz_config_error_at(r, span(&c, s->n, s->n), "there is no value after '='"));
    }
    if (value) KZ_TRY(walk(&c, value));
done:
    return st;
}
