package org.attune.cli.fuzz;

import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/// Chat templates with everything that such templates use, and templates that were made to take
/// time or memory.
final class TemplateSamples {
    private static final String CHAT =
            """
            {%- if tools %}{{- 'Tools: ' + (tools | tojson(indent=2)) }}{%- endif %}
            {%- set ns = namespace(last=0, seen=[]) %}
            {%- macro show(m, n=3) %}{{ m.role | upper }}{{ ' ' * n }}{% endmacro %}
            {%- for m in messages %}
            {%- if loop.first and m['role'] == 'system' %}{% set ns.last = loop.index0 %}{% continue %}{% endif %}
            {%- if m.content is string %}
            {{- '<|' + m.role + '|>' + m.content.strip().replace('a', 'b').split('\\n')[0][:20] + '<|end|>' }}
            {%- elif m.content is iterable %}{% for c in m.content %}{{ c.text | default('') | trim }}{% endfor %}
            {%- endif %}
            {%- for t in m.tool_calls or [] %}{{ t.function.name }}{{ t.function.arguments | tojson }}{% endfor %}
            {%- endfor %}
            {{- show({'role': 'x'}, n=1) }}
            {%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}
            """;

    private static final String FILTERS =
            """
            {{ 'a b' | title | wordcount }} {{ [3, 1, 2] | sort(reverse=true) | join(', ') }} {{ {'b': 1, 'a': 2} | dictsort }}
            {{ messages | map(attribute='role') | list | unique | first }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }}
            {{ '%05.2f|%s|%x' | format(3.14159, 'x', 255) }} {{ '{:>10}|{:.3f}'.format('a', 1.5) }} {{ 'x' | center(9) | indent(2, true) }}
            {{ 1.5 | round(1) | int }} {{ '12' | int(base=8) }} {{ 'a<b' | escape | striptags | urlencode }} {{ range(5) | batch(2) | list }}
            {{ 'abc'.startswith('a') and 'b' in 'abc' }} {{ 7 // 2 ** 2 % 3 }} {{ 'abc'[::-1] }} {{ [1, [2]] | string | wordwrap(3) }}
            {{ strftime_now('%Y-%m-%d') }} {{ 'a,b'.split(',', 1) | last | capitalize | replace('B', 'c') | filesizeformat is defined }}
            """;

    private static final List<String> ATTACKS =
            List.of(
                    "{{ ('9' * 300000) | int }}",
                    "{{ ('9' * 300000 + '.5') | float | int }}",
                    "{{ 10 ** 10 ** 10 }}",
                    "{% set x = 3 ** 200000 %}{{ x * x * x * x }}",
                    "{% set ns = namespace(x=9) %}{% for i in range(40) %}{% set ns.x = ns.x * ns.x"
                            + " %}{% endfor %}{{ ns.x }}",
                    "{% set s = 'a' * 1000000 %}{% for i in range(1000) %}{{ s.count('a') }}{%"
                            + " endfor %}",
                    "{% set s = 'a' * 1000000 %}{% for i in range(1000) %}{{ s.find('b') }}{{"
                            + " s.rfind('b') }}{{ 'ab' in s }}{% endfor %}",
                    "{% set s = 'a' * 100000 %}{{ (s + s).find(s + 'b') }}{{ (s + s).count(s + 'b')"
                            + " }}",
                    "{% set s = 'ab' * 500000 %}{% for i in range(1000) %}{{ s.split('a') | length"
                            + " }}{% endfor %}",
                    "{% set s = '<' * 500000 %}{{ s | striptags }}{{ s | urlencode | urlencode |"
                            + " urlencode | length }}",
                    "{{ '{:.9999999f}'.format(1.5) }}{{ '{:>99999999}'.format(1) }}{{ '%.9999999f'"
                            + " | format(1.5) }}",
                    "{% set s = 'a ' * 500000 %}{{ s | wordwrap(1) }}{{ s | title | length }}",
                    "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000)"
                            + " %}{% endfor %}{% endfor %}{% endfor %}",
                    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
                    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro"
                            + " %}{{ f(40) }}",
                    "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s +"
                            + " ns.s %}{% endfor %}{{ ns.s }}",
                    "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l +"
                            + " ns.l %}{% endfor %}{{ ns.l | length }}",
                    "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}{{ l | tojson }}{{ l == l }}",
                    "{{ " + "(".repeat(3000) + "1" + ")".repeat(3000) + " }}",
                    "{{ " + "[".repeat(3000) + "]".repeat(3000) + " }}",
                    "{{ " + "-".repeat(5000) + "1 }}",
                    "{{ 1" + " + 1".repeat(5000) + " }}",
                    "{% if a %}".repeat(3000) + "{% endif %}".repeat(3000),
                    "{{ range(1000000000) | list }}{{ range(1000000000) | sum }}{{ range(10 ** 9) |"
                            + " sort }}",
                    "{{ 'a' * 10 ** 12 }}{{ [0] * 10 ** 12 }}{{ 'x' | center(10 ** 12) | indent(10"
                            + " ** 9) }}",
                    "{{ ['a' * 100000] * 100000 | join('b' * 100000) }}",
                    "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
                    "{% set l = range(3000) | list %}{{ l | groupby('x') | length }}{{ l | unique |"
                            + " list | length }}{% for i in l %}{{ l.index(2999) }}{% endfor %}",
                    "{% set l = range(20000) | map('string') | list %}{% for i in l %}{{ i in l"
                            + " }}{% endfor %}",
                    "{% set s = 'ab' * 200000 %}{% for i in range(2000) %}{{ s.strip('ab') }}{{"
                            + " s.startswith(s) }}{{ s == s + '' }}{% endfor %}",
                    "{% set s = 'a' * 200000 %}{% for i in range(5000) %}{{ (s + 'b') < (s + 'c')"
                            + " }}{% endfor %}",
                    "{% set s = 'a' * 200000 %}{% for i in range(2000) %}{{ s | replace('a', 'aa')"
                            + " | length }}{{ s | upper | lower | length }}{% endfor %}",
                    "{{ ('a\\n' * 200000) | indent(9999) | length }}{{ 'a' | center(99999999) }}",
                    "{{ [[1] * 1000] * 1000 | sum(start=[]) | length }}{{ [[1] * 1000] * 1000 |"
                            + " string | length }}",
                    "{% set d = {} %}{% for i in range(1000000) %}{% set _ = d.update({i: i}) %}{%"
                            + " endfor %}{{ d | dictsort | length }}",
                    "{{ 7 ** 77777 % 10 }}{{ (9 ** 99999) // (7 ** 7777) }}{{ 1e308 * 10 | int }}",
                    "{{ range(10 ** 9) | batch(1) | list | length }}{{ range(10 ** 9) | slice(3) |"
                            + " list }}",
                    "{% for x in 'ab' * 500000 %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x) }}{%"
                            + " endfor %}",
                    "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
                    "{{ 'a'.join(range(1000000) | map('string')) | reverse | list | unique | list |"
                            + " length }}");

    private TemplateSamples() {}

    static List<Sample> all() {
        // Most mutants are of usual templates: an attack may take the whole second that it is
        // given.
        List<String> usual = Collections.nCopies(2 * ATTACKS.size(), CHAT + FILTERS);
        return Stream.of(List.of(CHAT), usual, ATTACKS)
                .flatMap(List::stream)
                .map(template -> Sample.of("chat_template.jinja", template))
                .toList();
    }
}
