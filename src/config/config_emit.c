/* A config as JSON, as YAML and as a digest. */
#include "config/config_schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static kz_status no_memory(void)
{
    return KZ_FAIL(KZ_E_MEM, "config: out of memory for JSON");
}

/* ---- JSON ---- */

static kz_status section_json(json_t **out, const kz_config_key *section, const void *base, bool digest);

static kz_status layers_json(json_t **out, const kz_config_key *key, const kz_config *cfg, bool digest)
{
    json_t *list = json_array();
    kz_status st = list ? KZ_OK : no_memory();
    for (int64_t i = 0; st == KZ_OK && i < cfg->model.n_layers; i++) {
        json_t *layer = NULL;
        st = section_json(&layer, key, &cfg->model.layers[i], digest);
        if (st == KZ_OK && json_array_append_new(list, layer) != 0) st = no_memory();
    }
    if (st == KZ_OK) *out = list;
    else json_decref(list);
    return st;
}

/* *out stays NULL for what is not written. */
static kz_status key_json(json_t **out, const kz_config_key *key, const kz_config_choice *choice, const void *base,
                          bool digest)
{
    char standard[KZ_CONFIG_STANDARD];
    *out = NULL;
    if (digest && !(key->flags & KZ_KEY_BITS)) return KZ_OK;
    if ((key->flags & KZ_KEY_BY_CHOICE) && !(choice && kz_config_uses(choice, key, standard))) return KZ_OK;
    if (key->type == KZ_KEY_LAYERS) return layers_json(out, key, base, digest);
    if (key->type == KZ_KEY_SECTION && !kz_config_is_none(key, base)) return section_json(out, key, base, digest);
    if (key->type == KZ_KEY_SECTION) *out = json_string("none");
    else if (kz_config_is_set(key, base)) *out = kz_config_value_json(key, base);
    else if (digest && (key->flags & KZ_KEY_OPTIONAL) && !(key->flags & KZ_KEY_IF_SET)) *out = json_null();
    else return KZ_OK;
    return *out ? KZ_OK : no_memory();
}

static kz_status section_json(json_t **out, const kz_config_key *section, const void *base, bool digest)
{
    const kz_config_choice *choice = kz_config_chosen(section, base);
    const kz_config_key *k = NULL;
    json_t *object = json_object(), *value = NULL;
    kz_status st = object ? KZ_OK : no_memory();
    while (st == KZ_OK && (k = kz_config_next(section, k))) {
        st = key_json(&value, k, choice, base, digest);
        if (st == KZ_OK && value && json_object_set_new(object, kz_config_leaf(k), value) != 0) st = no_memory();
    }
    if (st == KZ_OK) *out = object;
    else json_decref(object);
    return st;
}

kz_status kz_config_object(json_t **out, const kz_config *cfg, bool digest)
{
    return section_json(out, NULL, cfg, digest);
}

kz_status kz_config_json(json_t **out, const kz_config *cfg)
{
    return kz_config_object(out, cfg, false);
}

kz_status kz_config_digest(char out[KZ_DIGEST_TEXT], const kz_config *cfg)
{
    json_t *object = NULL;
    kz_text text = {0};
    kz_sha256 *hash = NULL;
    uint8_t bytes[32];
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_object(&object, cfg, true));
    KZ_TRY(kz_json_dump(&text, object, false));
    KZ_TRY(kz_sha256_create(&hash));
    kz_sha256_add(hash, text.s, (size_t)text.n);
    kz_sha256_end(hash, bytes);
    kz_digest_text(out, bytes);
done:
    kz_sha256_destroy(&hash);
    kz_text_free(&text);
    json_decref(object);
    return st;
}

/* ---- YAML ---- */

static bool needs_quotes(const char *s)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"}; /* of YAML 1.1 too */
    int64_t bytes;
    if (kz_parse_size(s, &bytes) && s[strlen(s) - 1] == 'B') return false; /* 8GiB */
    if (!isalpha((unsigned char)s[0]) && s[0] != '/') return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0) return true;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("._/-", *s)) return true;
    return false;
}

