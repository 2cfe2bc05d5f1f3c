package org.attune.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

class JinjaTemplateTest {
    private static final Clock CLOCK =
            Clock.fixed(Instant.parse("2024-02-29T23:04:05Z"), ZoneOffset.UTC);

    private static String render(String source) {
        return render(source, Map.of());
    }

    private static String render(String source, Map<String, ?> variables) {
        return JinjaTemplate.compile(source).render(variables, CLOCK).text();
    }

    private static JinjaException fails(String source) {
        return assertThrows(JinjaException.class, () -> render(source));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            quoteCharacter = '`',
            ignoreLeadingAndTrailingWhitespace = true,
            textBlock =
                    """
                    {{ 7 // -2 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }}        § -4 2 64
                    {{ 1e16 }} {{ 1.5e-7 }} {{ 100000.0 }}              § 1e+16 1.5e-07 100000.0
                    {{ [1, 'a', none, true, 2.0] }}                     § [1, 'a', None, True, 2.0]
                    {{ ["it's", '"', '\\n'] }}                          § ["it's", '"', '\\n']
                    {{ {'a': (1,), 1: 2} }}                             § {'a': (1,), 1: 2}
                    {{ 'aé👋'[::-1] }} {{ 'aé👋' | length }}            § 👋éa 3
                    {{ 'x' if false }}|{{ u }}|{{ u is defined }}       § ||False
                    {{ 1 + 1 is even }} {{ 'a' ~ 1 is string }}         § 1 aFalse
                    {{ {1: 'a', true: 'b', 1.0: 'c'} }}                 § {1: 'c'}
                    {{ ('a' | safe) + '<' }} {{ '<' + ('<' | e) }}      § a&lt; &lt;&lt;
                    {{ 2.675 | round(2) }} {{ 1250 | round(-2) }}       § 2.67 1200
                    {{ 10 ** 30 // 3 }}                      § 333333333333333333333333333333
                    {{ 'It\\'s' | title }} {{ 'It\\'s'.title() }}       § It's It'S
                    {{ '%5.1f|%-4s|%03d' % (2.25, 'a', -7) }}           §   2.2|a   |-07
                    {{ '{:>4}|{:<4}|{:,}'.format(1, 'a', 12345) }}      §    1|a   |12,345
                    {{ strftime_now('%d %B %Y %-d %I%p') }}             § 29 February 2024 29 11PM
                    """)
    void valuesBehaveAsInPython(String template, String expected) {
        assertEquals(expected, render(template).strip());
    }

    @Test
    void blocksTakeTheirLineBreakAndIndentWithThem() {
        String template =
                """
                {% for x in [1, 2] %}
                  {% if x == 2 %}
                  two
                  {% else %}
                  {{ x }}
                  {% endif %}
                {% endfor %}
                """;
        assertEquals("  1\n  two\n", render(template));
    }

    @Test
    void assignmentsStayInTheirBlockButNamespacesDoNot() {
        assertEquals(
                "0 3",
                render(
                        "{% set x = 0 %}{% set ns = namespace(x=0) %}{% for i in [1, 2] %}"
                                + "{% set x = x + i %}{% set ns.x = ns.x + i %}{% endfor %}"
                                + "{{ x }} {{ ns.x }}"));
    }

    @Test
    void loopsOverLazyFiltersSeeWhatTheirBodyChanges() {
        assertEquals(
                "13",
                render(
                        "{% set ns = namespace(skip=0) %}{% for i in [1, 2, 3] if i != ns.skip %}"
                                + "{{ i }}{% set ns.skip = i + 1 %}{% endfor %}"));
    }

    @Test
    void errorsHaveTheLineOfTheInnermostStatement() {
        var e = fails("a\n{% for x in [1] %}\n\n{{ x.y.z }}\n{% endfor %}");
        assertEquals(4, e.line());
        assertEquals(JinjaException.Kind.UNDEFINED, e.kind());
        assertEquals("'int object' has no attribute 'y'", e.problem());
    }

    @Test
    void unknownFiltersFailBeforeAnyOutputUnlessInsideAnIf() {
        assertEquals(JinjaException.Kind.SYNTAX, fails("x{{ 1 | nothing }}").kind());
        assertEquals("x", render("x{% if false %}{{ 1 | nothing }}{% endif %}"));
        assertEquals(
                "No filter named 'nothing' found.",
                fails("x{% if true %}{{ 1 | nothing }}{% endif %}").problem());
    }

    @Test
    void theSandboxKeepsDataAsItIs() {
        for (String change :
                List.of(
                        "l.append(1)",
                        "l.pop()",
                        "d.update({})",
                        "d['a'].clear()",
                        "l.__class__()")) {
            var variables = Map.of("l", List.of(1L), "d", Map.of("a", List.of()));
            var e =
                    assertThrows(
                            JinjaException.class, () -> render("{{ " + change + " }}", variables));
            assertEquals(JinjaException.Kind.SECURITY, e.kind(), change);
        }
    }

