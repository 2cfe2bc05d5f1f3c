package org.attune.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/// Every filter, test, method and operator with values of every type: it answers, or refuses with a
/// [JinjaException], and never fails in another way.
class BuiltinsTest {
    private static final List<String> VALUES =
            List.of(
                    "1",
                    "-2",
                    "2.5",
                    "true",
                    "none",
                    "u",
                    "''",
                    "'a,👋'",
                    "[1, 'a', none]",
                    "{}",
                    "{'a': 1}",
                    "(1, 2)",
                    "range(3)",
                    "'<x>' | safe",
                    "[1] | map('string')",
                    "10 ** 30",
                    "namespace(a=1)",
                    "range",
                    "1e999 - 1e999");
    private static final String FILTERS =
            "abs attr batch capitalize center count d default dictsort e escape filesizeformat"
                + " first float forceescape format groupby indent int items join last length list"
                + " lower map max min pprint random reject rejectattr replace reverse round safe"
                + " select selectattr slice sort string striptags sum title tojson trim truncate"
                + " unique upper urlencode wordcount wordwrap xmlattr";
    private static final String TESTS =
            "boolean callable defined divisibleby eq escaped even false filter float ge gt in"
                    + " integer iterable le lower lt mapping ne none number odd sameas sequence"
                    + " string test true undefined upper";
    private static final String METHODS =
            "bit_length capitalize casefold center copy count encode endswith expandtabs find"
                    + " format format_map get index is_integer isalnum isalpha isascii isdecimal"
                    + " isdigit isidentifier islower isnumeric isspace istitle isupper items join"
                    + " keys ljust lower lstrip partition real removeprefix removesuffix replace"
                    + " rfind rindex rjust rpartition rsplit rstrip split splitlines start"
                    + " startswith strip swapcase title translate upper values zfill";
    private static final String OPERATORS = "+ - * / // % ** ~ < == != >= in and or";

    private int answers;
    private int refusals;

    private void tryOut(String expression) {
        String source = "{{ " + expression + " }}";
        try {
            JinjaTemplate.compile(source).render(Map.of(), Clock.systemUTC());
            answers++;
        } catch (JinjaException e) {
            assertTrue(e.line() > 0, source);
            refusals++;
        }
    }

    @Test
    void everyBuiltinAnswersOrRefuses() {
        for (String value : VALUES) {
            for (String other : VALUES) {
                String pair = "(" + value + ") %s (" + other + ")";
                for (String filter : FILTERS.split(" ")) {
                    tryOut(pair.formatted("| " + filter));
                }
                for (String test : TESTS.split(" ")) {
                    tryOut("(%s) is %s(%s)".formatted(value, test, other));
                }
                for (String method : METHODS.split(" ")) {
                    tryOut("(%s).%s('a', %s)".formatted(value, method, other));
                }
                for (String operator : OPERATORS.split(" ")) {
                    tryOut(pair.formatted(operator));
                }
                tryOut("(%s)[%s]".formatted(value, other));
                tryOut("(%s)[%s:]".formatted(value, other));
                tryOut("(%s)[::%s]".formatted(value, other));
                tryOut("range(%s, %s)".formatted(value, other));
                tryOut("'%s %d %5.2f' % (" + value + ", " + other + ", 1)");
                tryOut("'{:5.2f}{!r}'.format(" + value + ", " + other + ")");
            }
        }
        assertTrue(answers > 3000, "only " + answers + " answers");
        assertTrue(refusals > 3000, "only " + refusals + " refusals");
    }

    @Test
    void methodsReturnWhatPythonReturns() {
        assertEquals(
                "['a', 'b c'] ('a', ' ', 'b c') 2 -1 True",
                JinjaTemplate.compile(
                                "{% set s = 'a b c' %}{{ s.split(maxsplit=1) }} {{ s.partition(' ')"
                                        + " }} {{ s.find('b') }} {{ s.find('z') }} {{"
                                        + " s.startswith(('x', 'a')) }}")
                        .render(Map.of(), Clock.systemUTC())
                        .text());
    }
}
