/* A small JSON reader and a checker of the part of JSON Schema that seccm writes: enough to let the schema
 * judge documents and to compare its judgement with the parser's. */
#ifndef TESTS_JSON_SCHEMA_H
#define TESTS_JSON_SCHEMA_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum json_kind { J_NULL, J_BOOL, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT };

struct json {
    enum json_kind kind;
    char *text; /* string, number, true or false as written */
    struct json **item;
    char **key; /* OBJECT */
    int n;
};

static struct json *json_new(enum json_kind kind, const char *text)
{
    struct json *j = xcalloc(1, sizeof *j);
    j->kind = kind;
    j->text = text ? xstrdup(text) : NULL;
    return j;
}

static void json_free(struct json *j)
{
    for (int i = 0; i < j->n; i++) {
        json_free(j->item[i]);
        if (j->key)
            free(j->key[i]);
    }
    free(j->item);
    free(j->key);
    free(j->text);
    free(j);
}

static void json_add(struct json *j, const char *key, struct json *item)
{
    j->item = xrealloc(j->item, (size_t)(j->n + 1) * sizeof *j->item);
    j->item[j->n] = item;
    if (j->kind == J_OBJECT) {
        j->key = xrealloc(j->key, (size_t)(j->n + 1) * sizeof *j->key);
        j->key[j->n] = xstrdup(key);
    }
    j->n++;
}

static struct json *json_get(const struct json *j, const char *key)
{
    for (int i = 0; j && j->kind == J_OBJECT && i < j->n; i++)
        if (strcmp(j->key[i], key) == 0)
            return j->item[i];
    return NULL;
}

static void json_blank(const char **p)
{
    *p += strspn(*p, " \t\r\n");
}

/* Escapes that seccm writes: quote, backslash, \n and the like. */
static char *json_text(const char **p)
{
    struct buf b = {0};
    buf_str(&b, "");
    for ((*p)++; **p && **p != '"'; (*p)++) {
        if (**p == '\\')
            (*p)++;
        buf_char(&b, **p);
    }
    if (**p != '"') {
        buf_free(&b);
        return NULL;
    }
    (*p)++;
    return b.p;
}

static struct json *json_read(const char **p);

static struct json *json_read_all(const char **p, struct json *j, char close)
{
    for ((*p)++, json_blank(p); **p != close; json_blank(p)) {
        char *key = NULL;
        if (j->n && *(*p)++ != ',')
            break;
        json_blank(p);
        if (j->kind == J_OBJECT) {
            key = **p == '"' ? json_text(p) : NULL;
            json_blank(p);
            if (!key || *(*p)++ != ':') {
                free(key);
                break;
            }
        }
        struct json *item = json_read(p);
        if (item)
            json_add(j, key, item);
        free(key);
        if (!item)
            break;
    }
    if (**p == close) {
        (*p)++;
        return j;
    }
    json_free(j);
    return NULL;
}

/* NULL if it is no JSON. */
static struct json *json_read(const char **p)
{
    json_blank(p);
    if (**p == '{')
        return json_read_all(p, json_new(J_OBJECT, NULL), '}');
    if (**p == '[')
        return json_read_all(p, json_new(J_ARRAY, NULL), ']');
    if (**p == '"') {
        struct json *j = json_new(J_STRING, NULL);
        j->text = json_text(p);
        return j;
    }
    char word[64];
    size_t n = strcspn(*p, " \t\r\n,]}");
    if (n == 0 || n >= sizeof word)
        return NULL;
    snprintf(word, sizeof word, "%.*s", (int)n, *p);
    *p += n;
    if (strcmp(word, "null") == 0)
        return json_new(J_NULL, word);
    bool logical = strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
    return json_new(logical ? J_BOOL : J_NUMBER, word);
}

static struct json *json_parse(const char *text)
{
    struct json *j = json_read(&text);
    if (j)
        json_blank(&text);
    if (j && *text) {
        json_free(j);
        return NULL;
    }
    return j;
}

static void json_write(const struct json *j, struct buf *out)
{
    if (j->kind == J_STRING) {
        buf_json_string(out, j->text);
    } else if (j->kind < J_STRING) {
        buf_str(out, j->text);
    } else {
        buf_char(out, j->kind == J_OBJECT ? '{' : '[');
        for (int i = 0; i < j->n; i++) {
            buf_str(out, i ? ", " : "");
            if (j->kind == J_OBJECT) {
                buf_json_string(out, j->key[i]);
                buf_str(out, ": ");
            }
            json_write(j->item[i], out);
        }
        buf_char(out, j->kind == J_OBJECT ? '}' : ']');
    }
}

/* --- judging ---------------------------------------------------------------------------------------------
 */

static bool json_is_whole(const struct json *j)
{
    return j->kind == J_NUMBER && j->text[strspn(j->text, "+-0123456789")] == '\0';
}

