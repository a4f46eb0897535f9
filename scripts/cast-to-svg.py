#!/usr/bin/python3
"""Draws a recording of a terminal (asciicast, version 2) as one animated SVG.

    cast-to-svg.py IN.cast OUT.svg

Needs Debian's python3-pyte. Each screen is a frame of a strip, which CSS moves. A line that occurs in
many frames is drawn once and referenced. Every run of text is stretched to its columns and blocks are
drawn as rectangles, so that the result does not depend on the font. A viewer without animation shows the
last frame.
"""
import json
import sys
from html import escape

import pyte

CELL, LINE, SIZE, PAD = 8.4, 18, 14, 16
FRAME = 0.08  # Seconds. Screens that are closer together become one.
READING = 4.0  # Seconds that the last screen stays.
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
COLORS = {"green": "#3fb950", "cyan": "#39c5cf", "brown": "#d29922", "red": "#ff7b72"}
BLOCKS = {"█": 1.0, "▌": 0.5}


def screens(path):
    """Returns each screen with its start in seconds: (start, list of rows of runs)."""
    with open(path, encoding="utf-8") as file:
        header, *events = (json.loads(line) for line in file)
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    shown = []
    for at, kind, text in events:
        if kind != "o":
            continue
        # Content that is overwritten within a frame does not show.
        if not shown or at - shown[-1][0] >= FRAME:
            shown.append((at, None))
        stream.feed(text)
        shown[-1] = (shown[-1][0], [row_of(screen, y) for y in range(screen.lines)])
    different = [shown[0]]
    for at, rows in shown[1:]:
        if rows != different[-1][1]:
            different.append((at, rows))
    return header, different


def row_of(screen, y):
    """Returns the runs of one color: (column, columns, color, bold, text)."""
    runs, line = [], screen.buffer[y]
    for x in range(screen.columns):
        char = line[x]
        if char.data == "":
            continue  # The right half of a wide character.
        wide = x + 1 < screen.columns and line[x + 1].data == ""
        kind = "block" if char.data in BLOCKS else "text"
        kind = "tick" if char.data == "✅" else "wide" if wide else kind
        style = (char.fg, char.bold, kind)
        if runs and runs[-1][2] == style and runs[-1][0] + runs[-1][1] == x and kind in ("block", "text"):
            runs[-1][1] += 1
            runs[-1][3] += char.data
        else:
            runs.append([x, 2 if wide else 1, style, char.data])
    drawn = []
    for x, columns, (color, bold, kind), text in runs:
        text = text.rstrip(" ") if kind == "text" else text
        lead = len(text) - len(text.lstrip(" ")) if kind == "text" else 0
        if text.strip():
            columns = len(text) - lead
            drawn.append((x + lead, columns, color, bold, kind, text[lead:]))
    return tuple(drawn)


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def drawn_row(row):
    parts = []
    for x, columns, color, bold, kind, text in row:
        fill = f' fill="{COLORS[color]}"' if color in COLORS else ""
        left = number(x * CELL)
        if kind == "block":
            width = number(sum(BLOCKS[char] for char in text) * CELL)
            parts.append(f'<rect x="{left}" y="2.5" width="{width}" height="13"{fill}/>')
            continue
        if kind == "tick":
            parts.append(f'<use href="#tick" x="{left}"/>')
            continue
        weight = ' font-weight="700"' if bold else ""
        length = f' textLength="{number(columns * CELL)}"' if kind == "text" and columns > 1 else ""
        parts.append(f'<text x="{left}"{length}{fill}{weight}>{escape(text, quote=False)}</text>')
    return "".join(parts)


def draw(header, frames):
    width, height = header["width"] * CELL + 2 * PAD, header["height"] * LINE + 2 * PAD + 24
    total = frames[-1][0] + READING
    names, rows, strip, moves = {}, [], [], []
    for index, (at, screen) in enumerate(frames):
        uses = []
        for y, row in enumerate(screen):
            if not row:
                continue
            if row not in names:
                names[row] = f"r{len(names)}"
                rows.append(f'<g id="{names[row]}">{drawn_row(row)}</g>')
            uses.append(f'<use href="#{names[row]}" y="{y * LINE}"/>')
        strip.append(f'<g transform="translate({number(index * width)})">{"".join(uses)}</g>')
        start = 0 if index == 0 else at / total * 100
        moves.append(f"{start:.3f}%{{transform:translateX(-{number(index * width)}px)}}")
    last = number((len(frames) - 1) * width)
    moves.append(f"to{{transform:translateX(-{last}px)}}")
    wide, high = number(width), number(height)
    dots = "".join(
        f'<circle cx="{PAD + 6 + 18 * n}" cy="18" r="5.5" fill="{color}"/>'
        for n, color in enumerate(["#ff5f57", "#febc2e", "#28c840"])
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">
<title>A migration in a terminal</title>
<style>
text{{font:{SIZE}px {FONT};white-space:pre;transform:translateY(13.5px)}}
#strip{{transform:translateX(-{last}px);animation:play {total:.2f}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{#strip{{animation:none}}}}
@keyframes play{{{"".join(moves)}}}
</style>
<defs>
<g id="tick"><rect x="1" y="1.5" width="14" height="14" rx="3" fill="#2ea043"/><path d="M4.5 8.5l2.8 3 4.7-6" fill="none" stroke="#fff" stroke-width="1.8"/></g>
{chr(10).join(rows)}
</defs>
<rect x=".5" y=".5" width="{number(width - 1)}" height="{number(height - 1)}" rx="8" fill="#0d1117" stroke="#444c56"/>
{dots}
<svg x="{PAD}" y="{PAD + 24}" width="{number(width - 2 * PAD)}" height="{header["height"] * LINE}" fill="#e6edf3">
<g id="strip">
{chr(10).join(strip)}
</g>
</svg>
</svg>
"""


def main():
    header, frames = screens(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(draw(header, frames))
    print(f"{len(frames)} frames, {frames[-1][0] + READING:.0f} s")


main()
