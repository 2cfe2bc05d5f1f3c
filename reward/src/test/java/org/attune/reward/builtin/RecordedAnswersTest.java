package org.attune.reward.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;

/// Compares `accuracy_reward` with what TRL's gave; `reward/src/test/recorded/make_answers.py` drew
/// the pairs.
class RecordedAnswersTest {
    private final RewardFunction reward = BuiltinRewards.create("accuracy_reward", Map.of());

    @Test
    void agreesOnRandomPairs() throws IOException {
        var wrong = new ArrayList<String>();
        int pairs = 0;
        try (var file = getClass().getResourceAsStream("/recorded/answers.jsonl")) {
            for (String line :
                    new String(file.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                var row = (Map<?, ?>) Json.parse(line);
                Object expected = row.get("reward");
                Double got = score((String) row.get("solution"), (String) row.get("completion"));
                if (!Objects.equals(
                        got, expected == null ? null : ((Number) expected).doubleValue())) {
                    wrong.add("%s, expected %s: %s".formatted(got, expected, line));
                }
                pairs++;
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(pairs >= 600, pairs + " pairs");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "$y = 2x+3$ ~ \\boxed{y-2x-3=0} ~ 1",
                "$y = 2x+3$ ~ \\boxed{y-2x-4=0} ~ 0",
                "$12:30$ ~ \\boxed{12:30} ~ 1",
                "$12:30\\text{ PM}$ ~ \\boxed{12:30 pm} ~ 1",
                "$12:30$ ~ \\boxed{12:31} ~ 0",
                "$x > 3$ ~ \\boxed{3 < x} ~ 1",
                "$x > 3$ ~ \\boxed{(3, \\infty)} ~ 1",
                "$(3, \\infty)$ ~ \\boxed{x > 3} ~ 0",
                "$\\infty$ ~ \\boxed{-\\infty} ~ 0",
                "#### 1,234 ~ \\boxed{1234} ~ 1",
                "2 + 3 = 5 apples ~ The answer is $5$. ~ 1",
                "$100\\%$ ~ \\boxed{\\frac{5}{5}} ~ 1",
                "$30$ ~ \\boxed{30\\;\\text{kg}} ~ 1",
                "$\\frac12$ ~ \\boxed{\\frac12} ~ 0", // completions must be right LaTeX
                "$\\sin^2 x$ ~ \\boxed{1 - \\cos^2 x} ~ 1",
                "x^2+1 ~ \\boxed{1+x^2} ~ 1", // here TRL has no value
                "5 ~ \\boxed{\\(5\\)} ~ 1",
                "$x+1$ ~ \\boxed{ \\( x+1 \\) } ~ 1",
                "The answer is \\frac{1}{2} ~ \\boxed{\\frac{1}{2}} ~ 1",
                "\\frac{1}{2} of it ~ \\boxed{\\frac{1}{2}} ~ 1",
                "We get 3x ~ \\boxed{3x} ~ 0", // the 3, as TRL
            })
    void knowsWhatAnswersMean(String solution, String completion, double expected) {
        assertEquals(expected, score(solution, completion));
    }

    /// Nothing that could be compared with stands in these columns; TRL gives None.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "The answer is x+1",
                "Let f be x^2",
                "sqrt(2)",
                "NaCl2",
                "version3b",
                "Paris",
                "I don't know",
                "#### abc",
                " ",
                "$",
                "\\boxed{}"
            })
    void proseIsNoAnswer(String solution) {
        assertNull(score(solution, "\\boxed{x+1}"));
        assertNull(score(solution, "\\boxed{" + solution + "}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\[",
                "\\(",
                "$\n",
                "\\boxed{",
                "\\text{a",
                "\\frac{",
                "answer ",
                "((",
                "1 +",
                "|",
                "\\boxed{1}"
            })
    void longTextsTakeLittleTime(String part) {
        String text = part.repeat(100_000) + "\\boxed{7}\\]\\)$";
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> score(text, text));
    }

    private Double score(String solution, String completion) {
        OptionalDouble value =
                reward.score(
                                new RewardBatch(
                                        List.of(new Prompt("", List.of())),
                                        List.of(new Completion(completion, new int[0], List.of())),
                                        Map.of("solution", List.of((Object) solution))))
                        .getFirst();
        return value.isPresent() ? value.getAsDouble() : null;
    }
}
