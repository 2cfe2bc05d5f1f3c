package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.reward.Advantages;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.testing.Fixtures;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/// What a model reads that is shown its own attempts.
class RepromptsTest {
    private static final TextAssets TEXT = TextAssets.load(Fixtures.own("examples/model"));
    private static final Tokenizer TOKENIZER = TEXT.tokenizer();
    private static final RowOrigin ORIGIN = new RowOrigin("rows.jsonl", 7, 0);

    @AfterAll
    static void close() {
        TEXT.close();
    }

    /// Two prompts, two attempts each.
    private static Reprompts.Round round(
            UnaryOperator<RepromptConfig> change,
            Map<String, Object> columns,
            List<Object> said,
            double... rewards) {
        List<PromptExample> asked =
                List.of("a?", "a?", "b?", "b?").stream()
                        .map(
                                text ->
                                        new PromptExample(
                                                TOKENIZER.encode(text, true),
                                                text,
                                                List.of(),
                                                columns,
                                                ORIGIN))
                        .toList();
        List<Prompt> prompts = asked.stream().map(p -> new Prompt(p.text(), p.messages())).toList();
        List<Completion> completions =
                List.of("<think>so</think> one", "two", "three", "four").stream()
                        .map(text -> new Completion(text, new int[] {1}, List.of()))
                        .toList();
        var table =
                new RewardTable(
                        List.of("right"),
                        new double[] {1},
                        Arrays.stream(rewards)
                                .mapToObj(r -> new double[] {r})
                                .toArray(double[][]::new),
                        List.of(),
                        Map.of(),
                        said.isEmpty() ? Map.of() : Map.of(Reprompts.FEEDBACK, said));
        var made =
                new JudgedCompletions(
                        List.of(),
                        List.of(),
                        Map.of(),
                        new CompletionTable(
                                new RewardBatch(prompts, completions, Map.of()), table, 2));
        RepromptConfig config =
                change.apply(
                        RepromptConfig.defaults()
                                .withRepromptTemplate("{prompt}{solution}{feedback}")
                                .withSolutionTemplate("[{successful_previous_attempt}]")
                                .withFeedbackTemplate("({feedback_raw})"));
        var preparation =
                new PromptPreparation(
                        new SampleTokenizer(TOKENIZER, Optional.empty()),
                        OptionalInt.empty(),
                        BadRowPolicy.ERROR);
        return new Reprompts(config, Advantages.Scale.GROUP, preparation).of(made, asked, 2);
    }

    private static List<String> read(Reprompts.Round round) {
        return round.read().stream()
                .map(ids -> ids.map(i -> TOKENIZER.decode(i, true)).orElse("-"))
                .toList();
    }

    @Test
    void othersAreShownTheFirstAttemptThatSucceeded() {
        Reprompts.Round round = round(c -> c, Map.of(), List.of(), 1, 0, 0, 0.5);
        assertEquals(List.of("-", "a?[<think>so</think> one]", "-", "-"), read(round));
        assertEquals(0.5, round.metrics().get("self_distillation/success_group_fraction"));
        assertEquals(0.25, round.metrics().get("self_distillation/reprompt_sample_fraction"));
        assertTrue(round.advantages().values()[0] > 0.7);
        Reprompts.Round thoughtless =
                round(
                        c ->
                                c.withRemoveThinkingFromDemonstration(true)
                                        .withDontRepromptOnSelfSuccess(false)
                                        .withSuccessRewardThreshold(0.5),
                        Map.of(),
                        List.of(),
                        1,
                        0,
                        0,
                        0.5);
        assertEquals(List.of("a?[one]", "a?[one]", "b?[four]", "b?[four]"), read(thoughtless));
    }

    @Test
    void rewardsMaySayWhatWasWrongWithAnAttempt() {
        UnaryOperator<RepromptConfig> told = c -> c.withIncludeEnvironmentFeedback(true);
        List<Object> said = Arrays.asList("fine", null, "line 3", " ");
        assertEquals(
                List.of("a?(fine)", "a?[<think>so</think> one]", "b?(line 3)", "-"),
                read(round(told, Map.of(Reprompts.FEEDBACK, "of the row"), said, 1, 0, 0, 0)));
        assertEquals(
                List.of("a?(row)", "a?[<think>so</think> one](row)", "b?(row)", "b?(row)"),
                read(round(told, Map.of(Reprompts.FEEDBACK, "row"), List.of(), 1, 0, 0, 0)));
        var fault =
                assertThrows(
                        DatasetException.class,
                        () -> round(told, Map.of(Reprompts.FEEDBACK, 4L), List.of(), 1, 0, 0, 0));
        assertTrue(fault.getMessage().contains("rows.jsonl:7"), fault::getMessage);
    }

    @Test
    void theBeginningIsCutOffWhatIsTooLong() {
        Reprompts.Round round =
                round(c -> c.withMaxRepromptLen(4), Map.of(), List.of(), 0, 1, 0, 0);
        int[] whole = TOKENIZER.encode("a?[two]", true);
        assertArrayEquals(
                Arrays.copyOfRange(whole, whole.length - 4, whole.length),
                round.read().getFirst().orElseThrow());
    }

    @Test
    void templatesThatLoseWhatTheyAreToTellAreRefused() {
        assertEquals(List.of(), RepromptConfig.defaults().crossFieldProblems());
        RepromptConfig lost =
                RepromptConfig.defaults()
                        .withIncludeEnvironmentFeedback(true)
                        .withRepromptTemplate("{prompt}{solution}")
                        .withSolutionTemplate("{answer}")
                        .withFeedbackTemplate("{feedback_raw");
        assertEquals(
                List.of("reprompt_template", "solution_template", "feedback_template"),
                lost.crossFieldProblems().stream().map(ConfigProblem::key).toList());
        assertEquals(
                1,
                RepromptConfig.defaults()
                        .withUseSuccessfulAsTeacher(false)
                        .crossFieldProblems()
                        .size());
    }
}
