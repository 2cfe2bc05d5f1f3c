package org.attune.reward.builtin;

import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// What the commands and signs of an [expression][MathExpression] mean.
final class MathFunctions {
    static final Map<String, UnaryOperator<Complex>> FUNCTIONS =
            Map.ofEntries(
                    Map.entry("sin", Complex::sin),
                    Map.entry("cos", Complex::cos),
                    Map.entry("tan", x -> x.sin().over(x.cos())),
                    Map.entry("cot", x -> x.cos().over(x.sin())),
                    Map.entry("sec", x -> Complex.ONE.over(x.cos())),
                    Map.entry("csc", x -> Complex.ONE.over(x.sin())),
                    Map.entry("sinh", Complex::sinh),
                    Map.entry("cosh", Complex::cosh),
                    Map.entry("tanh", x -> x.sinh().over(x.cosh())),
                    Map.entry("arcsin", Complex::asin),
                    Map.entry("arccos", x -> Complex.of(Math.PI / 2).minus(x.asin())),
                    Map.entry("arctan", Complex::atan),
                    Map.entry("exp", Complex::exp),
                    Map.entry("ln", Complex::log),
                    Map.entry("log", x -> x.log().over(Complex.of(Math.log(10)))));
    static final Set<String> ACCENTS =
            Set.of(
                    "overline",
                    "bar",
                    "vec",
                    "hat",
                    "tilde",
                    "widehat",
                    "overrightarrow",
                    "mathcal",
                    "mathbb",
                    "mathfrak",
                    "boldsymbol",
                    "bm",
                    "dot",
                    "ddot");
    static final Set<String> TEXTS = Set.of("text", "mbox", "operatorname", "mathrm");
    static final Set<String> NAMES =
            Set.of(
                    "alpha",
                    "beta",
                    "gamma",
                    "delta",
                    "epsilon",
                    "varepsilon",
                    "zeta",
                    "eta",
                    "theta",
                    "vartheta",
                    "iota",
                    "kappa",
                    "lambda",
                    "mu",
                    "nu",
                    "xi",
                    "rho",
                    "sigma",
                    "tau",
                    "upsilon",
                    "phi",
                    "varphi",
                    "chi",
                    "psi",
                    "omega",
                    "angle",
                    "triangle",
                    "ell",
                    "hbar",
                    "partial",
                    "nabla",
                    "perp",
                    "square");
    static final String GREEK = "αβγδεζηθικλμνξορστυφχψω";

    static Complex modulo(Complex a, Complex b) {
        return Complex.of(a.re() - b.re() * Math.floor(a.re() / b.re()));
    }

    static Complex choose(Complex n, Complex k) {
        Complex ways = n.factorial().over(k.factorial().times(n.minus(k).factorial()));
        boolean whole = n.re() == Math.rint(n.re()) && k.re() == Math.rint(k.re());
        return whole ? Complex.of(Math.rint(ways.re())) : ways;
    }

    private MathFunctions() {}
}
