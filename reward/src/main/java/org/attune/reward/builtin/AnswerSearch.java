package org.attune.reward.builtin;

import org.attune.reward.builtin.AnswerSpans.Formula;
import org.attune.reward.builtin.AnswerSpans.Span;
import org.attune.text.BoundedMatch;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds the answer in a text, in the places and the order in which `math-verify` looks for it.
/// Right answers may also be numbers in plain text; of completions only boxes and formulas behind
/// the word "answer" count.
final class AnswerSearch {
    private static final long STEPS = 2_000_000;
    // What stands further from the end isn't the answer, and would take quadratic time.
    private static final int LONGEST = 20_000;
    private static final int LONGEST_FORMULA = 4000;
    private static final int FAR = 100;
    private static final int NEAR = 50;
    private static final Pattern FINAL_IS = Pattern.compile("(?i)final answer is:?");
    private static final Pattern FINAL = Pattern.compile("(?i)final answer");
    private static final Pattern IS = Pattern.compile("\\s+is:?\\s*");
    private static final Pattern ANSWER_COLON = Pattern.compile("(?i)answer:");
    private static final Pattern ANSWER = Pattern.compile("(?i)answer");
    private static final Pattern HOPE = Pattern.compile("\\.?\\s?I hope");
    private static final String NUMBER =
            "(?<!\\d)(?:(?<thousands>-?[1-9]\\d{0,2}(?:[,\\u0020]\\d{3})+)(?<behind>\\.\\d+)?"
                    + "|(?<integer>-?\\d+)(?<decimals>[.,]\\d+)|(?<point>\\.\\d+)|(?<plain>-?\\d+))"
                    + "(?<percent>\\s*(?:%|[Pp]ercent|[Pp]ct))?";
    private static final String SIGNS = "+\\-*×/^()÷";
    private static final String EXPRESSION =
            "(?<expression>-?\\(?-?\\d[\\d.\\s"
                    + SIGNS
                    + "]*["
                    + SIGNS
                    + "][\\d.\\s"
                    + SIGNS
                    + "]+\\)?)";
    private static final String BEFORE = "(?:^|\\s|=)(?:\\*\\*)?";
    private static final String BEHIND = "(?:\\*\\*)?(?:[.,:\\s)$]|$)";
    private static final String MONEY = "[$€£¥₹₽₪₩฿₫₱₴₺₿]?";
    private static final String WITH_SIGNS = BEFORE + EXPRESSION + BEHIND;
    private static final String ALONE = BEFORE + MONEY + NUMBER;
    private static final String EITHER = "(?:" + WITH_SIGNS + "|" + ALONE + ")";
    private static final List<List<Pattern>> PLAIN =
            List.of(
                    plain("(?i:final answer is):?\\s*" + EITHER + "\\.?\\s?I hope"),
                    plain("(?i:final answer.{0,100}?)\\s+is:?" + EITHER),
                    plain("(?i:answer):(?:.{0,100}=\\s*|.{0,50}?)" + EITHER + "(?!\\s*=)"),
                    plain("(?i:answer)(?:.{0,100}=\\s*|.{0,50}?)" + EITHER + "(?!\\s*=)"),
                    plain(WITH_SIGNS, ALONE));

    private final String text;
    private final boolean right;

    private AnswerSearch(String text, boolean right) {
        this.text = text;
        this.right = right;
    }

    private static List<Pattern> plain(String... patterns) {
        return java.util.Arrays.stream(patterns).map(Pattern::compile).toList();
    }

    /// @param right whether the text is a right answer, not a completion
    /// @return empty if there is no place to look at
    static Optional<MathAnswer> find(String text, boolean right) {
        return text.length() > LONGEST
                ? new AnswerSearch(text.substring(text.length() - LONGEST), right).find()
                : new AnswerSearch(text, right).find();
    }

    /// A place that may hold the answer.
    private record Place(
            int start, int end, List<Formula> formulas, boolean lastBox, MatchResult plain) {
        Place(Span span) {
            this(span.start(), span.end(), span.formulas(), false, null);
        }
    }

    private Optional<MathAnswer> find() {
        String first = "";
        for (int level = 0; level < PLAIN.size(); level++) {
            List<Place> places = places(level);
            places.sort(
                    Comparator.<Place>comparingInt(Place::end)
                            .reversed()
                            .thenComparingInt(Place::start));
            for (Place place : places) {
                MathAnswer answer = read(place);
                first = first.isEmpty() ? answer.text() : first;
                if (answer.value().isPresent() || !right) {
                    return answer.withText(first);
                }
            }
        }
        return new MathAnswer(Optional.empty(), first).withText(first);
    }

