package org.attune.reward.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

class BuiltinRewardsTest {
    private static final OptionalDouble NONE = OptionalDouble.empty();

    private static OptionalDouble score(
            RewardFunction reward, Completion completion, Object answer) {
        return reward.score(
                        new RewardBatch(
                                List.of(new Prompt("", List.of())),
                                List.of(completion),
                                Map.of("answer", Collections.singletonList(answer))))
                .getFirst();
    }

    private static OptionalDouble score(RewardFunction reward, String text, Object answer) {
        return score(reward, new Completion(text, new int[0], List.of()), answer);
    }

    private static double score(RewardFunction reward, String text) {
        return score(reward, text, null).getAsDouble();
    }

    private static double scoreTokens(RewardFunction reward, int... tokens) {
        return score(reward, new Completion("", tokens, List.of()), null).getAsDouble();
    }

    private static String problem(String name, Map<String, Object> parameters) {
        return assertThrows(ConfigException.class, () -> BuiltinRewards.create(name, parameters))
                .getMessage();
    }

    @Test
    void exactAnswerStripsAndExtracts() {
        RewardFunction plain = BuiltinRewards.create("exact_answer", Map.of());
        assertEquals(OptionalDouble.of(1), score(plain, " Paris\n", "Paris"));
        assertEquals(OptionalDouble.of(0), score(plain, "paris", "Paris"));
        assertEquals(NONE, score(plain, "paris", null));
        RewardFunction tagged =
                BuiltinRewards.create(
                        "exact_answer",
                        Map.of("extract", "<answer>(.*?)</answer>", "ignore_case", true));
        assertEquals(
                OptionalDouble.of(1),
                score(tagged, "<answer>Rome</answer> no, <answer>paris</answer>", "Paris"));
        assertEquals(OptionalDouble.of(0), score(tagged, "Paris", "Paris"));
    }

    @Test
    void numericAnswerComparesTheLastNumbersByValue() {
        RewardFunction plain = BuiltinRewards.create("numeric_answer", Map.of());
        assertEquals(OptionalDouble.of(1), score(plain, "3 + 4 makes 7.", "7"));
        assertEquals(OptionalDouble.of(1), score(plain, "$1,200.00", 1200L));
        assertEquals(OptionalDouble.of(0), score(plain, "7 or 8", "7"));
        assertEquals(OptionalDouble.of(0), score(plain, "seven", "7"));
        assertEquals(NONE, score(plain, "7", "seven"));
        RewardFunction near =
                BuiltinRewards.create("numeric_answer", Map.of("relative_tolerance", 0.01));
        assertEquals(OptionalDouble.of(1), score(near, "3.14", "3.1416"));
        assertEquals(OptionalDouble.of(0), score(near, "3.2", "3.1416"));
    }

    @Test
    void hugeExponentsCostNoMemory() {
        assertTrue(NumberText.value("1e999999999").isEmpty());
        assertTrue(NumberText.value("9".repeat(2000)).isEmpty());
    }

    @Test
    void gsm8kNeedsItsMarkerUnlessFlexible() {
        RewardFunction strict = BuiltinRewards.create("gsm8k", Map.of("format_reward", 0.1));
        assertEquals(OptionalDouble.of(1), score(strict, "so\n#### 1,072", "x <<1>> y\n#### 1072"));
        assertEquals(OptionalDouble.of(0.1), score(strict, "#### 5", "#### 72"));
        assertEquals(OptionalDouble.of(0), score(strict, "it is 72", "#### 72"));
        RewardFunction flexible = BuiltinRewards.create("gsm8k", Map.of("method", "flexible"));
        assertEquals(OptionalDouble.of(1), score(flexible, "it is 72.0", "72"));
    }

    @Test
    void missingAnswerColumnIsNamedWithTheColumnsThereAre() {
        RewardFunction reward = BuiltinRewards.create("gsm8k", Map.of("column", "target"));
        assertEquals(java.util.Set.of("target"), reward.requiredColumns());
        var error = assertThrows(IllegalArgumentException.class, () -> score(reward, "1"));
        assertTrue(error.getMessage().contains("no column \"target\""), error.getMessage());
        assertTrue(error.getMessage().contains("[answer]"), error.getMessage());
    }

