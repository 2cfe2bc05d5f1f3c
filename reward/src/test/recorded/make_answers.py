"""Writes pairs of a solution and a completion with the reward that TRL's accuracy_reward gives them.

    python make_answers.py [OUT] [PAIRS] [SEED]

Needs trl and math-verify. A kind of answer has ways to write one value and others that are near it; pairs of
them, each in one of the frames that models and data sets put around an answer, are drawn from a seeded generator.
"""

import json
import logging
import random
import sys

from trl.rewards import accuracy_reward

logging.disable(logging.CRITICAL)

NAMES = ["Monday", "even", "Yes", "no", "red", "Evelyn", "True", "ellipse", "June 20"]
UNITS = [r"\text{ cm}", r"\text{ cm}^2", r" cm", r"\,\mathrm{cm}", r"\text{ m/s}", r" \text{ dollars}", r"\text{ miles}",
         r" hours", r"\text{ units}", r"\text{ square units}", r" \mbox{ inches}", r"\text{ feet}", r"\;\text{kg}", r"\text{cm}^3"]


def whole(r):
    n = r.choice([r.randint(0, 20), r.randint(1000, 9999), r.randint(10000, 9999999), -r.randint(1, 500), -r.randint(1000, 99999)])
    sign, a = ("-" if n < 0 else ""), abs(n)
    comma = f"{a:,}"
    return [str(n), sign + comma, sign + comma.replace(",", "{,}"), sign + comma.replace(",", r"\,"), sign + comma.replace(",", r",\!"),
            f"{n}.0", f"{n}.00", f"+{n}" if n >= 0 else f"- {a}", f"{n + 1}", f"{-n}", rf"{n}\%", sign + comma.replace(",", " "),
            rf"\text{{{n}}}", f"{n}.", rf"\mathbf{{{n}}}", f"0{n}" if n >= 0 else f"({n})", rf"x = {n}", f"n={n}", rf"\frac{{{2 * n}}}{{2}}"]


def money(r):
    n = r.choice([r.randint(1, 99), r.randint(1000, 99999)])
    c = r.randint(1, 99)
    return [rf"\${n}", f"{n}", rf"\$ {n:,}", rf"\${n}.00", rf"{n} \text{{ dollars}}", rf"\text{{\${n}}}", rf"{n}\text{{ USD}}", rf"\${n:,}.{c:02d}",
            f"{n}.{c:02d}", rf"\${n + 1}", rf"{n} dollars", rf"\$\ {n}", f"{n}.{c:02d}0", rf"€{n}", rf"{n}\text{{ cents}}"]


def fraction(r):
    p, q = r.randint(1, 12), r.choice([2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 100])
    s = r.choice(["", "", "-"])
    v = p / q
    return [rf"{s}\frac{{{p}}}{{{q}}}", rf"{s}\dfrac{{{p}}}{{{q}}}", rf"{s}\tfrac{{{p}}}{{{q}}}", f"{s}{p}/{q}", rf"\frac{{{s}{p}}}{{{q}}}",
            rf"{s}\frac {p}{{{q}}}", rf"{s}\frac{{{2 * p}}}{{{2 * q}}}", f"{s}{v:.2f}", f"{s}{v:.4f}", f"{s}{v:.6f}", f"{s}{v:.8f}", f"{s}{v:g}",
            rf"{s}{100 * v:g}\%", rf"{s}\frac{{{p + 1}}}{{{q}}}", rf"{s}\frac{{{q}}}{{{p}}}", rf"{s}{p} \div {q}", rf"\left({s}\frac{{{p}}}{{{q}}}\right)",
            rf"x={s}\frac{{{p}}}{{{q}}}", rf"{s}\frac{p}{q}" if p < 10 and q < 10 else f"{s}{p} / {q}", f"{s}{v:g}".replace("0.", ".", 1),
            rf"{s}\cfrac{{{p}}}{{{q}}}", rf"{s}{p}\cdot \frac{{1}}{{{q}}}"]


