/*
 * snapshot.c - looking, publishing, and handing out.
 */
#include "daemon/snapshot.h"

#include "base/clock.h"
#include "base/oom.h"
#include "daemon/hash.h"
#include "daemon/log.h"
#include "daemon/picture.h"
#include "engine/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define LOOK_INTERVAL_US    1000
#define SCRIPTS_INTERVAL_US 1000000 /* at the latest; sooner when it is cheap */
#define SCRIPTS_SHARE       100     /* one part of this of the time */

struct snapshots {
    struct snapshots_options options; /* immutable */

    pthread_mutex_t look_lock;
    /* Guarded by look_lock. */
    struct reader *reader;
    struct script_directory *directory; /* NULL: none could be read yet */
    struct error scripts_problem;       /* why the newest scripts could not be read */
    uint64_t fingerprint;
    int64_t looked_us;      /* monotonic */
    int64_t scripts_due_us; /* monotonic: not before, look at the directories again */
    version_rows rows;      /* in rows_arena */
    struct arena rows_arena;
    struct error database_problem;
    bool are_rows_known;
    bool database_exists;
    bool has_version_table;
    bool is_news; /* staleness changed, and no event said so yet */

    pthread_mutex_t lock;
    /* Guarded by lock. */
    struct picture *picture;
    struct db_facts facts;
    int64_t confirmed_us; /* wall clock of the last look that succeeded */
    bool is_stale;
    enum life life;
    struct error failure; /* of the start */
};

/* ---- Publishing; the caller holds look_lock ---- */

static void picture_unref_locked(struct picture **picture)
{
    if (*picture != NULL && --(*picture)->references > 0)
        *picture = NULL;
}

static const struct error *problem_of(const struct snapshots *snapshots)
{
    if (snapshots->database_problem.code != ERR_OK)
        return &snapshots->database_problem;
    return &snapshots->scripts_problem;
}

static void add_event(struct snapshots *snapshots)
{
    events_add(snapshots->options.events, &(struct event){ .kind = EVENT_CURRENT });
}

/* Put a new picture in the place of the old one; true when it differs to the eye. */
static bool replace_picture(struct snapshots *snapshots, struct picture *new)
{
    struct picture *old = snapshots->picture; /* only changed under look_lock, too */
    bool is_change = old == NULL || old->hash != new->hash;
    bool is_turn = old == NULL || old->is_ready != new->is_ready;

    (void) pthread_mutex_lock(&snapshots->lock);
    snapshots->picture = new;
    picture_unref_locked(&old);
    (void) pthread_mutex_unlock(&snapshots->lock);
    if (old != NULL)
        picture_free(old);
    if (is_turn)
        snapshots->options.wake(snapshots->options.wake_data);
    return is_change;
}

static void publish(struct snapshots *snapshots)
{
    struct snapshots_options *options = &snapshots->options;
    struct picture_facts facts = {
        .directory = snapshots->directory,
        .rows = snapshots->are_rows_known ? &snapshots->rows : NULL,
        .database_exists = snapshots->database_exists,
        .has_version_table = snapshots->has_version_table,
        .required = options->required,
        .accept = options->accept != NULL ? &options->range : NULL,
        .problem = problem_of(snapshots),
    };

    if (snapshots->picture == NULL || !picture_shows(snapshots->picture, &facts))
        snapshots->is_news |= replace_picture(snapshots, picture_new(&facts));
    if (snapshots->is_news)
        add_event(snapshots);
    snapshots->is_news = false;
}

static void know_rows(struct snapshots *snapshots, const version_rows *rows)
{
    struct arena fresh = { 0 };
    version_rows copy = { 0 };

    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&copy, &fresh, arena_strdup(&fresh, rows->items[i]));
    arena_release(&snapshots->rows_arena);
    snapshots->rows_arena = fresh;
    snapshots->rows = copy;
    snapshots->are_rows_known = true;
    error_clear(&snapshots->database_problem);
}

/* ---- Looking; the caller holds look_lock ---- */

