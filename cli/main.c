/*
 * main.c - schemadctl: the words and the environment, handed to app_run.
 */
#include "cli/app.h"

#include <stdlib.h>
#include <unistd.h>

/* Set and not empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first of two or three that is set. */
static const char *first_of(const char *a, const char *b, const char *c)
{
    if (variable(a) != NULL)
        return variable(a);
    return variable(b) != NULL ? variable(b) : variable(c);
}

int main(int argc, char **argv)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct str_list words = { 0 };
    struct environment environment = {
        .database = variable("SCHEMAD_DATABASE"),
        .scripts = variable("SCHEMAD_SCRIPTS"),
        .socket = variable("SCHEMAD_SOCKET"),
        .url = variable("SCHEMAD_URL"),
        .token_file = variable("SCHEMAD_TOKEN_FILE"),
        .no_color = variable("NO_COLOR"),
        .pager = first_of("SCHEMAD_PAGER", "PAGER", "PAGER"),
        .editor = first_of("VISUAL", "EDITOR", "EDITOR"),
        .locale = first_of("LC_ALL", "LC_CTYPE", "LANG"),
        .runtime_dir = geteuid() != 0 ? variable("XDG_RUNTIME_DIR") : NULL,
    };

    for (int i = 1; i < argc; i++)
        str_list_add(&words, &arena, argv[i]);
    return app_run(&words, &environment, stdout, stderr);
}