def mixed(r):
    n, q = r.randint(1, 9), r.randint(2, 9)
    p = r.randint(1, q - 1)
    s = r.choice(["", "-"])
    return [rf"{s}{n}\frac{{{p}}}{{{q}}}", rf"{s}{n} \frac{{{p}}}{{{q}}}", rf"{s}{n}\dfrac{{{p}}}{{{q}}}", rf"{s}\frac{{{n * q + p}}}{{{q}}}",
            f"{s}{n * q + p}/{q}", f"{s}{n + p / q:g}", rf"{s}{n}\frac{p}{q}", f"{s}{n} {p}/{q}", rf"{s}{n}\tfrac{p}{q}", rf"{s}\frac{{{n * p}}}{{{q}}}",
            rf"{s}{n} + \frac{{{p}}}{{{q}}}", rf"{s}{n}\frac{{{p}}}{{{q}}} \text{{ cups}}", f"{s}{n + p / q:.3f}"]


def percent(r):
    n = r.choice([r.randint(1, 99), 12.5, 33.3, 100, 150])
    return [rf"{n}\%", f"{n}%", rf"{n} \%", rf"{n}\text{{ percent}}", f"{n} percent", f"{n / 100:g}", f"{n}", rf"\frac{{{n}}}{{100}}", rf"{n + 1}\%",
            rf"{n}.0\%" if isinstance(n, int) else rf"{n}0\%", rf"{n}\text{{percent}}", rf"{n}\text{{%}}", rf"{n}\text{{ \%}}"]


def interval(r):
    a, b = sorted(r.sample(range(-9, 12), 2))
    e = r.choice([str(b), rf"\infty", rf"\frac{{{b}}}{{2}}", rf"\sqrt{{{abs(b) + 2}}}"])
    left, right = r.choice("(["), ")" if e == r"\infty" else r.choice(")]")
    other = "[" if left == "(" else "("
    low = r"<" if left == "(" else r"\le"
    high = "<" if right == ")" else r"\leq"
    return [f"{left}{a}, {e}{right}", f"{left}{a},{e}{right}", rf"\left{left}{a}, {e}\right{right}", f"{other}{a}, {e}{right}", f"{left}{a}, {e}]" if right == ")" and e != r"\infty" else f"{left}{a + 1}, {e}{right}",
            f"x \\in {left}{a}, {e}{right}", f"{a} {low} x {high} {e}", f"{e} > x > {a}", f"\\{{{a}, {e}\\}}", f"{a}, {e}", rf"x\in \left{left}{a},{e}\right{right}",
            f"{left}{a}.0, {e}{right}", f"({a}, {e})", f"\\text{{{a} to {e}}}"]


def union(r):
    a, b, c = sorted(r.sample(range(-9, 12), 3))
    return [rf"(-\infty, {a}) \cup ({b}, \infty)", rf"({b}, \infty) \cup (-\infty, {a})", rf"(-\infty,{a})\cup({b},+\infty)", rf"(-\infty, {a}] \cup ({b}, \infty)",
            rf"\left(-\infty, {a}\right) \cup \left({b}, \infty\right)", rf"(-\infty, {a}) \cup ({c}, \infty)", rf"x < {a} \text{{ or }} x > {b}", rf"x\in(-\infty,{a})\cup({b},\infty)",
            rf"({a}, {b}) \cup ({b}, {c})", rf"({a}, {c}) \setminus \{{{b}\}}", rf"[{a}, {b}] \cup [{b}, {c}]", rf"[{a}, {c}]", rf"({a},{b})\cup({b},{c})", rf"x < {a}, x > {b}",
            rf"(-\infty,\infty)", r"\mathbb{R}", r"\emptyset", r"\varnothing", r"\{\}"]


def collection(r):
    xs = r.sample(range(-9, 15), r.randint(2, 4))
    shuffled = xs[:]
    r.shuffle(shuffled)
    j = ", ".join(map(str, xs))
    k = ",".join(map(str, shuffled))
    return [j, k, rf"\{{{j}\}}", rf"\{{{k}\}}", rf"\left\{{{j}\right\}}", f"({j})", f"({k})", f"x = {j}", ", ".join(map(str, xs[:-1])) + f" and {xs[-1]}",
            ", ".join(map(str, xs[:-1])) + rf" \text{{ and }} {xs[-1]}", ", ".join(map(str, xs[:-1])), ", ".join(f"x={x}" for x in xs), ", ".join(f"x_{i + 1} = {x}" for i, x in enumerate(xs)),
            "; ".join(map(str, xs)), " or ".join(map(str, xs)), rf"\text{{{j}}}", f"[{j}]", rf"x \in \{{{j}\}}", ", ".join(f"{x}.0" for x in xs), rf"{j}, {xs[0]}"]


