/* JSON through jansson. */
#include "kz/base.h"

#include <math.h>

json_t *kz_json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static int add_to_text(const char *bytes, size_t n, void *text)
{
    return kz_text_add_bytes(text, bytes, (int64_t)n) == KZ_OK ? 0 : -1;
}

kz_status kz_json_dump(kz_text *out, const json_t *j, bool indent)
{
    size_t flags = JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY | (indent ? JSON_INDENT(2) : JSON_COMPACT);
    if (json_dump_callback(j, add_to_text, out, flags) != 0)
        return KZ_FAIL(KZ_E_MEM, "JSON: the text could not be built");
    return KZ_OK;
}