    private List<Place> places(int level) {
        var formulas = new AnswerSpans(text, false);
        var places = new ArrayList<Place>();
        switch (level) {
            case 0 -> behind(FINAL_IS, 0, formulas, places);
            case 1 -> behind(FINAL, FAR, formulas, places);
            case 2 -> behind(ANSWER_COLON, NEAR, formulas, places);
            case 3 -> behind(ANSWER, NEAR, formulas, places);
            default -> {
                if (right) {
                    formulas.all().forEach(span -> places.add(new Place(span)));
                }
            }
        }
        if (level == (right ? 1 : 0)) {
            new AnswerSpans(text, true).all().forEach(span -> places.add(new Place(span)));
            int box = text.indexOf("\\boxed{");
            int end = text.lastIndexOf('}');
            if (box >= 0 && end > box + "\\boxed{".length()) {
                String latex = text.substring(box, end + 1);
                places.add(
                        new Place(
                                box,
                                end + 1,
                                List.of(new Formula(latex, false, end + 1)),
                                true,
                                null));
            }
        }
        if (right) {
            PLAIN.get(level).forEach(pattern -> numbers(pattern, places));
        }
        return places;
    }

    /// Formulas behind words.
    ///
    /// @param far how many characters may stand between
    private void behind(Pattern words, int far, AnswerSpans formulas, List<Place> places) {
        Matcher matcher = words.matcher(text);
        int from = 0;
        while (matcher.find(from)) {
            from = matcher.end();
            for (int at = matcher.end(); at <= Math.min(text.length(), matcher.end() + far); at++) {
                Optional<Span> span = behind(words, at, formulas);
                if (span.isPresent()) {
                    places.add(
                            new Place(
                                    matcher.start(),
                                    span.get().end(),
                                    span.get().formulas(),
                                    false,
                                    null));
                    from = span.get().end();
                    break;
                }
            }
            if (from > text.length()) {
                return;
            }
        }
    }

    private Optional<Span> behind(Pattern words, int at, AnswerSpans formulas) {
        if (words == FINAL_IS) {
            int start = at;
            while (start < text.length() && Character.isWhitespace(text.charAt(start))) {
                start++;
            }
            return formulas.at(start)
                    .filter(
                            span ->
                                    HOPE.matcher(text)
                                            .region(span.end(), text.length())
                                            .lookingAt());
        }
        if (words == FINAL) {
            Matcher is = IS.matcher(text).region(at, text.length());
            return is.lookingAt() ? formulas.at(is.end()) : Optional.empty();
        }
        return formulas.at(at);
    }

    private void numbers(Pattern pattern, List<Place> places) {
        List<MatchResult> found;
        try {
            found = BoundedMatch.apply(pattern, text, STEPS, matcher -> matcher.results().toList());
        } catch (BoundedMatch.TooManyStepsException e) {
            return; // no text that a person wrote
        }
        found.forEach(one -> places.add(new Place(one.start(), one.end(), List.of(), false, one)));
    }

    private MathAnswer read(Place place) {
        return place.plain() == null ? formulas(place) : number(place.plain());
    }

    private MathAnswer formulas(Place place) {
        var texts = new ArrayList<String>();
        var values = new ArrayList<MathValue>();
        for (Formula formula : place.formulas()) {
            String written = AnswerBoxes.contents(formula.latex(), !place.lastBox());
            boolean longer = written.length() > LONGEST_FORMULA;
            String latex = longer ? written : AnswerLatex.plain(written, right);
            texts.add(latex);
            MathReader.read(latex)
                    .map(
                            value ->
                                    formula.percent() && value instanceof MathTerm term
                                            ? term.percent()
                                            : value)
                    .ifPresent(values::add);
        }
        if (texts.size() > 1 && values.size() == texts.size()) {
            var items = new ArrayList<MathValue>();
            for (MathValue value : values) {
                boolean set = value instanceof MathValue.Collection list && !list.ordered();
                items.addAll(set ? ((MathValue.Collection) value).items() : List.of(value));
            }
            return new MathAnswer(
                    Optional.of(new MathValue.Collection(false, items)),
                    String.join(" and ", texts));
        }
        Optional<MathValue> first =
                MathReader.read(texts.getFirst()).isPresent()
                        ? Optional.of(values.getFirst())
                        : Optional.empty();
        return new MathAnswer(first, texts.getFirst());
    }

    private static MathAnswer number(MatchResult match) {
        String expression = group(match, "expression");
        if (!expression.isEmpty()) {
            String latex = expression.replace('\n', ' ');
            try {
                return new MathAnswer(
                        Optional.of(MathExpression.read(latex.replace("**", "^"))), expression);
            } catch (MathExpression.UnknownException e) {
                return new MathAnswer(Optional.empty(), expression);
            }
        }
        String whole =
                (group(match, "thousands") + group(match, "integer") + group(match, "plain"))
                        .replaceAll("[ ,]", "");
        String part =
                (group(match, "behind") + group(match, "decimals") + group(match, "point"))
                        .replace(',', '.');
        String digits = (whole.isEmpty() ? "0" : whole) + part;
        MathTerm term =
                part.isEmpty()
                        ? MathTerm.exact(new BigInteger(digits), BigInteger.ONE)
                        : MathTerm.decimal(new BigDecimal(digits).doubleValue());
        return new MathAnswer(
                Optional.of(group(match, "percent").isEmpty() ? term : term.percent()), digits);
    }

    private static String group(MatchResult match, String name) {
        boolean there = match.namedGroups().containsKey(name) && match.group(name) != null;
        return there ? match.group(name) : "";
    }
}
