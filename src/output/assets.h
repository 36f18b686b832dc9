/* Files that are part of the program: the report's page, style and script, and Chart.js as Debian packages
 * it. */
#ifndef SECCM_OUTPUT_ASSETS_H
#define SECCM_OUTPUT_ASSETS_H

/* Texts that end with a NUL. */
extern const char asset_report_html[], asset_report_css[], asset_report_js[], asset_chart_js[];

#endif
