package org.attune.reward.judge;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads scores from what a judge writes, and says how it is to write them. Thinking before
/// `</think>` is passed over. A score outside of the scale is none.
final class JudgeAnswer {
    private static final String NUMBER = "([+-]?\\d{1,9}(?:\\.\\d{1,9})?)";
    private static final Pattern NAMED =
            Pattern.compile(
                    "(?i)\\b(?:score|rating|grade)\\b[^0-9\\p{L}+-]{0,12}(?:(?:is|of)\\b)?[^0-9\\p{L}]{0,12}?"
                            + NUMBER);
    private static final Pattern ALONE =
            Pattern.compile("[\\s*_`\"'(\\[]*" + NUMBER + "(?:\\s*/\\s*\\d+)?[\\s*_`\"')\\].]*");
    private static final Pattern LINE =
            Pattern.compile(
                    "(?im)^\\W*(?:answer|completion|response|score)?\\W*(\\d{1,4})\\W*[:=]\\W*?"
                            + NUMBER
                            + "(?:\\s*/\\s*\\d+)?\\W*$");
    private static final int SHOWN = 120;

    private JudgeAnswer() {}

    /// Asks for one score.
    static String format(JudgeScale scale) {
        return """
        End with a line that has the score and nothing else, in this form:
        Score: N
        N is a whole number from %d (worst) to %d (best).\
        """
                .formatted(scale.low(), scale.high());
    }

    /// Asks for a score of each of several answers.
    static String format(JudgeScale scale, int answers) {
        return """
        End with one line of JSON that has the score of each answer by its number, from "1" to "%d", in this form:
        {"1": N, "2": N}
        N is a whole number from %d (worst) to %d (best).\
        """
                .formatted(answers, scale.low(), scale.high());
    }

    /// The score; what stands last counts.
    ///
    /// @throws UnreadableAnswerException if there is none, or none within the scale
    static double score(String answer, JudgeScale scale) throws UnreadableAnswerException {
        String text = said(answer);
        // "Score (1-5): 4" names the scale before the score
        String range = scale.low() + "\\s*(?:-|–|to|\\.\\.)\\s*" + scale.high() + "\\b";
        String bare = text.replaceAll(range, "");
        Optional<String> number =
                last(NAMED.matcher(bare)).or(() -> alone(bare)).or(() -> alone(lastLine(bare)));
        if (number.isEmpty()) {
            throw new UnreadableAnswerException("the judge gave no score: " + excerpt(text));
        }
        return within(number.get(), scale);
    }

    private static Optional<String> last(Matcher matcher) {
        return matcher.results().reduce((_, later) -> later).map(found -> found.group(1));
    }

    private static Optional<String> alone(String text) {
        Matcher alone = ALONE.matcher(text);
        return alone.matches() ? Optional.of(alone.group(1)) : Optional.empty();
    }

    private static String lastLine(String text) {
        return text.lines().filter(line -> !line.isBlank()).reduce("", (_, line) -> line);
    }

    private static double within(String number, JudgeScale scale) throws UnreadableAnswerException {
        double score = Double.parseDouble(number);
        if (!scale.contains(score)) {
            throw new UnreadableAnswerException(
                    "the judge gave the score %s, outside of %s".formatted(number, scale));
        }
        return score;
    }

    /// Scores of answers 1 to `count`.
    ///
    /// @throws UnreadableAnswerException unless each has one within the scale
    static double[] scores(String answer, int count, JudgeScale scale)
            throws UnreadableAnswerException {
        String text = said(answer);
        double[] scores = new double[count];
        Arrays.fill(scores, Double.NaN);
        if (!fromJson(text, scores)) {
            for (MatchResult line : LINE.matcher(text).results().toList()) {
                int number = Integer.parseInt(line.group(1));
                if (number >= 1 && number <= count) {
                    scores[number - 1] = Double.parseDouble(line.group(2));
                }
            }
        }
        for (int i = 0; i < count; i++) {
            if (Double.isNaN(scores[i])) {
                throw new UnreadableAnswerException(
                        "the judge gave answer %d of %d no score: %s"
                                .formatted(i + 1, count, excerpt(text)));
            }
            within(String.valueOf(scores[i]), scale);
        }
        return scores;
    }

    /// Fills in the scores of the last object that has one for each.
    private static boolean fromJson(String text, double[] scores) {
        int end = text.lastIndexOf('}');
        for (int begin = text.lastIndexOf('{', end); begin >= 0; begin = before(text, begin)) {
            Optional<Object> value = parsed(text.substring(begin, end + 1));
            if (value.isPresent() && value.get() instanceof Map<?, ?> map && fill(map, scores)) {
                return true;
            }
        }
        return false;
    }

    private static int before(String text, int begin) {
        return begin == 0 ? -1 : text.lastIndexOf('{', begin - 1);
    }

    private static Optional<Object> parsed(String text) {
        try {
            return Optional.ofNullable(Json.parse(text));
        } catch (JsonException e) {
            return Optional.empty();
        }
    }

    private static boolean fill(Map<?, ?> map, double[] scores) {
        Object inner = map.get("scores");
        double[] found = new double[scores.length];
        for (int i = 0; i < found.length; i++) {
            Object value =
                    switch (inner) {
                        case List<?> list -> i < list.size() ? list.get(i) : null;
                        case Map<?, ?> named -> named.get(String.valueOf(i + 1));
                        case null, default -> map.get(String.valueOf(i + 1));
                    };
            if (!(value instanceof Number number)) {
                return false;
            }
            found[i] = number.doubleValue();
        }
        System.arraycopy(found, 0, scores, 0, found.length);
        return true;
    }

    private static String said(String answer) {
        int thought = answer.lastIndexOf("</think>");
        return (thought < 0 ? answer : answer.substring(thought + "</think>".length())).strip();
    }

    private static String excerpt(String text) {
        String line = text.isEmpty() ? "(nothing)" : text.replaceAll("\\p{Cntrl}+", " ");
        return line.length() > SHOWN ? "… " + line.substring(line.length() - SHOWN) : line;
    }
}
