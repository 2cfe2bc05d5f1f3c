package org.attune.jinja;

import org.attune.jinja.Builtin.Call;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Filters that make text.
final class TextFilters {
    private TextFilters() {}

    static void register(Filters.Registry filters) {
        filters.define("upper", "s", c -> soft(c, Strings::upper));
        filters.define("lower", "s", c -> soft(c, Strings::lower));
        filters.define("capitalize", "s", c -> soft(c, Strings::capitalize));
        filters.define("title", "s", c -> soft(c, TextFilters::title));
        filters.define("trim", "value chars?", TextFilters::trim);
        filters.define("string", "value", c -> soft(c, UnaryOperator.identity()));
        filters.define("safe", "value", c -> new Markup(c.soft(0)));
        filters.define("escape", "value", c -> Markup.escape(c.get(0)));
        filters.define("e", "value", c -> Markup.escape(c.get(0)));
        filters.define("forceescape", "value", c -> Markup.escape(c.soft(0)));
        filters.define("replace", "s old new count?", TextFilters::replace);
        filters.define("format", "value * **", TextFilters::format);
        filters.define("indent", "s width? first? blank?", TextFilters::indent);
        filters.define("center", "value width?", TextFilters::center);
        filters.define("truncate", "s length? killwords? end? leeway?", TextFilters::truncate);
        filters.define("wordcount", "s", c -> wordCount(c.soft(0)));
        filters.define(
                "wordwrap",
                "s width? break_long_words? wrapstring? break_on_hyphens?",
                WordWrap::filter);
        filters.define("striptags", "value", c -> Tags.strip(c.soft(0)));
        filters.define("pprint", "value", c -> Repr.of(c.get(0)));
        filters.define("urlencode", "value", TextFilters::urlEncode);
        filters.define("xmlattr", "d autospace?", TextFilters::xmlAttributes);
    }

    /// Applies a function to the value as text; safe text stays safe.
    private static Object soft(Call c, UnaryOperator<String> function) {
        String text = function.apply(c.soft(0));
        return c.get(0) instanceof Markup ? new Markup(text) : text;
    }

    private static Object trim(Call c) {
        var unwanted = Strings.members(c.text(1, null));
        return soft(c, text -> Strings.stripStart(Strings.stripEnd(text, unwanted), unwanted));
    }

    /// Unlike the method `title`, a letter after an apostrophe stays small.
    private static String title(String text) {
        Budget.slowCharacters(text.length());
        var out = new StringBuilder();
        int from = 0;
        while (from < text.length()) {
            boolean separators = isSeparator(text.charAt(from));
            int to = from + 1;
            while (to < text.length() && isSeparator(text.charAt(to)) == separators) {
                to++;
            }
            int rest = text.offsetByCodePoints(from, 1);
            out.append(Strings.upper(text.substring(from, rest)))
                    .append(Strings.lower(text.substring(rest, Math.max(rest, to))));
            from = Math.max(rest, to);
        }
        return out.toString();
    }

    /// Whether a word may start after this character.
    private static boolean isSeparator(char c) {
        return "-({[<".indexOf(c) >= 0 || Strings.isSpace(c);
    }

    private static long wordCount(String text) {
        Budget.slowCharacters(text.length());
        long words = 0;
        boolean inWord = false;
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            boolean part = c == '_' || Character.isLetter(c) || Strings.isNumeric(c);
            words += part && !inWord ? 1 : 0;
            inWord = part;
        }
        return words;
    }

    private static Object replace(Call c) {
        return Strings.replace(c.soft(0), c.soft(1), c.soft(2), c.integer(3, -1));
    }

    private static Object format(Call c) {
        if (!c.more().isEmpty() && !c.named().isEmpty()) {
            throw JinjaException.type(
                    "can't handle positional and keyword arguments at the same time");
        }
        return PercentFormat.format(c.soft(0), PercentFormat.arguments(c.more(), c.named()));
    }

    private static Object indent(Call c) {
        String indent = Types.isString(c.get(1, null)) ? c.text(1) : blanks(c.get(1, 4L));
        if (!Types.isString(c.get(0)) && !Types.name(c.get(0)).equals("list")) {
            JinjaOperators.arithmetic("+=", c.get(0), ""); // for its error
        }
        String text = c.lines(0);
        boolean blank = c.truth(3, false);
        List<Object> lines = Strings.splitLines(text + "\n", false);
        Budget.characters(text.length() + (double) lines.size() * indent.length());
        var out = new StringBuilder(c.truth(2, false) ? indent : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            out.append(i == 0 ? "" : "\n");
            out.append(i > 0 && (blank || !line.isEmpty()) ? indent : "").append(line);
        }
        return out.toString();
    }

    private static String blanks(Object count) {
        return (String) JinjaOperators.arithmetic("*", " ", count);
    }

    private static Object center(Call c) {
        return Strings.pad(c.soft(0), c.whole(1, 80), " ", Strings.Align.CENTER);
    }

    private static Object truncate(Call c) {
        String end = c.text(3, "...");
        // For its error: only a number is long enough or not.
        JinjaOperators.compare(">=", c.get(1, 255L), (long) Strings.length(end));
        long length = c.integer(1, 255);
        long leeway = c.integer(4, 5);
        long kept = length - Strings.length(end);
        if (kept < 0) {
            throw JinjaException.value(
                    "expected length >= " + Strings.length(end) + ", got " + length);
        }
        if (leeway < 0) {
            throw JinjaException.value("expected leeway >= 0, got " + leeway);
        }
        if (Sequences.length(c.get(0)) <= length + leeway) {
            return c.get(0);
        }
        String text = c.text(0);
        String start = text.substring(0, Strings.index(text, (int) kept));
        if (!c.truth(2, false)) {
            int space = start.lastIndexOf(' ');
            start = space < 0 ? start : start.substring(0, space);
        }
        return start + end;
    }

    private static Object urlEncode(Call c) {
        Object value = c.get(0);
        if (Types.isString(value) || !Sequences.isIterable(value)) {
            return quote(Repr.text(value)).replace("+", "%20").replace("%2F", "/");
        }
        List<Object> pairs =
                value instanceof Map<?, ?> map ? DictView.pairs(map) : Sequences.list(value);
        var parts = new ArrayList<String>();
        for (Object pair : pairs) {
            Budget.items(1);
            List<Object> both = Sequences.unpacked(pair, 2);
            parts.add(quote(Repr.text(both.get(0))) + "=" + quote(Repr.text(both.get(1))));
        }
        return String.join("&", parts);
    }

    private static String quote(String text) {
        Budget.slowCharacters(4.0 * text.length());
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    private static Object xmlAttributes(Call c) {
        Map<?, ?> map = c.mapping(0);
        var parts = new ArrayList<String>();
        map.forEach(
                (key, value) -> {
                    Budget.items(1);
                    Budget.charge(Budget.UNITS_PER_ENTRY);
                    if (value != null && !(value instanceof Undefined)) {
                        parts.add(
                                Markup.escape(key).text()
                                        + "=\""
                                        + Markup.escape(value).text()
                                        + "\"");
                    }
                });
        String all = String.join(" ", parts);
        return c.truth(1, true) && !all.isEmpty() ? " " + all : all;
    }
}
