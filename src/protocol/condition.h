/* What a `when` or the `until` of a `repeat` asks of a feature, with the numbers of one site. */
#ifndef SECCM_PROTOCOL_CONDITION_H
#define SECCM_PROTOCOL_CONDITION_H

#include <stdbool.h>

/* Met if the value is above `above` and below `below`. */
struct condition {
    char step[64];       /* name of the step that the feature belongs to; "" = of the site */
    char feature[48];    /* as in the registry of analysis */
    int cycle;           /* from 1 on, over the passes of a repeat; 0 = the newest */
    double above, below; /* SI; NAN = none */
    bool go_if_missing;  /* `when`: what is done if there is no value */
};

#endif
