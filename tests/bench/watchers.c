/*
 * watchers.c - 64 clients of one daemon while it upgrades: what do they hear, and how soon?
 *
 *     watchers SECONDS SOCKET PORT SECRET DATABASE JOB REVISION...
 *
 * 32 clients ask GET /current ten times a second, 16 follow /events, and 16 follow the events of
 * JOB, half of each over the unix socket SOCKET and half over TCP, until JOB has ended and a second
 * more; at most SECONDS. REVISIONs are the way the upgrade takes, in order. Nobody may see
 *
 *   - an error, or an answer that ends too early
 *   - a lie: less than an event told already, or a fresh answer (`stale` false) that is not what
 *     the version rows said while it was asked for; they are read before and after every answer
 *   - permille that go backwards
 *   - a gap: numbers of /events follow one another, and a job's stream misses none of its events
 *   - an answer later than LIMIT_US
 *
 * A machine that had no time for this program had perhaps none for the daemon either. So it counts
 * how late its own ticks are, here and on a thread of every processor, and excuses a late answer
 * while one was late itself; but at most one answer of a hundred. One line of figures on standard
 * output; what was wrong on standard error, and exit status 1.
 */
#include "base/clock.h"
#include "base/str.h"
#include "tests/bench/ticks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    POLLERS = 32,
    FOLLOWERS = 16, /* of /events, and as many of the job's */
    WATCHERS = POLLERS + 2 * FOLLOWERS,
    PERIOD_US = 100000, /* of a poller */
    LIMIT_US = 50000,
    LOOK_US = 2000,     /* how old a fresh answer may be: the daemon looks once a millisecond */
    AFTER_US = 1000000, /* how long to go on after the job's end */
    ANSWERS_MAX = 1 << 20,
    INPUT_MAX = 1 << 20,
};

enum kind {
    POLLER,
    EVENTS,
    JOB_EVENTS
};

static const char *const kind_names[] = { "poller", "/events", "/jobs/ID/events" };

/* One client. */
struct watcher {
    enum kind kind;
    int fd;
    struct strbuf input; /* as received */
    struct strbuf text;  /* of a stream: its chunks joined */
    unsigned permille;

    /* poller */
    int64_t due_us;
    int64_t sent_us;      /* 0: nothing is asked just now */
    unsigned told_before; /* what events had told, */
    unsigned rank_before; /* and the database had said for a while, when it asked */
    unsigned rank;        /* of its newest answer */

    /* follower */
    bool has_head;
    bool has_ended;    /* /events: told the job's end; the job's stream: came to its own */
    uint64_t begun;    /* number of its beginning; 0: not yet */
    uint64_t newest;   /* number of its newest event */
    uint64_t *numbers; /* of the job's events after the beginning */
    size_t number_count;
};

static struct {
    const char *path; /* of the unix socket */
    unsigned port;
    const char *secret;
    const char *job;
    char **revisions; /* a rank is how many of them are applied */
    unsigned revision_count;
    int epoll;
    struct ticks ticks;
    sqlite3_stmt *rows;

    struct watcher watchers[WATCHERS];
    int64_t end_us; /* 0: not known yet */

    unsigned told;    /* the highest rank an event told of */
    unsigned rank;    /* what the database says, */
    unsigned before;  /* what it said before, */
    int64_t rank_us;  /* and since when it says so */
    unsigned claimed; /* what fresh answers said while the database could not be asked */

    int64_t took_us[ANSWERS_MAX];
    size_t answers;
    size_t stale_answers;
    size_t events;
    struct spans slow;
    size_t faults;
} site;

/* The first of them are worth reading. */
__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list arguments;

    if (site.faults++ >= 20)
        return;
    va_start(arguments, format);
    (void) vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void) fputc('\n', stderr);
}

/* ---- What the database says ---- */

static unsigned rank_of(const char *revision)
{
    for (unsigned i = 0; i < site.revision_count; i++) {
        if (strcmp(revision, site.revisions[i]) == 0)
            return i + 1;
    }
    fault("revision %s is not on the way", revision);
    return 0;
}