def point(r):
    a, b = r.randint(-9, 9), r.randint(-9, 9)
    p, q = r.randint(1, 5), r.randint(2, 5)
    return [f"({a}, {b})", f"({a},{b})", rf"\left({a}, {b}\right)", f"({b}, {a})", f"(x, y) = ({a}, {b})", f"x = {a}, y = {b}", rf"x={a}, y={b}", rf"({a}, \frac{{{p}}}{{{q}}})",
            f"({a}, {p}/{q})", f"({a}, {p / q:g})", f"{a}, {b}", f"({a}; {b})", rf"\begin{{pmatrix}} {a} \\ {b} \end{{pmatrix}}", rf"\langle {a}, {b} \rangle", f"P({a}, {b})",
            f"(({a}), {b})", f"({a}.0, {b}.0)", rf"({a}, {b}), ({b}, {a})", rf"({b}, {a}), ({a}, {b})"]


def unit(r):
    n = r.choice([str(r.randint(1, 99)), f"{r.randint(1, 99)}.{r.randint(1, 9)}", rf"\frac{{{r.randint(1, 9)}}}{{{r.randint(2, 9)}}}", rf"{r.randint(2, 9)}\pi", rf"{r.randint(2, 9)}\sqrt{{3}}"])
    return [n, n] + [n + u for u in r.sample(UNITS, 8)] + [rf"{n}^\circ", rf"{n}^{{\circ}}", f"{n}°", rf"{n} \text{{ degrees}}", f"{n} degrees", "1" + n, rf"\text{{{n} cm}}", rf"{n}\ \text{{cm}}"]


def plus_minus(r):
    a, b = r.randint(1, 9), r.randint(1, 9)
    return [rf"\pm {b}", f"{b}, -{b}", f"-{b}, {b}", rf"\{{-{b}, {b}\}}", rf"x = \pm {b}", rf"{a} \pm {b}", f"{a + b}, {a - b}", rf"{a} \pm \sqrt{{{b}}}", rf"{a} + \sqrt{{{b}}}, {a} - \sqrt{{{b}}}",
            rf"\frac{{{a} \pm \sqrt{{{b}}}}}{{2}}", rf"\frac{{{a} + \sqrt{{{b}}}}}{{2}}, \frac{{{a} - \sqrt{{{b}}}}}{{2}}", f"{b}", rf"{b} \text{{ or }} -{b}", rf"x={b}\text{{ or }}x=-{b}",
            rf"\pm\sqrt{{{b}}}", rf"\sqrt{{{b}}}, -\sqrt{{{b}}}", rf"\pm {b}i"]


def infinity(r):
    return [r"\infty", r"-\infty", r"+\infty", "infinity", r"\text{infinity}", "inf", "∞", r"\text{undefined}", "undefined", r"\text{DNE}", r"\text{does not exist}", "0", r"\text{no solution}", r"\emptyset", r"\text{None}", "none"]


