/* Loading a protocol for check, plan and run: one way to print what was found. */
#include "cli/load.h"

#include <stdio.h>

#include "cli/options.h"
#include "sim/rig.h"

bool load_plan(const char *path, const struct protocol_options *o, struct loaded *out, int *status)
{
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    *out = (struct loaded){0};
    out->protocol = protocol_load(path, o, d, &e);
    if (out->protocol)
        out->plan = plan_make(out->protocol, d);
    bool good = out->plan && check_programs(out->plan, d);
    if (out->protocol && out->protocol->rig && out->protocol->rig->simulate)
        good = sim_rig_check(out->protocol->rig->simulate, d) && good;
    if (out->plan && !good) {
        plan_free(out->plan);
        out->plan = NULL;
    }
    out->errors = diags_errors(d);
    out->warnings = diags_warnings(d);
    struct buf text = {0};
    diags_print(d, &text);
    if (text.n)
        fputs(text.p, stderr);
    buf_free(&text);
    diags_free(d);
    if (out->plan)
        return true;
    *status = out->errors ? 1 : options_fail(&e);
    load_free(out);
    return false;
}

void load_free(struct loaded *l)
{
    plan_free(l->plan);
    protocol_free(l->protocol);
    *l = (struct loaded){0};
}
