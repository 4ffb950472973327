/*
 * test_digest.c - SHA-256 against FIPS 180-4's examples, random ids, comparison.
 */
#include "tests/unit/unit.h"

#include "base/digest.h"

#include <string.h>

static void sha256_gives_the_published_digests(void **state)
{
    static const struct {
        const char *text;
        const char *hex;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    char hex[DIGEST_HEX_SIZE];
    unsigned char digest[DIGEST_SIZE];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        digest_sha256_hex(cases[i].text, strlen(cases[i].text), hex);
        assert_string_equal(hex, cases[i].hex);
    }
    digest_sha256("abc", 3, digest);
    assert_int_equal(digest[0], 0xba);
    assert_int_equal(digest[DIGEST_SIZE - 1], 0xad);
}

static void random_ids_have_the_asked_length_and_differ(void **state)
{
    char a[65];
    char b[65];

    (void) state;
    for (size_t digits = 0; digits <= 64; digits++) {
        memset(a, 'x', sizeof(a));
        digest_random_hex(a, digits);
        assert_int_equal(strlen(a), digits);
        assert_int_equal(strspn(a, "0123456789abcdef"), digits);
    }
    digest_random_hex(a, 64);
    digest_random_hex(b, 64);
    assert_string_not_equal(a, b);
}

static void digests_are_equal_only_byte_for_byte(void **state)
{
    unsigned char a[DIGEST_SIZE];
    unsigned char b[DIGEST_SIZE];

    (void) state;
    digest_sha256("abc", 3, a);
    digest_sha256("abc", 3, b);
    assert_true(digest_equal(a, b));
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        b[i] ^= 0x80;
        assert_false(digest_equal(a, b));
        b[i] ^= 0x80;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(random_ids_have_the_asked_length_and_differ),
        cmocka_unit_test(digests_are_equal_only_byte_for_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
