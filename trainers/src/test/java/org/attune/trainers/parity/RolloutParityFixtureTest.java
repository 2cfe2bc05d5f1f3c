package org.attune.trainers.parity;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.hub.HubDownload;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.RewardTable;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.distillation.DistillationConfig;
import org.attune.trainers.distillation.DistilledRows;
import org.attune.trainers.distillation.TeacherModel;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GroupRun;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Whole runs of TRL's GRPO, GMPO, RLOO on recorded completions: rewards, loss, metrics and
/// gradient norm of every step, and the trained weights.
@Tag("fixtures-trl")
class RolloutParityFixtureTest {
    private static final Set<String> TRAINERS = Set.of("grpo", "gmpo", "rloo", "distillation");

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("trl");
        try (var text = TextAssets.load(root.resolve("model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            compareAll(root, text.tokenizer(), tokenizer, output, report);
        }
    }

    /// @param root has the folder `rollouts` of recorded runs, and the models that they name
    /// @param output where our runs may write
    static void compareAll(
            Path root, Tokenizer text, SampleTokenizer tokenizer, Path output, CaseReport report) {
        for (Path folder : Recorded.folders(root.resolve("rollouts"))) {
            String name = folder.getFileName().toString();
            var parity = ParityCase.of(root, tokenizer, folder, output.resolve(name));
            Optional<String> missing = parity.unsupported();
            if (!TRAINERS.contains(parity.trainer())) {
                report.unsupported(name + " (" + parity.trainer() + ")");
            } else if (missing.isPresent()) {
                report.unsupported(name + " (" + missing.get() + ")");
            } else {
                report.run(name, () -> Engine.run(() -> compare(parity, text, tokenizer)));
            }
        }
    }

    private static void compare(ParityCase parity, Tokenizer tokenizer, SampleTokenizer samples) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            if (parity.trainer().equals("distillation")) {
                try (var teacher = parity.model("teacher_model")) {
                    distil(parity, tokenizer, samples, policy, teacher, context);
                }
            } else if (parity.hasSeparateReference()) {
                parity.withSeparateReference(
                        policy,
                        r -> train(parity, tokenizer, samples, policy, Optional.of(r), context));
            } else {
                Optional<Scorer> shared =
                        parity.config().get("beta").asDouble() == 0
                                ? Optional.empty()
                                : Optional.of(parity.sharedReference(policy));
                train(parity, tokenizer, samples, policy, shared, context);
            }
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void train(
            ParityCase parity,
            Tokenizer tokenizer,
            SampleTokenizer samples,
            Policy policy,
            Optional<Scorer> reference,
            RunContext context) {
        JsonNode c = parity.config();
        GroupRun config = RolloutConfigs.of(parity);
        var recorded =
                new RecordedRollouts(
                        parity.folder().resolve("rollouts.jsonl"),
                        config.maxCompletionLength(),
                        List.of(tokenizer.eosId().orElseThrow()));
        List<String> names = new ArrayList<>();
        c.get("reward_functions").forEach(n -> names.add(n.asText()));
        double[] weights = new double[names.size()];
        for (int f = 0; f < weights.length; f++) {
            weights[f] = c.path("reward_weights").path(f).asDouble(1);
        }
        GroupRows.trainer(
                        config,
                        policy,
                        new RoundInputs(
                                reference,
                                recorded,
                                _ ->
                                        RewardTable.of(
                                                names, weights, table(recorded.rewards(), names)),
                                tokenizer,
                                prompts(parity, samples),
                                List.of()),
                        context)
                .train();
    }

    private static void distil(
            ParityCase parity,
            Tokenizer tokenizer,
            SampleTokenizer samples,
            Policy policy,
            Decoder teacher,
            RunContext context) {
        JsonNode c = parity.config();
        DistillationConfig config =
                DistillationConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("fixture"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                        .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                        .withTeacher(t -> t.withTeacherModelNameOrPath("teacher-model"))
                        .withMaxCompletionLength(c.get("max_completion_length").asInt())
                        .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                        .withLoss(l -> l.withBeta(c.get("beta").asDouble()))
                        .withTraining(parity::training);
        var recorded =
                new RecordedRollouts(
                        parity.folder().resolve("rollouts.jsonl"),
                        config.maxCompletionLength(),
                        List.of(tokenizer.eosId().orElseThrow()));
        DistilledRows.onPolicy(
                        config,
                        policy,
                        TeacherModel.of(teacher, Adapter.OFF),
                        recorded,
                        tokenizer,
                        prompts(parity, samples),
                        List.of(),
                        context)
                .train();
    }

    private static double[][] table(List<Map<String, Double>> rewards, List<String> names) {
        double[][] table = new double[rewards.size()][names.size()];
        for (int i = 0; i < table.length; i++) {
            for (int f = 0; f < names.size(); f++) {
                table[i][f] = rewards.get(i).get(names.get(f));
            }
        }
        return table;
    }

    private static List<PromptExample> prompts(ParityCase parity, SampleTokenizer samples) {
        var loader =
                new DatasetLoader(parity.folder(), HubDownload.cache(), BadRowPolicy.ERROR)
                        .seeing(true);
        var rows =
                loader.load(
                        List.of(DatasetSource.of(parity.folder().resolve("data.jsonl").toString())),
                        EnumSet.allOf(DatasetType.class));
        return new PromptPreparation(samples, OptionalInt.empty(), BadRowPolicy.ERROR)
                .prepare(rows.samples(), 1)
                .rows();
    }
}
