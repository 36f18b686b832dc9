/* Indented JSON, one member to a line. */
#include "base/json_writer.h"

void json_new_line(struct json_writer *w)
{
    if (!w->first)
        buf_char(w->out, ',');
    buf_char(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_str(w->out, "  ");
    w->first = false;
}

void json_key(struct json_writer *w, const char *name)
{
    json_new_line(w);
    buf_json_string(w->out, name);
    buf_str(w->out, ": ");
}

void json_open(struct json_writer *w, char bracket)
{
    buf_char(w->out, bracket);
    w->depth++;
    w->first = true;
}

void json_close(struct json_writer *w, char bracket)
{
    w->depth--;
    if (!w->first) {
        buf_char(w->out, '\n');
        for (int i = 0; i < w->depth; i++)
            buf_str(w->out, "  ");
    }
    buf_char(w->out, bracket);
    w->first = false;
}

void json_text(struct json_writer *w, const char *name, const char *text)
{
    json_key(w, name);
    buf_json_string(w->out, text);
}

void json_raw(struct json_writer *w, const char *name, const char *json)
{
    json_key(w, name);
    buf_str(w->out, json);
}

void json_number(struct json_writer *w, const char *name, double value)
{
    json_key(w, name);
    buf_json_number(w->out, value);
}
