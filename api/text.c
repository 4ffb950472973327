/*
 * text.c - answers as plain text.
 */
#include "api/text.h"

#include "base/clock.h"
#include "migrations/format.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX ((size_t) 16 * 1024 * 1024)
#define US_PER_MS      1000

/* Text that a script or a database brought along cannot move the cursor of a terminal, and is UTF-8
 * on the wire. */
static void add_clean(struct strbuf *out, const char *text)
{
    bool is_utf8 = str_is_utf8(str_of(text));

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        strbuf_add_char(out, c < 0x20 || c == 0x7f || (c > 0x7f && !is_utf8) ? '?' : *text);
    }
}

static void add_line(struct strbuf *out, const char *text)
{
    add_clean(out, text);
    strbuf_add_char(out, '\n');
}

static void add_entry(struct strbuf *out, const char *key, const char *value)
{
    strbuf_printf(out, "%s: ", key);
    add_line(out, value);
}

/* What is there is all there is: an empty text is a text. */
static char *finish(struct strbuf *out)
{
    strbuf_add(out, "", 0);
    return take_ptr(out->ptr);
}

static bool is_known(const struct snapshot *snapshot)
{
    return snapshot->graph != NULL && snapshot->current.verdict != VERDICT_UNKNOWN;
}

/* Why it is not known where the database is. */
static const char *unknown_reason(const struct snapshot *snapshot)
{
    return snapshot->problem.code != ERR_OK ? snapshot->problem.detail : "nobody looked yet";
}

static const char *time_text(int64_t wall_us, struct arena *arena)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_rfc3339(wall_us, text);
    return arena_strdup(arena, text);
}

/* ---- Revisions ---- */

char *text_of_current(const struct snapshot *snapshot)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf out cleanup(strbuf_release);
    const struct current *current = &snapshot->current;

    strbuf_init(&out, TEXT_BYTES_MAX);
    for (size_t i = 0; i < current->revisions.count; i++)
        add_line(&out, format_current_line(current->revisions.items[i], &arena));
    for (size_t i = 0; i < current->unknown.count; i++)
        add_line(&out, arena_printf(&arena, "%s (unknown)", current->unknown.items[i]));
    if (is_known(snapshot) && current->rows.count == 0)
        add_line(&out, "(base)");
    if (!is_known(snapshot))
        add_entry(&out, "unknown", unknown_reason(snapshot));
    else if (snapshot->is_stale)
        add_entry(&out, "stale",
                  arena_printf(&arena, "the database could not be asked since %s",
                               time_text(snapshot->observed_us, &arena)));
    return finish(&out);
}

/* The first line of a text that has several; the rest stays. */
static const char *take_line(struct str *text, struct arena *arena)
{
    size_t end = str_find_char(*text, '\n', 0);
    struct str line = str_sub(*text, 0, end);

    *text = str_sub(*text, end + 1, text->len);
    return arena_strndup(arena, line.ptr, line.len);
}

char *text_of_branches(const struct revision_list *branches)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, TEXT_BYTES_MAX);
    for (size_t i = 0; i < branches->count; i++) {
        struct str entry = str_of(format_branch_entry(branches->items[i], &arena));

        while (entry.len > 0)
            add_line(&out, take_line(&entry, &arena));
    }
    return finish(&out);
}

char *text_of_history(const struct revision_list *revisions)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, TEXT_BYTES_MAX);
    for (size_t i = 0; i < revisions->count; i++)
        add_line(&out, format_history_line(revisions->items[i], NULL, &arena));
    return finish(&out);
}

char *text_of_heads(const struct revision_list *revisions)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, TEXT_BYTES_MAX);
    for (size_t i = 0; i < revisions->count; i++)
        add_line(&out, format_head_line(revisions->items[i], &arena));
    return finish(&out);
}

/* ---- Status ---- */

static const char *rows_text(const version_rows *rows, struct arena *arena)
{
    return rows->count > 0 ? str_list_join(rows, ", ", arena) : "(base)";
}

/* "upgrade head" */
static const char *asked_text(const struct run_report *report, struct arena *arena)
{
    return report->target != NULL
               ? arena_printf(arena, "%s %s", verb_name(report->verb), report->target)
               : verb_name(report->verb);
}

static const char *running_text(const struct snapshot *snapshot, struct arena *arena)
{
    const struct job_view *job = &snapshot->running;

    if (!snapshot->has_running)
        return "nothing";
    return arena_printf(arena, "%s, %s%s%s, %u %%", asked_text(&job->report, arena),
                        run_phase_name(job->progress.phase),
                        job->progress.revision[0] != '\0' ? " " : "", job->progress.revision,
                        job->progress.permille / 10);
}

static const char *last_run_text(const struct backend_counters *counters, struct arena *arena)
{
    if (counters->last_run_us == 0)
        return "none";
    return arena_printf(arena, "%s %s at %s, took %" PRIu64 " ms",
                        verb_name(counters->last_run_verb),
                        run_outcome_name(counters->last_run_outcome),
                        time_text(counters->last_run_us, arena),
                        counters->last_run_duration_us / US_PER_MS);
}

static const char *last_backup_text(const struct backend_counters *counters, struct arena *arena)
{
    if (counters->last_backup_us == 0)
        return "none";
    return arena_printf(arena, "%s, %" PRIu64 " bytes, of %s",
                        time_text(counters->last_backup_us, arena), counters->last_backup_bytes,
                        rows_text(&counters->last_backup_rows, arena));
}

static const char *database_text(const struct snapshot *snapshot, struct arena *arena)
{
    if (!snapshot->database_exists)
        return arena_printf(arena, "%s, does not exist", snapshot->database);
    return arena_printf(arena, "%s, %" PRIu64 " bytes", snapshot->database,
                        snapshot->database_bytes);
}

static void add_schema(struct strbuf *out, const struct snapshot *snapshot, struct arena *arena)
{
    const struct current *current = &snapshot->current;

    add_entry(out, "ready", snapshot->is_ready ? "yes" : "no");
    add_entry(out, "verdict",
              verdict_name(is_known(snapshot) ? current->verdict : VERDICT_UNKNOWN));
    if (is_known(snapshot)) {
        add_entry(out, "revisions", rows_text(&current->rows, arena));
        add_entry(out, "pending", arena_printf(arena, "%zu", current->pending));
        if (snapshot->is_stale)
            add_entry(out, "stale since", time_text(snapshot->observed_us, arena));
    }
    if (snapshot->problem.code != ERR_OK)
        add_entry(out, "problem", snapshot->problem.detail);
}

char *text_of_status(const struct snapshot *snapshot, const struct backend_counters *counters)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, TEXT_BYTES_MAX);
    add_line(&out, snapshot->status != NULL ? snapshot->status : "starting");
    add_schema(&out, snapshot, &arena);
    add_entry(&out, "running", running_text(snapshot, &arena));
    add_entry(&out, "queue",
              arena_printf(&arena, "%u of %u", counters->queue_length, counters->queue_max));
    add_entry(&out, "last run", last_run_text(counters, &arena));
    add_entry(&out, "last backup", last_backup_text(counters, &arena));
    add_entry(&out, "database", database_text(snapshot, &arena));
    return finish(&out);
}
