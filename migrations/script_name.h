/*
 * script_name.h - how the file of a new script is called.
 *
 * The name is for people; the id inside counts. Pure. Memory: the caller's arena.
 */
#pragma once

#include "migrations/script.h"

#include <stdint.h>

#define SCRIPT_NAME_TEMPLATE_DEFAULT "%(rev)s_%(slug)s"
#define SCRIPT_SLUG_LENGTH_DEFAULT   40

/* What names are made of. Zero is a fine default for both. */
struct script_name_style {
    const char *file_template; /* NULL: SCRIPT_NAME_TEMPLATE_DEFAULT */
    unsigned slug_length;      /* characters; 0: SCRIPT_SLUG_LENGTH_DEFAULT */
};

/*
 * The path of a new script below its directory, ".sql" included.
 *
 * Alembic's file_template: %(rev)s, %(slug)s, %(epoch)s and %(year)d, %(month).2d, %(day).2d,
 * %(hour).2d, %(minute).2d, %(second).2d, with precision or width as in Python; %% is a percent
 * sign, '/' begins a directory. The slug is the message's \w+ words (Unicode letters kept),
 * lower-cased (ASCII), joined by '_'; if longer than slug_length cut to that, back to the last '_',
 * plus '_'.
 *
 * header   its id, message and create_date, which begins "YYYY-MM-DD hh:mm:ss".
 * epoch_s  the create date in seconds since 1970.
 * Fails    ERR_CONFIG_INVALID: the template is not understood. ERR_ARGUMENT_INVALID: the name would
 *          be hidden, because a part of it begins with '.', or has an empty part.
 */
must_check bool script_name_format(const struct script_name_style *style,
                                   const struct script_header *header, int64_t epoch_s,
                                   struct arena *arena, const char **ret, struct error *err);
