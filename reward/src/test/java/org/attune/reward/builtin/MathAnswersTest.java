package org.attune.reward.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// `math_answer` on a table of answers as GSM8K, MATH and their readers write them.
class MathAnswersTest {
    private static final RewardFunction REWARD = BuiltinRewards.create("math_answer", Map.of());

    private static String verdict(String right, String completion) {
        OptionalDouble reward =
                REWARD.score(
                                new RewardBatch(
                                        List.of(new Prompt("", List.of())),
                                        List.of(new Completion(completion, new int[0], List.of())),
                                        Map.of("answer", List.of(right))))
                        .getFirst();
        return reward.isEmpty() ? "-" : reward.getAsDouble() == 1 ? "1" : "0";
    }

    @Test
    void agreesWithTheTable() throws IOException {
        var wrong = new ArrayList<String>();
        int rows = 0;
        try (var file = getClass().getResourceAsStream("math-answers.tsv")) {
            for (String line :
                    new String(file.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                if (line.startsWith("#")) {
                    continue;
                }
                String[] cells = line.split("\t", -1);
                String got = verdict(cells[1].replace("\\n", "\n"), cells[2]);
                if (!got.equals(cells[3])) {
                    wrong.add(got + " for " + line);
                }
                rows++;
            }
        }
        System.out.println(rows + " answers");
        assertEquals("", String.join("\n", wrong));
        assertTrue(rows >= 200, rows + " rows");
    }

    @Tag("thorough")
    @ParameterizedTest
    @ValueSource(
            strings = {"\\[", "\\(", "$", "\\boxed{", "answer is ", "1,", "1/", "<answer>", "####"})
    void longTextsTakeLittleTime(String part) {
        String text = part.repeat(100_000);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> verdict("5", text));
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> verdict(text, "5"));
    }
}