static bool load_scripts(struct snapshots *snapshots, struct error *err)
{
    struct script_directory *loaded;

    if (!script_directory_load(&snapshots->options.settings->scripts, &loaded, err)) {
        snapshots->scripts_problem = *err;
        return false;
    }
    script_directory_unref(snapshots->directory);
    snapshots->directory = loaded;
    error_clear(&snapshots->scripts_problem);
    return true;
}

static void tell_load(const struct snapshots *snapshots)
{
    char text[STATUS_SIZE];

    if (snapshots->scripts_problem.code == ERR_OK)
        return;
    error_format(&snapshots->scripts_problem, text, sizeof(text));
    log_print(LOG_ERR, "%s", text);
}

static void look_at_scripts(struct snapshots *snapshots)
{
    int64_t began_us = clock_monotonic_us();
    uint64_t fingerprint = script_directory_fingerprint(&snapshots->options.settings->scripts);
    int64_t took_us = clock_monotonic_us() - began_us;
    int64_t pause_us = took_us * SCRIPTS_SHARE;

    if (pause_us > SCRIPTS_INTERVAL_US)
        pause_us = SCRIPTS_INTERVAL_US;
    snapshots->scripts_due_us = began_us + took_us + pause_us;
    if (fingerprint != snapshots->fingerprint || snapshots->directory == NULL) {
        bool is_retry = fingerprint == snapshots->fingerprint;
        struct error err = { .code = ERR_OK };

        snapshots->fingerprint = fingerprint;
        if (!load_scripts(snapshots, &err) && !is_retry)
            tell_load(snapshots);
        /* Directories that cannot be read are tried at leisure. */
        if (snapshots->directory == NULL)
            snapshots->scripts_due_us = clock_monotonic_us() + SCRIPTS_INTERVAL_US;
    }
}

static void stale_set_locked(struct snapshots *snapshots, bool is_stale)
{
    snapshots->is_news |= snapshots->is_stale != is_stale;
    snapshots->is_stale = is_stale;
}

static void stale_set(struct snapshots *snapshots, bool is_stale)
{
    (void) pthread_mutex_lock(&snapshots->lock);
    stale_set_locked(snapshots, is_stale);
    (void) pthread_mutex_unlock(&snapshots->lock);
}

/* What is known is true as of now; facts may be NULL. */
static void confirm(struct snapshots *snapshots, const struct db_facts *facts)
{
    (void) pthread_mutex_lock(&snapshots->lock);
    stale_set_locked(snapshots, false);
    snapshots->confirmed_us = clock_wall_us();
    if (facts != NULL)
        snapshots->facts = *facts;
    (void) pthread_mutex_unlock(&snapshots->lock);
}

static void look_at_database(struct snapshots *snapshots)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error err = { .code = ERR_OK };
    struct reader_look look;

    if (reader_look(snapshots->reader, &arena, &look, &err)) {
        if (look.is_changed || !snapshots->are_rows_known) {
            know_rows(snapshots, &look.rows);
            /* Whoever changed it may have brought new scripts. */
            look_at_scripts(snapshots);
        }
        snapshots->database_exists = look.exists;
        snapshots->has_version_table = look.has_version_table;
        confirm(snapshots, &look.facts);
    } else if (err.code == ERR_DATABASE_BUSY && snapshots->are_rows_known) {
        stale_set(snapshots, true);
    } else {
        snapshots->are_rows_known = false;
        snapshots->database_exists = true;
        snapshots->database_problem = err;
        stale_set(snapshots, false);
    }
}

static void look(struct snapshots *snapshots)
{
    int64_t now_us = clock_monotonic_us();

    snapshots->looked_us = now_us;
    if (now_us >= snapshots->scripts_due_us)
        look_at_scripts(snapshots);
    look_at_database(snapshots);
    publish(snapshots);
}

/* ---- Birth and death ---- */

struct snapshots *snapshots_new(const struct snapshots_options *options)
{
    struct snapshots *snapshots = xcalloc(1, sizeof(*snapshots));

    snapshots->options = *options;
    (void) pthread_mutex_init(&snapshots->look_lock, NULL);
    (void) pthread_mutex_init(&snapshots->lock, NULL);
    snapshots->reader = reader_new(options->settings);
    snapshots_refresh_now(snapshots);
    return snapshots;
}

