/* Writing the folder of tables. */
#include "output/export_csv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/tables.h"
#include "output/waves.h"

/* --- files --------------------------------------------------------------------------------------------- */

/* A file that gets its name once it is complete. */
struct sink {
    FILE *file;
    char *path, *partial;
};

static bool sink_open(struct sink *s, const char *folder, const char *name, struct err *e)
{
    struct buf path = {0}, partial = {0};
    buf_printf(&path, "%s/%s", folder, name);
    buf_printf(&partial, "%s.partial", path.p);
    *s = (struct sink){fopen(partial.p, "w"), path.p, partial.p};
    if (s->file)
        return true;
    err_errno(e, ERR_IO, errno, "writing `%s`", path.p);
    buf_free(&path);
    buf_free(&partial);
    return false;
}

static void sink_put(struct sink *s, const struct buf *text)
{
    fwrite(text->p, 1, text->n, s->file); /* errors are sticky: sink_close() looks */
}

static bool sink_close(struct sink *s, bool keep, struct err *e)
{
    bool ok = fflush(s->file) == 0 && !ferror(s->file);
    int error = errno;
    ok = fclose(s->file) == 0 && ok;
    if (ok && keep && rename(s->partial, s->path) != 0) {
        ok = false;
        error = errno;
    }
    if (!ok)
        err_errno(e, ERR_IO, error, "writing `%s`", s->path);
    if (!ok || !keep)
        unlink(s->partial);
    free(s->path);
    free(s->partial);
    return ok;
}

static bool write_text(const char *folder, const char *name, const struct buf *text, struct err *e)
{
    struct sink s;
    if (!sink_open(&s, folder, name, e))
        return false;
    sink_put(&s, text);
    return sink_close(&s, true, e);
}

/* Frees the table; false without an error text if it is NULL (the maker has set one). */
static bool write_table(const char *folder, const char *name, struct table *t, struct err *e)
{
    if (!t)
        return false;
    struct buf text = {0};
    table_print(t, TABLE_CSV, &text);
    bool ok = write_text(folder, name, &text, e);
    buf_free(&text);
    table_free(t);
    return ok;
}

/* --- samples ------------------------------------------------------------------------------------------- */

/* A step (by name) or another phase that gets its own file. */
struct wave_file {
    char name[64];
    char file[96];
    bool technique;
    struct sink sink;
};

struct wave_files {
    struct wave_file *file;
    int n;
};

/* Only letters, digits, - and _ in names of files. */
static void file_name(const struct wave_files *all, const char *name, char *out, size_t n)
{
    char plain[64];
    size_t k = 0;
    for (; name[k] && k + 1 < sizeof plain; k++)
        plain[k] = isalnum((unsigned char)name[k]) || name[k] == '_' ? name[k] : '-';
    plain[k] = '\0';
    snprintf(out, n, "samples-%s.csv", plain);
    for (int j = 0; j < all->n; j++)
        if (strcmp(all->file[j].file, out) == 0)
            snprintf(out, n, "samples-%s-%d.csv", plain, all->n);
}

static struct wave_file *file_of(const struct data *d, const char *folder, struct wave_files *all,
                                 const struct results_step *s, struct err *e)
{
    bool technique = strcmp(s->phase, "step") == 0;
    const char *name = technique ? s->name : s->phase;
    for (int k = 0; k < all->n; k++)
        if (all->file[k].technique == technique && strcmp(all->file[k].name, name) == 0)
            return &all->file[k];
    struct wave_file f = {.technique = technique};
    struct buf head = {0};
    snprintf(f.name, sizeof f.name, "%s", name);
    file_name(all, name, f.file, sizeof f.file);
    if (!sink_open(&f.sink, folder, f.file, e))
        return NULL;
    frame_comment(&d->frame, &head);
    waves_header(true, &head);
    sink_put(&f.sink, &head);
    buf_free(&head);
    all->file = xrealloc(all->file, (size_t)(all->n + 1) * sizeof *all->file);
    all->file[all->n] = f;
    return &all->file[all->n++];
}

static bool samples_of_step(const struct data *d, const char *folder, struct wave_files *all, int attempt,
                            const struct results_step *s, struct err *e)
{
    struct wave_row *rows = NULL;
    int n = 0;
    struct wave_file *f = file_of(d, folder, all, s, e);
    if (!f || !results_rows(d->r, s->id, &rows, &n, e))
        return false;
    struct buf text = {0};
    waves_rows(&d->frame, true, attempt, s, rows, n, &text);
    sink_put(&f->sink, &text);
    buf_free(&text);
    free(rows);
    return true;
}

static bool samples_of_site(const struct data *d, const char *folder, struct wave_files *all,
                            const struct results_site *site, bool all_phases, struct err *e)
{
    struct results_step *step = NULL;
    int n = 0;
    if (site->last_attempt == 0)
        return true;
    if (!results_steps(d->r, site->last_attempt, &step, &n, e))
        return false;
    bool ok = true;
    for (int k = 0; ok && k < n; k++)
        if (all_phases || strcmp(step[k].phase, "step") == 0)
            ok = samples_of_step(d, folder, all, site->attempts, &step[k], e);
    free(step);
    return ok;
}

