/*
 * log.c - lines to the journal with fields, or to standard error with a word for their priority.
 */
#include "daemon/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* it would always be this file */
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LINE_MAX_BYTES  2048
#define FIELD_MAX_BYTES 512
#define FIELDS_MAX      16

/* Random, and the same for ever: systemd/schemad.catalog knows them. */
static const char *const message_ids[] = {
    [LOG_EVENT_STARTED] = "0e89f5dbbe184cf58f669b299ecc5ba3",
    [LOG_EVENT_READY] = "9aac0457c57047719ef63e7ff5e09deb",
    [LOG_EVENT_RUN_SUCCEEDED] = "05b66aa9f7b4455ab4f51f1f59c4d865",
    [LOG_EVENT_RUN_FAILED] = "6c9d99d89ac44c2484c32695b04469d7",
    [LOG_EVENT_RELOADED] = "c2b634a1984f47348d4e09f8dc7989da",
    [LOG_EVENT_STOPPED] = "4086d6988ba14346988f65ba04551895",
};

/* Written by log_open only, before there are threads. */
static bool is_journal;
static const char *instance_name = "";

static bool is_stderr_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char found[64];
    struct stat status;

    if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
        return false;
    (void) snprintf(found, sizeof(found), "%ju:%ju", (uintmax_t) status.st_dev,
                    (uintmax_t) status.st_ino);
    return strcmp(stream, found) == 0;
}

void log_open(const char *instance)
{
    instance_name = instance;
    is_journal = is_stderr_the_journal();
}

static void make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char) *text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* The fields of one journal entry, as sd_journal_sendv(3) wants them. */
struct entry {
    struct iovec fields[FIELDS_MAX];
    char bytes[FIELDS_MAX][FIELD_MAX_BYTES];
    int count;
};

static void entry_add(struct entry *entry, const char *name, const char *value)
{
    char *bytes = entry->bytes[entry->count];

    if (value == NULL || value[0] == '\0')
        return;
    assert(entry->count < FIELDS_MAX);
    (void) snprintf(bytes, FIELD_MAX_BYTES, "%s=%s", name, value);
    make_one_line(bytes);
    entry->fields[entry->count++] = (struct iovec){ bytes, strlen(bytes) };
}

static void entry_add_facts(struct entry *entry, const struct log_facts *facts)
{
    char line[16];

    entry_add(entry, "SCHEMAD_RUN", facts->run);
    entry_add(entry, "SCHEMAD_VERB", facts->verb);
    entry_add(entry, "SCHEMAD_ACTOR", facts->actor);
    entry_add(entry, "SCHEMAD_FROM", facts->from);
    entry_add(entry, "SCHEMAD_TO", facts->to);
    entry_add(entry, "SCHEMAD_CODE", facts->code);
    entry_add(entry, "SCHEMAD_REVISION", facts->revision);
    entry_add(entry, "SCHEMAD_FILE", facts->file);
    if (facts->line > 0) {
        (void) snprintf(line, sizeof(line), "%u", facts->line);
        entry_add(entry, "SCHEMAD_LINE", line);
    }
}

static void write_journal(const char *id, int priority, const struct log_facts *facts,
                          const char *message)
{
    struct entry entry = { .count = 0 };
    char text[LINE_MAX_BYTES + sizeof("MESSAGE=")];
    char number[16];

    (void) snprintf(text, sizeof(text), "MESSAGE=%s", message);
    entry.fields[entry.count++] = (struct iovec){ text, strlen(text) };
    (void) snprintf(number, sizeof(number), "%d", priority);
    entry_add(&entry, "PRIORITY", number);
    entry_add(&entry, "SYSLOG_IDENTIFIER", "schemad");
    entry_add(&entry, "SCHEMAD_INSTANCE", instance_name);
    entry_add(&entry, "MESSAGE_ID", id);
    if (facts != NULL)
        entry_add_facts(&entry, facts);
    (void) sd_journal_sendv(entry.fields, entry.count);
}

static const char *priority_word(int priority)
{
    if (priority <= LOG_ERR)
        return "error: ";
    return priority == LOG_WARNING ? "warning: " : "";
}

static void write_stderr(int priority, const char *message)
{
    char line[LINE_MAX_BYTES + 32];
    int len = snprintf(line, sizeof(line), "schemad: %s%s\n", priority_word(priority), message);
    ssize_t written;

    assert(len > 0 && (size_t) len < sizeof(line));
    /* One write, so that lines of several threads do not mix. Nobody is left to be told of a
     * failure. */
    written = write(STDERR_FILENO, line, (size_t) len);
    (void) written;
}

static void write_line(const char *id, int priority, const struct log_facts *facts,
                       const char *message)
{
    char text[LINE_MAX_BYTES];

    (void) snprintf(text, sizeof(text), "%s", message);
    make_one_line(text);
    if (is_journal)
        write_journal(id, priority, facts, text);
    else if (priority < LOG_DEBUG)
        write_stderr(priority, text);
}

void log_print(int priority, const char *format, ...)
{
    char message[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    write_line(NULL, priority, NULL, message);
}

void log_event(enum log_event event, int priority, const struct log_facts *facts,
               const char *message)
{
    write_line(message_ids[event], priority, facts, message);
}