/* False when the database is locked just now. */
static bool database_read(void)
{
    bool is_read = sqlite3_step(site.rows) == SQLITE_ROW;
    unsigned rank = is_read ? rank_of((const char *) sqlite3_column_text(site.rows, 0)) : 0;

    (void) sqlite3_reset(site.rows);
    if (!is_read)
        return false;
    if (rank < site.rank)
        fault("the database went back from %u to %u", site.rank, rank);
    if (rank > site.rank) {
        site.before = site.rank;
        site.rank = rank;
        site.rank_us = clock_monotonic_us();
    }
    if (site.claimed > rank)
        fault("a fresh answer said %u, the database %u", site.claimed, rank);
    site.claimed = 0;
    return true;
}

/* The least that a fresh answer from now on may say. */
static unsigned database_floor(int64_t now_us)
{
    return now_us - site.rank_us > LOOK_US ? site.rank : site.before;
}

static void database_open(const char *path)
{
    sqlite3 *db = NULL;

    need(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(db, "SELECT version_num FROM alembic_version", -1, &site.rows,
                                NULL) == SQLITE_OK,
         path);
}

/* ---- What answers and events say ---- */

static unsigned rank_in(const json_t *current)
{
    const char *revision =
        json_string_value(json_array_get(json_object_get(current, "revisions"), 0));

    return revision == NULL ? 0 : rank_of(revision);
}

static void permille_check(struct watcher *watcher, const json_t *job)
{
    unsigned permille = (unsigned) json_integer_value(json_object_get(job, "permille"));

    if (!json_is_object(job))
        return;
    if (strcmp(json_string_value(json_object_get(job, "id")), site.job) != 0)
        fault("a job nobody asked for runs");
    if (permille < watcher->permille)
        fault("%s: permille went back from %u to %u", kind_names[watcher->kind], watcher->permille,
              permille);
    watcher->permille = permille;
}

static void current_check(struct watcher *watcher, const json_t *current)
{
    bool is_stale = json_is_true(json_object_get(current, "stale"));
    unsigned rank = rank_in(current);

    watcher->rank = rank;
    if (rank < watcher->told_before)
        fault("an answer says %u after an event told %u", rank, watcher->told_before);
    site.stale_answers += is_stale;
    if (is_stale)
        return;
    if (rank < watcher->rank_before)
        fault("a fresh answer says %u, the database said %u", rank, watcher->rank_before);
    if (rank > site.claimed)
        site.claimed = rank;
    (void) database_read();
}

static void job_told(struct watcher *watcher, uint64_t number, const json_t *job)
{
    const char *state = json_string_value(json_object_get(job, "state"));
    bool is_ended = strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;

    permille_check(watcher, job);
    if (number > watcher->begun) {
        watcher->numbers = realloc(watcher->numbers, (watcher->number_count + 1) * sizeof(number));
        need(watcher->numbers != NULL, "memory");
        watcher->numbers[watcher->number_count++] = number;
    }
    if (!is_ended)
        return;
    if (strcmp(state, "succeeded") != 0)
        fault("the job %s", state);
    site.told = site.revision_count;
    if (watcher->kind == EVENTS)
        watcher->has_ended = true;
}

static void event_told(struct watcher *watcher, uint64_t number, const char *kind,
                       const json_t *data)
{
    site.events++;
    if (watcher->begun == 0)
        watcher->begun = number;
    else if (number < watcher->newest)
        fault("%s: event %lu came after %lu", kind_names[watcher->kind], number, watcher->newest);
    else if (watcher->kind == EVENTS && number > watcher->begun && number != watcher->newest + 1)
        fault("/events: %lu follows %lu", number, watcher->newest);
    watcher->newest = number;
    if (strcmp(kind, "job") == 0)
        job_told(watcher, number, data);
    else if (strcmp(kind, "current") == 0)
        site.told = rank_in(data) > site.told ? rank_in(data) : site.told;
    else
        fault("%s: event of kind %s", kind_names[watcher->kind], kind);
}

/* ---- Events out of bytes ---- */

static void strbuf_consume(struct strbuf *buffer, size_t len)
{
    memmove(buffer->ptr, buffer->ptr + len, buffer->len - len + 1);
    buffer->len -= len;
}

