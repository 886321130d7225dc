#!/usr/bin/env python3
"""Draws docs/images/guarantees.svg, the picture of the first page, from what was measured.

    scripts/draw-guarantees.py MISMATCH SAME_BITS CERTIFICATE > docs/images/guarantees.svg

MISMATCH is what scripts/compare-mismatch.py printed, SAME_BITS what scripts/check-same-bits.sh printed, CERTIFICATE the picture of a
`gfn-dist verify` (certificate.svg), whose points are taken as they are. Needs Python alone.
"""
import html
import json
import re
import sys

if len(sys.argv) != 4:
    sys.exit(__doc__)
with open(sys.argv[1], encoding="utf-8") as file:
    mismatch = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    runs = [line.split(maxsplit=1) for line in file.read().splitlines() if re.match(r"[0-9a-f]{64} ", line)]
with open(sys.argv[3], encoding="utf-8") as file:
    certificate = file.read()
if len({digest for digest, _ in runs}) != 1:
    sys.exit(f"{sys.argv[2]} has more than one digest")

WIDTH, HEIGHT, TOP = 960, 344, 84
out = []


def text(x, y, content, kind="note", anchor="start"):
    out.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(content)}</text>')


def percent(share):
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.0f} %"


def head(x, title, *lines):
    text(x, 30, title, "head")
    for index, line in enumerate(lines):
        text(x, 50 + 16 * index, line)


def difference_panel(left, width):
    head(left, "Sampler against learner", "|Δ log π| of the same token, nats,", f"{mismatch[0]['tokens']:,} sampled tokens, bf16")
    names = ["0", "to 1e-4", "to 1e-3", "to 0.01", "to 0.1", "above"]
    row, label = (HEIGHT - TOP - 44) / len(names), 52
    scale = width - label - 44
    for index, name in enumerate(names):
        y = TOP + 14 + index * row
        text(left + label - 8, y + row / 2, name, "tick", "end")
        for k, tool in enumerate(mismatch):
            share = ([tool["equal"]] + tool["shares"])[index]
            place, length = y + 3 + k * (row - 6) / 2, max(share * scale, 0.01)
            out.append(f'<rect class="bar s{k}" x="{left + label:.1f}" y="{place:.1f}" width="{length:.1f}" height="{row / 2 - 4:.1f}">'
                       f"<title>{html.escape(tool['name'])}: {percent(share)}</title></rect>")
            if share > 0:
                text(left + label + length + 4, place + row / 4 + 1, percent(share), f"tick t{k}")
    for k, tool in enumerate(mismatch):
        x = left + k * 76
        out.append(f'<rect class="bar s{k}" x="{x:.1f}" y="{HEIGHT - 17:.1f}" width="10" height="10"/>')
        text(x + 14, HEIGHT - 8, tool["name"], f"tick t{k}")


def names_of(runs):
    """What the script calls its runs, in words."""
    words = {
        r"mpirun-(\d+)": r"mpirun -n \1", r"single-(\d+)": r"\1 threads of one process", r"killed.*": "kill -9, then --resume",
        r"openblas-(\w+)": r"OpenBLAS for \1", r"kernels-(\w+)": r"kernels \1", r"no-.*": "C library without AVX2",
        r"mixed.*": "ranks of two kinds of processor",
    }
    for digest, name in runs:
        for pattern, replacement in words.items():
            if re.fullmatch(pattern, name):
                name = re.sub(pattern, replacement, name)
                break
        yield name, digest


def digest_panel(left):
    head(left, "One hash", "SHA-256 of the trained adapter,", "in every layout")
    shown = list(names_of(runs))
    row = (HEIGHT - TOP - 22) / max(len(shown), 1)
    for index, (name, digest) in enumerate(shown):
        y = TOP + 26 + index * row
        text(left, y, digest[:8] + "…", "hash")
        text(left + 86, y, name, "tick")


def certificate_panel(left, width):
    total = re.search(r"Total variation ([\d.]+)", certificate)
    ends = sum(int(count) for _, count in set(re.findall(r"(\w+) ends: (\d+)</title>", certificate)))
    head(left, "An exact certificate", f"log π of all {ends:,} responses over log R/Z;", f"total variation {total[1]}, nothing sampled")
    # The panel of the picture: 480 × 480 from (72, 108).
    scale = min(width - 30, HEIGHT - TOP - 30) / 480
    x, y = left + 26, TOP + 8
    out.append(f'<polyline class="axis" points="{x:.1f},{y:.1f} {x:.1f},{y + 480 * scale:.1f} {x + 480 * scale:.1f},{y + 480 * scale:.1f}"/>')
    out.append(f'<g transform="translate({x - 72 * scale:.2f},{y - 108 * scale:.2f}) scale({scale:.4f})" class="dots">')
    body = certificate[certificate.index('<polyline class="axis"'):]
    for element in re.findall(r'<(?:path|polyline)[^>]*class="curve[^>]*?(?:/>|>.*?</path>)', body, re.S):
        out.append(re.sub(r"<title>.*?</title>", "", element))
    out.append("</g>")
    for tick, place in re.findall(r'<text class="tick middle" x="([\d.]+)" y="605.00">(-?\d+)</text>', certificate):
        text(x + (float(tick) - 72) * scale, y + 480 * scale + 14, place, "tick", "middle")
    for place, tick in re.findall(r'<text class="tick end" x="65.00" y="([\d.]+)">(-?\d+)</text>', certificate):
        text(x - 5, y + (float(place) - 4 - 108) * scale + 4, tick, "tick", "end")


difference_panel(20, 300)
digest_panel(360)
certificate_panel(650, 300)
font = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif"
print(f'''<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Sampler against learner, one hash, an exact certificate">
<style>
text{{font-family:{font};font-size:12px}}.head{{font-size:16px;font-weight:600}}.tick{{font-size:11px}}.hash{{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px}}
.ground{{fill:#ffffff}}.head,.hash{{fill:#1c2026}}.note,.tick{{fill:#59616c}}.axis{{fill:none;stroke:#7a828c;stroke-width:1.2}}.rule{{stroke:#e6e8eb}}
.bar.s0,.t0{{fill:#0072b2}}.bar.s1,.t1{{fill:#c74e00}}.curve,.line{{fill:none;stroke-linecap:round}}.curve.s0{{stroke:#0072b2}}.curve.s1{{stroke:#c74e00}}
.dots path{{stroke-width:90!important;stroke-linecap:round!important}}.again{{stroke:#7a828c;stroke-width:2;stroke-dasharray:8 8}}
@media (prefers-color-scheme:dark){{.ground{{fill:#0f1318}}.head,.hash{{fill:#e8ebef}}.note,.tick{{fill:#a7b0bb}}.axis{{stroke:#7a848f}}.rule{{stroke:#262c34}}
.bar.s0,.t0{{fill:#56b4e9}}.bar.s1,.t1{{fill:#ff8a4c}}.curve.s0{{stroke:#56b4e9}}.curve.s1{{stroke:#ff8a4c}}}}
</style>
<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>
<line class="rule" x1="340" y1="20" x2="340" y2="{HEIGHT - 20}"/><line class="rule" x1="630" y1="20" x2="630" y2="{HEIGHT - 20}"/>
''' + "\n".join(out) + "\n</svg>")
