package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.datasets.rows.RowOrigin;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.RewardTable;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.Message;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.grpo.EntropyConfig;
import org.attune.trainers.grpo.GroupRows;
import org.attune.trainers.grpo.GroupRun;
import org.attune.trainers.grpo.GrpoLossConfig;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.TinyRollouts;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Whole runs of TRL's GRPO on recorded episodes of many turns: advantages, loss, metrics and
/// gradient norm of every step, and the trained weights.
@Tag("fixtures-agents")
class EpisodeParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("agents");
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (Path folder : Recorded.folders(root.resolve("episodes"))) {
                String name = folder.getFileName().toString();
                if (Recorded.trainer(folder).equals("grpo")) {
                    report.run(name, () -> Engine.run(() -> compare(root, folder)));
                } else {
                    report.unsupported(name + " (" + Recorded.trainer(folder) + ")");
                }
            }
        }
    }

    private void compare(Path root, Path folder) {
        JsonNode config = withDefaults(Recorded.json(folder.resolve("config.json")));
        Path own = output.resolve(folder.getFileName().toString());
        var parity = new ParityCase(root, null, folder, config, own);
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            var recorded = new RecordedEpisodes(folder, config);
            RunContext context =
                    RunContext.of(_ -> {}).withListeners(listener, new Advantages(recorded));
            train(parity, policy, recorded, context);
            Parity.compareSteps(parity.expectedSteps(), listener.logs);
            Parity.compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void train(
            ParityCase parity, Policy policy, RecordedEpisodes recorded, RunContext context)
            throws IOException {
        JsonNode c = parity.config();
        GroupRun config = RolloutConfigs.of(parity);
        List<String> names = new ArrayList<>();
        c.get("reward_functions").forEach(n -> names.add(n.asText()));
        double[] weights = new double[names.size()];
        for (int f = 0; f < weights.length; f++) {
            weights[f] = c.path("reward_weights").path(f).asDouble(1);
        }
        Optional<Scorer> reference =
                c.has("reference") ? Optional.of(parity.sharedReference(policy)) : Optional.empty();
        GroupRows.trainer(
                        config,
                        policy,
                        new RoundInputs(
                                reference,
                                recorded,
                                _ ->
                                        RewardTable.of(
                                                names, weights, rewards(recorded.current(), names)),
                                TinyRollouts.tokenizer(),
                                rows(recorded, c.get("num_generations").asInt()),
                                List.of()),
                        context)
                .train();
    }

    private static double[][] rewards(List<JsonNode> lines, List<String> names) {
        double[][] rewards = new double[lines.size()][names.size()];
        for (int i = 0; i < rewards.length; i++) {
            for (int f = 0; f < names.size(); f++) {
                rewards[i][f] = lines.get(i).get("rewards").path(names.get(f)).asDouble(Double.NaN);
            }
        }
        return rewards;
    }

    /// As many rows as a round has prompts; what they hold is the episodes' own.
    private static List<PromptExample> rows(RecordedEpisodes recorded, int generations) {
        List<PromptExample> rows = new ArrayList<>();
        for (int i = 0; i < recorded.round(0).size() / generations; i++) {
            rows.add(
                    new PromptExample(
                            new int[] {1},
                            "q",
                            List.of(Message.of("user", "q")),
                            Map.of(),
                            new RowOrigin("data.jsonl", i + 1, i)));
        }
        return rows;
    }

    /// Options that the recorded configurations leave to TRL.
    private static JsonNode withDefaults(JsonNode config) {
        GrpoLossConfig loss = GrpoLossConfig.defaults();
        EntropyConfig entropy = EntropyConfig.defaults();
        ObjectNode all = new ObjectMapper().createObjectNode();
        all.put("train_sampling_strategy", "sequential")
                .put("use_bias_correction_kl", loss.useBiasCorrectionKl())
                .put("vllm_importance_sampling_clip_max", 3.0)
                .put("sapo_temperature_pos", loss.sapoTemperaturePos())
                .put("sapo_temperature_neg", loss.sapoTemperatureNeg())
                .put("vespo_k_pos", loss.vespoKPos())
                .put("vespo_lambda_pos", loss.vespoLambdaPos())
                .put("vespo_k_neg", loss.vespoKNeg())
                .put("vespo_lambda_neg", loss.vespoLambdaNeg())
                .put("use_adaptive_entropy", false)
                .put("entropy_coef_min", entropy.entropyCoefMin())
                .put("entropy_coef_max", entropy.entropyCoefMax())
                .put("entropy_coef_delta", entropy.entropyCoefDelta())
                .put("entropy_target", entropy.entropyTarget())
                .put("steps_per_generation", config.get("gradient_accumulation_steps").asInt());
        config.forEachEntry(all::set);
        return all;
    }

    /// Compares the advantages of each round.
    private record Advantages(RecordedEpisodes recorded) implements TrainingListener {
        @Override
        public void onCompletions(long round, CompletionTable table) {
            List<JsonNode> lines = recorded.current();
            for (int i = 0; i < lines.size(); i++) {
                assertEquals(
                        lines.get(i).get("advantage").asDouble(),
                        table.advantages().orElseThrow()[i],
                        1e-5,
                        "advantage " + i + " of round " + lines.get(i).get("generation"));
            }
        }
    }
}
