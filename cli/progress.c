/*
 * progress.c - one line, again and again.
 */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/print.h"

#include <sys/ioctl.h>

#define SHOW_INTERVAL_US 100000
#define TICK_INTERVAL_US 1000000
#define COLUMNS_USUAL    80
#define BAR_WIDTH_MAX    30
#define BAR_FRAME        3 /* brackets and the space behind */
#define BAR_MIN          (8 + BAR_FRAME)
#define LINE_BYTES_MAX   ((size_t) 4096)

/* What of a run is said, each level less than the one before. */
enum detail {
    DETAIL_ALL,
    DETAIL_NO_STATEMENT,
    DETAIL_NO_REST,
    DETAIL_NO_STEP,
    DETAIL_COUNT
};

/* ---- Words ---- */

/* "0:09", "12:34", "1:02:03". */
static void add_time(struct strbuf *words, uint64_t us)
{
    unsigned long long seconds = us / 1000000;

    if (seconds >= 3600)
        strbuf_printf(words, "%llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60, seconds % 60);
    else
        strbuf_printf(words, "%llu:%02llu", seconds / 60, seconds % 60);
}

static void add_doing(struct strbuf *words, const struct run_progress *progress, enum detail detail)
{
    strbuf_printf(words, "%3u %%  %s", progress->permille / 10, run_phase_name(progress->phase));
    if (progress->phase != PHASE_RUNNING || progress->revision[0] == '\0')
        return;
    strbuf_printf(words, " %s", progress->revision);
    if (progress->step_count > 0 && detail < DETAIL_NO_STEP)
        strbuf_printf(words, ", step %u of %u", progress->step, progress->step_count);
    if (progress->statement_count > 0 && detail < DETAIL_NO_STATEMENT)
        strbuf_printf(words, ", statement %u of %u", progress->statement,
                      progress->statement_count);
}

static void make_words(struct strbuf *words, const struct run_moment *moment, enum detail detail)
{
    strbuf_reset(words);
    add_doing(words, &moment->progress, detail);
    strbuf_add_text(words, ", ");
    add_time(words, moment->elapsed_us);
    if (moment->remaining_us < 0 || detail >= DETAIL_NO_REST)
        return;
    strbuf_add_text(words, ", about ");
    add_time(words, (uint64_t) moment->remaining_us);
    strbuf_add_text(words, " left");
}

/* As much as fits into so many columns; false, and the least that can be said, when that is too
 * long. */
static bool make_words_fit(struct strbuf *words, const struct run_moment *moment, size_t room)
{
    for (int detail = DETAIL_ALL; detail < DETAIL_COUNT; detail++) {
        make_words(words, moment, (enum detail) detail);
        if (words->len <= room)
            return true;
    }
    return false;
}

static void add_bar(struct strbuf *line, unsigned permille, size_t width)
{
    size_t filled = width * (permille < 1000 ? permille : 1000) / 1000;

    strbuf_add_char(line, '[');
    for (size_t i = 0; i < width; i++) {
        char rest = i == filled ? '>' : ' ';

        strbuf_add_char(line, i < filled ? '#' : rest);
    }
    strbuf_add_text(line, "] ");
}

const char *progress_bar(const struct run_moment *moment, unsigned columns, struct arena *arena)
{
    struct strbuf words cleanup(strbuf_release);
    struct strbuf line cleanup(strbuf_release);
    size_t room = columns > 1 ? columns - 1 : COLUMNS_USUAL - 1; /* the last one may wrap */

    strbuf_init(&words, LINE_BYTES_MAX);
    strbuf_init(&line, LINE_BYTES_MAX);
    if (make_words_fit(&words, moment, room > BAR_MIN ? room - BAR_MIN : 0)) {
        size_t width = room - words.len - BAR_FRAME;

        add_bar(&line, moment->progress.permille, width < BAR_WIDTH_MAX ? width : BAR_WIDTH_MAX);
    } else {
        (void) make_words_fit(&words, moment, room);
    }
    strbuf_add(&line, strbuf_text(&words), words.len < room ? words.len : room);
    return arena_strdup(arena, strbuf_text(&line));
}

const char *progress_line(const struct run_moment *moment, struct arena *arena)
{
    struct strbuf line cleanup(strbuf_release);

    strbuf_init(&line, LINE_BYTES_MAX);
    add_time(&line, moment->elapsed_us);
    strbuf_add_text(&line, "  ");
    add_doing(&line, &moment->progress, DETAIL_NO_STATEMENT);
    return arena_strdup(arena, strbuf_text(&line));
}

/* ---- Showing ---- */

/* Asked each time: a window can be made wider while one waits. */
static unsigned columns_of(FILE *file)
{
    struct winsize size = { .ws_col = 0 };

    return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void write_over(struct progress *progress, const char *line, int64_t now_us)
{
    /* ECMA-48: carriage return, text, erase to the end of the line. */
    (void) fputc('\r', progress->file);
    print_clean(progress->file, line);
    (void) fputs("\033[K", progress->file);
    (void) fflush(progress->file);
    progress->is_shown = true;
    progress->shown_us = now_us;
}

static bool is_other_step(const struct run_progress *a, const struct run_progress *b)
{
    return a->phase != b->phase || a->step != b->step || strcmp(a->revision, b->revision) != 0;
}

static void show_line(struct progress *progress, const struct run_moment *moment)
{
    struct arena arena cleanup(arena_release) = { 0 };
    bool is_new =
        progress->moved_us == 0 || is_other_step(&moment->progress, &progress->moment.progress);

    if (!is_new)
        return;
    print_clean(progress->file, progress_line(moment, &arena));
    (void) fputc('\n', progress->file);
    (void) fflush(progress->file);
}

static void show_bar(struct progress *progress, const struct run_moment *moment, int64_t now_us)
{
    struct arena arena cleanup(arena_release) = { 0 };

    if (!progress->is_shown || now_us - progress->shown_us >= SHOW_INTERVAL_US)
        write_over(progress, progress_bar(moment, columns_of(progress->file), &arena), now_us);
}

void progress_show(struct progress *progress, const struct run_moment *moment)
{
    int64_t now_us = clock_monotonic_us();

    if (progress->style == PROGRESS_BAR)
        show_bar(progress, moment, now_us);
    else if (progress->style == PROGRESS_LINES)
        show_line(progress, moment);
    progress->moment = *moment;
    progress->moved_us = now_us;
}

void progress_tick(struct progress *progress)
{
    struct run_moment moment = progress->moment;
    int64_t now_us = clock_monotonic_us();

    if (progress->style != PROGRESS_BAR || !progress->is_shown || progress->moved_us == 0 ||
        now_us - progress->shown_us < TICK_INTERVAL_US)
        return;
    moment.elapsed_us += (uint64_t) (now_us - progress->moved_us);
    if (moment.remaining_us >= 0) {
        moment.remaining_us -= now_us - progress->moved_us;
        moment.remaining_us = moment.remaining_us > 0 ? moment.remaining_us : 0;
    }
    show_bar(progress, &moment, now_us);
}

void progress_say(struct progress *progress, const char *text)
{
    int64_t now_us = clock_monotonic_us();

    if (progress->style == PROGRESS_BAR &&
        (!progress->is_shown || now_us - progress->shown_us >= SHOW_INTERVAL_US))
        write_over(progress, text, now_us);
}

void progress_end(struct progress *progress)
{
    if (!progress->is_shown)
        return;
    (void) fputs("\r\033[K", progress->file);
    (void) fflush(progress->file);
    progress->is_shown = false;
}
