/*
 * test_recorder.c - what becomes of a submission: a job that a restart remembers, the job that its
 * key made before, or a refusal that leaves nothing.
 */
#include "tests/daemon/client.h"
#include "tests/daemon/site.h"

#include "base/attr.h"
#include "engine/registry.h"

#include <pthread.h>

static struct arena arena;
static struct events *events;
static struct queue *queue;
static struct snapshots *snapshots;
static struct recorder *recorder;
static struct script_policy script_policy;

static void no_wake(void *data)
{
    (void) data;
}

static void begin_life(void)
{
    struct error err = { .code = ERR_OK };

    events = events_new();
    queue = queue_new(events);
    snapshots = snapshots_new(&(struct snapshots_options){ .settings = &site_settings,
                                                           .required = "none",
                                                           .queue = queue,
                                                           .events = events,
                                                           .wake = no_wake });
    recorder = recorder_new(&(struct recorder_options){ .settings = &site_settings,
                                                        .queue = queue,
                                                        .snapshots = snapshots,
                                                        .scripts = script_policy });
    assert_true(recorder_start(recorder, &err));
}

static void end_life(void)
{
    queue_close(queue);
    recorder_stop(recorder);
    recorder_free(recorder);
    snapshots_free(snapshots);
    queue_free(queue);
    events_free(events);
}

static int setup(void **state)
{
    if (site_make(state) < 0)
        return -1;
    script_policy = (struct script_policy){ .is_writable = true };
    begin_life();
    return 0;
}

static int teardown(void **state)
{
    end_life();
    arena_release(&arena);
    return site_remove(state);
}

static struct job *take(const char *target)
{
    struct job *job;

    assert_int_equal(queue_take(queue, 10000, &job), QUEUE_JOB);
    assert_string_equal(job_request(job)->target, target);
    return job;
}

/* As the worker does it. */
static void end(struct job *job)
{
    struct error err = { .code = ERR_OK };
    struct run_report report = { .verb = VERB_UPGRADE,
                                 .outcome = RUN_NOTHING_TO_DO,
                                 .target = job_request(job)->target,
                                 .actor = job_request(job)->actor,
                                 .started_us = 1000 };
    struct registry *registry;

    memcpy(report.id, job_request(job)->id, RUN_ID_SIZE);
    assert_true(job_is_registered(job));
    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_outcome_write(registry, &report, &err));
    registry_close(registry);
    queue_end(queue, job, &report);
}

static void assert_no_job(void)
{
    struct job_views views;

    queue_list(queue, &arena, &views);
    assert_int_equal(views.count, 0);
}

/* ---- Accepting ---- */

static void a_submission_becomes_a_job_and_its_client_is_told(void **state)
{
    struct client client;
    struct job_view view;

    (void) state;
    recorder_open(recorder);
    client_ask(&client, recorder, &(struct asking){ .target = "head" });
    assert_false(client.acceptance.is_replay);
    assert_true(queue_find(queue, client.acceptance.id, &arena, &view));
    assert_string_equal(view.report.actor, "uid 7");
    assert_int_equal(view.report.queued_us, view.queued_us);
    end(take("head"));
    wait_for(&client.ended);
    assert_int_equal(recorder_replays(recorder), 0);
}

static void nothing_is_accepted_before_the_journal_is_settled(void **state)
{
    struct client client;
    struct registry *registry;
    struct error err = { .code = ERR_OK };
    unsigned settled;

    (void) state;
    client_submit(&client, recorder, &(struct asking){ .target = "head" });
    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_settle(registry, NULL, &settled, &err));
    registry_close(registry);
    assert_int_equal(settled, 0);
    assert_int_equal(atomic_load(&client.accepted), 0);
    recorder_open(recorder);
    wait_for(&client.accepted);
    assert_int_equal(client.error.code, ERR_OK);
    end(take("head"));
}

static void a_client_may_wait_for_the_acceptance_only(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE, .target = "x", .actor = "uid 7" };
    struct client client = { .accepted = 0 };

    (void) state;
    recorder_open(recorder);
    recorder_submit(recorder, &(struct submission){ .request = &request },
                    &(struct submit_hooks){ &client, client_accepted, NULL });
    wait_for(&client.accepted);
    end(take("x"));
    assert_int_equal(atomic_load(&client.ended), 0);
}

/* ---- Keys ---- */

