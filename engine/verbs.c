/*
 * verbs.c - which rules a verb has.
 */
#include "engine/verbs.h"

const struct verb_rules *verb_rules_find(enum verb verb)
{
    switch (verb) {
    case VERB_UPGRADE:
        return &upgrade_rules;
    case VERB_DOWNGRADE:
        return &downgrade_rules;
    case VERB_STAMP:
        return &stamp_rules;
    case VERB_BACKUP:
        return NULL;
    }
    return NULL;
}
