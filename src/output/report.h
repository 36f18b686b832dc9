/* The report: one HTML file that needs no network and can be mailed, printed or shown in a group meeting. */
#ifndef SECCM_OUTPUT_REPORT_H
#define SECCM_OUTPUT_REPORT_H

#include "output/data.h"

/* Appends the whole page. All texts of the file are escaped. ERR_INPUT, ERR_IO if the file can not be read.
 */
bool report_html(const struct data *d, struct buf *out, struct err *e);

#endif
