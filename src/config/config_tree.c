/* YAML text to our tree, through libfyaml's events; nothing else knows libfyaml. */
#include "config/config_tree.h"

#include <libfyaml.h>
#include <string.h>

typedef struct {
    kz_config_reader *r;
    int64_t source, from;
    struct fy_parser *parser;
    kz_config_node *open[KZ_CONFIG_MAX_DEPTH]; /* the mappings and lists around the next value */
    int depth;
    const char *key; /* read, its value not yet */
    kz_config_place key_place;
    bool detached; /* the value of a repeated key: read, not kept */
    int documents;
    bool stop;
    kz_config_node *root;
} builder;

struct kz_config_block {
    kz_config_block *next;
    _Alignas(16) char bytes[];
};

kz_status kz_config_keep(kz_config_reader *r, void *out, int64_t bytes)
{
    kz_config_block *b = NULL;
    kz_status st = kz_calloc(&b, (int64_t)sizeof *b + bytes, 1, "config");
    if (st != KZ_OK) return st;
    b->next = r->blocks;
    r->blocks = b;
    void *p = b->bytes;
    memcpy(out, &p, sizeof p);
    return KZ_OK;
}

void kz_config_reader_free(kz_config_reader *r)
{
    while (r->blocks) {
        kz_config_block *next = r->blocks->next;
        kz_free(&r->blocks);
        r->blocks = next;
    }
    for (int64_t i = 0; i < r->n_errors; i++) {
        kz_text_free(&r->errors[i].message);
        kz_text_free(&r->errors[i].help);
    }
    kz_free(&r->errors);
    r->n_errors = r->room_errors = 0;
}

kz_config_node *kz_config_child(const kz_config_node *node, const char *key)
{
    if (!node || node->kind != KZ_NODE_MAPPING) return NULL;
    for (kz_config_node *c = node->child; c; c = c->next)
        if (strcmp(c->key, key) == 0) return c;
    return NULL;
}

kz_config_node *kz_config_element(const kz_config_node *list, int64_t index)
{
    kz_config_node *c = list && list->kind == KZ_NODE_LIST ? list->child : NULL;
    while (c && index-- > 0) c = c->next;
    return c;
}

kz_config_node *kz_config_find(const kz_config_node *root, const char *path, int64_t index, bool *bad)
{
    char name[64];
    const kz_config_node *above = root;
    kz_config_node *node = NULL;
    *bad = false;
    while (*path) {
        size_t n = strcspn(path, ".[");
        bool element = path[0] == '[';
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        node = element ? kz_config_element(above, index) : kz_config_child(above, name);
        if (!node) return NULL;
        if (node->bad) *bad = true;
        path += element ? 2 : n; /* "[]" */
        if (*path == '.') path++;
        above = node;
    }
    return node;
}

kz_status kz_config_new_node(kz_config_reader *r, kz_config_node **out, kz_config_kind kind, kz_config_place place)
{
    kz_config_node *node;
    kz_status st = kz_config_keep(r, &node, sizeof *node);
    if (st != KZ_OK) return st;
    node->kind = kind;
    node->place = place;
    *out = node;
    return KZ_OK;
}

static void no_output(struct fy_diag *diag, void *user, const char *bytes, size_t n)
{
    (void)diag, (void)user, (void)bytes, (void)n;
}

/* ---- places ---- */

static kz_config_place place_of(const builder *b, const struct fy_mark *begin, const struct fy_mark *end)
{
    int64_t last = b->r->sources[b->source].n;
    kz_config_place place = {b->source, b->key_place.begin, b->key_place.end};
    if (begin) place.begin = b->from + (int64_t)begin->input_pos;
    if (begin) place.end = end ? b->from + (int64_t)end->input_pos : place.begin;
    if (place.begin > last) place.begin = last;
    if (place.end > last) place.end = last;
    if (place.end < place.begin) place.end = place.begin;
    return place;
}

static kz_config_place event_place(const builder *b, struct fy_event *e)
{
    kz_config_place place = place_of(b, fy_event_start_mark(e), fy_event_end_mark(e));
    const char *text = b->r->sources[b->source].text;
    if (e->type != FYET_SCALAR || !e->scalar.value || place.begin == 0) return place;
    char quote = text[place.begin - 1]; /* libfyaml's marks leave the quotes out */
    if (fy_scalar_token_get_style(e->scalar.value) == FYSS_PLAIN || (quote != '"' && quote != '\'')) return place;
    place.begin--;
    if (text[place.end] == quote) place.end++;
    return place;
}

