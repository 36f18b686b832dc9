/* Files taken into the program by the assembler as they are, so that a report needs nothing from the machine
 * that it is made on. The compiler does not know of these dependencies: the Makefile does. Paths are relative
 * to the top folder unless they are absolute. */
#include "output/assets.h"

#ifndef CHART_JS_PATH
#define CHART_JS_PATH "/usr/share/javascript/chart.js/chart.min.js"
#endif
#ifndef REPORT_ASSETS
#define REPORT_ASSETS "src/output"
#endif

#define ASSET(symbol, path)                                                                                  \
    __asm__(".pushsection .rodata\n"                                                                         \
            ".global " #symbol "\n"                                                                          \
            ".type " #symbol ", %object\n" #symbol ":\n"                                                     \
            ".incbin \"" path "\"\n"                                                                         \
            ".byte 0\n"                                                                                      \
            ".size " #symbol ", . - " #symbol "\n"                                                           \
            ".popsection\n")

ASSET(asset_report_html, REPORT_ASSETS "/report.html");
ASSET(asset_report_css, REPORT_ASSETS "/report.css");
ASSET(asset_report_js, REPORT_ASSETS "/report.js");
ASSET(asset_health_js, REPORT_ASSETS "/health.js");
ASSET(asset_live_html, REPORT_ASSETS "/live.html");
ASSET(asset_live_css, REPORT_ASSETS "/live.css");
ASSET(asset_live_js, REPORT_ASSETS "/live.js");
ASSET(asset_chart_js, CHART_JS_PATH);
