"""Turn an .sql file into a C header with one string: embed_sql.py INPUT OUTPUT NAME."""

import sys


def c_string(line):
    return '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"\n'


def main(source, target, name):
    with open(source, encoding="utf-8") as file:
        lines = file.read().splitlines()
    with open(target, "w", encoding="utf-8") as file:
        file.write("#pragma once\n\nstatic const char %s[] =\n" % name)
        file.write("".join(c_string(line) for line in lines).rstrip("\n") + ";\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