static bool json_is_type(const struct json *j, const char *type)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};
    return strcmp(type, "integer") == 0 ? json_is_whole(j) : strcmp(type, names[j->kind]) == 0;
}

static const struct json *json_refer(const struct json *root, const struct json *schema)
{
    const struct json *ref = json_get(schema, "$ref");
    const struct json *found = ref ? json_get(json_get(root, "$defs"), strrchr(ref->text, '/') + 1) : NULL;
    if (ref && !found) {
        fprintf(stderr, "no definition of %s\n", ref->text);
        abort();
    }
    return found;
}

static bool json_matches(const char *text, const char *pattern)
{
    regex_t r;
    if (regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "no pattern: %s\n", pattern);
        abort();
    }
    bool yes = regexec(&r, text, 0, NULL, 0) == 0;
    regfree(&r);
    return yes;
}

static bool json_accepts(const struct json *root, const struct json *schema, const struct json *j);

static bool json_accepts_scalar(const struct json *schema, const struct json *j)
{
    const struct json *type = json_get(schema, "type"), *list = json_get(schema, "enum"), *s;
    bool ok = !type || (type->kind == J_STRING && json_is_type(j, type->text));
    for (int i = 0; type && type->kind == J_ARRAY && i < type->n; i++)
        ok = ok || json_is_type(j, type->item[i]->text);
    bool listed = !list;
    for (int i = 0; list && i < list->n; i++)
        listed = listed ||
                 (list->item[i]->kind == j->kind && j->text && strcmp(list->item[i]->text, j->text) == 0);
    ok = ok && listed;
    if (j->kind == J_STRING && (s = json_get(schema, "pattern")))
        ok = ok && json_matches(j->text, s->text);
    if (j->kind == J_STRING && (s = json_get(schema, "maxLength")))
        ok = ok && strlen(j->text) <= strtoul(s->text, NULL, 10);
    if (j->kind == J_NUMBER && (s = json_get(schema, "minimum")))
        ok = ok && strtod(j->text, NULL) >= strtod(s->text, NULL);
    if (j->kind == J_NUMBER && (s = json_get(schema, "maximum")))
        ok = ok && strtod(j->text, NULL) <= strtod(s->text, NULL);
    return ok;
}

static bool json_count_fits(const struct json *schema, const struct json *j, const char *least,
                            const char *most)
{
    const struct json *l = json_get(schema, least), *m = json_get(schema, most);
    return (!l || j->n >= atoi(l->text)) && (!m || j->n <= atoi(m->text));
}

static bool json_accepts_object(const struct json *root, const struct json *schema, const struct json *j)
{
    const struct json *required = json_get(schema, "required"),
                      *more = json_get(schema, "additionalProperties");
    const struct json *names = json_get(schema, "propertyNames");
    bool ok = json_count_fits(schema, j, "minProperties", "maxProperties");
    for (int i = 0; required && i < required->n; i++)
        ok = ok && json_get(j, required->item[i]->text);
    for (int i = 0; ok && i < j->n; i++) {
        const struct json *known = json_get(json_get(schema, "properties"), j->key[i]);
        if (known)
            ok = json_accepts(root, known, j->item[i]);
        else if (more)
            ok = more->kind == J_OBJECT && json_accepts(root, more, j->item[i]);
        struct json name = {.kind = J_STRING, .text = j->key[i]};
        ok = ok && (!names || json_accepts(root, names, &name));
    }
    return ok;
}

/* "if" and "then" of each of "allOf". */
static bool json_accepts_rules(const struct json *root, const struct json *schema, const struct json *j)
{
    const struct json *all = json_get(schema, "allOf");
    bool ok = true;
    for (int i = 0; ok && all && i < all->n; i++)
        ok = !json_accepts(root, json_get(all->item[i], "if"), j) ||
             json_accepts(root, json_get(all->item[i], "then"), j);
    return ok;
}

static bool json_accepts(const struct json *root, const struct json *schema, const struct json *j)
{
    if (schema->kind == J_BOOL)
        return strcmp(schema->text, "true") == 0;
    if (json_get(schema, "not") && json_accepts(root, json_get(schema, "not"), j))
        return false;
    if (!json_accepts_rules(root, schema, j))
        return false;
    const struct json *ref = json_refer(root, schema), *any = json_get(schema, "anyOf"), *items;
    bool ok = json_accepts_scalar(schema, j) && (!ref || json_accepts(root, ref, j)), one = !any;
    for (int i = 0; any && i < any->n; i++)
        one = one || json_accepts(root, any->item[i], j);
    ok = ok && one;
    if (j->kind == J_ARRAY)
        ok = ok && json_count_fits(schema, j, "minItems", "maxItems");
    if (j->kind == J_ARRAY && (items = json_get(schema, "items")))
        for (int i = 0; ok && i < j->n; i++)
            ok = json_accepts(root, items, j->item[i]);
    if (j->kind == J_OBJECT)
        ok = ok && json_accepts_object(root, schema, j);
    return ok;
}

#endif
