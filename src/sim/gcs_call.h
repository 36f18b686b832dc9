/* One command under way in the simulated piezo controller: its arguments, its answer, its failure; and the
 * functions that the table of commands names. Private to the gcs_*.c files. */
#ifndef SECCM_SIM_GCS_CALL_H
#define SECCM_SIM_GCS_CALL_H

#include "sim/stage_impl.h"

#define FULL_VOLTS 100.0 /* of an output channel over the whole travel */

struct gcs_call {
    struct stage_gcs *s;
    int argc;
    char **argv;
    struct buf *out;
};

struct gcs_pair {
    struct stage_axis *axis;
    double value;
};

/* Leaves the code for ERR?; always false. */
bool gcs_fail(struct gcs_call *c, enum gcs_error code);
/* NULL: there is none of that name. */
struct stage_axis *gcs_find_axis(struct stage_gcs *s, const char *id);
/* Arguments as axis value axis value ...; number of pairs, 0 after an error. */
int gcs_read_pairs(struct gcs_call *c, struct gcs_pair *pairs);
/* As gcs_read_pairs(), but NaN is an error: ATZ alone takes one. */
int gcs_read_numbers(struct gcs_call *c, struct gcs_pair *pairs);
/* Axes named, or all of them if none is. 0 after an error. */
int gcs_read_axes(struct gcs_call *c, struct stage_axis *axes[GCS_MAX_ARGS]);
/* Ends a line: a continued one with a blank before its LF. */
void gcs_end_of_line(struct buf *out, bool last);

ns_t gcs_now(const struct stage_gcs *s);
bool gcs_autozero_running(const struct stage_gcs *s);
/* 1 if the axis is settled at its target. */
double gcs_on_target(struct stage_gcs *s, const struct stage_axis *a);

/* gcs_query.c */
void gcs_ask_autozero(struct gcs_call *c);
void gcs_ask_axes(struct gcs_call *c);
void gcs_ask_error(struct gcs_call *c);
void gcs_ask_high(struct gcs_call *c);
void gcs_ask_identity(struct gcs_call *c);
void gcs_ask_low(struct gcs_call *c);
void gcs_ask_on_target(struct gcs_call *c);
void gcs_ask_open_loop(struct gcs_call *c);
void gcs_ask_overflow(struct gcs_call *c);
void gcs_ask_position(struct gcs_call *c);
void gcs_ask_serial(struct gcs_call *c);
void gcs_ask_servo(struct gcs_call *c);
void gcs_ask_syntax(struct gcs_call *c);
void gcs_ask_target(struct gcs_call *c);
void gcs_ask_unit(struct gcs_call *c);
void gcs_ask_velocity(struct gcs_call *c);
void gcs_ask_velocity_control(struct gcs_call *c);
void gcs_ask_version(struct gcs_call *c);
void gcs_ask_volts(struct gcs_call *c);

/* gcs_motion.c */
void gcs_do_autozero(struct gcs_call *c);
void gcs_do_halt(struct gcs_call *c);
void gcs_do_move(struct gcs_call *c);
void gcs_do_move_relative(struct gcs_call *c);
void gcs_do_open_loop(struct gcs_call *c);
void gcs_do_open_loop_relative(struct gcs_call *c);
void gcs_do_servo(struct gcs_call *c);
void gcs_do_stop(struct gcs_call *c);
void gcs_do_velocity(struct gcs_call *c);
void gcs_do_velocity_control(struct gcs_call *c);

/* gcs_parameter.c */
void gcs_ask_level(struct gcs_call *c);
void gcs_ask_parameter(struct gcs_call *c);
void gcs_do_level(struct gcs_call *c);
void gcs_do_parameter(struct gcs_call *c);

#endif
