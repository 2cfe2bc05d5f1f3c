package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.files.HubCache;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.PerCompletion;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.WeightedReward;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.WrittenCompletions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Whole runs of TRL's A2POTrainer, both stages, recorded by
/// `trainers/src/test/recorded/make_a2po.py`.
class A2poRunsTest {
    private static final Path ROOT = Fixtures.own("trainers/src/test/resources/recorded");

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        try (var own = TextAssets.load(Fixtures.own("examples/model"))) {
            var tokenizer = new SampleTokenizer(own.tokenizer(), own.template());
            List<Path> folders = Recorded.folders(ROOT.resolve("a2po"));
            assertEquals(4, folders.size());
            for (Path folder : folders) {
                Path out = output.resolve(folder.getFileName());
                Engine.run(() -> compare(ParityCase.of(ROOT, tokenizer, folder, out)));
            }
        }
    }

    private static GrpoConfig config(ParityCase parity) {
        JsonNode c = parity.config();
        return GrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("recorded"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(false))
                .withRewards(r -> r.withRewardFuncs(List.of("even")))
                .withNumGenerations(1)
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withRounds(
                        r -> r.withStepsPerGeneration(c.get("gradient_accumulation_steps").asInt()))
                .withLoss(
                        l ->
                                l.withLossType(GrpoLossType.A2PO)
                                        .withNumValueSamples(c.get("num_value_samples").asInt())
                                        .withBeta1(c.get("beta1").asDouble())
                                        .withBeta2(c.get("beta2").asDouble())
                                        .withFilterAllIncorrect(
                                                c.get("filter_all_incorrect").asBoolean()))
                .withTraining(parity::training);
    }

    private static List<PromptExample> prompts(ParityCase parity) {
        List<Sample> samples =
                new DatasetLoader(
                                parity.folder(), new HubCache(parity.output()), BadRowPolicy.ERROR)
                        .load(
                                List.of(DatasetSource.of("data.jsonl")),
                                EnumSet.of(DatasetType.PROMPT_ONLY))
                        .samples();
        return new PromptPreparation(parity.tokenizer(), OptionalInt.empty(), BadRowPolicy.ERROR)
                .prepare(samples, 1)
                .rows();
    }

    /// 1 for a text of an even number of characters.
    private static RewardScorer rewards() {
        var even =
                new PerCompletion("even", row -> row.completion().text().length() % 2 == 0 ? 1 : 0);
        return new RewardScorer(List.of(new WeightedReward(even, 1)), RewardLimits.defaults());
    }

    private static void compare(ParityCase parity) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            parity.withSeparateReference(policy, reference -> compare(parity, policy, reference));
        }
    }

    private static void compare(ParityCase parity, Policy policy, Scorer reference) {
        var listener = new RecordingListener();
        try {
            GroupRows.trainer(
                            config(parity),
                            policy,
                            new RoundInputs(
                                    Optional.of(reference),
                                    WrittenCompletions.of(parity.folder().resolve("written.jsonl")),
                                    rewards(),
                                    parity.tokenizer().tokenizer(),
                                    prompts(parity),
                                    List.of()),
                            RunContext.of(_ -> {}).withListeners(listener))
                    .train();
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
