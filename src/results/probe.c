/* The probe table, read from and written as rows of the table `run`. */
#include "results/probe.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct probe, member)
static const struct {
    const char *name, *unit;
    size_t at;
} numbers[] = {
    {"aperture", "m", AT(aperture)},
    {"wetted", "1", AT(wetted)},
    {"wetted_uncertainty", "1", AT(wetted_uncertainty)},
    {"offset_x", "m", AT(offset[0])},
    {"offset_y", "m", AT(offset[1])},
    {"fiducial_x", "m", AT(fiducial[0])},
    {"fiducial_y", "m", AT(fiducial[1])},
    {"simulated_x", "m", AT(simulated[0])},
    {"simulated_y", "m", AT(simulated[1])},
    {"simulated_z", "m", AT(simulated[2])},
};
#define NUMBERS ((int)(sizeof numbers / sizeof numbers[0]))
_Static_assert(sizeof numbers / sizeof numbers[0] + 3 == PROBE_KEYS, "id, from_attempt, utc and the numbers");

static double *number_of(struct probe *p, int k)
{
    return (double *)(void *)((char *)p + numbers[k].at);
}

static void text_of(struct results *r, const char *key, char *text, size_t n)
{
    char *value = results_info(r, key);
    snprintf(text, n, "%s", value);
    free(value);
}

static void first_probe(struct results *r, struct probe *p)
{
    *p = (struct probe){.number = 1,
                        .aperture = NAN,
                        .wetted = NAN,
                        .wetted_uncertainty = NAN,
                        .fiducial = {NAN, NAN},
                        .from_attempt = 1};
    text_of(r, "meta.probe", p->id, sizeof p->id);
    text_of(r, "utc", p->utc, sizeof p->utc);
    results_info_double(r, "aperture", &p->aperture);
    results_info_double(r, "wetted", &p->wetted);
    results_info_double(r, "wetted_uncertainty", &p->wetted_uncertainty);
}

/* false: there is no probe of that number. */
static bool further_probe(struct results *r, int number, struct probe *p)
{
    char key[40], from[32];
    snprintf(key, sizeof key, "probe.%d.from_attempt", number);
    text_of(r, key, from, sizeof from);
    if (!*from)
        return false;
    *p = (struct probe){.number = number, .from_attempt = strtoll(from, NULL, 10)};
    snprintf(key, sizeof key, "probe.%d.id", number);
    text_of(r, key, p->id, sizeof p->id);
    snprintf(key, sizeof key, "probe.%d.utc", number);
    text_of(r, key, p->utc, sizeof p->utc);
    for (int k = 0; k < NUMBERS; k++) {
        *number_of(p, k) = NAN;
        snprintf(key, sizeof key, "probe.%d.%s", number, numbers[k].name);
        results_info_double(r, key, number_of(p, k));
    }
    return true;
}

/* What a wrong number would do here: attempts ascribed to another probe, or the stage sent elsewhere. */
static bool is_sound(const struct probe *before, const struct probe *p, struct results *r, struct err *e)
{
    if (isfinite(p->offset[0]) && isfinite(p->offset[1]) && p->from_attempt >= before->from_attempt)
        return true;
    return err_set(e, ERR_INPUT, "results `%s`: what it says of probe %d is damaged", results_path(r),
                   p->number);
}

int probes_read(struct results *r, struct probe out[PROBES_MAX], struct err *e)
{
    int n = 1;
    first_probe(r, &out[0]);
    for (; n < PROBES_MAX && further_probe(r, n + 1, &out[n]); n++)
        if (!is_sound(&out[n - 1], &out[n], r, e))
            return 0;
    return n;
}

const struct probe *probe_of(const struct probe *list, int n, int64_t attempt)
{
    const struct probe *p = list;
    for (int k = 1; k < n; k++)
        if (attempt >= list[k].from_attempt)
            p = &list[k];
    return p;
}

static void put(struct probe_text *t, struct results_key *key, int at, int number, const char *name,
                const char *unit, bool known)
{
    snprintf(t->key[at], sizeof t->key[at], "probe.%d.%s", number, name);
    key[at] = (struct results_key){t->key[at], known ? t->value[at] : NULL, unit};
}

int probe_keys(const struct probe *p, struct probe_text *t, struct results_key key[PROBE_KEYS])
{
    struct probe copy = *p;
    int n = 0;
    snprintf(t->value[n], sizeof t->value[n], "%s", p->id);
    put(t, key, n++, p->number, "id", "", true);
    snprintf(t->value[n], sizeof t->value[n], "%" PRId64, p->from_attempt);
    put(t, key, n++, p->number, "from_attempt", "", true);
    snprintf(t->value[n], sizeof t->value[n], "%s", p->utc);
    put(t, key, n++, p->number, "utc", "", true);
    for (int k = 0; k < NUMBERS; k++) {
        double v = *number_of(&copy, k);
        struct buf text = {0};
        buf_json_number(&text, v);
        snprintf(t->value[n], sizeof t->value[n], "%s", text.p);
        buf_free(&text);
        put(t, key, n++, p->number, numbers[k].name, numbers[k].unit, isfinite(v));
    }
    return n;
}
