/*
 * route_list.c - prints what tests/e2e/test_openapi.py compares openapi.yaml with: a line for every
 * route ("route METHOD PATH OPERATION ACCESS CHANGES|READS BODY|- PARAMETERS...") and for every
 * error code ("code SLUG STATUS").
 */
#include "api/problem.h"
#include "api/routes.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    size_t count = 0;
    const struct route *all = routes(&count);

    for (size_t i = 0; i < count; i++)
        (void) printf("route %s %s %s %s %s %s %s\n", all[i].method, all[i].path,
                      all[i].operation_id, access_name(all[i].access),
                      all[i].changes ? "CHANGES" : "READS", all[i].takes_body ? "BODY" : "-",
                      all[i].params);
    for (unsigned code = 1; code < ERROR_CODE_COUNT; code++)
        (void) printf("code %s %u\n", error_slug((enum error_code) code),
                      problem_status((enum error_code) code));
    return EXIT_SUCCESS;
}
