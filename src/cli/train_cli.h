/* train_cli.h — the parts of `kaizen train`: signals, taking up runs, what is told on the way. */
#ifndef KZ_TRAIN_CLI_H
#define KZ_TRAIN_CLI_H

#include "cli.h"

#include "kz/train.h"

/* ---- train_signals.c ---- */

/* From here on SIGTERM, SIGINT and SIGHUP end the program with status 75, since there is nothing to save; a signal that the
 * program was started to ignore (nohup) stays ignored.  SIGUSR1 asks for a checkpoint. */
void kz_train_signals(kz_train_options *options);
/* The first step is near: now the first signal asks the run to end after a checkpoint, a second one ends the program. */
void kz_train_signals_begin(void);

/* ---- train_resume.c ---- */

/* What --resume, --out and --config come to: which config file is read, and which run directory is taken up. */
typedef struct {
    bool asked, automatic;
    char *
        directory; /* to be taken up or, with `automatic`, begun; NULL: to be found, or begun under the config's output */
    char *config_path; /* --config or the directory's config.yaml */
} kz_train_resume;

kz_status kz_train_resume_read(kz_train_resume *r, const kz_cli *cli);
/* Once the config is read: finds the directory if need be.  *finished <- run.json of a run to which there is nothing to
 * add, yours; options->resume and directory are set where there is one to go on with. */
kz_status kz_train_resume_find(kz_train_resume *r, kz_cli *cli, const kz_config *cfg, kz_train_options *options,
                               json_t **finished);
void kz_train_resume_free(kz_train_resume *r);

/* *run and *result <- what run.json says; rows of metrics are then -1. */
void kz_train_result_of(kz_train_result *result, const json_t *run);

/* ---- train_view.c: what people and machines see of a run ---- */

typedef struct {
    kz_cli *cli;
    kz_log log;
    const char *name;
    int64_t rows, steps_per_epoch, batch, epochs, steps;
    bool classification, has_valid, dry_run;
    bool told; /* its end has been */
    char note[48];
    char fast[96]; /* "": arithmetic is reproducible */
} kz_train_view;

kz_train_watch kz_train_watching(kz_train_view *v);
void kz_train_print_result(const kz_train_view *v, const kz_config *cfg, const kz_train_result *r);
/* The last event, and the summary for a container's termination log (KAIZEN_TERMINATION_LOG, else /dev/termination-log, if
 * that is there). */
void kz_train_tell_end(kz_train_view *v, const kz_train_result *r, kz_status st);
/* The same of a run that failed before it began: st and the error say why. */
void kz_train_tell_failure(kz_train_view *v, kz_status st);

#endif
