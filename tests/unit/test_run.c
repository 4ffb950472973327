/*
 * test_run.c - the names of a run's enumerations: public words that must not change by accident.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrations/run.h"

static void test_phases(void **state)
{
    (void) state;
    assert_string_equal(run_phase_name(PHASE_QUEUED), "queued");
    assert_string_equal(run_phase_name(PHASE_PLANNING), "planning");
    assert_string_equal(run_phase_name(PHASE_PREFLIGHT), "preflight");
    assert_string_equal(run_phase_name(PHASE_BACKUP), "backup");
    assert_string_equal(run_phase_name(PHASE_RUNNING), "running");
    assert_string_equal(run_phase_name(PHASE_CHECKING), "checking");
    assert_string_equal(run_phase_name(PHASE_COMMITTING), "committing");
    assert_string_equal(run_phase_name(PHASE_DONE), "done");
}

static void expect_outcome(enum run_outcome outcome, const char *name)
{
    enum run_outcome found = RUN_UNFINISHED;

    assert_string_equal(run_outcome_name(outcome), name);
    assert_true(run_outcome_find(name, &found));
    assert_int_equal(found, outcome);
}

static void test_outcomes_both_ways(void **state)
{
    (void) state;
    expect_outcome(RUN_SUCCEEDED, "succeeded");
    expect_outcome(RUN_NOTHING_TO_DO, "nothing-to-do");
    expect_outcome(RUN_PLANNED, "planned");
    expect_outcome(RUN_FAILED, "failed");
    expect_outcome(RUN_CANCELLED, "cancelled");
    expect_outcome(RUN_INTERRUPTED, "interrupted");
    expect_outcome(RUN_APPLIED_EXTERNALLY, "applied-externally");
    expect_outcome(RUN_UNFINISHED, "unfinished");
}

static void test_modes_and_policies_both_ways(void **state)
{
    enum transaction_mode mode = TRANSACTION_RUN;
    enum backup_policy policy = BACKUP_ALWAYS;

    (void) state;
    assert_string_equal(transaction_mode_name(TRANSACTION_RUN), "run");
    assert_true(transaction_mode_find("revision", &mode));
    assert_int_equal(mode, TRANSACTION_REVISION);
    assert_string_equal(backup_policy_name(BACKUP_ALWAYS), "always");
    assert_string_equal(backup_policy_name(BACKUP_DESTRUCTIVE), "destructive");
    assert_true(backup_policy_find("never", &policy));
    assert_int_equal(policy, BACKUP_NEVER);
}

static void test_unknown_names_change_nothing(void **state)
{
    enum transaction_mode mode = TRANSACTION_REVISION;
    enum backup_policy policy = BACKUP_NEVER;
    enum run_outcome outcome = RUN_FAILED;

    (void) state;
    assert_false(transaction_mode_find("Run", &mode));
    assert_false(backup_policy_find("", &policy));
    assert_false(run_outcome_find("success", &outcome));
    assert_int_equal(mode, TRANSACTION_REVISION);
    assert_int_equal(policy, BACKUP_NEVER);
    assert_int_equal(outcome, RUN_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_outcomes_both_ways),
        cmocka_unit_test(test_modes_and_policies_both_ways),
        cmocka_unit_test(test_unknown_names_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
