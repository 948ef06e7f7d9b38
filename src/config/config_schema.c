/* The schema: one line per key.  Order here is the order in files and digests. */
#include "config/config_schema.h"

#include <float.h>
#include <string.h>

#define ANY_NUMBER .min = -FLT_MAX, .max = FLT_MAX
#define ABOVE(a) .min = (a), .max = FLT_MAX, .above = true
#define AT_LEAST(a) .min = (a), .max = FLT_MAX
#define FROM_TO(a, b) .min = (a), .max = (b)
#define FROM_BELOW(a, b) .min = (a), .max = (b), .below = true
#define BETWEEN(a, b) .min = (a), .max = (b), .above = true, .below = true

/* ---- choices ---- */

static const kz_config_choice optimizers[] = {
#define KZ_OPTIM(name, slots, keys, about) {#name, keys, about},
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
    {0}};

static const kz_config_choice schedules[] = {
#define KZ_SCHEDULE(name, keys, about) {#name, keys, about},
#include "kernels/schedule/schedule_list.inc"
#undef KZ_SCHEDULE
    {0}};

static const kz_config_choice layers[] = {
#define KZ_LAYER(type, keys, about) {#type, keys, about},
#include "kernels/layer/layer_list.inc"
#undef KZ_LAYER
    {0}};

static const kz_config_choice activations[] = {
#define KZ_ACTIVATION(name, formula) {#name, NULL, formula},
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    {0}};

static const kz_config_choice losses[] = {
#define KZ_LOSS(name, targets, about) {#name, NULL, about},
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    {0}};

static const kz_config_choice inits[] = {
#define KZ_INIT(name, distribution, a, fan, about) {#name, NULL, about},
#include "kernels/init/init_list.inc"
#undef KZ_INIT
    {0}};

static const kz_config_choice scales[] = {
    {"none", NULL, "as they are"},
    {"unit", NULL, "divided by the largest absolute value of train"},
    {"standard", NULL, "each column minus its mean, divided by its deviation in train"},
    {0}};

static const kz_config_choice target_scales[] = {
    {"auto", NULL, "standard for regression, none for classes"},
    {"none", NULL, "as they are"},
    {"standard", NULL, "each column minus its mean, divided by its deviation in train"},
    {0}};

static const kz_config_choice shuffles[] = {
    {"full", NULL, "a new order of all rows in every epoch, drawn by the seed"},
    {"window", NULL,
     "a new order of blocks in every epoch, and of the rows of several blocks together; for data larger than memory"},
    {"none", NULL, "rows in the order of the file"},
    {0}};

static const kz_config_choice arithmetics[] = {
    {"reproducible", NULL, "the same bits on every machine"},
    {"fast", NULL,
     "on a GPU, the products of dense layers by cuBLASLt in `device.precision`: the same bits from run to run on one "
     "machine, see gpu.md; the CPU computes as with reproducible"},
    {0}};

static const kz_config_choice precisions[] = {
    {"tf32", NULL, "products of operands cut to 10 bits of mantissa, all else in binary32"},
    {"bf16", NULL,
     "products of operands rounded to 7 bits of mantissa, and so is what lies between layers; sums, weights and their "
     "updates in binary32"},
    {0}};

static const kz_config_choice stop_metrics[] = {
    {.name = "train.loss"}, {.name = "train.accuracy"}, {.name = "train.rmse"},
    {.name = "train.r2"},   {.name = "valid.loss"},     {.name = "valid.accuracy"},
    {.name = "valid.rmse"}, {.name = "valid.r2"},       {0}};

static const kz_config_choice target_metrics[] = {{.name = "train.loss"},
                                                  {.name = "train.accuracy"},
                                                  {.name = "train.rmse"},
                                                  {.name = "train.r2"},
                                                  {.name = "valid.loss"},
                                                  {.name = "valid.accuracy"},
                                                  {.name = "valid.rmse"},
                                                  {.name = "valid.r2"},
                                                  {.name = "test.loss"},
                                                  {.name = "test.accuracy"},
                                                  {.name = "test.rmse"},
                                                  {.name = "test.r2"},
                                                  {0}};

/* ---- keys ---- */

#define BITS KZ_KEY_BITS
#define NONE KZ_KEY_OR_NONE
#define OPTIONAL KZ_KEY_OPTIONAL
#define IF_SET KZ_KEY_IF_SET
#define CHOOSES KZ_KEY_CHOOSES
#define BY_CHOICE KZ_KEY_BY_CHOICE
#define SECTION(path_, flags_, ...)                                                                                    \
    {                                                                                                                  \
        .path = (path_), .flags = (flags_), __VA_ARGS__                                                                \
    }
