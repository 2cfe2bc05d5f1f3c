package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

/// Methods of Python's `str`. In each body argument 0 is the string itself.
final class StringMethods {
    private static final Map<String, Builtin> METHODS = new HashMap<>();

    /// Methods whose arguments have names.
    private static final Set<String> NAMED =
            Set.of("split", "rsplit", "splitlines", "encode", "expandtabs", "format");

    private StringMethods() {}

    static Builtin find(String name) {
        return METHODS.get(name);
    }

    private static void method(String name, String parameters, Builtin.Body body) {
        String names = NAMED.contains(name) ? "" : " /";
        METHODS.put(name, Builtin.of(name, ("self " + parameters).strip() + names, body));
    }

    private static void simple(String name, UnaryOperator<String> function) {
        method(name, "", c -> function.apply(c.text(0)));
    }

    private static void check(String name, IntPredicate test) {
        method(name, "", c -> Strings.all(c.text(0), test));
    }

    /// Charges for a text whose characters become an object each.
    private static String slow(String text) {
        Budget.slowCharacters(text.length());
        return text;
    }

    static {
        simple("upper", Strings::upper);
        simple("lower", Strings::lower);
        simple("title", text -> Strings.title(slow(text)));
        simple("capitalize", Strings::capitalize);
        simple("swapcase", text -> Strings.swapCase(slow(text)));
        simple("casefold", text -> Strings.lower(Strings.upper(text)));
        check("isalpha", Character::isLetter);
        check("isdecimal", c -> Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER);
        check(
                "isdigit",
                c -> {
                    Budget.charge(1);
                    return Strings.isDigit(c);
                });
        check("isnumeric", Strings::isNumeric);
        check("isalnum", c -> Character.isLetter(c) || Strings.isNumeric(c));
        check("isspace", Strings::isSpace);
        method("isascii", "", c -> c.text(0).chars().allMatch(x -> x < 0x80));
        method("isupper", "", c -> Strings.isCased(c.text(0), true));
        method("islower", "", c -> Strings.isCased(c.text(0), false));
        method(
                "istitle",
                "",
                c -> !c.text(0).isEmpty() && c.text(0).equals(Strings.title(slow(c.text(0)))));
        method("isidentifier", "", c -> c.text(0).matches("[\\p{L}_][\\p{L}\\p{N}_]*"));
        strip();
        split();
        search();
        padding();
        method("replace", "old new count?", StringMethods::replace);
        method("join", "items", StringMethods::join);
        method("format", "* **", c -> BraceFormat.format(c.text(0), c.more(), c.named()));
        method(
                "format_map",
                "mapping",
                c -> BraceFormat.format(c.text(0), List.of(), map(c.get(1))));
        method("translate", "table", StringMethods::translate);
        method("encode", "encoding? errors?", StringMethods::encode);
    }

    private static void strip() {
        method(
                "strip",
                "chars?",
                c -> {
                    IntPredicate unwanted = Strings.members(c.text(1, null));
                    return Strings.stripStart(Strings.stripEnd(c.text(0), unwanted), unwanted);
                });
        method(
                "lstrip",
                "chars?",
                c -> Strings.stripStart(c.text(0), Strings.members(c.text(1, null))));
        method(
                "rstrip",
                "chars?",
                c -> Strings.stripEnd(c.text(0), Strings.members(c.text(1, null))));
        method(
                "removeprefix",
                "prefix",
                c ->
                        c.text(0).startsWith(c.text(1))
                                ? c.text(0).substring(c.text(1).length())
                                : c.text(0));
        method(
                "removesuffix",
                "suffix",
                c ->
                        c.text(0).endsWith(c.text(1))
                                ? c.text(0).substring(0, c.text(0).length() - c.text(1).length())
                                : c.text(0));
    }

    private static void split() {
        method(
                "split",
                "sep? maxsplit?",
                c -> {
                    String separator = c.text(1, null);
                    long limit = c.integer(2, -1);
                    return separator == null
                            ? Strings.splitWords(c.text(0), limit)
                            : Strings.split(c.text(0), separator, limit);
                });
        method(
                "rsplit",
                "sep? maxsplit?",
                c -> {
                    String separator = c.text(1, null);
                    long limit = c.integer(2, -1);
                    return separator == null
                            ? Strings.splitWordsFromEnd(c.text(0), limit)
                            : Strings.splitFromEnd(c.text(0), separator, limit);
                });
        method("splitlines", "keepends?", c -> Strings.splitLines(c.text(0), c.truth(1, false)));
        method("partition", "sep", c -> partition(c.text(0), c.text(1), false));
        method("rpartition", "sep", c -> partition(c.text(0), c.text(1), true));
    }

