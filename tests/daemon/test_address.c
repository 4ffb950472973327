/*
 * test_address.c - which addresses may be listened on.
 */
#include "tests/unit/unit.h"

#include "base/attr.h"
#include "daemon/address.h"

#include <arpa/inet.h>
#include <string.h>

static void loopback_addresses_are_taken(void **state)
{
    static const struct {
        const char *text;
        int family;
        unsigned port;
    } cases[] = {
        { "127.0.0.1:8420", AF_INET, 8420 },   { "127.8.9.10:1", AF_INET, 1 },
        { "localhost:65535", AF_INET, 65535 }, { "[::1]:8420", AF_INET6, 8420 },
        { "127.0.0.1:0", AF_INET, 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { .code = ERR_OK };
        struct tcp_address address;

        assert_true(tcp_address_parse(cases[i].text, &address, &err));
        assert_int_equal(address.addr.any.sa_family, cases[i].family);
        assert_int_equal(ntohs(cases[i].family == AF_INET6 ? address.addr.v6.sin6_port
                                                           : address.addr.v4.sin_port),
                         cases[i].port);
    }
}

static void everything_else_is_refused_with_what_to_write(void **state)
{
    static const struct {
        const char *text;
        const char *detail;
    } cases[] = {
        { "0.0.0.0:8420", "is not a loopback address" },
        { "192.168.1.2:8420", "is not a loopback address" },
        { "[::]:8420", "is not a loopback address" },
        { "[::ffff:127.0.0.1]:8420", "is not a loopback address" },
        { "127.0.0.1", "is not an address with a port" },
        { "127.0.0.1:", "is not an address with a port" },
        { "127.0.0.1:65536", "is not an address with a port" },
        { "127.0.0.1:+1", "is not an address with a port" },
        { "127.0.0.1:8420 ", "is not an address with a port" },
        { "::1:8420", "is not an address with a port" },
        { "example.com:8420", "is not an address with a port" },
        { ":8420", "is not an address with a port" },
        { "8420", "is not an address with a port" },
        { "", "is not an address with a port" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { .code = ERR_OK };
        struct tcp_address address;

        assert_false(tcp_address_parse(cases[i].text, &address, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_non_null(strstr(err.detail, cases[i].detail));
        assert_non_null(strstr(err.hint, "127.0.0.1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_addresses_are_taken),
        cmocka_unit_test(everything_else_is_refused_with_what_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