def matrix(r):
    a = [r.randint(-9, 9) for _ in range(4)]
    t = "p" if r.random() < .6 else "b"
    body = rf"{a[0]} & {a[1]} \\ {a[2]} & {a[3]}"
    return [rf"\begin{{{t}matrix}} {body} \end{{{t}matrix}}", rf"\begin{{bmatrix}}{body}\end{{bmatrix}}", rf"\begin{{pmatrix}} {a[0]} & {a[1]} \\ {a[3]} & {a[2]} \end{{pmatrix}}",
            rf"\begin{{pmatrix}} {a[0]}.0 & {a[1]} \\ {a[2]} & {a[3]} \end{{pmatrix}}", rf"\left(\begin{{array}}{{cc}} {body} \end{{array}}\right)", rf"\left[\begin{{matrix}} {body} \end{{matrix}}\right]",
            rf"\begin{{pmatrix}} {a[0]} \\ {a[1]} \end{{pmatrix}}", rf"\begin{{pmatrix}} {a[0]} & {a[1]} \end{{pmatrix}}", f"({a[0]}, {a[1]})", rf"\begin{{pmatrix}} {2 * a[0]}/2 & {a[1]} \\ {a[2]} & {a[3]} \end{{pmatrix}}",
            rf"A = \begin{{pmatrix}} {body} \end{{pmatrix}}", rf"\begin{{vmatrix}} {body} \end{{vmatrix}}", str(a[0] * a[3] - a[1] * a[2])]


def line(r):
    m, b = r.randint(2, 9), r.randint(1, 9)
    return [f"y = {m}x + {b}", f"y={m}x+{b}", f"y - {m}x - {b} = 0", f"y-{m}x={b}", f"{m}x - y + {b} = 0", f"{m}x-y=-{b}", f"{m}x + {b} = y", f"{m}x+{b}", f"f(x) = {m}x + {b}", f"y = {b} + {m}x", f"y = {m}x - {b}",
            f"{2 * m}x - 2y + {2 * b} = 0", f"y - {b} = {m}x", rf"y = {m}\left(x + \frac{{{b}}}{{{m}}}\right)", f"x = {m}y + {b}", rf"y={m}\cdot x+{b}", f"g(x) = {m}x+{b}", f"y = {m}x + {b + 1}", f"-{m}x + y - {b} = 0", f"z = {m}x + {b}", f"Y = {m}X + {b}"]


def conic(r):
    a, b, c = r.randint(1, 5), r.randint(1, 5), r.randint(1, 9)
    return [f"(x-{a})^2 + (y-{b})^2 = {c}", f"(x - {a})^2+(y - {b})^2={c}", f"x^2 + y^2 - {2 * a}x - {2 * b}y + {a * a + b * b - c} = 0", f"(y-{b})^2 + (x-{a})^2 = {c}", f"(x-{a})^2 + (y-{b})^2 - {c} = 0",
            f"(x+{a})^2 + (y-{b})^2 = {c}", rf"\frac{{x^2}}{{{a}}} + \frac{{y^2}}{{{b}}} = 1", f"{b}x^2 + {a}y^2 = {a * b}", f"y^2 = {4 * a}x", f"{4 * a}x = y^2", f"y^2 - {4 * a}x = 0", f"x^2 = {c}", rf"x = \pm\sqrt{{{c}}}", f"x^2 - {c} = 0"]


def inequality(r):
    a, b = sorted(r.sample(range(-9, 12), 2))
    return [f"x > {a}", f"{a} < x", rf"x \gt {a}", rf"x \ge {a}", rf"x \geq {a}", rf"{a} \leq x", rf"({a}, \infty)", rf"[{a}, \infty)", rf"x\in({a},\infty)", f"x - {a} > 0" if a >= 0 else f"x + {-a} > 0", f"y > {a}", f"x < {a}",
            f"2x > {2 * a}", f"{a} < x < {b}", rf"{a} \le x \le {b}", f"({a}, {b})", f"{b} > x > {a}", rf"x > {a} \text{{ and }} x < {b}", rf"{a} < y < {b}", rf"x \neq {a}", rf"x \ne {a}", rf"x≥{a}", rf"x >= {a}", rf"-x < {-a}", f"[{a}, {b}]", f"a>{a}", f"x > {a}.0"]


def ratio(r):
    a, b, k = r.randint(1, 9), r.randint(1, 9), r.randint(2, 4)
    return [f"{a}:{b}", f"{a} : {b}", f"{a * k}:{b * k}", rf"\frac{{{a}}}{{{b}}}", f"{b}:{a}", rf"{a}\text{{ to }}{b}", f"{a}/{b}", f"{a / b:g}", rf"{a}\colon {b}", f"{a}:{b}:{k}", f"{a} : {b} : {k}", rf"\text{{{a}:{b}}}", f"{k}:{a}:{b}", rf"{a}{{:}}{b}"]