static const struct asking keyed = { .target = "head", .key = "k", .fingerprint = 1 };

static void a_known_key_gets_its_job_queued_running_ended_and_after_a_restart(void **state)
{
    struct client first, queued, running, ended, restarted;
    struct job *job;

    (void) state;
    recorder_open(recorder);
    client_ask(&first, recorder, &keyed);
    client_ask(&queued, recorder, &keyed);
    assert_true(queued.acceptance.is_replay);
    assert_string_equal(queued.acceptance.id, first.acceptance.id);
    job = take("head");
    client_ask(&running, recorder, &keyed);
    assert_int_equal(atomic_load(&first.ended) + atomic_load(&queued.ended), 0);
    end(job);
    wait_for(&first.ended);
    wait_for(&queued.ended);
    wait_for(&running.ended);

    client_ask(&ended, recorder, &keyed);
    wait_for(&ended.ended);
    assert_string_equal(ended.acceptance.id, first.acceptance.id);
    assert_int_equal(recorder_replays(recorder), 3);

    end_life();
    begin_life();
    recorder_open(recorder);
    client_ask(&restarted, recorder, &keyed);
    wait_for(&restarted.ended);
    assert_true(restarted.acceptance.is_replay);
    assert_string_equal(restarted.acceptance.id, first.acceptance.id);
    assert_no_job();
}

static void a_key_means_one_request(void **state)
{
    struct client first, other;

    (void) state;
    recorder_open(recorder);
    client_ask(&first, recorder, &keyed);
    client_fail(&other, recorder,
                &(struct asking){ .target = "base", .key = "k", .fingerprint = 2 },
                ERR_IDEMPOTENCY_KEY_REUSED);
    assert_non_null(strstr(other.error.hint, first.acceptance.id));
    end(take("head"));
}

/* ---- Refusing ---- */

static const struct error elsewhere = { .code = ERR_PRECONDITION_FAILED, .detail = "elsewhere" };

static void a_known_key_wins_over_a_precondition_and_a_refusal_uses_no_key(void **state)
{
    const struct asking conditional = { "head", "k", 1, &elsewhere };
    struct client client;

    (void) state;
    recorder_open(recorder);
    client_fail(&client, recorder, &conditional, ERR_PRECONDITION_FAILED);
    assert_string_equal(client.error.detail, "elsewhere");
    assert_no_job();
    client_ask(&client, recorder, &keyed);
    assert_false(client.acceptance.is_replay);
    client_ask(&client, recorder, &conditional);
    assert_true(client.acceptance.is_replay);
    end(take("head"));
}

static void fill_queue(void)
{
    const struct run_request request = { .verb = VERB_UPGRADE, .target = "x", .actor = "test" };
    struct error err = { .code = ERR_OK };
    char id[RUN_ID_SIZE];

    for (unsigned i = 0; i < QUEUE_LENGTH_MAX; i++)
        assert_true(queue_submit(queue, &request, 0, id, &err));
}

static void a_refusal_names_the_first_reason(void **state)
{
    static const struct {
        bool is_full, is_closed;
        const struct error *refused_unless;
        enum error_code code;
    } cases[] = {
        { false, false, &elsewhere, ERR_PRECONDITION_FAILED },
        { true, false, NULL, ERR_QUEUE_FULL },
        { true, false, &elsewhere, ERR_PRECONDITION_FAILED },
        { true, true, &elsewhere, ERR_STOPPING },
        { false, true, NULL, ERR_STOPPING },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client client;

        recorder_open(recorder);
        if (cases[i].is_full)
            fill_queue();
        if (cases[i].is_closed)
            queue_close(queue);
        client_fail(&client, recorder, &(struct asking){ "head", "k", 1, cases[i].refused_unless },
                    cases[i].code);
        end_life();
        begin_life();
    }
}

static void a_full_inbox_refuses_at_once_and_stopping_refuses_what_is_in_it(void **state)
{
    static struct client clients[RECORDER_SUBMISSIONS_MAX];
    struct client late;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        client_submit(&clients[i], recorder, &(struct asking){ .target = "head" });
    client_submit(&late, recorder, &(struct asking){ .target = "head" });
    assert_int_equal(atomic_load(&late.accepted), 1);
    assert_int_equal(late.error.code, ERR_QUEUE_FULL);

    recorder_stop(recorder);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        assert_int_equal(atomic_load(&clients[i].accepted), 1);
        assert_int_equal(clients[i].error.code, ERR_STOPPING);
    }
    client_submit(&late, recorder, &(struct asking){ .target = "head" });
    assert_int_equal(late.error.code, ERR_STOPPING);
    assert_no_job();
    assert_false(registry_exists(&site_settings));
}

