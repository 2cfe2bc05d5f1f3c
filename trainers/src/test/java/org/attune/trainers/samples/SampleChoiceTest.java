package org.attune.trainers.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.samples.SampleChoice.Chosen;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

class SampleChoiceTest {
    private static ScoredCompletion scored(String text, double reward) {
        return new ScoredCompletion(text, "stop", 3, Map.of("r", reward), reward);
    }

    private static final List<ScoredCompletion> SAMPLED =
            List.of(
                    scored("low", -1),
                    scored("good", 2),
                    scored("good", 2),
                    new ScoredCompletion("cut", "length", 9, Map.of("r", 5.0), 5),
                    scored("other", Double.NaN),
                    scored(" ", 7),
                    scored("also good", 2),
                    scored("middling", 1));

    private static List<String> texts(KeptSamples keep, UnaryOperator<SampleOutputConfig> changed) {
        var config = changed.apply(SampleOutputConfig.defaults().withKeep(keep));
        return new SampleChoice(config)
                .of(SAMPLED).stream()
                        .map(
                                row ->
                                        switch (row) {
                                            case Chosen.One(var c) -> c.text();
                                            case Chosen.Labelled(var c, boolean label) ->
                                                    c.text() + "=" + label;
                                            case Chosen.Pair(var a, var b) ->
                                                    a.text() + ">" + b.text();
                                        })
                        .toList();
    }

    @Test
    void bestIsTheFirstOfTheGreatestReward() {
        assertEquals(List.of("good"), texts(KeptSamples.BEST, c -> c));
        assertEquals(
                List.of("good", "also good", "middling"),
                texts(KeptSamples.BEST, c -> c.withKeepPerPrompt(3)));
        assertEquals(List.of(), texts(KeptSamples.BEST, c -> c.withRewardThreshold(3)));
    }

    @Test
    void rejectionSamplingKeepsWhatReachesTheThreshold() {
        assertEquals(
                List.of("good", "also good"),
                texts(KeptSamples.ABOVE, c -> c.withRewardThreshold(2)));
        assertEquals(
                List.of("good", "good", "also good"),
                texts(KeptSamples.ABOVE, c -> c.withRewardThreshold(2).withDropDuplicates(false)));
        assertEquals(
                List.of("cut", "good"),
                texts(
                        KeptSamples.ABOVE,
                        c ->
                                c.withRewardThreshold(2)
                                        .withDropTruncated(false)
                                        .withKeepPerPrompt(2)));
    }

    @Test
    void pairsAreTheBestBesideTheWorst() {
        assertEquals(List.of("good>low"), texts(KeptSamples.PAIRS, c -> c));
        assertEquals(
                List.of("good>low", "also good>middling"),
                texts(KeptSamples.PAIRS, c -> c.withKeepPerPrompt(5)));
        assertEquals(List.of(), texts(KeptSamples.PAIRS, c -> c.withRewardMargin(3.5)));
        assertEquals(List.of(), texts(KeptSamples.PAIRS, c -> c.withRewardThreshold(3)));
    }

    @Test
    void equalRewardsMakeNoPair() {
        var equal = List.of(scored("a", 1), scored("b", 1));
        var choice = new SampleChoice(SampleOutputConfig.defaults().withKeep(KeptSamples.PAIRS));
        assertEquals(List.of(), choice.of(equal));
    }

    @Test
    void labelsSayWhatReachesTheThreshold() {
        assertEquals(
                List.of("low=false", "good=true", "also good=true", "middling=false"),
                texts(KeptSamples.LABELLED, c -> c.withRewardThreshold(1.5)));
    }

    @Test
    void allKeepsWhatHasNoRewardToo() {
        assertEquals(
                List.of("low", "good", "other", "also good", "middling"),
                texts(KeptSamples.ALL, c -> c));
    }

    private static SampleConfig config(UnaryOperator<SampleOutputConfig> output) {
        return SampleConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("model"))
                .withData(_ -> DataConfig.of("rows.jsonl"))
                .withOutput(o -> output.apply(o.withOutputFile(Path.of("out.jsonl"))));
    }

    private static List<String> problems(SampleConfig config) {
        return keys(ConfigCheck.problems(config));
    }

    private static List<String> keys(List<ConfigProblem> problems) {
        return problems.stream().map(ConfigProblem::key).toList();
    }

    @Test
    void settingsThatDoNotGoTogetherAreRefused() {
        UnaryOperator<Rewards> judged = j -> j.withRewardFuncs(List.of("exact_answer"));
        assertEquals(List.of(), problems(config(o -> o)));
        assertEquals(List.of("reward_funcs"), problems(config(o -> o.withKeep(KeptSamples.BEST))));
        assertEquals(
                List.of("reward_threshold"),
                problems(config(o -> o.withKeep(KeptSamples.ABOVE)).withRewards(judged)));
        assertEquals(
                List.of("output_file"), problems(config(o -> o.withOutputFile(Path.of("x.csv")))));
        assertEquals(
                List.of("row_form"),
                problems(
                        config(o -> o.withKeep(KeptSamples.PAIRS).withRowForm(RowForm.MESSAGES))
                                .withRewards(judged)));
        assertEquals(
                List.of("num_generations"),
                problems(config(o -> o).withSampling(s -> s.withTemperature(0))));
        assertEquals(
                List.of("num_generations"),
                problems(
                        config(o -> o.withKeep(KeptSamples.PAIRS))
                                .withRewards(judged)
                                .withNumGenerations(1)));
        assertEquals(
                List.of("test_split_size"),
                problems(config(o -> o).withData(d -> d.withTestSplitSize(0.1))));
    }

    @Test
    void temperatureMayBeZeroOnlyWhereNothingIsTrained() {
        SampleConfig one = config(o -> o).withNumGenerations(1);
        assertEquals(List.of(), problems(one.withSampling(s -> s.withTemperature(0))));
        assertEquals(
                "[temperature: -1.0; accepted: a finite number >= 0]",
                ConfigCheck.problems(one.withSampling(s -> s.withTemperature(-1))).toString());
        GrpoConfig trains =
                GrpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("model"))
                        .withData(_ -> DataConfig.of("rows.jsonl"))
                        .withSampling(s -> s.withTemperature(0));
        assertEquals(List.of("temperature"), keys(ConfigCheck.problems(trains)));
    }

    @Test
    void defaultsAreGrposWhereItHasThem() {
        SampleConfig d = SampleConfig.defaults();
        assertEquals(8, d.numGenerations());
        assertEquals(512, d.maxCompletionLength());
        assertEquals(1.0, d.sampling().temperature());
        assertEquals(32, d.sampling().generationSlots());
        assertEquals(42, d.seed());
        assertEquals(30.0, d.rewards().rewardTimeout());
        assertEquals(KeptSamples.ALL, d.output().keep());
        assertEquals(RowForm.PROMPT_COMPLETION, d.output().rowForm());
        assertEquals(0.0, d.output().rewardMargin());
    }
}