#define KEY(member, type_, flags_, ...)                                                                                \
    {                                                                                                                  \
        .path = #member, .type = KZ_KEY_##type_, .flags = (flags_), .offset = offsetof(kz_config, member), __VA_ARGS__ \
    }
#define LAYER_KEY(member, type_, flags_, ...)                                                                          \
    {                                                                                                                  \
        .path = "model.layers[]." #member, .type = KZ_KEY_##type_, .flags = (flags_),                                  \
        .offset = offsetof(kz_config_layer, member), __VA_ARGS__                                                       \
    }
#define TARGET_KEY(direction, type_, ...)                                                                              \
    {                                                                                                                  \
        .path = "train.target." #direction, .type = KZ_KEY_##type_, .flags = BITS,                                     \
        .offset = offsetof(kz_config, train.target), __VA_ARGS__                                                       \
    }

const kz_config_key kz_config_keys[] = {
#include "config/config_schema_keys.inc"
    {0}};

/* ---- looking things up ---- */

static bool is_right_below(const kz_config_key *section, const char *path)
{
    size_t n = section ? strlen(section->path) : 0;
    if (section && (*path != *section->path || strncmp(path, section->path, n) != 0)) return false;
    path += n;
    if (section && section->type == KZ_KEY_LAYERS) {
        if (strncmp(path, "[]", 2) != 0) return false;
        path += 2;
    }
    if (section && *path++ != '.') return false;
    return !strchr(path, '.');
}

const kz_config_key *kz_config_next(const kz_config_key *section, const kz_config_key *last)
{
    for (const kz_config_key *k = last ? last + 1 : kz_config_keys; k->path; k++)
        if (is_right_below(section, k->path)) return k;
    return NULL;
}

const kz_config_key *kz_config_key_of(const char *path)
{
    for (const kz_config_key *k = kz_config_keys; k->path; k++)
        if (strcmp(k->path, path) == 0) return k;
    return NULL;
}

const char *kz_config_leaf(const kz_config_key *key)
{
    const char *dot = strrchr(key->path, '.');
    return dot ? dot + 1 : key->path;
}

bool kz_config_has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; p && *p; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");
        if (length == n && memcmp(p, word, n) == 0) return true;
        p += length;
    }
    return false;
}

bool kz_config_in_range(const kz_config_key *key, double x)
{
    if (!(key->min < key->max)) return true;
    return (key->above ? x > key->min : x >= key->min) && (key->below ? x < key->max : x <= key->max);
}

const char *kz_config_path(char out[KZ_CONFIG_PATH], const kz_config_key *key, int64_t index)
{
    const char *brackets = strstr(key->path, "[]");
    if (!brackets) snprintf(out, KZ_CONFIG_PATH, "%s", key->path);
    else
        snprintf(out, KZ_CONFIG_PATH, "%.*s[%lld]%s", (int)(brackets - key->path), key->path, (long long)index,
                 brackets + 2);
    return out;
}

/* ---- choices ---- */

const kz_config_choice *kz_config_choice_of(const kz_config_key *key, const char *name)
{
    for (const kz_config_choice *c = key->choices; c && c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

const kz_config_key *kz_config_chooser(const kz_config_key *section)
{
    const kz_config_key *k = NULL;
    while ((k = kz_config_next(section, k)))
        if (k->flags & KZ_KEY_CHOOSES) return k;
    return NULL;
}

const kz_config_choice *kz_config_chosen(const kz_config_key *section, const void *base)
{
    const kz_config_key *chooser = kz_config_chooser(section);
    const char *name = NULL;
    if (chooser) memcpy(&name, (const char *)base + chooser->offset, sizeof name);
    return name ? kz_config_choice_of(chooser, name) : NULL;
}

bool kz_config_uses(const kz_config_choice *choice, const kz_config_key *key, char standard[KZ_CONFIG_STANDARD])
{
    const char *leaf = kz_config_leaf(key);
    size_t n = strlen(leaf);
    standard[0] = '\0';
    for (const char *p = choice->keys; p && *p; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");
        if (length >= n && memcmp(p, leaf, n) == 0 && (length == n || p[n] == '=')) {
            if (length > n) snprintf(standard, KZ_CONFIG_STANDARD, "%.*s", (int)(length - n - 1), p + n + 1);
            return true;
        }
        p += length;
    }
    return false;
}

const char *kz_config_standard(const kz_config_choice *choice, const kz_config_key *key, char out[KZ_CONFIG_STANDARD])
{
    if (!(key->flags & KZ_KEY_BY_CHOICE)) return key->standard;
    return choice && kz_config_uses(choice, key, out) && out[0] ? out : NULL;
}