/* Of an anchor or tag, with the sign that libfyaml's marks leave out. */
static kz_config_place token_place(const builder *b, struct fy_token *token, char sign)
{
    kz_config_place place = place_of(b, fy_token_start_mark(token), fy_token_end_mark(token));
    if (place.begin > b->from && b->r->sources[b->source].text[place.begin - 1] == sign) place.begin--;
    return place;
}

/* Byte of libfyaml's line and column, both from 1, columns in characters. */
static int64_t byte_at(const builder *b, int line, int column)
{
    const kz_config_source *s = &b->r->sources[b->source];
    int64_t i = b->from;
    if (s->n - i >= 3 && memcmp(s->text + i, "\xef\xbb\xbf", 3) == 0) i += 3;
    for (; line > 1 && i < s->n; i++)
        if (s->text[i] == '\n' || (s->text[i] == '\r' && s->text[i + 1] != '\n')) line--;
    for (; column > 1 && i < s->n && s->text[i] != '\n'; column--) {
        int64_t width = kz_config_character(s->text + i, s->n - i);
        i += width > 0 ? width : 1;
    }
    return i;
}

/* ---- what libfyaml finds wrong ---- */

static const struct {
    const char *part, *help;
} syntax_helps[] = {
    {"multiline plain key", "check the indentation: the value above goes on into a line that looks like a key"},
    {"nested block mapping", "put a value with ': ' in it into quotes, or start the mapping on a line of its own"},
    {"without closing quote", "add the closing quote"},
    {"cannot start with", "put the value into quotes"},
    {"tab", "indent with blanks, not with tabs"},
    {"escape", "in double quotes a backslash is written \\\\; single quotes take it as it is"},
    {"indent", "keys of one mapping start in the same column"},
};

/* An unclosed bracket is noticed where the text ends; where it opens is what the user must see. */
static const kz_config_node *unclosed(const builder *b, int64_t at)
{
    const kz_config_source *s = &b->r->sources[b->source];
    while (at < s->n && strchr(" \t\r\n", s->text[at])) at++;
    for (int i = b->depth - 1; i >= 0 && at == s->n; i--) {
        char c = s->text[b->open[i]->place.begin];
        if (c == '[' || c == '{') return b->open[i];
    }
    return NULL;
}

static kz_status report_syntax(builder *b, struct fy_diag *diag)
{
    void *iterator = NULL;
    kz_status st = KZ_OK;
    struct fy_diag_error *e = fy_diag_errors_iterate(diag, &iterator);
    while (e && e->type < FYET_ERROR) e = fy_diag_errors_iterate(diag, &iterator);
    const char *message = e && e->msg ? e->msg : "not valid YAML";
    int64_t at = e ? byte_at(b, e->line, e->column) : b->from;
    kz_config_place place = {b->source, at, at};
    const kz_config_node *open = unclosed(b, at);
    if (open) return kz_config_error_at(b->r, open->place, "YAML: this bracket is not closed");
    KZ_TRY(kz_config_error_at(b->r, place, "YAML: %s", message));
    for (size_t i = 0; i < sizeof syntax_helps / sizeof *syntax_helps; i++) {
        if (!strstr(message, syntax_helps[i].part)) continue;
        KZ_TRY(kz_config_help(b->r, "%s", syntax_helps[i].help));
        break;
    }
done:
    return st;
}

/* ---- events ---- */

static kz_status copy_text(builder *b, struct fy_token *token, kz_config_place place, const char **out)
{
    size_t n = 0;
    char *copy = NULL;
    const char *text = token ? fy_token_get_text(token, &n) : "";
    if (!text) return KZ_FAIL(KZ_E_MEM, "config: libfyaml gave no text");
    kz_status st = kz_config_keep(b->r, &copy, (int64_t)n + 1);
    if (st != KZ_OK) return st;
    memcpy(copy, text, n);
    *out = copy;
    for (int64_t i = 0, width; i < (int64_t)n; i += width) {
        width = kz_config_character(copy + i, (int64_t)n - i);
        if (width > 0) continue;
        b->stop = true;
        return kz_config_error_at(b->r, place, "a control character or broken text in a string");
    }
    return KZ_OK;
}

