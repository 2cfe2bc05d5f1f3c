package org.attune.text.jinja;

import org.attune.text.jinja.Builtin.Call;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Filters that make text.
final class TextFilters {
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD_START =
            Pattern.compile("[-\\s({\\[<]+|[^-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);

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
        filters.define("wordcount", "s", c -> WORD.matcher(c.soft(0)).results().count());
        filters.define("wordwrap", "s width? break_long_words? wrapstring?", TextFilters::wordWrap);
        filters.define("striptags", "value", c -> stripTags(c.soft(0)));
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
        var out = new StringBuilder();
        Matcher parts = WORD_START.matcher(text);
        while (parts.find()) {
            String part = parts.group();
            int first = part.offsetByCodePoints(0, 1);
            out.append(Strings.upper(part.substring(0, first)))
                    .append(Strings.lower(part.substring(first)));
        }
        return out.toString();
    }

    private static Object replace(Call c) {
        return Strings.replace(c.soft(0), c.soft(1), c.soft(2), c.integer(3, -1));
    }

    private static Object format(Call c) {
        if (!c.more().isEmpty() && !c.named().isEmpty()) {
            throw JinjaException.type("can't handle positional and keyword arguments at once");
        }
        return PercentFormat.format(c.soft(0), PercentFormat.arguments(c.more(), c.named()));
    }

    private static Object indent(Call c) {
        String indent =
                Types.isString(c.get(1, null)) ? c.text(1) : Strings.repeat(" ", c.integer(1, 4));
        boolean blank = c.truth(3, false);
        List<Object> lines = Strings.splitLines(c.soft(0) + "\n", false);
        Limits.requireLength(c.soft(0).length() + (double) lines.size() * indent.length());
        var out = new StringBuilder(c.truth(2, false) ? indent : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            out.append(i == 0 ? "" : "\n");
            out.append(i > 0 && (blank || !line.isEmpty()) ? indent : "").append(line);
        }
        return out.toString();
    }

    private static Object center(Call c) {
        return Strings.pad(c.soft(0), c.integer(1, 80), " ", Strings.Align.CENTER);
    }

    private static Object truncate(Call c) {
        String text = c.soft(0);
        String end = c.text(3, "...");
        long length = c.integer(1, 255);
        if (Strings.length(text) <= length + c.integer(4, 5)) {
            return text;
        }
        long kept = length - Strings.length(end);
        if (kept < 0) {
            throw JinjaException.value("truncate needs a length of at least that of its end");
        }
        String start = text.substring(0, Strings.index(text, (int) kept));
        if (!c.truth(2, false)) {
            start = (String) Strings.splitFromEnd(start, " ", 1).getFirst();
        }
        return start + end;
    }

    private static Object wordWrap(Call c) {
        long width = c.integer(1, 79);
        if (width < 1) {
            throw JinjaException.value("invalid width " + width + " (must be > 0)");
        }
        String lineBreak = c.text(3, "\n");
        var lines = new ArrayList<String>();
        for (Object line : Strings.splitLines(c.soft(0), false)) {
            wrap((String) line, (int) Math.min(width, Integer.MAX_VALUE), c.truth(2, true), lines);
        }
        return String.join(lineBreak, lines);
    }

    private static void wrap(String line, int width, boolean breakWords, List<String> lines) {
        var current = new StringBuilder();
        for (Object item : Strings.splitWords(line, -1)) {
            String word = (String) item;
            if (!current.isEmpty() && current.length() + 1 + word.length() > width) {
                lines.add(current.toString());
                current.setLength(0);
            }
            current.append(current.isEmpty() ? "" : " ").append(word);
            int broken = 0;
            while (breakWords && current.length() - broken > width) {
                lines.add(current.substring(broken, broken + width));
                broken += width;
            }
            current.delete(0, broken);
        }
        lines.add(current.toString());
    }

    private static String stripTags(String html) {
        var out = new StringBuilder();
        int at = 0;
        boolean unclosed = false; // no > follows any more, so that looking for one ends
        while (at < html.length()) {
            boolean comment = html.startsWith("<!--", at);
            String close = comment ? "-->" : ">";
            int end = html.charAt(at) == '<' && !unclosed ? html.indexOf(close, at) : -1;
            unclosed |= html.charAt(at) == '<' && end < 0 && !comment;
            if (end >= 0) {
                at = end + close.length();
            } else {
                out.append(html.charAt(at++));
            }
        }
        String text = String.join(" ", strings(Strings.splitWords(out.toString(), -1)));
        return text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#34;", "\"")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
    }

    private static List<String> strings(List<Object> items) {
        return items.stream().map(String.class::cast).toList();
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
            List<Object> both = Sequences.list(pair);
            if (both.size() != 2) {
                throw JinjaException.value("urlencode needs pairs of name and value");
            }
            parts.add(quote(Repr.text(both.get(0))) + "=" + quote(Repr.text(both.get(1))));
        }
        return String.join("&", parts);
    }

    private static String quote(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    private static Object xmlAttributes(Call c) {
        if (!(c.get(0) instanceof Map<?, ?> map)) {
            throw JinjaException.type("xmlattr needs a mapping");
        }
        var parts = new ArrayList<String>();
        map.forEach(
                (key, value) -> {
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
