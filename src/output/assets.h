/* Files that are part of the program: page, style and script of the report and of the live page, and Chart.js
 * as Debian packages it. */
#ifndef SECCM_OUTPUT_ASSETS_H
#define SECCM_OUTPUT_ASSETS_H

/* Texts that end with a NUL. */
extern const char asset_report_html[], asset_report_css[], asset_report_js[], asset_chart_js[];
extern const char asset_live_html[], asset_live_css[], asset_live_js[], asset_health_js[];

#endif
