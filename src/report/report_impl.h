/* report/report_impl.h — private to src/report. */
#ifndef KZ_REPORT_IMPL_H
#define KZ_REPORT_IMPL_H

#include "kz/report.h"

/* Text as it shall be read, whatever characters it has. */
kz_status kz_html_add(kz_text *out, const char *text);
kz_status kz_markdown_add(kz_text *out, const char *text);

const char *kz_json_text(const json_t *object, const char *key); /* "" if there is none */
int64_t kz_json_int(const json_t *object, const char *key);      /* 0 if there is none */

/* data_check_parts.c: which features of a kaizen.datacheck/1 a report shows: those of findings first, then in order. */
enum { KZ_REPORT_FEATURES = 40 };
int kz_report_features(const json_t *check, const json_t *out[KZ_REPORT_FEATURES]);

#endif
