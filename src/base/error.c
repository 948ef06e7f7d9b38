/* Errors: one message and one call trail per thread. */
#include "kz/base.h"

#include <string.h>

static _Thread_local char message[2048];
static _Thread_local char trail[256];

static const struct {
    const char *name, *meaning;
    int exit_status;
} statuses[] = {
#define KZ_STATUS_ROW(name, exit_status, meaning) {#name, meaning, exit_status},
    KZ_STATUS_LIST(KZ_STATUS_ROW)
#undef KZ_STATUS_ROW
};

int kz_status_exit(kz_status st)
{
    return statuses[st].exit_status;
}

const char *kz_status_name(kz_status st)
{
    return statuses[st].name;
}

const char *kz_status_meaning(kz_status st)
{
    return statuses[st].meaning;
}

const char *kz_error_message(void)
{
    return message;
}

const char *kz_error_trail(void)
{
    return trail;
}

void kz_error_clear(void)
{
    message[0] = '\0';
    trail[0] = '\0';
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

kz_status kz_error_set(kz_status st, const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    snprintf(trail, sizeof trail, "%s:%d", base_name(file), line);
    return st;
}

void kz_error_pass(const char *file, int line)
{
    size_t n = strlen(trail);
    snprintf(trail + n, sizeof trail - n, " < %s:%d", base_name(file), line);
}