/* The value of a field of this block, terminated in place of its line's end; NULL when absent. */
static char *field_take(char *block, const char *name)
{
    char *line = strstr(block, name);
    char *end = line == NULL ? NULL : strchr(line, '\n');

    return line == NULL ? NULL : strndup(line + strlen(name), (size_t) (end - line) - strlen(name));
}

/* A block is what stands before an empty line. */
static void block_read(struct watcher *watcher, char *block)
{
    char *number = field_take(block, "id: ");
    char *kind = field_take(block, "event: ");
    char *data = field_take(block, "data: ");
    json_t *json = data == NULL ? NULL : json_loads(data, 0, NULL);
    uint64_t parsed = 0;

    if (number != NULL && kind != NULL && json != NULL &&
        str_to_u64(str_of(number), UINT64_MAX, &parsed))
        event_told(watcher, parsed, kind, json);
    else if (strncmp(block, "retry: ", 7) != 0 && block[0] != ':')
        fault("%s: this is no event: %s", kind_names[watcher->kind], block);
    json_decref(json);
    free(number);
    free(kind);
    free(data);
}

static void blocks_read(struct watcher *watcher)
{
    char *end = NULL;

    while (watcher->text.len > 0 && (end = strstr(watcher->text.ptr, "\n\n")) != NULL) {
        char after = end[2];

        end[2] = '\0';
        block_read(watcher, watcher->text.ptr);
        end[2] = after;
        strbuf_consume(&watcher->text, (size_t) (end - watcher->text.ptr) + 2);
    }
}

/* Whole chunks (RFC 9112, 7.1) go over into the text; one of no length is the end. */
static void chunks_read(struct watcher *watcher)
{
    struct strbuf *input = &watcher->input;
    char *line_end = NULL;

    while (input->len > 0 && (line_end = strstr(input->ptr, "\r\n")) != NULL) {
        size_t head = (size_t) (line_end - input->ptr) + 2;
        size_t size = 0;

        for (const char *c = input->ptr; c < line_end; c++)
            size = size * 16 + (size_t) (*c <= '9' ? *c - '0' : (*c | 0x20) - 'a' + 10);
        if (input->len < head + size + 2)
            return;
        strbuf_add(&watcher->text, input->ptr + head, size);
        strbuf_consume(input, head + size + 2);
        if (size == 0) {
            watcher->has_ended = true;
            return;
        }
    }
}

static void stream_read(struct watcher *watcher)
{
    char *body = watcher->has_head ? NULL : strstr(watcher->input.ptr, "\r\n\r\n");

    if (!watcher->has_head && body == NULL)
        return;
    if (!watcher->has_head) {
        if (strncmp(watcher->input.ptr, "HTTP/1.1 200", 12) != 0)
            fault("%s: %.300s", kind_names[watcher->kind], watcher->input.ptr);
        watcher->has_head = true;
        strbuf_consume(&watcher->input, (size_t) (body - watcher->input.ptr) + 4);
    }
    chunks_read(watcher);
    blocks_read(watcher);
}

/* ---- Answers out of bytes ---- */

static void answer_took(struct watcher *watcher)
{
    int64_t now_us = clock_monotonic_us();

    need(site.answers < ANSWERS_MAX, "too many answers");
    site.took_us[site.answers++] = now_us - watcher->sent_us;
    if (now_us - watcher->sent_us > LIMIT_US)
        span_add(&site.slow, watcher->sent_us, now_us);
    watcher->due_us += PERIOD_US;
    if (watcher->due_us < now_us)
        watcher->due_us = now_us;
    watcher->sent_us = 0;
}