def clock(r):
    h, m = r.randint(1, 12), r.choice([0, 5, 15, 30, 45, r.randint(0, 59)])
    return [f"{h}:{m:02d}", f"{h}:{m:02d}", f"{h}{{:}}{m:02d}", rf"{h}:{m:02d}\text{{ PM}}", rf"{h}:{m:02d} \text{{ p.m.}}", f"{h}:{m:02d} PM", f"{h}:{m:02d} AM", rf"\text{{{h}:{m:02d}}}", rf"\text{{{h}:{m:02d} PM}}", f"{h % 12 + 1}:{m:02d}",
            f"{h}:{(m + 1) % 60:02d}", rf"{h}\text{{:}}{m:02d}", f"0{h}:{m:02d}" if h < 10 else f"{h}:{m:02d}:00", rf"{h}:{m:02d}\text{{ a.m.}}", f"{h}:{m:02d} pm", f"{h}.{m:02d}", rf"{h}:{m:02d} \,\text{{PM}}"]


def choice(r):
    a, b = r.sample("ABCDE", 2)
    return [a, f"({a})", rf"\text{{{a}}}", rf"\text{{({a})}}", rf"\textbf{{({a})}}", rf"\textbf{{{a}}}", rf"\mathrm{{{a}}}", f"{a}.", b, f"({b})", rf"\text{{{b}}}", a.lower(), rf"\textbf{{({a})}}\ 5", f"({a}) 5", f"{a}, {b}", f"{b}, {a}", rf"\text{{{a}, {b}}}",
            rf"\textbf{{({a}) }} 5", rf"\mathbf{{{a}}}", rf"\textbf{{({b})}}", f"{a}{b}", rf"\text{{{a}. 5}}", rf"\text{{Option {a}}}"]


def polynomial(r):
    a, b = r.randint(1, 6), r.randint(1, 6)
    return [f"x^2 + {a + b}x + {a * b}", f"(x+{a})(x+{b})", f"(x + {b})(x + {a})", f"{a * b} + {a + b}x + x^2", rf"x^{{2}}+{a + b}x+{a * b}", rf"(x+{a}) \cdot (x+{b})", f"(x+{a})(x-{b})", f"x^2 + {a + b}x + {a * b + 1}", f"y^2 + {a + b}y + {a * b}", f"(x+{a})^2",
            f"x^2+{2 * a}x+{a * a}", rf"\frac{{2x^2+{2 * (a + b)}x+{2 * a * b}}}{{2}}", f"p(x) = x^2 + {a + b}x + {a * b}", f"x({a + b} + x) + {a * b}", f"X^2 + {a + b}X + {a * b}", f"x^2 + {a + b}x + {a * b} = 0", rf"\left(x+{a}\right)\left(x+{b}\right)", f"x² + {a + b}x + {a * b}",
            f"x**2 + {a + b}*x + {a * b}"]


def letters(r):
    a, b = r.randint(2, 6), r.randint(2, 6)
    return [rf"\frac{{{a}x}}{{y}}", f"{a}x/y", rf"{a}\frac{{x}}{{y}}", rf"{a} x y^{{-1}}", rf"\frac{{x+{b}}}{{x-{a}}}", f"(x+{b})/(x-{a})", rf"-\frac{{x+{b}}}{{{a}-x}}", rf"\frac{{{a}}}{{x}}+\frac{{{b}}}{{y}}", rf"\frac{{{a}y+{b}x}}{{xy}}", rf"{a}^{{n}}", rf"{a}^n", rf"{a}\cdot {a}^{{n-1}}",
            rf"n^{{{a}}}", f"{a}n + {b}", f"{b}+{a}n", rf"a_{{n}} = {a}n + {b}", f"a_n={a}n+{b}", rf"\frac{{n(n+1)}}{{2}}", r"\frac{n^2+n}{2}", rf"n(n+1)/2", rf"\binom{{n}}{{2}}", rf"\frac{{1}}{{x^{a}}}", rf"x^{{-{a}}}", rf"\sqrt{{x^2+{b}}}", rf"(x^2+{b})^{{1/2}}", r"\sqrt[3]{x}", r"x^{1/3}", r"x^{\frac{1}{3}}", "abc", "bca", r"\alpha + \beta", r"\beta+\alpha", "2^{x+1}", r"2 \cdot 2^x"]


