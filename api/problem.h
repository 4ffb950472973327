/*
 * problem.h - which HTTP status an error has, in one table. The body is json_of_problem's.
 */
#pragma once

#include "base/error.h"

/* The status of an error code, 400 to 507; 200 for ERR_OK. Any thread. */
unsigned problem_status(enum error_code code);

/* Seconds after which trying again makes sense (Retry-After); 0 when it makes none. Any thread. */
unsigned problem_retry_after_s(enum error_code code);
