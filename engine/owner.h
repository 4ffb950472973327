/*
 * owner.h - files that root makes beside somebody's database belong to that somebody.
 *
 * Internal to engine/. Otherwise the daemon could not go on with what `sudo schemadctl` began.
 */
#pragma once

/*
 * Give `path` to the owner and group of the database, or of the database's directory when the
 * database is missing or is `path` itself. Does nothing unless run by root; best effort.
 */
void owner_adopt(const char *path, const char *database);