def root(r):
    a, b = r.randint(2, 9), r.choice([2, 3, 5, 6, 7])
    return [rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}", rf"{a} \sqrt{b}", rf"\sqrt{{{b}}} \cdot {a}", rf"\frac{{{a * b}}}{{\sqrt{{{b}}}}}", f"{a * b ** .5:.4f}", f"{a * b ** .5:.8f}", rf"{a}\sqrt{{{b + 1}}}", rf"{a} \times \sqrt{{{b}}}", rf"{a}*sqrt({b})", rf"{a}\cdot {b}^{{1/2}}", rf"{a}√{b}",
            rf"\frac{{\sqrt{{{b}}}}}{{{a}}}", rf"\frac{{{b}}}{{{a}\sqrt{{{b}}}}}", rf"\frac{{1}}{{{a}}}\sqrt{{{b}}}", rf"\sqrt{{\frac{{{b}}}{{{a * a}}}}}", rf"{a} + \sqrt{{{b}}}", rf"\sqrt{{{b}}} + {a}", rf"\sqrt[3]{{{a ** 3}}}", f"{a}", rf"\sqrt[3]{{{b}}}", rf"{b}^{{1/3}}", rf"-{a}\sqrt{{{b}}}", rf"\sqrt {b}", rf"\sqrt{b}"]


def circle(r):
    a, b = r.randint(1, 12), r.randint(2, 12)
    return [rf"{a}\pi", rf"{a} \pi", rf"\pi \cdot {a}", rf"{a} \times \pi", f"{a}π", f"{a * 3.141592653589793:.4f}", f"{a * 3.141592653589793:.7f}", rf"\frac{{{a}\pi}}{{{b}}}", rf"\frac{{{a}}}{{{b}}}\pi", rf"{a}\pi/{b}", rf"\frac{{\pi}}{{{b}}}", rf"\pi/{b}", rf"{a}\pi + {b}", rf"{b} + {a}\pi", rf"{a}\pi \text{{ cm}}^2", rf"\frac{{{180}}}{{{b}}}^\circ", f"{a}pi", f"{a * 3.14:.2f}",
            rf"{a}{{\pi}}", rf"{a}\pi \text{{ square units}}"]


def trig(r):
    k = r.choice([30, 45, 60])
    rad = {30: r"\frac{\pi}{6}", 45: r"\frac{\pi}{4}", 60: r"\frac{\pi}{3}"}[k]
    v = {30: r"\frac{1}{2}", 45: r"\frac{\sqrt{2}}{2}", 60: r"\frac{\sqrt{3}}{2}"}[k]
    return [rf"\sin {k}^\circ", rf"\sin({k}^\circ)", rf"\sin {rad}", rf"\sin\left({rad}\right)", v, rf"\cos {90 - k}^\circ", rf"\sin {k}", r"\frac{1}{\sqrt{2}}", "0.5", r"\tan x", r"\frac{\sin x}{\cos x}", r"\sin^2 x", r"1 - \cos^2 x", r"\sin(2x)", r"2\sin x\cos x", r"\sin x \cos x", rf"\arcsin {v}", rad, rf"\arctan(1)", r"\sin^{-1} x", r"\arcsin x", r"\cos x", rf"{k}^\circ", f"{k}", r"\tan{45^\circ}", "1"]