static void a_journal_that_cannot_be_used_fails_the_submission_and_is_tried_again(void **state)
{
    struct client client;

    (void) state;
    recorder_open(recorder);
    directory_write("content.db.schemad", "in the way", 0600);
    client_fail(&client, recorder, &(struct asking){ .target = "head" }, ERR_JOURNAL);
    client_fail(&client, recorder, &keyed, ERR_JOURNAL);
    assert_no_job();
    assert_int_equal(remove("content.db.schemad"), 0);
    client_ask(&client, recorder, &keyed);
    assert_false(client.acceptance.is_replay);
    end(take("head"));
}

/* ---- Withdrawing ---- */

static void a_withdrawn_job_is_in_the_journal_before_its_client_is_told(void **state)
{
    struct client running, waiting;
    struct error err = { .code = ERR_OK };
    struct run_report report;
    struct job_view view;
    struct job *job;

    (void) state;
    recorder_open(recorder);
    client_ask(&running, recorder, &(struct asking){ .target = "first" });
    client_ask(&waiting, recorder, &(struct asking){ .target = "second" });
    job = take("first");
    assert_true(queue_cancel(queue, waiting.acceptance.id, &err));
    recorder_wake(recorder);
    wait_for(&waiting.ended);
    assert_true(engine_run_find(&site_settings, waiting.acceptance.id, &arena, &report, &err));
    assert_int_equal(report.outcome, RUN_CANCELLED);
    assert_true(queue_find(queue, waiting.acceptance.id, &arena, &view));
    assert_string_equal(report.error.detail, view.report.error.detail);
    assert_int_equal(report.started_us, view.report.started_us);
    assert_int_equal(report.queued_us, view.report.queued_us);
    end(job);
}

static void a_closed_queue_is_emptied(void **state)
{
    struct client client;
    struct error err = { .code = ERR_OK };
    struct run_report report;

    (void) state;
    recorder_open(recorder);
    client_ask(&client, recorder, &keyed);
    queue_close(queue);
    recorder_wake(recorder);
    wait_for(&client.ended);
    assert_true(engine_run_find(&site_settings, client.acceptance.id, &arena, &report, &err));
    assert_int_equal(report.error.code, ERR_STOPPING);
}

/* ---- Denials ---- */

static void denied(struct denials *denials)
{
    struct error err = { .code = ERR_OK };
    struct registry *registry;

    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_denials_read(registry, 10, &arena, denials, &err));
    registry_close(registry);
}

static void denials_are_journalled_and_dropped_when_too_many_wait(void **state)
{
    struct denial denial = { 1000, "token", "tcp", "POST", "/downgrade", 0 };
    struct denials denials;

    (void) state;
    recorder_deny(recorder, &denial);
    denial.at_us = 2000;
    denial.path = "/upgrade";
    for (unsigned i = 0; i < RECORDER_DENIALS_MAX + 10; i++)
        recorder_deny(recorder, &denial);
    recorder_open(recorder);
    recorder_stop(recorder);
    denied(&denials);
    assert_int_equal(denials.count, 2);
    assert_string_equal(denials.items[0].path, "/upgrade");
    assert_int_equal(denials.items[0].repeated, RECORDER_DENIALS_MAX - 2);
    assert_string_equal(denials.items[1].path, "/downgrade");
}

static void who_is_asked_nothing_makes_no_journal(void **state)
{
    (void) state;
    recorder_open(recorder);
    recorder_wake(recorder);
    queue_close(queue);
    recorder_stop(recorder);
    assert_false(registry_exists(&site_settings));
}

/* ---- Scripts ---- */

/* Who has a script written, and what it was told. */
struct author {
    char id[64];
    char path[256];
    struct error error;
    atomic_uint told;
};

static void author_told(void *cookie, const char *id, const char *path, const struct error *error)
{
    struct author *author = cookie;

    if (error != NULL)
        author->error = *error;
    (void) snprintf(author->id, sizeof(author->id), "%s", id != NULL ? id : "");
    (void) snprintf(author->path, sizeof(author->path), "%s", path != NULL ? path : "");
    atomic_fetch_add(&author->told, 1);
}