static kz_status refuse_decoration(builder *b, struct fy_token *anchor, struct fy_token *tag)
{
    kz_status st = KZ_OK;
    if (anchor) {
        KZ_TRY(kz_config_error_at(b->r, token_place(b, anchor, '&'), "YAML anchors (&name) are not allowed"));
        KZ_TRY(kz_config_help(b->r, "write the value out"));
    }
    if (tag) {
        KZ_TRY(kz_config_error_at(b->r, token_place(b, tag, '!'), "YAML tags (!name) are not allowed"));
        KZ_TRY(kz_config_help(b->r, "write the plain value"));
    }
done:
    return st;
}

static kz_status take_key(builder *b, struct fy_event *e)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    kz_config_place place = event_place(b, e);
    if (e->type != FYET_SCALAR || !e->scalar.value) {
        b->stop = true;
        return kz_config_error_at(b->r, place, "a key must be a plain name");
    }
    KZ_TRY(copy_text(b, e->scalar.value, place, &b->key));
    KZ_TRY(refuse_decoration(b, e->scalar.anchor, e->scalar.tag));
    b->key_place = place;
    if (strcmp(b->key, "<<") == 0 && fy_scalar_token_get_style(e->scalar.value) == FYSS_PLAIN) {
        KZ_TRY(kz_config_error_at(b->r, place, "YAML merge keys (<<) are not allowed"));
        KZ_TRY(kz_config_help(b->r, "write the keys out"));
        b->detached = true;
        goto done;
    }
    const kz_config_node *first = kz_config_child(b->open[b->depth - 1], b->key);
    if (!first) goto done;
    b->detached = true;
    KZ_TRY(kz_config_error_at(b->r, place, "key '%s' is here twice", kz_config_short(cut, b->key)));
    if (b->r->n_errors > KZ_CONFIG_MAX_ERRORS) goto done; /* it will not be printed */
    long long line = kz_config_line(&b->r->sources[b->source], first->key_place.begin);
    KZ_TRY(kz_config_help(b->r, "it was first given in line %lld; remove one of the two", line));
done:
    return st;
}

static void attach(builder *b, kz_config_node *node)
{
    node->key = b->key;
    node->key_place = b->key_place;
    b->key = NULL;
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    kz_config_node **end = &b->open[b->depth - 1]->child;
    while (*end) end = &(*end)->next;
    if (!b->detached) *end = node;
    b->detached = false;
}

static kz_status take_value(builder *b, struct fy_event *e)
{
    kz_status st = KZ_OK;
    kz_config_node *node = NULL;
    kz_config_place place = event_place(b, e);
    kz_config_kind kind = e->type == FYET_MAPPING_START    ? KZ_NODE_MAPPING
                          : e->type == FYET_SEQUENCE_START ? KZ_NODE_LIST
                                                           : KZ_NODE_SCALAR;
    KZ_TRY(kz_config_new_node(b->r, &node, kind, place));
    if (e->type == FYET_ALIAS) {
        node->text = "";
        if (node->place.begin > b->from) node->place.begin--; /* the '*' */
        KZ_TRY(kz_config_error_in(b->r, node, "YAML aliases (*name) are not allowed"));
        KZ_TRY(kz_config_help(b->r, "write the value out"));
    } else if (e->type == FYET_SCALAR) {
        KZ_TRY(copy_text(b, e->scalar.value, place, &node->text));
        KZ_TRY(refuse_decoration(b, e->scalar.anchor, e->scalar.tag));
        node->quoted = e->scalar.value && fy_scalar_token_get_style(e->scalar.value) != FYSS_PLAIN;
    } else if (kind == KZ_NODE_MAPPING) {
        KZ_TRY(refuse_decoration(b, e->mapping_start.anchor, e->mapping_start.tag));
    } else {
        KZ_TRY(refuse_decoration(b, e->sequence_start.anchor, e->sequence_start.tag));
    }
    attach(b, node);
    if (kind == KZ_NODE_SCALAR) goto done;
    if (b->depth == KZ_CONFIG_MAX_DEPTH) {
        b->stop = true;
        KZ_TRY(kz_config_error_at(b->r, place, "nested more than %d deep", KZ_CONFIG_MAX_DEPTH));
    } else {
        b->open[b->depth++] = node;
    }
done:
    return st;
}