void snapshots_free(struct snapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    reader_free(snapshots->reader);
    script_directory_unref(snapshots->directory);
    arena_release(&snapshots->rows_arena);
    picture_free(snapshots->picture);
    (void) pthread_mutex_destroy(&snapshots->look_lock);
    (void) pthread_mutex_destroy(&snapshots->lock);
    free(snapshots);
}

/* ---- Changing ---- */

void snapshots_refresh(struct snapshots *snapshots)
{
    if (pthread_mutex_trylock(&snapshots->look_lock) != 0)
        return;
    if (clock_monotonic_us() - snapshots->looked_us >= LOOK_INTERVAL_US)
        look(snapshots);
    (void) pthread_mutex_unlock(&snapshots->look_lock);
}

void snapshots_refresh_now(struct snapshots *snapshots)
{
    (void) pthread_mutex_lock(&snapshots->look_lock);
    snapshots->scripts_due_us = 0;
    look(snapshots);
    (void) pthread_mutex_unlock(&snapshots->look_lock);
}

void snapshots_note_rows(struct snapshots *snapshots, const version_rows *rows)
{
    (void) pthread_mutex_lock(&snapshots->look_lock);
    know_rows(snapshots, rows);
    snapshots->database_exists = true;
    snapshots->has_version_table = true;
    confirm(snapshots, NULL);
    look_at_scripts(snapshots); /* the run read them a moment ago */
    publish(snapshots);
    (void) pthread_mutex_unlock(&snapshots->look_lock);
}

bool snapshots_reload(struct snapshots *snapshots, struct error *err)
{
    bool is_loaded;

    (void) pthread_mutex_lock(&snapshots->look_lock);
    snapshots->fingerprint = script_directory_fingerprint(&snapshots->options.settings->scripts);
    is_loaded = load_scripts(snapshots, err);
    publish(snapshots);
    (void) pthread_mutex_unlock(&snapshots->look_lock);
    return is_loaded;
}

void snapshots_failure_set(struct snapshots *snapshots, const struct error *failure)
{
    (void) pthread_mutex_lock(&snapshots->lock);
    error_clear(&snapshots->failure);
    if (failure != NULL)
        snapshots->failure = *failure;
    (void) pthread_mutex_unlock(&snapshots->lock);
    add_event(snapshots);
}

void snapshots_life_set(struct snapshots *snapshots, enum life life)
{
    (void) pthread_mutex_lock(&snapshots->lock);
    snapshots->life = life;
    (void) pthread_mutex_unlock(&snapshots->lock);
    add_event(snapshots);
}

/* ---- Handing out ---- */

static struct picture *picture_take(struct snapshots *snapshots)
{
    struct picture *picture;

    (void) pthread_mutex_lock(&snapshots->lock);
    picture = snapshots->picture;
    picture->references++;
    (void) pthread_mutex_unlock(&snapshots->lock);
    return picture;
}

static void picture_give_back(struct snapshots *snapshots, struct picture *picture)
{
    (void) pthread_mutex_lock(&snapshots->lock);
    picture_unref_locked(&picture);
    (void) pthread_mutex_unlock(&snapshots->lock);
    if (picture != NULL)
        picture_free(picture);
}

bool snapshots_is_ready(struct snapshots *snapshots)
{
    bool is_ready;

    (void) pthread_mutex_lock(&snapshots->lock);
    is_ready = snapshots->picture->is_ready;
    (void) pthread_mutex_unlock(&snapshots->lock);
    return is_ready;
}

static const struct error *problem_to_show(const struct picture *picture,
                                           const struct error *failure)
{
    return picture->problem.code != ERR_OK ? &picture->problem : failure;
}

static void format_status(const struct snapshots *snapshots, const struct picture *picture,
                          enum life life, const struct error *failure, char text[STATUS_SIZE])
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct queue_activity activity;
    struct status status = {
        .life = life,
        .is_ready = picture->is_ready,
        .required = snapshots->options.required,
        .rows = str_list_join(&picture->current.rows, ", ", &arena),
        .failure = problem_to_show(picture, failure),
        .activity = &activity,
    };

    queue_activity(snapshots->options.queue, &activity);
    status_format(&status, text);
}