static void answer_read(struct watcher *watcher)
{
    struct strbuf *input = &watcher->input;
    const char *body = strstr(input->ptr, "\r\n\r\n");
    const char *length = strcasestr(input->ptr, "\r\nContent-Length: ");
    uint64_t size = 0;
    json_t *json = NULL;

    if (body == NULL)
        return;
    need(length != NULL && length < body, "an answer without Content-Length");
    length += strlen("\r\nContent-Length: ");
    need(str_to_u64((struct str){ length, strcspn(length, "\r") }, INPUT_MAX, &size), length);
    body += 4;
    if (input->len < (size_t) (body - input->ptr) + size)
        return;
    answer_took(watcher);
    json = json_loadb(body, size, 0, NULL);
    if (strncmp(input->ptr, "HTTP/1.1 200", 12) != 0 || json == NULL) {
        fault("an answer: %.300s", input->ptr);
    } else {
        current_check(watcher, json);
        permille_check(watcher, json_object_get(json, "running"));
    }
    json_decref(json);
    strbuf_reset(input);
}

/* ---- Connections ---- */

static void request_send(const struct watcher *watcher)
{
    char text[512];
    char path[64] = "/current";
    int len = 0;

    if (watcher->kind == EVENTS)
        (void) snprintf(path, sizeof(path), "/events");
    if (watcher->kind == JOB_EVENTS)
        (void) snprintf(path, sizeof(path), "/jobs/%s/events", site.job);
    len = snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n\r\n",
                   path, site.port, site.secret);
    need(send(watcher->fd, text, (size_t) len, MSG_NOSIGNAL) == len, "send");
}

static int connect_unix(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", site.path);
    need(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "connect");
    return fd;
}

static int connect_tcp(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t) site.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "connect");
    return fd;
}

static void watcher_open(size_t index)
{
    struct watcher *watcher = &site.watchers[index];
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = watcher };

    watcher->kind = index < FOLLOWERS ? EVENTS : index < 2 * FOLLOWERS ? JOB_EVENTS : POLLER;
    strbuf_init(&watcher->input, INPUT_MAX);
    strbuf_init(&watcher->text, INPUT_MAX);
    watcher->fd = index % 2 == 0 ? connect_unix() : connect_tcp();
    watcher->due_us = clock_monotonic_us() + (int64_t) index * PERIOD_US / WATCHERS;
    need(epoll_ctl(site.epoll, EPOLL_CTL_ADD, watcher->fd, &event) == 0, "epoll_ctl");
    if (watcher->kind != POLLER)
        request_send(watcher);
}

static void watcher_receive(struct watcher *watcher)
{
    char bytes[65536];
    ssize_t n = recv(watcher->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        if (watcher->kind != JOB_EVENTS || !watcher->has_ended)
            fault("%s: the connection was closed", kind_names[watcher->kind]);
        need(epoll_ctl(site.epoll, EPOLL_CTL_DEL, watcher->fd, NULL) == 0, "epoll_ctl");
        return;
    }
    strbuf_add(&watcher->input, bytes, (size_t) n);
    need(!watcher->input.is_overflowed && !watcher->text.is_overflowed, "too much to read");
    if (watcher->kind == POLLER)
        answer_read(watcher);
    else
        stream_read(watcher);
}

/* ---- Time ---- */

static void poll_when_due(int64_t now_us)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &site.watchers[i];

        if (watcher->kind != POLLER || watcher->sent_us != 0 || watcher->due_us > now_us)
            continue;
        (void) database_read();
        watcher->told_before = site.told;
        watcher->sent_us = clock_monotonic_us();
        watcher->rank_before = database_floor(watcher->sent_us);
        request_send(watcher);
    }
}

static bool job_has_ended(void)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        if (site.watchers[i].kind != POLLER && !site.watchers[i].has_ended)
            return false;
    }
    return true;
}

static void watch(int64_t deadline_us)
{
    struct epoll_event ready[WATCHERS + 1];

    while (site.end_us == 0 || clock_monotonic_us() < site.end_us) {
        int n = epoll_wait(site.epoll, ready, WATCHERS + 1, 1000);

        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr != NULL) {
                watcher_receive(ready[i].data.ptr);
            } else {
                ticks_read(&site.ticks);
                poll_when_due(clock_monotonic_us());
            }
        }
        if (site.end_us == 0 && job_has_ended())
            site.end_us = clock_monotonic_us() + AFTER_US;
        if (clock_monotonic_us() > deadline_us) {
            fault("not everybody heard of the job's end in time");
            return;
        }
    }
}

/* ---- Afterwards ---- */

