package org.attune.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;

/// What looks like one step and isn't: each template here ends at once, by its text or by the
/// limit of work, although what it asks for would take minutes or years.
class HostileTemplatesTest {
    /// Two lists, 60 levels deep, in which each level has the one below it twice.
    private static final String DEEP =
            "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}"
                    + "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}";

    /// 32,768 texts of one hash in Java, as keys.
    private static final String COLLIDING =
            "{% set n = namespace(s=' ') %}{% for i in range(15) %}{% set n.s = n.s.replace(' ',"
                    + " 'Aa ') + n.s.replace(' ', 'BB ') %}{% endfor %}{% set d ="
                    + " dict.fromkeys(n.s.split()) %}";

    private static final String OFTEN = "{% for i in range(99999) %}";

    /// Seconds of processor time; a busy machine takes several times what a free one does.
    private static final double SECONDS = 10;

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    set of characters ~ {{ ('b' * 10 ** 6).strip('a' * 10 ** 6 + 'b') | length }} ~ 0
                    set of characters ~ {{ ('b' * 10 ** 6) | trim('a' * 10 ** 6 + 'b') | length }} ~ 0
                    views of values ~ DEEP{{ {'a': n.x}.values() == {'a': n.y}.values() }} ~ False
                    views of entries ~ DEEP{{ {'a': n.x}.items() == {'a': n.y}.items() }} ~ LIMIT
                    views as keys ~ DEEP{{ {{'a': n.x}.values(): 1} | length }} ~ 1
                    methods ~ DEEP{{ n.x.copy == n.y.copy }} ~ False
                    methods as keys ~ DEEP{{ [n.x.copy] | unique | list | length }} ~ 1
                    tests in lists ~ DEEP{{ n.x in [n.y] }} ~ LIMIT
                    sorting ~ DEEP{{ [n.x, n.y] | sort | length }} ~ LIMIT
                    equal hashes ~ COLLIDING{{ d | length }} ~ 32768
                    equal hashes ~ COLLIDING{{ dict.fromkeys(d.items()) | length }} ~ 32768
                    identity ~ {% set s = 'a' * 10 ** 6 %}{% set t = 'a' + 'a' * 999999 %}OFTEN{% set x = s is sameas t %}{% endfor %} ~ LIMIT
                    beginnings ~ {% set s = 'a' * 10 ** 5 %}{% set t = (s,) * 999 %}OFTEN{% set x = (s + 'b').startswith(t[1:]) %}{% endfor %} ~ LIMIT
                    dates ~ {% set s = 'a' * 10 ** 6 %}OFTEN{% set x = strftime_now(s) %}{% endfor %} ~ LIMIT
                    namespaces ~ {% set d = dict.fromkeys(range(9999) | map('string')) %}OFTEN{% set x = namespace(d) %}{% endfor %} ~ LIMIT
                    attributes ~ {% set d = dict.fromkeys(range(9999) | map('string'), 1) %}OFTEN{% set x = d | xmlattr %}{% endfor %} ~ LIMIT
                    arguments ~ {% set d = dict.fromkeys(range(9999) | map('string'), 1) %}{{ range(99999) | map('string') | map('format', **d) | list | length }} ~ LIMIT
                    odd integers ~ {% set b = 2 ** 40000 %}{% for a in range(9) %}OFTEN{% set x = b is odd %}{% endfor %}{% endfor %} ~ LIMIT
                    """)
    void endAtOnce(String family, String template, String expected) {
        String source =
                template.replace("DEEP", DEEP)
                        .replace("COLLIDING", COLLIDING)
                        .replace("OFTEN", OFTEN);
        assertEquals(expected, ended(family, source));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            textBlock =
                    """
                    many targets ~ {% for ALL in [range(1000)] * 99999 %}{% endfor %} ~ LIMIT
                    a long name ~ {% set LONG = 1 %}{% for i in range(99999) %}{% for j in [1, 2, 3, 4] %}{% if LONG %}{% endif %}{% endfor %}{% endfor %} ~ ''
                    """)
    void longSourcesToo(String family, String template, String expected) {
        var names = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            names.append(i == 0 ? "" : ", ").append('a').append(i);
        }
        String source =
                template.replace("ALL", names.toString()).replace("LONG", "n".repeat(400_000));
        assertEquals(expected, ended(family, source));
    }

    /// The template's text, or how it failed.
    private static String ended(String family, String source) {
        return assertTimeoutPreemptively(
                Duration.ofSeconds(60),
                () -> {
                    long start = processorTime();
                    String end = rendered(source);
                    double seconds = (processorTime() - start) / 1e9;
                    assertTrue(seconds < SECONDS, family + " took " + seconds + " s");
                    return end;
                });
    }

    private static String rendered(String source) {
        try {
            return JinjaTemplate.compile(source).render(Map.of(), Clock.systemUTC()).text();
        } catch (JinjaException e) {
            return e.kind() == JinjaException.Kind.LIMIT ? "LIMIT" : e.getMessage();
        }
    }

    private static long processorTime() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
