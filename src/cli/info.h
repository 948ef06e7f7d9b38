/* cli/info.h — the parts of `kaizen info`: what it finds out, as JSON, and how that reads. */
#ifndef KZ_CLI_INFO_H
#define KZ_CLI_INFO_H

#include "cli.h"

json_t *kz_info_energy(void);           /* {"cpu": {"source", "available", "reason"}, "gpu": ...}; NULL: no memory */
void kz_info_print(const json_t *info); /* for people, on stdout */

#endif