/* Of the numbers after `begun`. */
static const uint64_t *numbers_after(const struct watcher *watcher, uint64_t begun, size_t *ret)
{
    size_t skipped = 0;

    while (skipped < watcher->number_count && watcher->numbers[skipped] <= begun)
        skipped++;
    *ret = watcher->number_count - skipped;
    return watcher->numbers + skipped;
}

/* The job's own streams have those of its events that /events had, as far back as both go. */
static void check_streams(void)
{
    const struct watcher *reference = &site.watchers[0];

    for (size_t i = 1; i < 2 * FOLLOWERS; i++) {
        const struct watcher *one = &site.watchers[i];
        uint64_t begun = one->begun > reference->begun ? one->begun : reference->begun;
        size_t count = 0;
        size_t expected = 0;
        const uint64_t *numbers = numbers_after(one, begun, &count);
        const uint64_t *wanted = numbers_after(reference, begun, &expected);

        if (count != expected || memcmp(numbers, wanted, count * sizeof(*numbers)) != 0)
            fault("%s: %zu events of the job, and another had %zu", kind_names[one->kind], count,
                  expected);
    }
}

static void check_pollers(void)
{
    int64_t now_us = clock_monotonic_us();

    for (size_t i = 2 * FOLLOWERS; i < WATCHERS; i++) {
        struct watcher *watcher = &site.watchers[i];

        if (watcher->rank != site.revision_count)
            fault("the last answer says %u", watcher->rank);
        if (watcher->sent_us != 0 && now_us - watcher->sent_us > LIMIT_US)
            fault("a question was not answered");
    }
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static double part_ms(unsigned permille)
{
    size_t index = (site.answers - 1) * permille / 1000;

    return (double) site.took_us[index] / 1000.0;
}

static void check_times(void)
{
    size_t excused = 0;

    need(site.answers > 0, "no answers");
    for (size_t i = 0; i < site.slow.count; i++) {
        const struct span *slow = &site.slow.items[i];

        if (tickers_were_late(slow) || spans_overlap(&site.ticks.late, slow))
            excused++;
        else
            fault("an answer took %.1f ms", (double) (slow->to_us - slow->from_us) / 1000.0);
    }
    if (excused * 100 > site.answers)
        fault("%zu of %zu answers were late while this machine was too busy to judge", excused,
              site.answers);
    qsort(site.took_us, site.answers, sizeof(*site.took_us), compare);
    (void) printf("%zu answers (%zu stale): p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms; "
                  "%zu later than %d ms, %zu of them excused (%zu late ticks); %zu events\n",
                  site.answers, site.stale_answers, part_ms(500), part_ms(990), part_ms(999),
                  part_ms(1000), site.slow.count, LIMIT_US / 1000, excused,
                  tickers_late_count() + site.ticks.late.count, site.events);
}

int main(int argc, char **argv)
{
    struct epoll_event tick = { .events = EPOLLIN, .data.ptr = NULL };
    uint64_t seconds = 0;
    uint64_t port = 0;

    if (argc < 8 || !str_to_u64(str_of(argv[1]), 3600, &seconds) ||
        !str_to_u64(str_of(argv[3]), 65535, &port)) {
        (void) fprintf(stderr, "usage: watchers SECONDS SOCKET PORT SECRET DATABASE JOB "
                               "REVISION...\n");
        return 2;
    }
    site.path = argv[2];
    site.port = (unsigned) port;
    site.secret = argv[4];
    site.job = argv[6];
    site.revisions = argv + 7;
    site.revision_count = (unsigned) argc - 7;
    site.epoll = epoll_create1(EPOLL_CLOEXEC);
    database_open(argv[5]);
    for (size_t i = 0; i < WATCHERS; i++)
        watcher_open(i);
    ticks_start(&site.ticks);
    need(epoll_ctl(site.epoll, EPOLL_CTL_ADD, site.ticks.fd, &tick) == 0, "epoll_ctl");
    tickers_start();
    watch(clock_monotonic_us() + (int64_t) seconds * 1000000);
    tickers_stop();
    check_streams();
    check_pollers();
    check_times();
    return site.faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