static void author_submit(struct author *author, const struct revision_request *request,
                          const struct str_list *merged)
{
    const struct script_submission submission = { request, merged, "uid 7" };

    *author = (struct author){ .told = 0 };
    recorder_script(recorder, &submission, &(struct script_hooks){ author, author_told });
}

static void author_ask(struct author *author, const struct revision_request *request,
                       const struct str_list *merged)
{
    author_submit(author, request, merged);
    wait_for(&author->told);
}

static const struct revision *revision_of(const struct snapshot *snapshot, const char *id)
{
    const struct revision *revision = graph_find(snapshot->graph, id);

    assert_non_null(revision);
    return revision;
}

static void a_new_script_is_known_when_its_author_is_told(void **state)
{
    const struct revision_request first = { .message = "the first", .sql = "SELECT 1;" };
    const struct revision_request second = { .id = "left", .head = "head" };
    const struct revision_request third = { .id = "right", .head = "-1", .splice = true };
    struct author author;
    struct snapshot snapshot;
    const struct revision *revision;

    (void) state;
    recorder_open(recorder);
    author_ask(&author, &first, NULL);
    assert_int_equal(author.error.code, ERR_OK);
    snapshots_take(snapshots, &arena, &snapshot);
    revision = revision_of(&snapshot, author.id);
    assert_string_equal(revision->script->message, "the first");
    assert_string_equal(revision->script->path, author.path);
    assert_int_equal(revision->script->up.count, 0); /* SQL is not taken from a client */
    snapshots_release(snapshots, &snapshot);

    author_ask(&author, &second, NULL);
    assert_string_equal(author.path, "versions/left_.sql");
    author_ask(&author, &third, NULL);
    assert_int_equal(author.error.code, ERR_OK);
}

static void heads_are_merged(void **state)
{
    const struct revision_request request = { .id = "both", .message = "one again" };
    struct str_list heads = { 0 };
    struct author author;
    struct snapshot snapshot;

    (void) state;
    site_script("left", "");
    site_script("right", "");
    recorder_open(recorder);
    str_list_add(&heads, &arena, "heads");
    author_ask(&author, &request, &heads);
    assert_string_equal(author.id, "both");
    snapshots_take(snapshots, &arena, &snapshot);
    assert_int_equal(revision_of(&snapshot, "both")->parents.count, 2);
    assert_int_equal(graph_heads(snapshot.graph)->count, 1);
    snapshots_release(snapshots, &snapshot);
    author_ask(&author, &request, &heads);
    assert_int_equal(author.error.code, ERR_TARGET_INVALID);
    assert_string_equal(author.id, "");
}

static void scripts_are_named_as_it_is_configured(void **state)
{
    const struct revision_request request = { .id = "aaaa", .message = "Add all the users" };
    struct author author;
    struct snapshot snapshot;

    (void) state;
    end_life();
    script_policy.name_style =
        (struct script_name_style){ .file_template = "%(slug)s-%(rev)s", .slug_length = 8 };
    script_policy.is_utc = true;
    begin_life();
    recorder_open(recorder);
    author_ask(&author, &request, NULL);
    assert_string_equal(author.path, "versions/add_all_-aaaa.sql");
    snapshots_take(snapshots, &arena, &snapshot);
    assert_non_null(strstr(revision_of(&snapshot, "aaaa")->script->create_date, "+00:00"));
    snapshots_release(snapshots, &snapshot);
}

static void scripts_are_refused_unless_they_are_allowed(void **state)
{
    const struct revision_request request = { .message = "x" };
    struct author author;

    (void) state;
    end_life();
    script_policy.is_writable = false;
    begin_life();
    author_submit(&author, &request, NULL);
    assert_int_equal(atomic_load(&author.told), 1); /* at once */
    assert_int_equal(author.error.code, ERR_FORBIDDEN);
    assert_non_null(strstr(author.error.hint, "`writable = yes` in section [scripts]"));
    assert_int_equal(rmdir("versions"), 0); /* it is empty */
}