    /// What TRL's own function gives for these, `math-verify` 0.9.0 behind it.
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    $3$ ~ \\sqrt{9}, 2+1, 3!/2, 3^\\circ, \\{3\\}, (3), [3], |{-3}|, 3x/x, x=3
                    $1/2$ ~ 2^{-1}, \\frac{\\sqrt{4}}{4}, 0.5, \\frac{-1}{-2}
                    $1000$ ~ 10^3, 1.0\\times 10^3, 1\\cdot10^{3}, 1{,}000
                    $\\sqrt{2}$ ~ 2^{1/2}, \\frac{2}{\\sqrt{2}}, \\sqrt[2]{2}, 1.41421356
                    $2\\pi$ ~ 2\\cdot\\pi, \\pi+\\pi, \\frac{4\\pi}{2}, 6.283185307
                    $x^2+1$ ~ 1+x^2, x\\cdot x+1, f(x)=x^2+1, (x+1)^2-2x
                    $y = 2x+3$ ~ 2x+3, y=3+2x, 2x+3=y
                    $\\pm 2$ ~ x=\\pm2, 2 \\text{ or } -2
                    \\boxed{1\\frac{1}{2}} ~ \\frac{3}{2}, 3/2, 1.5
                    $\\log_2 8$ ~ 3, \\log_{2}(8)
                    $\\binom{5}{2}$ ~ 10
                    $5!$ ~ 120
                    $\\frac{x}{2}$ ~ x/2, 0.5x
                    $2\\sqrt{3}$ ~ \\sqrt{12}, \\frac{6}{\\sqrt{3}}
                    $6.02\\times10^{23}$ ~ 6.02 \\cdot 10^{23}
                    $a_1 + 2$ ~ 2+a_{1}
                    $\\text{yes}$ ~ Yes, yes, \\textbf{Yes}
                    $\\text{(B)}$ ~ B, \\textbf{(B)}
                    $45^\\circ$ ~ 45, 45\\text{ degrees}
                    """)
    void expressionsAreComparedByWhatTheyMean(String gold, String answers) {
        for (String answer : answers.split(", ")) {
            assertTrue(isRight(gold, answer), gold + " and " + answer);
        }
    }

    private static boolean isRight(String gold, String answer) {
        MathAnswer right = MathAnswer.gold(gold).orElseThrow();
        return MathAnswer.answer("\\boxed{" + answer + "}").filter(right::matches).isPresent();
    }

    @Test
    void bracketsAndOrderCountWhereTheyMatter() {
        assertTrue(isRight("$(1, 2)$", "\\left(1,2\\right)"));
        assertTrue(isRight("$(1, 2)$", "x=1,y=2"));
        assertTrue(isRight("$(1, 2)$", "1 and 2"));
        assertFalse(isRight("$(1, 2)$", "(2,1)"));
        assertTrue(isRight("$\\{1,2,3\\}$", "\\{3,2,1\\}"));
        assertTrue(isRight("$\\{1,2,3\\}$", "1, 2, \\text{ and } 3"));
        assertTrue(isRight("$[0, 1)$", "x\\in[0,1)"));
        assertFalse(isRight("$[0, 1)$", "(0,1)"));
        assertTrue(isRight("$1 < x < 5$", "(1,5)"));
        assertTrue(isRight("$(-\\infty, 2)$", "\\left(-\\infty,2\\right)"));
        assertTrue(isRight("$[1,2]\\cup[3,4]$", "[3,4]\\cup[1,2]"));
        assertTrue(isRight("$\\emptyset$", "\\varnothing"));
        String matrix = "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}";
        assertTrue(isRight("$" + matrix + "$", matrix.replace(" ", "")));
        assertFalse(isRight("$" + matrix + "$", matrix.replace("4", "5")));
        assertFalse(isRight("$x^2+1$", "x^2+2"));
        assertFalse(isRight("$\\sqrt{2}$", "1.414"));
        assertFalse(isRight("$\\text{yes}$", "no"));
        assertFalse(isRight("$3$", "(".repeat(1000) + "3" + ")".repeat(1000)));
    }

    @Test
    void unitsAreWordsNotVariables() {
        assertTrue(MathAnswer.gold("12 km/h").isPresent());
        assertTrue(MathAnswer.gold("12 km/h").get().matches(MathAnswer.gold("12").get()));
        assertTrue(MathAnswer.gold("not a number").isEmpty());
        assertTrue(MathAnswer.gold("A").isEmpty());
        assertFalse(isRight("1/0", "1"));
        assertTrue(
                MathAnswer.answer("\\boxed{\\dfrac{-1}{4}}")
                        .get()
                        .matches(MathAnswer.gold("-0.25").get()));
    }

    @Test
    void boxesAreFoundInEveryForm() {
        MathAnswer three = MathAnswer.gold("3").get();
        for (String text :
                List.of(
                        "\\boxed{3}",
                        "The answer is $\\boxed 3$.", "\\boxed{\\boxed{3}}", "$\\boxed{ 3 }$.")) {
            assertTrue(MathAnswer.answer(text).filter(three::matches).isPresent(), text);
        }
        for (String text : List.of("\\boxed{3", "\\boxed{3} \\boxed{4}", "3", "\\boxed{}")) {
            assertTrue(MathAnswer.answer(text).filter(three::matches).isEmpty(), text);
        }
    }

    @Test
    void regexSearchesOrMatchesAll() {
        RewardFunction search =
                BuiltinRewards.create(
                        "regex",
                        Map.of("pattern", "\\bcat\\b", "ignore_case", true, "penalty", -1));
        assertEquals(1, score(search, "A Cat sat"));
        assertEquals(-1, score(search, "concatenate"));
        RewardFunction full =
                BuiltinRewards.create("regex", Map.of("pattern", "[0-9]+", "match", "full"));
        assertEquals(1, score(full, "42"));
        assertEquals(0, score(full, "42!"));
    }

    // the reference to a group keeps Java from remembering dead ends
    @Test
    void endlessBacktrackingIsGivenUp() {
        RewardFunction evil =
                BuiltinRewards.create(
                        "regex", Map.of("pattern", "(x?)(a|aa)+b\\1", "match", "full"));
        var error = assertThrows(IllegalStateException.class, () -> score(evil, "a".repeat(200)));
        assertTrue(error.getMessage().startsWith("pattern: the regular expression"));
        RewardFunction deep = BuiltinRewards.create("regex", Map.of("pattern", "(a|b)*c"));
        assertThrows(IllegalStateException.class, () -> score(deep, "ab".repeat(100_000)));
    }

    @Test
    void tagsMustOccurExactlyOnce() {
        RewardFunction tags = BuiltinRewards.create("tag_count", Map.of());
        assertEquals(1, score(tags, "<think>a</think><answer>b</answer>"));
        assertEquals(0.75, score(tags, "<think>a</think><answer>b"));
        assertEquals(0.5, score(tags, "<think>a</think><think>b</think><answer>c</answer>"));
        assertEquals(0, score(tags, ""));
    }

    @Test
    void jsonMustBeTheWholeTextOrItsFence() {
        RewardFunction text = BuiltinRewards.create("json_valid", Map.of("type", "object"));
        assertEquals(1, score(text, " {\"a\": 1} "));
        assertEquals(0, score(text, "[1]"));
        assertEquals(0, score(text, "{\"a\": 1} and more"));
        assertEquals(0, score(text, "{\"a\": NaN}"));
        assertEquals(0, score(text, "{\"a\": 1, \"a\": 2}"));
        assertEquals(0, score(text, ""));
        assertEquals(0, score(text, "[".repeat(100_000)));
        RewardFunction fence = BuiltinRewards.create("json_valid", Map.of("from", "fence"));
        assertEquals(1, score(fence, "Here:\n```json\n{\"a\": 1}\n```\nDone."));
        assertEquals(1, score(fence, "{}"));
    }

    @Test
    void jsonMustFollowItsSchema(@TempDir Path folder) throws IOException {
        Map<String, Object> schema =
                Map.of(
                        "type",
                        "object",
                        "required",
                        List.of("name", "age"),
                        "properties",
                        Map.of(
                                "name", Map.of("type", "string", "pattern", "^[A-Z]"),
                                "age", Map.of("type", "integer", "minimum", 0)),
                        "additionalProperties",
                        false);
        RewardFunction reward =
                BuiltinRewards.create(
                        "json_schema", Map.of("schema", schema, "valid_reward", 0.25));
        assertEquals(1, score(reward, "{\"name\": \"Ada\", \"age\": 36}"));
        assertEquals(0.25, score(reward, "{\"name\": \"ada\", \"age\": 36}"));
        assertEquals(0.25, score(reward, "{\"name\": \"Ada\", \"age\": -1}"));
        assertEquals(0.25, score(reward, "{\"name\": \"Ada\", \"age\": 1, \"x\": 0}"));
        assertEquals(0, score(reward, "Ada, 36"));

        Path file = folder.resolve("schema.json");
        Files.writeString(
                file,
                "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"enum\": [\"yes\"]}");
        RewardFunction fromFile =
                BuiltinRewards.create("json_schema", Map.of("schema_file", file.toString()));
        assertEquals(1, score(fromFile, "\"yes\""));
        assertEquals(0, score(fromFile, "\"no\""));
        Files.writeString(file, "{\n\"enum\": [\n}");
        assertTrue(
                problem("json_schema", Map.of("schema_file", file.toString()))
                        .contains("schema.json:3"));
    }

    @Test
    void schemaIsNeverFetched() {
        String message =
                problem("json_schema", Map.of("schema", Map.of("$ref", "http://arxiv.org/s.json")));
        assertTrue(message.contains("http://arxiv.org/s.json"), message);
    }

    @Test
    void lengthFallsOffOutsideItsLimits() {
        RewardFunction words =
                BuiltinRewards.create(
                        "length", Map.of("unit", "words", "min", 2, "max", 3, "falloff", 2));
        assertEquals(0.5, score(words, "one"));
        assertEquals(1, score(words, " one  two "));
        assertEquals(0.5, score(words, "a b c d"));
        assertEquals(0, score(words, "a b c d e f g"));
        RewardFunction tokens = BuiltinRewards.create("length", Map.of("max", 1));
        assertEquals(1, scoreTokens(tokens, 5));
        assertEquals(0, scoreTokens(tokens, 5, 5));
        assertEquals(
                1,
                score(
                        BuiltinRewards.create("length", Map.of("unit", "characters", "max", 1)),
                        "👋"));
    }

    @Test
    void penaltiesAreTrls() {
        RewardFunction overlong =
                BuiltinRewards.create(
                        "get_soft_overlong_punishment",
                        Map.of("max_completion_len", 4, "soft_punish_cache", 2));
        assertEquals("soft_overlong_punishment", overlong.name());
        assertEquals(0, scoreTokens(overlong, 1, 1));
        assertEquals(-0.5, scoreTokens(overlong, 1, 1, 1));
        assertEquals(-1, scoreTokens(overlong, 1, 1, 1, 1, 1));
        RewardFunction repetition =
                BuiltinRewards.create(
                        "get_repetition_penalty_reward",
                        Map.of("ngram_size", 2, "max_penalty", -1));
        // 5 pairs, 2 of them different
        assertEquals(-0.6, scoreTokens(repetition, 1, 2, 1, 2, 1, 2), 1e-12);
    }

    /// Of lengths 1, 3 and 5 the shares are 0, 1/2 and 1; the last prompt's are equally long.
    @Test
    void shorterCompletionsOfAPromptGetMoreAndWrongOnesNoReward() {
        RewardFunction reward = BuiltinRewards.create("kimi_length", Map.of());
        assertTrue(reward.wholeRound());
        assertEquals(Set.of("answer"), reward.requiredColumns());
        String[] texts = {"7", "8", "7", "8", "7", "7"};
        int[] lengths = {1, 3, 5, 1, 2, 2};
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        List<Object> answers = new ArrayList<>();
        for (int i = 0; i < texts.length; i++) {
            prompts.add(new Prompt(i < 4 ? "first" : "second", List.of()));
            completions.add(new Completion(texts[i], new int[lengths[i]], List.of()));
            answers.add("7");
        }
        assertEquals(
                List.of(0.5, 0.0, -0.5, 0.0, 0.0, 0.0),
                reward
                        .score(new RewardBatch(prompts, completions, Map.of("answer", answers)))
                        .stream()
                        .map(OptionalDouble::getAsDouble)
                        .toList());
    }

    @Test
    void unknownNameListsAllAndNamesTheNearest() {
        String message = problem("gsm8", Map.of());
        assertTrue(message.contains("did you mean \"gsm8k\"?"), message);
        assertTrue(message.contains("json_schema"), message);
    }

    @Test
    void allProblemsOfParametersAreNamed() {
        var parameters = new HashMap<String, Object>();
        parameters.put("patern", "x");
        parameters.put("match", "some");
        parameters.put("reward", "high");
        String message = problem("regex", parameters);
        for (String part :
                List.of(
                        "did you mean \"pattern\"?",
                        "pattern is missing",
                        "match must be one of search, full, got \"some\"",
                        "reward must be a number, got high")) {
            assertTrue(message.contains(part), message);
        }
        assertTrue(problem("regex", Map.of("pattern", "(a")).contains("is no regular expression"));
    }

    @Test
    void everyNameCanBeAsked() {
        for (String name : BuiltinRewards.names()) {
            try {
                assertEquals(
                        name.replace("get_", ""), BuiltinRewards.create(name, Map.of()).name());
            } catch (ConfigException e) {
                assertTrue(
                        e.getMessage().contains("missing") || e.getMessage().contains("needed"),
                        e.getMessage());
            }
        }
    }
}
