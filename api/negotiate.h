/*
 * negotiate.h - which form of an answer a client likes best (RFC 9110 section 12.5.1). Pure; any
 * thread.
 */
#pragma once

#include <stdbool.h>

/*
 * Whether text/plain is preferred over application/json by an Accept header.
 *
 * Of the media ranges that name a type the most specific one counts, with its q. JSON wins a tie,
 * and whenever text is not acceptable: whoever accepts neither gets JSON all the same.
 *
 * accept  the header's value; NULL: there was none.
 */
bool negotiate_prefers_text(const char *accept);
