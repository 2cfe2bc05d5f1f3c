package org.attune.reward.builtin;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Brings the ways in which LaTeX writes one answer to one: what only changes the looks, units and
/// money, and, of right answers, the slips that data sets have.
final class AnswerLatex {
    private static final Pattern LEFT =
            Pattern.compile(
                    "\\\\m?left(?=\\\\[{|]|[{|(\\[]"
                            + "|\\\\(?:lfloor|lceil|langle|vert|lvert|lbrace|lbrack))");
    private static final Pattern RIGHT =
            Pattern.compile(
                    "\\\\m?right(?=\\\\[}|]|[}|)\\]]"
                            + "|\\\\(?:rfloor|rceil|rangle|vert|rvert|rbrace|rbrack))");
    private static final Pattern USELESS =
            Pattern.compile(
                    "\\\\mathrm\\{th}|\\\\!\\s*|\\\\text\\s*\\{\\s*}"
                            + "|\\\\?\\$|(?<!\\\\)\\\\[()]|(?<!\\\\)[\"']|\\\\displaystyle");

    /// What is written in several ways; the first that fits at a place counts.
    private static final Map<Pattern, String> NAMES = names();

    private static final Pattern DOUBLED = Pattern.compile("\\\\\\\\(?=[a-zA-Z])");
    private static final Pattern UNIT_TEXT =
            Pattern.compile("\\\\(?:text|mbox)\\{.*?}(?:\\^\\d|\\{\\^\\d})?$");
    private static final String UNITS =
            List.of( // lengths, areas, weights, times, money, things that are counted
                            "inches|inch|feet|ft|yard|mile|cm|mm|dm|km|m|mt|mtr|metre|meter",
                            "acre|hectare|square|sq|sq m|sq \\. m|sq inch|m square|cm 2|pi sq m",
                            "cubic|cube|cu cm|cu \\. m|cc",
                            "kg|g|gm|pound|lb|l|lt|litre|liter|gallon|gal|ohm",
                            "second|sec|s|s \\.|minute|minw|min|hour|hr|h|day|month|year|yr|noon",
                            "am|pm|a \\. m|p \\. m",
                            "mph|kmph|kmh|degree|deg|° f|rd|cent|rupee|rs|rs \\.",
                            "profit of rs|profit|loss|gain",
                            "student|men|man|women|woman|soldier|monkey|apple|coin|toy|pie|meal",
                            "tile|mark|children ticket",
                            "digit|multiple|edge|prime|ratio|number|unit|rounds|rise|excess",
                            "increase|decrease|more|less|pure|Surface",
                            "east|west| m east|way|by|per|are|no change|sue|bc|ab|st|th|mp|c|d|t|o",
                            "[a-hq] \\.")
                    .stream()
                    .collect(Collectors.joining("|"));
    private static final Pattern UNIT =
            Pattern.compile("(\\d|}|\\s)\\s*(?:" + UNITS + ")(?:s|es)?\\s*$");

    private AnswerLatex() {}

    private static Map<Pattern, String> names() {
        var names = new java.util.LinkedHashMap<Pattern, String>();
        String[][] rules = {
            {"\\\\math(?:rm|it|bf)", "\\text"},
            {"\\\\text(?:normal|bf|it|rm)", "\\text"},
            {"\\\\[dtc]frac", "\\frac"},
            {"\\s\\.", " 0."},
            {"\\{\\.", "{0."},
            {"~=", "\\approx"},
            {"\\s*\\{\\s*,\\s*}", ","},
            {"(?<![a-zA-Z]),?\\s*(?:and|or)(?![a-zA-Z])", ","},
            {",?\\s*\\\\text\\{\\s*(?:and|or)\\s*}", ","},
            {"(?<!\\\\)\\\\\\s", " "},
            {"infinity", "\\infty"},
            {",?\\\\ldots", " "},
            {"\\s*\\bpercentage\\b", "\\%"},
            {"\\\\text\\{percentage}", "%"},
            {"\\s*\\bpercent\\b", "\\%"},
            {"\\\\text\\{percent}", "%"},
            {"\\s*\\bpct\\b", "\\%"},
            {"\\\\text\\{pct}", "%"},
            {"(?<!\\\\)inf(?!inity)", "\\infty"},
            {" sqrt", "\\sqrt"},
        };
        for (String[] rule : rules) {
            names.put(Pattern.compile(rule[0]), rule[1]);
        }
        return names;
    }