static kz_status take_document(builder *b, struct fy_event *e)
{
    kz_status st = KZ_OK;
    if (++b->documents == 1) return KZ_OK;
    b->stop = true;
    KZ_TRY(kz_config_error_at(b->r, event_place(b, e), "a second YAML document starts here"));
    KZ_TRY(kz_config_help(b->r, "keep one document per file"));
done:
    return st;
}

static kz_status take_event(builder *b, struct fy_event *e)
{
    bool in_mapping = b->depth > 0 && b->open[b->depth - 1]->kind == KZ_NODE_MAPPING;
    switch (e->type) {
    case FYET_DOCUMENT_START: return take_document(b, e);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END: {
        kz_config_node *node = b->open[--b->depth];
        kz_config_place end = event_place(b, e);
        if (end.end > node->place.end && node->place.end > node->place.begin) node->place.end = end.end; /* flow */
        return KZ_OK;
    }
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
    case FYET_SCALAR:
    case FYET_ALIAS:
        if (++b->r->n_nodes > KZ_CONFIG_MAX_NODES) {
            b->stop = true;
            return kz_config_error_at(b->r, event_place(b, e), "more than %d values", KZ_CONFIG_MAX_NODES);
        }
        return in_mapping && !b->key ? take_key(b, e) : take_value(b, e);
    default: return KZ_OK;
    }
}

/* Text that YAML does not allow is found before libfyaml sees it. */
static kz_status check_text(builder *b)
{
    const kz_config_source *s = &b->r->sources[b->source];
    kz_status st = KZ_OK;
    if (s->n > KZ_CONFIG_MAX_BYTES) {
        b->stop = true;
        return kz_config_error_at(b->r, (kz_config_place){b->source, 0, 0},
                                  "larger than 1 MiB, too large for a config");
    }
    for (int64_t i = b->from, width; i < s->n && !b->stop; i += width) {
        width = kz_config_character(s->text + i, s->n - i);
        if (width > 0) continue;
        b->stop = true;
        KZ_TRY(kz_config_error_at(b->r, (kz_config_place){b->source, i, i + 1}, "byte 0x%02x is not text",
                                  (unsigned)(unsigned char)s->text[i]));
        KZ_TRY(kz_config_help(b->r, "save the file as UTF-8 without control characters"));
    }
done:
    return st;
}

static kz_status run_parser(builder *b, struct fy_diag *diag)
{
    kz_status st = KZ_OK;
    while (st == KZ_OK && !b->stop) {
        struct fy_event *e = fy_parser_parse(b->parser);
        if (!e) break;
        st = take_event(b, e);
        fy_parser_event_free(b->parser, e);
    }
    if (st != KZ_OK || b->stop || !fy_parser_get_stream_error(b->parser)) return st;
    b->stop = true;
    return report_syntax(b, diag);
}

kz_status kz_config_tree(kz_config_reader *r, int64_t source, int64_t from, kz_config_node **out)
{
    builder b = {.r = r, .source = source, .from = from, .key_place = {source, from, from}};
    struct fy_diag_cfg diag_cfg;
    struct fy_diag *diag = NULL;
    kz_status st = KZ_OK;
    *out = NULL;
    KZ_TRY(check_text(&b));
    if (b.stop) return KZ_OK;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = no_output;
    diag = fy_diag_create(&diag_cfg);
    if (diag) fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.search_path = "", .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = diag};
    b.parser = diag ? fy_parser_create(&cfg) : NULL;
    if (!b.parser ||
        fy_parser_set_string(b.parser, r->sources[source].text + from, (size_t)(r->sources[source].n - from)) != 0) {
        st = KZ_FAIL(KZ_E_MEM, "config: libfyaml could not be started");
        goto done;
    }
    KZ_TRY(run_parser(&b, diag));
    if (!b.stop) *out = b.root;
done:
    if (b.parser) fy_parser_destroy(b.parser);
    if (diag) fy_diag_destroy(diag);
    return st;
}