def power(r):
    a, n = r.choice([(2, 10), (3, 4), (10, 6), (5, 3), (2, 5), (7, 2)])
    v = a ** n
    return [f"{a}^{{{n}}}", f"{a}^{n}", str(v), f"{v:,}", rf"{a} \cdot {a}^{{{n - 1}}}", f"{a}^{{{n + 1}}}", rf"{a}**{n}", f"{v}.0", f"{a}^({n})", rf"\log_{a} {v}", rf"\log_{{{a}}} {v}", str(n), rf"\ln e^{{{n}}}", rf"e^{{\ln {n}}}", rf"\ln {v}", rf"{n} \ln {a}", rf"\frac{{\ln {v}}}{{\ln {a}}}", "5!", "120", r"\binom{5}{2}", "10", r"{5 \choose 2}", r"\frac{5!}{2!3!}", r"\log 100", r"\lg 100", "2", r"e", "2.71828", r"e^{2}", r"e^2", r"\exp(2)", r"|-3|", "3", r"\lfloor 3.7 \rfloor", r"\lceil 2.1 \rceil", r"\left|-3\right|"]


def scientific(r):
    m, e = r.choice([1.5, 2, 3.25, 6.02]), r.randint(2, 8)
    v = m * 10 ** e
    return [rf"{m} \times 10^{{{e}}}", rf"{m}\times 10^{e}", rf"{m} \cdot 10^{{{e}}}", f"{v:.0f}", f"{v:,.0f}", rf"{m}e{e}", rf"{m}E{e}", rf"{m} \times 10^{{-{e}}}", f"{m / 10 ** e:.10f}", rf"{m * 10} \times 10^{{{e - 1}}}", rf"{m}*10^{e}", rf"10^{{{e}}}", f"{10 ** e}", rf"{m}×10^{e}", rf"{v:.0f} \text{{ m}}", rf"{m} \times 10^{{{e}}} \text{{ km}}"]


def word(r):
    n, m = r.sample(NAMES, 2)
    return [rf"\text{{{n}}}", n, rf"\textbf{{{n}}}", rf"\text{{{n.lower()}}}", rf"\text{{ {n} }}", rf"\mathrm{{{n}}}", rf"\text{{{m}}}", m, rf"\text{{{n}.}}", rf"\textit{{{n}}}", rf"\text{{{n}}}, \text{{{m}}}", rf"\text{{{m}}}, \text{{{n}}}", n.upper()]


def complex_number(r):
    a, b = r.randint(-9, 9), r.randint(1, 9)
    return [f"{a}+{b}i", f"{b}i + {a}", f"{a} + {b}i", f"{a} - {b}i", f"{a}+{b}j", "i", "-i", f"{b}i", rf"{a} + {b} \cdot i", rf"{a} \pm {b}i", f"{a}+{b}i, {a}-{b}i", f"{a}-{b}i, {a}+{b}i", rf"\frac{{{2 * a}+{2 * b}i}}{{2}}", rf"\frac{{1}}{{{b}i}}", rf"-\frac{{i}}{{{b}}}", r"i^2", "-1", f"z = {a}+{b}i", rf"e^{{i\pi}}"]


def base(r):
    n = r.randint(2, 60)
    return [f"{n:b}_2", f"{n:b}_{{2}}", f"{n:b}", f"{n:o}_8", f"{n:o}_{{8}}", str(n), rf"{n:b}_{{\text{{two}}}}", rf"{n:b}_{{(2)}}", f"{n + 1:b}_2", rf"\text{{{n:X}}}_{{16}}", f"{n:X}_{{16}}", f"{n}_{{10}}"]


def repeating(r):
    d = r.randint(1, 8)
    return [rf"0.\overline{{{d}}}", rf"\frac{{{d}}}{{9}}", rf"0.{str(d) * 8}\ldots", f"0.{str(d) * 4}", f"0.{str(d) * 10}", rf"0.\overline{{{d}{d}}}", rf"0.\dot{{{d}}}", f"0.{d}...", rf"\approx 0.{str(d) * 6}", rf"0.\overline{{{d + 1}}}", rf".\overline{{{d}}}", rf"x \approx 0.{str(d) * 6}", rf"\frac{{{d}}}{{9}} \approx 0.{str(d) * 2}"]


