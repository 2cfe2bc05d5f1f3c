package org.attune.trainers.parity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.CompletionScorer;
import org.attune.reward.TokenAdvantages;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.Tokenizer;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.ppo.PpoTrainer;
import org.attune.trainers.ppo.TokenRewards;
import org.attune.trainers.testing.Parity;
import org.attune.trainers.testing.ParityCase;
import org.attune.trainers.testing.PpoCase;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Whole PPO runs of TRL 1.10 on recorded completions, with `trl_compat`: scores, metrics of every
/// update, and the trained weights of policy and critic.
@Tag("fixtures-trl")
class PpoParityFixtureTest {
    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        OlderRuns.compareAll("ppo", output, getClass(), PpoParityFixtureTest::compare);
    }

    private static void compare(ParityCase parity) {
        Tokenizer tokenizer = parity.tokenizer().tokenizer();
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder);
                var valueDecoder = parity.model("value_model");
                var critic = Policy.withAllWeights(valueDecoder, Policy.Options.defaults());
                var rewardModel = parity.model("reward_model")) {
            Engine.suitThreads(true); // products are small
            var recorded = PpoCase.of(parity);
            recorded.updates().forEach(u -> compareEstimates(recorded.ppoConfig(), u));
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            if (parity.hasSeparateReference()) {
                try (var separate = parity.model("reference_model")) {
                    train(
                            recorded,
                            tokenizer,
                            policy,
                            critic,
                            Policy.reference(separate),
                            context,
                            recorded.scorer(rewardModel));
                }
            } else {
                train(
                        recorded,
                        tokenizer,
                        policy,
                        critic,
                        parity.sharedReference(policy),
                        context,
                        recorded.scorer(rewardModel));
            }
            Parity.compareSteps(expectedSteps(parity), listener.logs);
            Parity.compareWeights(recorded.expectedWeights("policy"), policy);
            Parity.compareWeights(recorded.expectedWeights("value_model"), critic);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /// TRL's names of what we log under other ones, and what follows from the step.
    private static List<JsonNode> expectedSteps(ParityCase parity) throws IOException {
        List<JsonNode> steps = parity.expectedSteps();
        for (JsonNode step : steps) {
            ObjectNode object = (ObjectNode) step;
            object.set("learning_rate", object.remove("lr"));
        }
        return steps;
    }

    private static void train(
            PpoCase recorded,
            Tokenizer tokenizer,
            Policy policy,
            Policy critic,
            Scorer reference,
            RunContext context,
            CompletionScorer rewards) {
        new PpoTrainer(
                        recorded.ppoConfig(),
                        policy,
                        new Critic.Network(critic),
                        new RoundInputs(
                                Optional.of(reference),
                                recorded.rollouts(),
                                rewards,
                                tokenizer,
                                recorded.prompts(),
                                List.of()),
                        context)
                .train();
    }

    /// From recorded log-probabilities, values and scores to rewards, advantages and returns.
    private static void compareEstimates(PpoConfig config, JsonNode update) {
        int rows = update.get("scores").size();
        int width = config.maxCompletionLength();
        double[][] masks = new double[rows][];
        double[][] valueMasks = new double[rows][];
        double[][] rewards = new double[rows][];
        double[][] values = new double[rows][];
        for (int i = 0; i < rows; i++) {
            int tokens = update.get("sequence_lengths").get(i).asInt() + 1;
            int states = Math.min(width, tokens + 1);
            masks[i] = ones(tokens);
            valueMasks[i] = ones(states);
            values[i] = PpoCase.numbers(update.get("values").get(i), states);
            rewards[i] =
                    new TokenRewards(config.kl().klEstimator(), config.kl().klCoef())
                            .of(
                                    update.get("scores").get(i).asDouble(),
                                    PpoCase.numbers(update.get("logprobs").get(i), tokens),
                                    Optional.of(
                                            PpoCase.numbers(
                                                    update.get("ref_logprobs").get(i), tokens)),
                                    masks[i],
                                    valueMasks[i]);
        }
        if (config.loss().whitenRewards()) {
            rewards = TokenAdvantages.whitened(rewards, valueMasks, false);
        }
        TokenAdvantages estimates =
                TokenAdvantages.gae(
                        rewards, values, valueMasks, config.loss().gamma(), config.loss().lam());
        double[][] advantages = new double[rows][];
        for (int i = 0; i < rows; i++) {
            compare(update, "rewards", i, rewards[i]);
            compare(update, "advantages_before_whitening", i, estimates.advantages()[i]);
            compare(update, "returns", i, estimates.returns()[i]);
            advantages[i] = Arrays.copyOf(estimates.advantages()[i], masks[i].length);
        }
        double[][] white = TokenAdvantages.whitened(advantages, masks, true);
        for (int i = 0; i < rows; i++) {
            compare(update, "advantages", i, white[i]);
        }
    }

    private static void compare(JsonNode update, String key, int row, double[] got) {
        double[] want = PpoCase.numbers(update.get(key).get(row), got.length);
        assertArrayEquals(
                want, got, 1e-5, "update " + update.get("update") + " " + key + " " + row);
        for (int t = got.length; t < update.get(key).get(row).size(); t++) {
            assertEquals(0, update.get(key).get(row).get(t).asDouble(), 0, key + " of padding");
        }
    }

    private static double[] ones(int count) {
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return ones;
    }
}
