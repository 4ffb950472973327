"""Turn a file into a C header with one array of bytes: embed.py INPUT OUTPUT NAME."""

import sys
from pathlib import Path

COLUMNS = 20


def main(source, target, name):
    data = Path(source).read_bytes()
    rows = (data[at:at + COLUMNS] for at in range(0, len(data), COLUMNS))
    lines = ("    " + " ".join(f"{byte}," for byte in row) for row in rows)
    text = "#pragma once\n\nstatic const unsigned char %s[] = {\n%s\n};\n" % (name, "\n".join(lines))
    Path(target).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