    @Test
    void methodsComeBeforeKeysAfterADot() {
        var schema = new LinkedHashMap<String, Object>();
        schema.put("items", 5L);
        assertEquals(
                "dict_items([('items', 5)]) 5",
                render("{{ d.items() }} {{ d['items'] }}", Map.of("d", schema)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    {% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}
                    {% macro f() %}{{ f() }}{% endmacro %}{{ f() }}
                    {% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}
                    {{ 'a' * 10 ** 12 }}
                    {{ [0] * 10 ** 10 }}
                    {{ 9 ** (9 ** 9) }}
                    {{ 'a'.center(10 ** 11) }}
                    {{ '%999999999999d' % 1 }}
                    {{ '{:99999999}'.format(1) }}
                    {{ range(10 ** 18) | list }}
                    {{ ('a' * 10 ** 6).replace('a', 'b' * 10 ** 6) }}
                    {{ ('a ' * 10 ** 6).split() | join('b' * 10 ** 6) }}
                    {% set ns = namespace(s='aaaa') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}
                    {% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}
                    {% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}
                    {% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}
                    {% macro f(x) %}{{ x }}{% for i in range(99999) %}{{ x }}{% endfor %}{% endmacro %}{{ f('a' * 9999) }}
                    {{ 'x' | indent(10 ** 11) }}
                    {{ [1] | batch(10 ** 10, 0) | list }}
                    {% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}
                    {% set n = namespace(a=(1,)) %}{% for i in range(60) %}{% set n.a = (n.a, n.a) %}{% endfor %}{{ {n.a: 1} }}
                    {% set s = 'é' * 10 ** 7 %}{% for i in range(99999) %}{% set x = s[i] %}{% endfor %}
                    {% set s = 'é' * 10 ** 7 %}{{ ([s, s + 'x'] * 9999) | sort }}
                    {% set s = 'é' * 10 ** 7 %}{% for i in range(99999) %}{% set x = s.count('b') %}{% endfor %}
                    {{ ([[1]] * 999999) | sum(start=[]) }}
                    """)
    void hostileTemplatesEndWithAnError(String template) {
        long start = System.nanoTime();
        assertEquals(JinjaException.Kind.LIMIT, fails(template).kind(), template);
        assertTrue(System.nanoTime() - start < 60e9, "took too long: " + template);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            textBlock =
                    """
                    {{ ('a ' * 10 ** 6).split() | length }} § 1000000
                    {{ (' a' * 10 ** 6).rsplit() | length }} § 1000000
                    {{ ('<' * 10 ** 6) | striptags | length }} § 1000000
                    {{ ('a' * 10 ** 6) | wordwrap(1) | length }} § 1999999
                    {% for x in ([1] * 10 ** 5) | map('string') %}{{ loop.length if loop.last and loop.length }}{% endfor %} § 100000
                    """)
    void longTextsTakeLinearTime(String template, String expected) {
        long start = System.nanoTime();
        assertEquals(expected, render(template));
        assertTrue(System.nanoTime() - start < 60e9, "took too long: " + template);
    }

    @Test
    void deepNestingIsAnErrorAndNotADeadThread() {
        assertEquals(
                JinjaException.Kind.LIMIT,
                fails("{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}").kind());
        assertEquals(JinjaException.Kind.LIMIT, fails("{{ " + "-".repeat(100_000) + "1 }}").kind());
        assertEquals(
                JinjaException.Kind.LIMIT, fails("{{ 1" + " + 1".repeat(100_000) + " }}").kind());
        assertEquals(
                JinjaException.Kind.LIMIT,
                fails("{% if 1 %}".repeat(50_000) + "{% endif %}".repeat(50_000)).kind());
        assertEquals(JinjaException.Kind.LIMIT, fails("x".repeat(1_000_001)).kind());
        Object deep = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            deep = new ArrayList<>(List.of(deep));
        }
        var variables = Map.of("deep", deep);
        var e = assertThrows(JinjaException.class, () -> render("{{ deep }}", variables));
        assertEquals(JinjaException.Kind.LIMIT, e.kind());
    }

    @Test
    void rendersFromManyThreads() {
        var template =
                JinjaTemplate.compile(
                        "{% set c = cycler('a', 'b') %}{% for x in range(n) %}{{ c.next() }}"
                                + "{% endfor %}");
        assertTrue(
                java.util.stream.LongStream.range(0, 200)
                        .parallel()
                        .allMatch(
                                n -> template.render(Map.of("n", n), CLOCK).text().length() == n));
    }
}
