/* What models and checkpoints share: strings of the metadata, tensors of the parameters. */
#include "record_impl.h"

kz_status kz_record_put(json_t *metadata, const char *key, json_t *value)
{
    if (json_object_set_new(metadata, key, value) == 0) return KZ_OK;
    return KZ_FAIL(KZ_E_MEM, "metadata: out of memory for '%s'", key);
}

kz_status kz_record_put_json(json_t *metadata, const char *key, json_t *value, int digits)
{
    kz_text text = {0};
    kz_status st = kz_json_dump_digits(&text, value, digits);
    if (st == KZ_OK) st = kz_record_put(metadata, key, json_string(text.s));
    kz_text_free(&text);
    json_decref(value);
    return st;
}

kz_safetensor kz_record_safetensor(const kz_tensor *t, const char *name, const float *parameters)
{
    kz_safetensor s = {.name = name, .dtype = "F32", .rank = t->rank, .data = parameters + t->offset};
    for (int k = 0; k < t->rank; k++) s.shape[k] = t->shape[k];
    return s;
}