kz_status kz_config_quote(kz_text *out, const char *text)
{
    kz_status st = KZ_OK;
    if (!needs_quotes(text)) return kz_text_add(out, "%s", text);
    KZ_TRY(kz_text_add(out, "\""));
    for (const char *s = text; *s; s++) {
        if (*s == '"' || *s == '\\') KZ_TRY(kz_text_add(out, "\\%c", *s));
        else if (*s == '\n') KZ_TRY(kz_text_add(out, "\\n"));
        else if (*s == '\r') KZ_TRY(kz_text_add(out, "\\r"));
        else if (*s == '\t') KZ_TRY(kz_text_add(out, "\\t"));
        else if (strncmp(s, "\xc2\x85", 2) == 0) KZ_TRY(kz_text_add(out, "\\N"));
        else if (strncmp(s, "\xe2\x80\xa8", 3) == 0) KZ_TRY(kz_text_add(out, "\\L"));
        else if (strncmp(s, "\xe2\x80\xa9", 3) == 0) KZ_TRY(kz_text_add(out, "\\P"));
        else if (strncmp(s, "\xef\xbb\xbf", 3) == 0) KZ_TRY(kz_text_add(out, "\\uFEFF"));
        else {
            KZ_TRY(kz_text_add_bytes(out, s, 1));
            continue;
        }
        if ((unsigned char)*s >= 0x80) s += (unsigned char)*s == 0xc2 ? 1 : 2; /* the rest of that character */
    }
    KZ_TRY(kz_text_add(out, "\""));
done:
    return st;
}

kz_status kz_config_number(kz_text *out, double x)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, x);
        if (strtod(digits, NULL) == x) break;
    }
    const char *e = strchr(digits, 'e');
    if (!e && !strchr(digits, '.')) return kz_text_add(out, "%s.0", digits);
    if (!e || strchr(digits, '.')) return kz_text_add(out, "%s", digits);
    return kz_text_add(out, "%.*s.0%s", (int)(e - digits), digits, e); /* to YAML 1.1, 1e-08 would be text */
}

static kz_status flow_yaml(kz_text *out, json_t *j)
{
    kz_status st = KZ_OK;
    const char *key, *comma = "";
    json_t *value;
    switch (json_typeof(j)) {
    case JSON_STRING: return kz_config_quote(out, json_string_value(j));
    case JSON_INTEGER: return kz_text_add(out, "%lld", (long long)json_integer_value(j));
    case JSON_REAL: return kz_config_number(out, json_real_value(j));
    case JSON_TRUE: return kz_text_add(out, "true");
    case JSON_FALSE: return kz_text_add(out, "false");
    default: break;
    }
    KZ_TRY(kz_text_add(out, "{"));
    json_object_foreach(j, key, value)
    {
        KZ_TRY(kz_text_add(out, "%s%s: ", comma, key));
        KZ_TRY(flow_yaml(out, value));
        comma = ", ";
    }
    KZ_TRY(kz_text_add(out, "}"));
done:
    return st;
}

static kz_status section_yaml(kz_text *out, json_t *section)
{
    kz_status st = KZ_OK;
    const char *key;
    json_t *value, *element;
    size_t i;
    json_object_foreach(section, key, value)
    {
        KZ_TRY(kz_text_add(out, json_is_array(value) ? "  %s:" : "  %s: ", key));
        if (!json_is_array(value)) KZ_TRY(flow_yaml(out, value));
        json_array_foreach(value, i, element)
        {
            KZ_TRY(kz_text_add(out, "\n    - "));
            KZ_TRY(flow_yaml(out, element));
        }
        KZ_TRY(kz_text_add(out, "\n"));
    }
done:
    return st;
}

kz_status kz_config_yaml(kz_text *out, const kz_config *cfg)
{
    json_t *object = NULL, *value;
    const char *key;
    kz_status st = KZ_OK;
    KZ_TRY(kz_config_object(&object, cfg, false));
    json_object_foreach(object, key, value)
    {
        KZ_TRY(kz_text_add(out, json_is_object(value) ? "%s:\n" : "%s: ", key));
        if (json_is_object(value)) {
            KZ_TRY(section_yaml(out, value));
        } else {
            KZ_TRY(flow_yaml(out, value));
            KZ_TRY(kz_text_add(out, "\n"));
        }
    }
done:
    json_decref(object);
    return st;
}
