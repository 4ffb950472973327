/*
 * test_status.c - what people read in systemctl status.
 */
#include "tests/unit/unit.h"

#include "base/attr.h"
#include "daemon/status.h"

#include <string.h>

static const struct error none = { .code = ERR_OK };
static const struct error failed = {
    .code = ERR_STATEMENT_FAILED, .detail = "no such table: x", .file = "a.sql", .line = 7
};
static const struct queue_activity idle = { .has_running = false };
static const struct queue_activity planning = { .has_running = true,
                                                .goal = "c7f8a9b0d1e2",
                                                .progress.phase = PHASE_PLANNING };
static const struct queue_activity third = {
    .has_running = true,
    .goal = "c7f8a9b0d1e2",
    .progress = { .phase = PHASE_RUNNING, .step = 3, .step_count = 5 },
};
static const struct queue_activity before = { .has_running = true,
                                              .goal = "c7f8a9b0d1e2",
                                              .progress.phase = PHASE_BACKUP };
static const struct queue_activity down = {
    .has_running = true,
    .verb = VERB_DOWNGRADE,
    .goal = "base",
    .progress = { .phase = PHASE_RUNNING, .step = 1, .step_count = 5 },
};
static const struct queue_activity backup = { .has_running = true,
                                              .verb = VERB_BACKUP,
                                              .progress.phase = PHASE_BACKUP };

static void the_line_says_what_is_going_on(void **state)
{
    static const struct {
        enum life life;
        bool is_ready;
        const char *rows;
        const struct error *failure;
        const struct queue_activity *activity;
        const char *text;
    } cases[] = {
        { LIFE_STARTING, false, "", &none, &idle, "starting" },
        { LIFE_STARTING, false, "", &none, &planning, "upgrading to c7f8a9b0d1e2: planning" },
        { LIFE_STARTING, false, "", &none, &before, "upgrading to c7f8a9b0d1e2: backing up first" },
        { LIFE_STARTING, false, "", &none, &third, "upgrading to c7f8a9b0d1e2: 3 of 5" },
        { LIFE_SERVING, true, "c7f8a9b0d1e2", &none, &idle, "schema is at c7f8a9b0d1e2" },
        { LIFE_SERVING, true, "c7f8a9b0d1e2", &none, &down, "downgrading to base: 1 of 5" },
        { LIFE_SERVING, true, "c7f8a9b0d1e2", &none, &backup, "backing up" },
        { LIFE_SERVING, false, "", &none, &idle, "schema is at base, required is head" },
        { LIFE_HOLDING, false, "", &failed, &idle,
          "not ready, waiting for a request: a.sql:7: no such table: x" },
        { LIFE_HOLDING, false, "", &failed, &third, "upgrading to c7f8a9b0d1e2: 3 of 5" },
        { LIFE_STOPPING, true, "c7f8a9b0d1e2", &none, &third,
          "stopping: upgrading to c7f8a9b0d1e2: 3 of 5" },
        { LIFE_STOPPING, false, "", &failed, &idle, "stopping: a.sql:7: no such table: x" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[STATUS_SIZE];

        status_format(&(struct status){ .life = cases[i].life,
                                        .is_ready = cases[i].is_ready,
                                        .required = "head",
                                        .rows = cases[i].rows,
                                        .failure = cases[i].failure,
                                        .activity = cases[i].activity },
                      text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_long_reason_is_cut_and_terminated(void **state)
{
    struct error long_one = { .code = ERR_IO };
    char text[STATUS_SIZE];

    (void) state;
    memset(long_one.detail, 'x', sizeof(long_one.detail) - 1);
    memset(long_one.file, 'y', sizeof(long_one.file) - 1);
    status_format(&(struct status){ .life = LIFE_STOPPING,
                                    .required = "head",
                                    .rows = "",
                                    .failure = &long_one,
                                    .activity = &idle },
                  text);
    assert_true(strlen(text) < STATUS_SIZE);
    assert_non_null(strstr(text, "yyy: xxx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_what_is_going_on),
        cmocka_unit_test(a_long_reason_is_cut_and_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
