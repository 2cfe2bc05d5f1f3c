package org.attune.reward.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;
import org.attune.json.Json;

import java.math.BigDecimal;
import java.time.DayOfWeek;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Ways to compare a completion with the right answer. Each finds the answer in text around it, the
/// last one where there are several, since models explain before they conclude.
public enum AnswerCheck {
    /// The completion is the answer, white space around it aside.
    EXACT {
        @Override
        public boolean accepts(String completion, String answer) {
            return completion.strip().equals(answer.strip());
        }
    },

    /// The last number has the answer's value: `1,234.50` is 1234.5.
    NUMBER {
        @Override
        public boolean accepts(String completion, String answer) {
            List<BigDecimal> found = numbers(completion);
            List<BigDecimal> right = numbers(answer);
            return !found.isEmpty()
                    && !right.isEmpty()
                    && found.getLast().compareTo(right.getLast()) == 0;
        }
    },

    /// The last numbers, as many as the answer has, are the answer's in its order. Commas separate.
    NUMBERS {
        @Override
        public boolean accepts(String completion, String answer) {
            List<BigDecimal> right = numbers(separated(answer));
            List<BigDecimal> found = numbers(separated(completion));
            int surplus = found.size() - right.size();
            return !right.isEmpty()
                    && surplus >= 0
                    && found.subList(surplus, found.size()).equals(right);
        }
    },

    /// The last word is the answer, quotes and punctuation around it aside.
    WORD {
        @Override
        public boolean accepts(String completion, String answer) {
            Matcher words = WORDS.matcher(completion);
            String last = "";
            while (words.find()) {
                last = words.group();
            }
            return !last.isEmpty() && last.equals(answer);
        }
    },

    /// The last JSON object equals the answer's, whatever the order of keys and the spaces.
    JSON {
        @Override
        public boolean accepts(String completion, String answer) {
            Optional<JsonNode> right = lastObject(answer);
            return right.isPresent() && lastObject(completion).equals(right);
        }
    },

    /// The last weekday named is the answer's.
    WEEKDAY {
        @Override
        public boolean accepts(String completion, String answer) {
            Optional<DayOfWeek> right = lastDay(answer);
            return right.isPresent() && lastDay(completion).equals(right);
        }
    };

    private static final Pattern NUMBER_TEXT =
            Pattern.compile("-?(\\d{1,3}(,\\d{3})+|\\d+)(\\.\\d+)?");
    private static final Pattern WORDS = Pattern.compile("[\\p{L}\\p{N}]+");
    private static final ObjectReader DECIMALS =
            Json.WHOLE.with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    /// Texts longer than this are judged by their ends, so that no completion costs much time.
    private static final int LONGEST = 20_000;

    /// Whether the completion gives the answer.
    public abstract boolean accepts(String completion, String answer);

    /// A check by name, e.g. `number`.
    ///
    /// @throws ConfigException if there is no such check; says which name is near, and all of them
    public static AnswerCheck of(String name) {
        List<String> names = Arrays.stream(values()).map(AnswerCheck::toString).toList();
        int index = names.indexOf(name.toLowerCase(Locale.ROOT));
        if (index < 0) {
            String nearest =
                    Spelling.nearest(name, names).map(n -> "did you mean " + n + "? ").orElse("");
            throw new ConfigException(
                    "there is no verifier \"%s\"; %saccepted: %s"
                            .formatted(name, nearest, String.join(", ", names)));
        }
        return values()[index];
    }

    private static String end(String text) {
        return text.substring(Math.max(0, text.length() - LONGEST));
    }

    /// Numbers in order; a hyphen right behind a digit or letter is no sign, as in `2024-03` and
    /// `7-5`.
    private static List<BigDecimal> numbers(String text) {
        var numbers = new ArrayList<BigDecimal>();
        String end = end(text);
        Matcher matcher = NUMBER_TEXT.matcher(end);
        while (matcher.find()) {
            String number = matcher.group().replace(",", "");
            boolean signed = number.startsWith("-");
            int before = matcher.start() - 1;
            if (signed && before >= 0 && Character.isLetterOrDigit(end.charAt(before))) {
                number = number.substring(1);
            }
            numbers.add(new BigDecimal(number).stripTrailingZeros());
        }
        return numbers;
    }

    private static String separated(String text) {
        return text.replace(",", ", ");
    }

    private static Optional<DayOfWeek> lastDay(String text) {
        String lower = end(text).toLowerCase(Locale.ROOT);
        DayOfWeek last = null;
        int place = -1;
        for (DayOfWeek day : DayOfWeek.values()) {
            int found = lower.lastIndexOf(day.name().toLowerCase(Locale.ROOT));
            if (found > place) {
                place = found;
                last = day;
            }
        }
        return Optional.ofNullable(last);
    }

    /// The outermost object that ends last.
    private static Optional<JsonNode> lastObject(String text) {
        String end = end(text);
        int close = end.lastIndexOf('}');
        if (close < 0) {
            return Optional.empty();
        }
        Optional<JsonNode> outermost = Optional.empty();
        int tries = 0;
        for (int open = end.lastIndexOf('{', close);
                open >= 0 && tries < 100;
                open = end.lastIndexOf('{', open - 1)) {
            tries++;
            Optional<JsonNode> parsed = parsed(end.substring(open, close + 1));
            if (parsed.isPresent()) {
                outermost = parsed;
            }
        }
        return outermost;
    }

    private static Optional<JsonNode> parsed(String text) {
        try {
            return Optional.of(DECIMALS.readTree(text));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /// The name in options, e.g. `number`.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