def chain(r):
    a, b = r.randint(1, 9), r.randint(1, 9)
    return [f"{a} + {b} = {a + b}", f"{a + b}", f"x = {a} + {b} = {a + b}", f"x={a + b}", rf"\frac{{{a}}}{{{b}}} = {a / b:.4g}", rf"\frac{{{a}}}{{{b}}}", rf"{a} \cdot {b} = {a * b}", f"{a * b}", f"x + y = {a + b}", f"x+y={a + b}", f"a + b + c = {a + b}", f"AB = {a}", f"{a}", f"m = {a}, n = {b}", f"m={a}\\text{{ and }}n={b}", f"({a}, {b})", f"n = {b}, m = {a}", rf"\text{{Area}} = {a}", rf"\angle ABC = {a}^\circ", f"{a} = x", rf"S_{{ABC}} = {a}", f"x_1 = {a}", rf"x_{{1}} = {a}", f"f({b}) = {a}", f"{a}x", f"{a}X", rf"\text{{x}} = {a}"]


KINDS = [whole, money, fraction, mixed, percent, interval, union, collection, point, unit, plus_minus, infinity, matrix, line, conic, inequality, ratio, clock, choice, polynomial, letters, root, circle, trig, power, scientific, word, complex_number, base, repeating, chain]

GOLDS = ["${}$"] * 10 + [r"\boxed{{{}}}"] * 4 + [r"So the answer is $\boxed{{{}}}$.", r"$${}$$", r"\[ {} \]", r"\( {} \)", "Thus we get ${}$ and are done."]
ANSWERS = [r"\boxed{{{}}}"] * 8 + [r"The answer is $\boxed{{{}}}$."] * 3 + [r"\[ \boxed{{{}}} \]", r"We have $x$ and so \boxed{{{}}}", r"$\fbox{{{}}}$", r"\boxed{{{}}}.", r"The final answer is ${}$. I hope it is correct.",
           r"The answer is ${}$.", r"\boxed{{\boxed{{{}}}}}", r"So $x = \boxed{{{}}}$", "\\boxed{{ {} }}\n", r"**Answer:** \boxed{{{}}}", r"First \boxed{{7}} looks right, but after a long and careful check of everything that was said above, \boxed{{{}}}",
           r"$$\boxed{{{}}}$$", r"${}$", "{}", r"\boxed{{{}"]


def bare(r):
    """Solutions as data sets hold them, without any mark around the answer."""
    n, p, q = r.randint(2, 9999), r.randint(1, 9), r.randint(2, 9)
    t = r.choice([f"{n}", f"{n:,}", f"-{n}", f"{n}.5", f"{p}/{q}", rf"\frac{{{p}}}{{{q}}}", f"${n}", f"{n}%", f"{n} percent", f"He has {p} apples and buys {q} for $2.50.\n#### {n}", f"{p} + {q} = {p + q}\n#### {p + q:,}", f"The answer is {n}.",
                  f"Answer: {n}", f"{n} dollars", "A", "Yes", "no digits here", "", f"He is {p} years old", rf"-\frac{{{p}}}{{{q}}}", f"{n}.", f"{p}.{q}e3", f"0.{q}", f"x = {n}", f"<<{p}*{q}={p * q}>>\n#### {p * q}", f"({p})", f"#### -{n}", f"$\\frac{{{p}}}{{{q}}}$", f"It costs €{n}"])
    v = r.choice([f"{n}", f"{n:,}", f"{p}/{q}", rf"\frac{{{p}}}{{{q}}}", f"{p + q}", f"{p * q}", rf"\${n}", f"-{n}", rf"{n}\%", "A", f"{p}", f"{n}.5", rf"-\frac{{{p}}}{{{q}}}", f"0.{q}", "Yes", f"{p}.{q}e3"])
    return t, v


def pair(r):
    if r.random() < 0.1:
        solution, answer = bare(r)
    else:
        kind = r.choice(KINDS)
        ways = kind(r)
        solution, answer = r.choice(ways), r.choice(ways)
        solution = r.choice(GOLDS).format(solution)
    return solution, r.choice(ANSWERS).format(answer)


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "answers.jsonl"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with open(out, "w") as file:
        for _ in range(count):
            solution, completion = pair(r)
            reward = accuracy_reward([[{"content": completion}]], [solution])[0]
            json.dump({"solution": solution, "completion": completion, "reward": reward}, file, ensure_ascii=False)
            file.write("\n")


if __name__ == "__main__":
    main()