void snapshots_status(struct snapshots *snapshots, char text[STATUS_SIZE])
{
    struct picture *picture = picture_take(snapshots);
    struct error failure;
    enum life life;

    (void) pthread_mutex_lock(&snapshots->lock);
    failure = snapshots->failure;
    life = snapshots->life;
    (void) pthread_mutex_unlock(&snapshots->lock);
    format_status(snapshots, picture, life, &failure, text);
    picture_give_back(snapshots, picture);
}

static void fill_from_picture(const struct picture *picture, struct snapshot *ret)
{
    ret->graph = picture_graph(picture);
    ret->current = picture->current;
    ret->database_exists = picture->database_exists;
    ret->is_ready = picture->is_ready;
    ret->rows_tag = picture->rows_tag;
    ret->etag = picture->hash;
}

static void fill_from_facts(const struct db_facts *facts, struct snapshot *ret)
{
    memcpy(ret->journal_mode, facts->journal_mode, sizeof(ret->journal_mode));
    ret->database_bytes = facts->bytes;
    ret->wal_bytes = facts->wal_bytes;
}

static void fill_running(struct queue *queue, struct arena *arena, struct snapshot *ret)
{
    struct queue_activity activity;

    queue_activity(queue, &activity);
    ret->queue_length = activity.length;
    ret->has_running = activity.has_running && queue_find(queue, activity.id, arena, &ret->running);
    /* It may have ended in between. */
    ret->has_running = ret->has_running && ret->running.state == JOB_RUNNING;
}

/* What moves with time alone is left out (backend.h). */
static uint64_t hash_running(uint64_t hash, const struct job_view *job)
{
    const struct run_progress *progress = &job->progress;

    hash = hash_text(hash, job->report.id);
    hash = hash_text(hash, progress->revision);
    hash = hash_number(hash, progress->phase);
    hash = hash_number(hash, progress->step);
    hash = hash_number(hash, progress->step_count);
    hash = hash_number(hash, progress->statement);
    hash = hash_number(hash, progress->statement_count);
    hash = hash_number(hash, progress->permille);
    hash = hash_number(hash, (uint64_t) job->remaining_us);
    return hash_number(hash, job->is_cancel_requested * 2u + job->is_interruptible);
}

static uint64_t etag_of(const struct snapshot *snapshot)
{
    uint64_t hash = hash_number(snapshot->etag, snapshot->problem.code);

    hash = hash_text(hash, snapshot->problem.detail);
    hash = hash_number(hash, snapshot->is_ready * 2u + snapshot->is_stale);
    return snapshot->has_running ? hash_running(hash, &snapshot->running) : hash;
}

void snapshots_take(struct snapshots *snapshots, struct arena *arena, struct snapshot *ret)
{
    const struct snapshots_options *options = &snapshots->options;
    char status[STATUS_SIZE];
    struct picture *picture;
    enum life life;

    snapshots_refresh(snapshots);
    picture = picture_take(snapshots);
    *ret = (struct snapshot){ .owner = picture };
    fill_from_picture(picture, ret);
    (void) pthread_mutex_lock(&snapshots->lock);
    fill_from_facts(&snapshots->facts, ret);
    ret->is_stale = snapshots->is_stale;
    ret->observed_us = snapshots->confirmed_us;
    ret->problem = snapshots->failure;
    life = snapshots->life;
    ret->is_ready = ret->is_ready && life != LIFE_STARTING; /* the job of the start is not over */
    (void) pthread_mutex_unlock(&snapshots->lock);
    ret->problem = *problem_to_show(picture, &ret->problem);
    fill_running(options->queue, arena, ret);
    format_status(snapshots, picture, life, &ret->problem, status);
    ret->status = arena_strdup(arena, status);
    ret->required = options->required;
    ret->accept = options->accept;
    ret->database = options->settings->database;
    ret->scripts = &options->settings->scripts;
    ret->etag = etag_of(ret);
}

void snapshots_release(struct snapshots *snapshots, struct snapshot *snapshot)
{
    picture_give_back(snapshots, snapshot->owner);
    snapshot->owner = NULL;
}