static bool write_samples(const struct data *d, const char *folder, bool all_phases, struct wave_files *all,
                          struct err *e)
{
    bool ok = true;
    for (int k = 0; ok && k < d->sites.n; k++)
        ok = samples_of_site(d, folder, all, &d->sites.site[k], all_phases, e);
    for (int k = 0; k < all->n; k++)
        ok = sink_close(&all->file[k].sink, ok, ok ? e : NULL) && ok;
    return ok;
}

/* --- README -------------------------------------------------------------------------------------------- */

static void describe_features(const struct data *d, struct buf *out)
{
    buf_str(out, "\nFeatures (columns of features.csv; names in features-long.csv)\n");
    for (int k = 0; k < feature_count(); k++) {
        const struct feature_def *def = feature_at(k);
        bool used = false;
        for (int j = 0; !used && j < d->n_features; j++)
            used = strcmp(d->feature[j].name, def->name) == 0;
        if (used)
            buf_printf(out, "  %-22s %s\n  %-22s Method: %s.\n", def->name, def->description, "",
                       def->method);
    }
}

static void write_readme(const struct data *d, const struct wave_files *all, struct buf *out)
{
    buf_str(out, "Tables of the results file ");
    frame_one_line(results_path(d->r), out);
    buf_str(out, "\n\nConventions\n  Potentials are those of the sample versus ");
    frame_one_line(d->frame.reference, out);
    buf_str(
        out,
        ".\n  Currents are positive for oxidation at the sample.\n"
        "  The unit stands at the end of each column's name. An empty field is a missing value, never 0;\n"
        "  features-long.csv gives the reason. Commas separate fields, the decimal sign is a point, text is "
        "UTF-8.\n"
        "  Heights (z) are in the frame of the rig, larger = further from the sample unless the rig file "
        "says\n"
        "  otherwise. Times are seconds of experiment time; *_utc is ISO 8601.\n"
        "  Control sites are left out unless they were asked for (--role); the column role tells them "
        "apart.\n"
        "\nFiles\n"
        "  run.csv            provenance: one key per row (reference, offset, signs, seed, program, "
        "instruments, "
        "probe ...).\n"
        "  sites.csv          one row per site in the planned order: place, levels, outcome and its reason.\n"
        "  attempts.csv       one row per landing: contact, break distance, in-air blank.\n"
        "  features.csv       one row per site, step and cycle; one column per feature.\n"
        "  features-long.csv  one row per value, in SI units, with uncertainty (SD), method or reason of "
        "absence.\n"
        "  events.csv         what happened, in order.\n");
    for (int k = 0; k < all->n; k++) {
        buf_printf(out, "  %s: every sample of the %s `", all->file[k].file,
                   all->file[k].technique ? "step" : "phase");
        frame_one_line(all->file[k].name, out);
        buf_str(out, "`, last attempt of each site.\n");
    }
    buf_str(out, "  The sample files begin with a comment line (#) that states the convention.\n"
                 "\nColumns of the sample files\n"
                 "  t_s          time on the instrument, from the start of its program\n"
                 "  host_s       time of reception\n"
                 "  potential_V  sample versus reference\n"
                 "  current_pA   oxidation positive; as recorded, no blank subtracted\n"
                 "  z_um         last height that the stage had reported\n"
                 "  status       ok, or timing, overload, underload, warning, invalid; flagged samples enter "
                 "no feature\n"
                 "\nSites have one outcome each: measured is the only one whose data are complete. The flag\n"
                 "meniscus-unverified marks near-zero current that may be a good film or a lost drop,\n"
                 "meniscus-spreading a drop that covered more behind the last step than at its landing,\n"
                 "contact-interrupted a contact that was lost in the middle of a step and came back,\n"
                 "probe-suspect a site since which, by its contacts, the probe was not what it had been.\n");
    describe_features(d, out);
    buf_str(out, "\nReading them\n"
                 "  R:      sites <- read.csv(\"sites.csv\"); cv <- read.csv(\"samples-STEP.csv\", "
                 "comment.char = \"#\")\n"
                 "  pandas: pd.read_csv(\"samples-STEP.csv\", "
                 "comment=\"#\").merge(pd.read_csv(\"sites.csv\"), on=\"site\")\n");
}

bool export_csv(const struct data *d, const char *folder, bool all_phases, struct err *e)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, errno, "folder `%s`", folder);
    struct wave_files all = {0};
    struct buf readme = {0};
    bool ok = write_table(folder, "sites.csv", tables_sites(d), e) &&
              write_table(folder, "attempts.csv", tables_attempts(d, 0, e), e) &&
              write_table(folder, "features.csv", tables_features_wide(d), e) &&
              write_table(folder, "features-long.csv", tables_features_long(d), e) &&
              write_table(folder, "events.csv", tables_events(d->r, e), e) &&
              write_table(folder, "run.csv", tables_run(d->r, e), e) &&
              write_samples(d, folder, all_phases, &all, e);
    if (ok) {
        write_readme(d, &all, &readme);
        ok = write_text(folder, "README.txt", &readme, e);
    }
    buf_free(&readme);
    free(all.file);
    return ok;
}