    /// What stands in boxes is taken out already.
    ///
    /// @param mended whether slips are mended: `\frac12`, `\sqrt2`, `.5`
    static String plain(String latex, boolean mended) {
        String text =
                latex.replace("\\mathrm{T}", "T")
                        .replace("\\mathrm{d}", "d")
                        .replace("{\\rm d}", "d");
        text = RIGHT.matcher(LEFT.matcher(text).replaceAll("")).replaceAll("");
        text = named(USELESS.matcher(text).replaceAll("")).replace('\n', ' ').replace('\t', ' ');
        if (!text.contains("matrix")) {
            text = DOUBLED.matcher(text).replaceAll("\\\\");
        }
        text = withoutUnits(text);
        return (mended ? mended(text) : text).strip();
    }

    private static String named(String text) {
        var result = new StringBuilder();
        int at = 0;
        var matchers = NAMES.keySet().stream().map(pattern -> pattern.matcher(text)).toList();
        List<String> with = List.copyOf(NAMES.values());
        int[] next = new int[matchers.size()]; // where each is found next
        java.util.Arrays.fill(next, -1);
        while (true) {
            int best = -1;
            for (int i = 0; i < next.length; i++) {
                if (next[i] < at) {
                    next[i] =
                            matchers.get(i).find(at) ? matchers.get(i).start() : Integer.MAX_VALUE;
                }
                if (next[i] < Integer.MAX_VALUE && (best < 0 || next[i] < next[best])) {
                    best = i;
                }
            }
            if (best < 0) {
                return result.append(text, at, text.length()).toString();
            }
            Matcher found = matchers.get(best);
            result.append(text, at, found.start()).append(with.get(best));
            at = found.end();
        }
    }

    private static String withoutUnits(String latex) {
        String text = replacedUnlessEmpty(latex, UNIT_TEXT, "").strip();
        text = text.isEmpty() ? latex : text;
        for (int i = 0; i < 2; i++) {
            text = replacedUnlessEmpty(text, UNIT, "$1");
        }
        return text;
    }

    private static String replacedUnlessEmpty(String text, Pattern pattern, String replacement) {
        String replaced = pattern.matcher(text).replaceFirst(replacement);
        return replaced.isEmpty() ? text : replaced;
    }

    private static String mended(String latex) {
        String text = latex.startsWith(".") ? "0" + latex : latex;
        text = text.equals("0.5") ? "\\frac{1}{2}" : text;
        text = text.replaceAll("\\^\\s?\\((.*?)\\)", "^{$1}");
        text =
                text.replaceAll("\\\\?sqrt\\s?\\((.*?)\\)", "\\\\sqrt{$1}")
                        .replace(" sqrt", "\\sqrt");
        text = text.replaceAll("\\\\frac\\s?(\\d)\\s?(\\d+)", "\\\\frac{$1}{$2}");
        text = text.replaceAll("\\\\log_\\s?(\\d)\\s?(\\d+)", "\\\\log_{$1}{$2}");
        text = text.replaceAll("\\\\frac\\s?\\{(.*?)}\\s?(\\d)", "\\\\frac{$1}{$2}");
        text = text.replaceAll("\\\\frac\\s?(\\d)\\s?\\{(.*?)}", "\\\\frac{$1}{$2}");
        text = text.replaceAll("\\\\sqrt\\s*([^\\s{\\[])", "\\\\sqrt{$1}");
        return text.replaceAll("\\\\frac\\s*([^\\s{])([^\\s{])", "\\\\frac{$1}{$2}")
                .replaceAll("\\\\frac\\s*([^\\s{])\\{", "\\\\frac{$1}{");
    }
}
