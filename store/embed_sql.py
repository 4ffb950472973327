"""Turn an .sql file into a C header with one string: embed_sql.py INPUT OUTPUT NAME.

The string is written character by character: no compiler has to take a longer literal than C promises.
"""

import sys


def c_characters(line):
    return "    " + "".join("%d," % byte for byte in (line + "\n").encode("ascii")) + "\n"


def main(source, target, name):
    with open(source, encoding="utf-8") as file:
        lines = file.read().splitlines()
    with open(target, "w", encoding="utf-8") as file:
        file.write("#pragma once\n\nstatic const char %s[] = {\n" % name)
        file.write("".join(c_characters(line) for line in lines) + "    0,\n};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
