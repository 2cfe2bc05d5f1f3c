package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.datasets.rows.RowOrigin;
import org.attune.model.layer.Decoder;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.reward.Completion;
import org.attune.reward.CompletionScorer;
import org.attune.reward.KlEstimator;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.ppo.PpoConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// A recorded PPO run of TRL: its configuration as ours, its prompts, completions and scores.
///
/// @param parity models and adapter
/// @param updates what TRL computed, update by update
public record PpoCase(ParityCase parity, List<JsonNode> updates) {
    public static PpoCase of(ParityCase parity) throws IOException {
        List<JsonNode> updates = new ArrayList<>();
        for (String line : Files.readAllLines(parity.folder().resolve("updates.jsonl"))) {
            updates.add(new ObjectMapper().readTree(line));
        }
        return new PpoCase(parity, updates);
    }

    private JsonNode config() {
        return parity.config();
    }

    /// Recorded tokens without the padding of their batch.
    private int[] unpadded(JsonNode row) {
        int pad = parity.tokenizer().tokenizer().padId().orElseThrow();
        return Arrays.stream(ints(row)).filter(id -> id != pad).toArray();
    }

    int width() {
        return config().get("response_length").asInt();
    }

    private boolean stops() {
        return config().get("stop_token").isTextual();
    }

    /// All updates have the same prompts, in the order of the file.
    public List<PromptExample> prompts() {
        JsonNode queries = updates.getFirst().get("queries");
        updates.forEach(update -> assertEquals(queries, update.get("queries")));
        List<PromptExample> prompts = new ArrayList<>();
        for (JsonNode query : queries) {
            int[] ids = unpadded(query);
            int i = prompts.size();
            prompts.add(
                    new PromptExample(
                            ids,
                            "prompt " + i,
                            List.of(),
                            Map.of(),
                            new RowOrigin("data.jsonl", i + 1, i)));
        }
        return prompts;
    }

    static int[] ints(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }

    public static double[] numbers(JsonNode array, int count) {
        return IntStream.range(0, count).mapToDouble(i -> array.get(i).asDouble()).toArray();
    }

    /// The recorded completions, up to the end of text where it stops them.
    public RolloutSource rollouts() {
        return new RolloutSource() {
            @Override
            public List<SampledCompletion> complete(
                    List<RolloutPrompt> prompts, long round, FinishedListener listener) {
                List<SampledCompletion> completions = new ArrayList<>();
                int eos = parity.tokenizer().tokenizer().eosId().orElseThrow();
                for (JsonNode response : updates.get((int) round).get("responses")) {
                    int[] ids = unpadded(response);
                    boolean ended = stops() && ids[ids.length - 1] == eos;
                    completions.add(
                            new SampledCompletion(
                                    ids,
                                    new float[ids.length],
                                    ended ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS));
                }
                return completions;
            }

            @Override
            public boolean isOnPolicy() {
                return false;
            }
        };
    }

    /// A reward model's scores of prompts and completions.
    public CompletionScorer scorer(Decoder rewardModel) {
        return (RewardBatch batch) -> {
            var builder = TokenForest.builder();
            List<PromptExample> prompts = prompts();
            for (int i = 0; i < batch.size(); i++) {
                Completion completion = batch.completions().get(i);
                int root = builder.root(prompts.get(i).ids());
                builder.score(builder.child(root, completion.tokens()), 0);
            }
            float[] scores =
                    Policy.reference(rewardModel)
                            .measure(builder.build(), HeadRequest.of())
                            .tokenLogProbs();
            double[][] values = new double[scores.length][1];
            for (int i = 0; i < scores.length; i++) {
                values[i][0] = scores[i];
            }
            return RewardTable.of(List.of("model"), new double[] {1}, values);
        };
    }

    public PpoConfig ppoConfig() {
        JsonNode c = config();
        PpoConfig start =
                PpoConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("fixture"))
                        .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                        .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                        .withMaxCompletionLength(width())
                        .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                        .withRewards(r -> r.withRewardFuncs(List.of("recorded")))
                        .withLoss(l -> l.withWhitenRewards(c.get("whiten_rewards").asBoolean()))
                        .withUpdates(
                                u ->
                                        u.withShuffleMiniBatches(false)
                                                .withTotalEpisodes(c.get("total_episodes").asLong())
                                                .withNumPpoEpochs(c.get("num_ppo_epochs").asInt())
                                                .withNumMiniBatches(
                                                        c.get("num_mini_batches").asInt()))
                        .withKl(
                                k ->
                                        k.withKlCoef(c.get("kl_coef").asDouble())
                                                .withKlEstimator(
                                                        KlEstimator.valueOf(
                                                                parity.upper("kl_estimator"))))
                        .withLoss(
                                l ->
                                        l.withCliprange(c.get("cliprange").asDouble())
                                                .withVfCoef(c.get("vf_coef").asDouble())
                                                .withCliprangeValue(
                                                        c.get("cliprange_value").asDouble())
                                                .withGamma(c.get("gamma").asDouble())
                                                .withLam(c.get("lam").asDouble())
                                                .withTrlCompat(true))
                        .withTraining(this::training);
        JsonNode penalty = c.get("missing_eos_penalty");
        return penalty.isNumber()
                ? start.withStop(s -> s.withMissingEosPenalty(penalty.asDouble()))
                : start;
    }

    private TrainingConfig training(TrainingConfig start) {
        JsonNode c = config();
        return start.withOptimizer(
                        o ->
                                o.withLearningRate(c.get("learning_rate").asDouble())
                                        .withAdamBeta1(c.get("adam_beta1").asDouble())
                                        .withAdamBeta2(c.get("adam_beta2").asDouble())
                                        .withAdamEpsilon(c.get("adam_epsilon").asDouble())
                                        .withWeightDecay(c.get("weight_decay").asDouble()))
                .withSchedule(
                        s ->
                                s.withLrSchedulerType(
                                                LrSchedulerType.valueOf(
                                                        parity.upper("lr_scheduler_type")))
                                        .withWarmupSteps(c.get("warmup_steps").asDouble()))
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(
                                                c.get("per_device_train_batch_size").asInt())
                                        .withGradientAccumulationSteps(
                                                c.get("gradient_accumulation_steps").asInt()))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(s -> s.withOutputDir(parity.output()).withSaveStrategy(SaveStrategy.NO));
    }

    /// Names and statistics of the trained weights of one network at the end.
    public Map<String, JsonNode> expectedWeights(String network) {
        Map<String, JsonNode> own = new TreeMap<>();
        parity.expectedWeights()
                .forEach(
                        (name, value) -> {
                            if (name.startsWith(network + ".")) {
                                own.put(name.substring(network.length() + 1), value);
                            }
                        });
        return own;
    }
}
