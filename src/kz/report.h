/* kz/report.h — reports for people, made from the JSON documents of the other commands: the same document gives the same
 * bytes.  Names that come from files are escaped. */
#ifndef KZ_REPORT_H
#define KZ_REPORT_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A document kaizen.datacheck/1 as Markdown, and as one HTML page without scripts or links. */
kz_status kz_report_data_check_markdown(kz_text *out, const json_t *check);
kz_status kz_report_data_check_html(kz_text *out, const json_t *check);

/* "5 warnings and 1 note: training on it is possible; read the warnings first." */
kz_status kz_report_data_check_verdict(kz_text *out, const json_t *check);

/* "1 437 train, 360 test rows of 64 features; 10 classes" */
kz_status kz_report_data_check_rows(kz_text *out, const json_t *check);

#ifdef __cplusplus
}
#endif
#endif
