/* Putting the page together: the template's {{words}} are replaced by its parts. */
#include "output/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"
#include "output/assets.h"
#include "output/report_parts.h"

void report_escape(const char *text, struct buf *out)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        default:
            buf_char(out, *text);
        }
}

void report_number(double value, int digits, struct buf *out)
{
    char text[40];
    if (!isfinite(value)) {
        buf_str(out, "null");
        return;
    }
    c_print_double(text, sizeof text, digits, value);
    buf_str(out, text);
}

static void title(const struct data *d, struct buf *out)
{
    char *name = results_info(d->r, "meta.name");
    report_escape(*name ? name : results_path(d->r), out);
    free(name);
}

/* JSON inside a script element: `<` occurs in strings only, so that escaping it everywhere keeps the meaning
 * and no text of a user can end the element. */
static bool data_block(const struct data *d, struct buf *out, struct err *e)
{
    struct buf json = {0};
    bool ok = report_json(d, &json, e);
    if (ok) {
        buf_reserve(out, json.n + json.n / 64);
        for (size_t k = 0; k < json.n; k++) {
            if (json.p[k] == '<')
                buf_str(out, "\\u003c");
            else
                buf_char(out, json.p[k]);
        }
    }
    buf_free(&json);
    return ok;
}

/* What stands for the word of n bytes. Unknown words are a mistake in the template, shown as such. */
static bool replace(const struct data *d, const char *word, size_t n, struct buf *out, struct err *e)
{
    static const struct {
        const char *word, *text;
    } texts[] = {{"css", asset_report_css},
                 {"chart", asset_chart_js},
                 {"health", asset_health_js},
                 {"script", asset_report_js}};
    static const struct {
        const char *word;
        bool (*make)(const struct data *d, struct buf *out, struct err *e);
    } parts[] = {{"header", report_header},
                 {"summary", report_summary},
                 {"provenance", report_provenance},
                 {"data", data_block}};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        if (strlen(texts[k].word) == n && memcmp(texts[k].word, word, n) == 0) {
            buf_str(out, texts[k].text);
            return true;
        }
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
        if (strlen(parts[k].word) == n && memcmp(parts[k].word, word, n) == 0)
            return parts[k].make(d, out, e);
    if (n == 5 && memcmp(word, "title", n) == 0) {
        title(d, out);
        return true;
    }
    return err_set(e, ERR_INTERNAL, "the report's template asks for `%.*s`", (int)n, word);
}

bool report_html(const struct data *d, struct buf *out, struct err *e)
{
    const char *p = asset_report_html;
    for (;;) {
        const char *open = strstr(p, "{{"), *close = open ? strstr(open, "}}") : NULL;
        if (!close) {
            buf_str(out, p);
            return true;
        }
        buf_add(out, p, (size_t)(open - p));
        if (!replace(d, open + 2, (size_t)(close - open - 2), out, e))
            return err_context(e, "report");
        p = close + 2;
    }
}