    private static Tuple partition(String text, String separator, boolean last) {
        Strings.requireSeparator(separator);
        int at = last ? TextSearch.last(text, separator) : TextSearch.first(text, separator, 0);
        if (at < 0) {
            return last ? Tuple.of("", "", text) : Tuple.of(text, "", "");
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    private static void search() {
        method("startswith", "prefix start? end?", c -> affix(c, String::startsWith));
        method("endswith", "suffix start? end?", c -> affix(c, String::endsWith));
        method("find", "sub start? end?", c -> find(c, false));
        method("rfind", "sub start? end?", c -> find(c, true));
        method("index", "sub start? end?", c -> requireFound(find(c, false)));
        method("rindex", "sub start? end?", c -> requireFound(find(c, true)));
        method("count", "sub start? end?", StringMethods::count);
    }

    /// The part of argument 0 that arguments 2 and 3 leave.
    private static String part(Call c) {
        return (String) Sequences.slice(c.text(0), c.get(2, null), c.get(3, null), null);
    }

    private static Object affix(Call c, BiPredicate<String, String> test) {
        if (isBeyond(c)) {
            return false;
        }
        String text = part(c);
        if (c.get(1) instanceof Tuple choices) {
            Budget.charge(choices.size());
            return choices.stream()
                    .anyMatch(choice -> test.test(text, (String) Budget.text(Repr.text(choice))));
        }
        return test.test(text, (String) Budget.text(c.text(1)));
    }

    /// Whether the search starts behind the end, where not even the empty text is found.
    private static boolean isBeyond(Call c) {
        return c.get(2, null) instanceof Long start && start > Strings.length(c.text(0));
    }

    private static long find(Call c, boolean last) {
        if (isBeyond(c)) {
            return -1;
        }
        String text = part(c);
        int at = last ? TextSearch.last(text, c.text(1)) : TextSearch.first(text, c.text(1), 0);
        if (at < 0) {
            return -1;
        }
        long skipped =
                c.has(2)
                        ? Strings.length(c.text(0))
                                - Strings.length(
                                        (String) Sequences.slice(c.text(0), c.get(2), null, null))
                        : 0;
        return skipped + text.codePointCount(0, at);
    }

    private static long requireFound(long index) {
        if (index < 0) {
            throw JinjaException.value("substring not found");
        }
        return index;
    }

    private static Object count(Call c) {
        String text = part(c);
        String wanted = c.text(1);
        return wanted.isEmpty()
                ? isBeyond(c) ? 0L : Strings.length(text) + 1L
                : occurrences(text, wanted);
    }

    private static long occurrences(String text, String wanted) {
        var search = new TextSearch(wanted);
        long count = 0;
        for (int at = search.next(text, 0); at >= 0; at = search.next(text, at + wanted.length())) {
            count++;
        }
        return count;
    }

    private static void padding() {
        method("center", "width fillchar?", c -> pad(c, Strings.Align.CENTER));
        method("ljust", "width fillchar?", c -> pad(c, Strings.Align.LEFT));
        method("rjust", "width fillchar?", c -> pad(c, Strings.Align.RIGHT));
        method("zfill", "width", StringMethods::zeroFill);
        method("expandtabs", "tabsize?", c -> expandTabs(c.text(0), Math.max(0, c.integer(1, 8))));
    }

    /// Blanks up to the next column that is a multiple of `size`. Columns begin anew at each line
    /// break.
    private static String expandTabs(String text, long size) {
        Budget.characters(text.length());
        var out = new StringBuilder();
        long column = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\t') {
                long blanks = size == 0 ? 0 : size - column % size;
                Budget.characters((double) out.length() + blanks);
                out.repeat(' ', (int) blanks);
                column += blanks;
            } else {
                out.append(c);
                boolean pair = Character.isLowSurrogate(c); // counted with its first half
                column = c == '\n' || c == '\r' ? 0 : column + (pair ? 0 : 1);
            }
        }
        return out.toString();
    }

    private static Object pad(Call c, Strings.Align align) {
        return Strings.pad(c.text(0), c.integer(1, 0), c.text(2, " "), align);
    }

    private static Object zeroFill(Call c) {
        String text = c.text(0);
        boolean signed = text.startsWith("-") || text.startsWith("+");
        String sign = signed ? text.substring(0, 1) : "";
        return sign
                + Strings.pad(
                        text.substring(sign.length()),
                        c.integer(1, 0) - sign.length(),
                        "0",
                        Strings.Align.RIGHT);
    }

    private static Object replace(Call c) {
        return Strings.replace(c.text(0), c.text(1), c.text(2), c.integer(3, -1));
    }

    private static Object join(Call c) {
        var out = new StringBuilder();
        Iterator<Object> items = Sequences.iterate(c.get(1));
        for (int i = 0; items.hasNext(); i++) {
            Object item = items.next();
            if (!Types.isString(item)) {
                throw JinjaException.type(
                        "sequence item "
                                + i
                                + ": expected str instance, "
                                + Types.name(item)
                                + " found");
            }
            Budget.charge(2);
            Budget.characters(c.text(0).length() + (double) Repr.text(item).length());
            out.append(i == 0 ? "" : c.text(0)).append(Repr.text(item));
            Limits.requireLength(out.length());
        }
        return out.toString();
    }

    private static Object translate(Call c) {
        Map<String, Object> unused = Map.of();
        Map<?, ?> table = c.get(1) instanceof Map<?, ?> map ? map : unused;
        var out = new StringBuilder();
        Budget.items(c.text(0).length());
        c.text(0)
                .codePoints()
                .forEach(
                        x -> {
                            Object with = Sequences.mapItem(table, (long) x);
                            if (with instanceof Absent) {
                                out.appendCodePoint(x);
                            } else if (with instanceof Long code) {
                                out.appendCodePoint(code.intValue());
                            } else if (with != null) {
                                out.append((String) Budget.text(Repr.text(with)));
                                Limits.requireLength(out.length());
                            }
                        });
        return out.toString();
    }

    private static Object encode(Call c) {
        String encoding = Strings.lower(c.text(1, "utf-8")).replace("_", "-");
        if (!encoding.equals("utf-8") && !encoding.equals("utf8")) {
            throw JinjaException.value("only encode('utf-8') is supported, got " + encoding);
        }
        return c.text(0).getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, Object> map(Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw JinjaException.type("format_map() needs a mapping, got " + Types.name(value));
        }
        var named = new HashMap<String, Object>();
        map.forEach((key, item) -> named.put(Repr.text(key), item));
        return named;
    }
}