static void too_many_scripts_are_refused_and_stopping_writes_none(void **state)
{
    static struct author authors[RECORDER_SCRIPTS_MAX];
    const struct revision_request request = { .message = "x" };
    struct author late;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(authors); i++)
        author_submit(&authors[i], &request, NULL);
    author_submit(&late, &request, NULL);
    assert_int_equal(late.error.code, ERR_QUEUE_FULL);
    recorder_stop(recorder);
    for (size_t i = 0; i < ARRAY_SIZE(authors); i++) {
        assert_int_equal(atomic_load(&authors[i].told), 1);
        assert_int_equal(authors[i].error.code, ERR_STOPPING);
    }
    author_submit(&late, &request, NULL);
    assert_int_equal(late.error.code, ERR_STOPPING);
    assert_int_equal(rmdir("versions"), 0);
}

/* ---- Many at once: for the thread sanitizer ---- */

#define CLIENTS_A_THREAD 40

static void *submit_many(void *data)
{
    struct client *clients = data;

    for (unsigned i = 0; i < CLIENTS_A_THREAD; i++) {
        const char *const keys[] = { "a", "b", "c", NULL };
        const struct denial denial = { 1, "token", "tcp", "GET", "/current", 0 };
        const struct revision_request script = { .head = "base" };
        struct error err = { .code = ERR_OK };
        struct author author;

        if (i % 10 == 0) {
            author_ask(&author, &script, NULL);
            if (author.error.code != ERR_OK) /* another thread cannot fail a test more softly */
                abort();
        }
        client_submit(&clients[i], recorder, &(struct asking){ .target = "x", .key = keys[i % 4] });
        recorder_deny(recorder, &denial);
        wait_for(&clients[i].accepted);
        if (i % 5 == 0 && clients[i].error.code == ERR_OK &&
            queue_cancel(queue, clients[i].acceptance.id, &err))
            recorder_wake(recorder);
    }
    return NULL;
}

static void *work(void *data)
{
    struct job *job;

    (void) data;
    while (queue_take(queue, 0, &job) == QUEUE_JOB)
        end(job);
    return NULL;
}

static void whoever_was_accepted_is_told_of_the_end(void **state)
{
    static struct client clients[2][CLIENTS_A_THREAD];
    pthread_t submitters[2], worker;

    (void) state;
    recorder_open(recorder);
    assert_int_equal(pthread_create(&worker, NULL, work, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&submitters[i], NULL, submit_many, clients[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(submitters[i], NULL), 0);
    queue_close(queue);
    recorder_wake(recorder);
    assert_int_equal(pthread_join(worker, NULL), 0);
    recorder_stop(recorder);
    for (size_t i = 0; i < CLIENTS_A_THREAD * 2; i++) {
        const struct client *client = &clients[i / CLIENTS_A_THREAD][i % CLIENTS_A_THREAD];

        assert_int_equal(atomic_load(&client->accepted), 1);
        assert_int_equal(atomic_load(&client->ended), client->error.code == ERR_OK);
    }
    assert_true(recorder_replays(recorder) >= 2 * CLIENTS_A_THREAD * 3 / 4 - 3);
}

#define recorder_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorder_test(a_submission_becomes_a_job_and_its_client_is_told),
        recorder_test(nothing_is_accepted_before_the_journal_is_settled),
        recorder_test(a_client_may_wait_for_the_acceptance_only),
        recorder_test(a_known_key_gets_its_job_queued_running_ended_and_after_a_restart),
        recorder_test(a_key_means_one_request),
        recorder_test(a_known_key_wins_over_a_precondition_and_a_refusal_uses_no_key),
        recorder_test(a_refusal_names_the_first_reason),
        recorder_test(a_full_inbox_refuses_at_once_and_stopping_refuses_what_is_in_it),
        recorder_test(a_journal_that_cannot_be_used_fails_the_submission_and_is_tried_again),
        recorder_test(a_withdrawn_job_is_in_the_journal_before_its_client_is_told),
        recorder_test(a_closed_queue_is_emptied),
        recorder_test(denials_are_journalled_and_dropped_when_too_many_wait),
        recorder_test(who_is_asked_nothing_makes_no_journal),
        recorder_test(a_new_script_is_known_when_its_author_is_told),
        recorder_test(heads_are_merged),
        recorder_test(scripts_are_named_as_it_is_configured),
        recorder_test(scripts_are_refused_unless_they_are_allowed),
        recorder_test(too_many_scripts_are_refused_and_stopping_writes_none),
        recorder_test(whoever_was_accepted_is_told_of_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
