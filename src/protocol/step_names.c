/* Names of steps: features are asked for by them, so no two of a list may be equal. */
#include "protocol/step_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static int find_named(const struct protocol *p, int from, int end, const char *name)
{
    for (int i = from; i < end; i++)
        if (p->step[i].name && strcmp(p->step[i].name, name) == 0)
            return i;
    return -1;
}

static void tell_second(const struct protocol *p, const struct step *s, const struct step *first,
                        struct diags *d)
{
    bool here = first->mark.source == s->mark.source;
    diags_error(d, s->mark, "a second step named `%.40s`; the first is in line %d%s%s", s->name,
                first->mark.line, here ? "" : " of ",
                here || !first->mark.source ? "" : first->mark.source->path);
    bool twice = first->mark.line == s->mark.line && here;
    if (twice && s->mark.source != p->source)
        diags_hint(
            d,
            "what is included twice needs other names the second time: write `part: [include: FILE]` under "
            "`steps`, and `use: {step: part, as: NAME}` where it belongs");
    else if (twice)
        diags_hint(d, "what is read twice needs another name the second time: use: {step: %s, as: NAME}",
                   s->name);
}

/* Steps without a name get kind and number within the kind, skipping names that are taken. */
void step_name_all(struct protocol *p, const struct step_list *list, struct diags *d)
{
    int number[STEP_KINDS] = {0};
    for (int i = list->first; i < list->end; i++) {
        struct step *s = &p->step[i];
        int first = s->name ? find_named(p, list->first, i, s->name) : -1;
        if (first >= 0)
            tell_second(p, s, &p->step[first], d);
    }
    for (int i = list->first; i < list->end; i++) {
        struct step *s = &p->step[i];
        char name[48];
        number[s->kind]++;
        if (s->name)
            continue;
        do
            snprintf(name, sizeof name, "%s%d", step_kind_name(s->kind), number[s->kind]);
        while (find_named(p, list->first, list->end, name) >= 0 && ++number[s->kind]);
        s->name = xstrdup(name);
    }
}
