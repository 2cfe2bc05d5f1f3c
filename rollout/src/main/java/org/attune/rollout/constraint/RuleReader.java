package org.attune.rollout.constraint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads grammars of rules: llama.cpp's GBNF, or Lark's. In Lark's, text that is ignored may stand
/// between terminals, and neither at the beginning nor at the end.
final class RuleReader {
    private static final Pattern DEFINITION =
            Pattern.compile("([?!]?)([A-Za-z_][\\w-]*)(\\.-?\\d+)?\\s*(::=|:(?!:))");
    private static final int MOST_DEEP = 200;
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][\\w-]*");
    private static final Pattern TIMES =
            Pattern.compile(
                    "\\{\\s*(\\d{1,6})?\\s*(,)?\\s*(\\d{1,6})?\\s*\\}"
                            + "|~\\s*(\\d{1,6})(\\.\\.(\\d{1,6}))?");

    private final Grammar grammar;
    private final String text;
    private final boolean lark;
    private final Map<String, Expr> rules = new LinkedHashMap<>();
    private final Set<String> defined = new HashSet<>();
    private final Expr ignored; // a rule, whose body is known at the end
    private final List<Expr> ignores = new ArrayList<>();
    private boolean inTerminal;
    private int depth; // of groups
    private int at;

    private RuleReader(Grammar grammar, String text, boolean lark) {
        this.grammar = grammar;
        this.text = text;
        this.lark = lark;
        ignored = grammar.newRule("%ignore");
    }

    /// A grammar in GBNF, which begins with `root`.
    ///
    /// @throws ConfigException naming the line, if it is wrong
    static Expr gbnf(Grammar grammar, String text) {
        return new RuleReader(grammar, text, false).read("root");
    }

    /// A grammar in Lark's form, which begins with `start`.
    ///
    /// @throws ConfigException naming the line, if it is wrong or has what isn't supported
    static Expr lark(Grammar grammar, String text) {
        return new RuleReader(grammar, text, true).read("start");
    }

    private Expr read(String start) {
        for (skipBlanks(); at < text.length(); skipBlanks()) {
            if (lark && text.charAt(at) == '%') {
                directive();
            } else {
                rule();
            }
        }
        grammar.define(ignored, grammar.star(grammar.anyOf(ignores)));
        for (String name : rules.keySet()) {
            if (!defined.contains(name)) {
                throw wrong("rule " + name + " is called and not defined", text.length());
            }
        }
        Expr found = rules.get(start);
        if (found == null) {
            throw wrong("no rule is called " + start + ", with which texts begin", text.length());
        }
        return ignores.isEmpty() ? found : new FirstTerminal(grammar, ignored).of(found);
    }

    private void rule() {
        Matcher definition = DEFINITION.matcher(text).region(at, text.length());
        if (!definition.lookingAt() || definition.group(4).equals(":") != lark) {
            throw wrong("no rule begins here; accepted: name " + (lark ? ":" : "::=") + " …", at);
        }
        String name = definition.group(2);
        if (!defined.add(name)) {
            throw wrong("rule " + name + " is defined twice", at);
        }
        at = definition.end();
        inTerminal = isTerminal(name);
        grammar.define(named(name), alternatives());
        inTerminal = false;
    }

    private boolean isTerminal(String name) {
        return lark && name.equals(name.toUpperCase(Locale.ROOT));
    }

    private Expr named(String name) {
        return rules.computeIfAbsent(name, grammar::newRule);
    }

    private void directive() {
        int from = at;
        if (skip("%ignore")) {
            skipBlanks();
            inTerminal = true;
            ignores.add(alternatives());
            inTerminal = false;
        } else if (skip("%llguidance")) {
            skipBlanks();
            if (!json().isEmpty()) {
                throw wrong("%llguidance has settings; accepted: none", from);
            }
        } else {
            throw wrong("only the directives %ignore and %json are supported", from);
        }
    }

    private Expr alternatives() {
        List<Expr> parts = new ArrayList<>();
        do {
            parts.add(sequence());
        } while (skip("|"));
        return grammar.anyOf(parts);
    }

    private Expr sequence() {
        List<Expr> parts = new ArrayList<>();
        for (skipBlanks(); !isAtEnd(); skipBlanks()) {
            if (lark && skip("->")) {
                skipBlanks();
                name(); // of a node of the tree, which nobody builds here
            } else {
                parts.add(repeated(item()));
            }
        }
        return grammar.chain(parts.toArray(Expr[]::new));
    }

    private boolean isAtEnd() {
        if (at >= text.length() || "|)]".indexOf(text.charAt(at)) >= 0) {
            return true;
        }
        boolean directive = text.charAt(at) == '%' && !text.startsWith("%json", at);
        Matcher next = DEFINITION.matcher(text).region(at, text.length());
        return lark && directive || next.lookingAt();
    }

    private Expr repeated(Expr item) {
        Expr made = item;
        while (true) {
            Matcher times = TIMES.matcher(text).region(at, text.length());
            if (skip("*")) {
                made = grammar.star(made);
            } else if (skip("+")) {
                made = grammar.repeat(made, 1, Expr.ENDLESS);
            } else if (skip("?")) {
                made = grammar.optional(made);
            } else if (times.lookingAt()) {
                made = times(made, times);
                at = times.end();
            } else {
                return made;
            }
        }
    }

    private Expr times(Expr item, Matcher times) {
        boolean wave = times.group(4) != null;
        String first = times.group(wave ? 4 : 1);
        String second = times.group(wave ? 6 : 3);
        boolean range = wave ? second != null : times.group(2) != null;
        int min = first == null ? 0 : Integer.parseInt(first);
        int max = min;
        if (range) {
            max = second == null ? Expr.ENDLESS : Integer.parseInt(second);
        }
        if (max < min || first == null && second == null) {
            throw wrong("a repetition " + times.group() + "; accepted: least before most", at);
        }
        return grammar.repeat(item, min, max);
    }

    private Expr item() {
        int from = at;
        char c = text.charAt(at);
        if (c == '"') {
            return spaced(literal());
        }
        if (lark && c == '/') {
            return spaced(expression());
        }
        if (lark && text.startsWith("%json", at)) {
            at += "%json".length();
            skipBlanks();
            return spaced(schema(from));
        }
        if (!lark && c == '[') {
            return RegexReader.whole(grammar, bracket());
        }
        if (!lark && skip(".")) {
            return RegexReader.whole(grammar, ".");
        }
        if (c == '(' || c == '[') {
            at++;
            if (++depth > MOST_DEEP) {
                throw wrong("more than " + MOST_DEEP + " groups inside of each other", from);
            }
            Expr inside = alternatives();
            depth--;
            if (!skip(c == '(' ? ")" : "]")) {
                throw wrong("a " + c + " that isn't closed", from);
            }
            return c == '(' ? inside : grammar.optional(inside);
        }
        String name = name();
        return isTerminal(name) ? spaced(named(name)) : named(name);
    }

    /// A terminal with what is ignored before it.
    private Expr spaced(Expr terminal) {
        return lark && !inTerminal ? grammar.chain(ignored, terminal) : terminal;
    }

    private String name() {
        Matcher name = NAME.matcher(text).region(at, text.length());
        if (!name.lookingAt()) {
            throw wrong("nothing that is known", at);
        }
        at = name.end();
        return name.group();
    }

    private Expr literal() {
        String first = quoted();
        if (lark && skip("..")) {
            String last = at < text.length() && text.charAt(at) == '"' ? quoted() : "";
            if (first.codePoints().count() != 1 || last.codePoints().count() != 1) {
                throw wrong("a range whose ends aren't single characters", at);
            }
            return Utf8.oneOf(grammar, CodePoints.range(first.codePointAt(0), last.codePointAt(0)));
        }
        if (lark && skip("i")) {
            return RegexReader.whole(
                    grammar, "(?i)" + first.replaceAll("[^\\p{L}\\p{N}\\s]", "\\\\$0"));
        }
        return grammar.text(first);
    }

    /// A text between quotation marks, without escapes.
    private String quoted() {
        int from = at++;
        var value = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c != '\\') {
                value.append(c);
            } else {
                value.appendCodePoint(escaped());
            }
        }
        if (!skip("\"")) {
            throw wrong("a text that isn't closed", from);
        }
        return value.toString();
    }

    private int escaped() {
        char c = at < text.length() ? text.charAt(at++) : ' ';
        int digits = "xuU".indexOf(c) < 0 ? 0 : 2 << "xuU".indexOf(c);
        if (digits == 0) {
            int known = "ntrfb0".indexOf(c);
            return known < 0 ? c : "\n\t\r\f\b\0".charAt(known);
        }
        String number = text.substring(at, Math.min(at + digits, text.length()));
        if (!number.matches("[0-9a-fA-F]{" + digits + "}")
                || !Character.isValidCodePoint((int) Long.parseLong(number, 16))) {
            throw wrong("a broken escape", at);
        }
        at += digits;
        return Integer.parseInt(number, 16);
    }

    private String bracket() {
        int from = at++;
        while (at < text.length() && text.charAt(at) != ']') {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        if (at >= text.length()) {
            throw wrong("a [ that isn't closed", from);
        }
        at++;
        return text.substring(from, at);
    }

    private Expr expression() {
        int from = ++at;
        while (at < text.length() && text.charAt(at) != '/') {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        if (at >= text.length()) {
            throw wrong("an expression that isn't closed", from - 1);
        }
        String regex = text.substring(from, at++);
        int flags = at;
        while (at < text.length() && "imsux".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String set = text.substring(flags, at);
        if (!set.matches("[isu]*")) {
            throw wrong("flags " + set + " of an expression; accepted: i, s and u", flags);
        }
        try {
            return RegexReader.whole(grammar, set.isEmpty() ? regex : "(?" + set + ")" + regex);
        } catch (ConfigException e) {
            throw new ConfigException("the grammar, line " + line(from) + ": " + e.getMessage(), e);
        }
    }

    private Expr schema(int from) {
        var reader = new SchemaReader(grammar, json());
        Expr expr = reader.expr(Set.of(SchemaPlaces.Place.of("")));
        if (reader.isOpen() || reader.hasOverlaps()) {
            throw wrong(
                    "%json with objects that may have other keys, or with oneOf; accepted:"
                            + " additionalProperties: false",
                    from);
        }
        return expr;
    }

    private JsonNode json() {
        try (JsonParser parser = Json.MAPPER.createParser(text.substring(at))) {
            JsonNode value = parser.readValueAsTree();
            at += (int) parser.currentLocation().getCharOffset();
            return value;
        } catch (IOException e) {
            throw wrong("broken JSON (" + e.getMessage() + ")", at);
        }
    }

    private void skipBlanks() {
        while (at < text.length()) {
            boolean comment = lark ? text.startsWith("//", at) : text.charAt(at) == '#';
            if (comment) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (Character.isWhitespace(text.charAt(at))) {
                at++;
            } else {
                return;
            }
        }
    }

    private boolean skip(String expected) {
        boolean there = text.startsWith(expected, at);
        at += there ? expected.length() : 0;
        return there;
    }

    private long line(int where) {
        return 1
                + text.substring(0, Math.min(where, text.length()))
                        .chars()
                        .filter(c -> c == '\n')
                        .count();
    }

    private ConfigException wrong(String what, int where) {
        return new ConfigException("the grammar, line " + line(where) + ": " + what);
    }
}
