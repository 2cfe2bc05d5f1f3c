package org.attune.trainers.run;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.policy.Policy;
import org.attune.ranks.Collective;
import org.attune.ranks.ServingCollective;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RankProcesses;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.SocketRanks;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TinyRun;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Short runs of many methods, as one process of several, for [RankedRunsTest].
final class RankedRuns {
    /// Devices that the runs are meant for.
    static final int DEVICES = 4;

    static final int STEPS = 4;

    private static final String ALL_WEIGHTS = "sft of all weights";
    private static final int SAVED = 2;

    private RankedRuns() {}

    /// What processes do.
    ///
    /// @param name of the folder that it goes to
    /// @param stage `zero_stage`
    /// @param tokens `tokens_per_micro_batch`
    /// @param methods some of [#methods], by commas
    /// @param resumes whether they go on from a checkpoint
    record Order(String name, int stage, int tokens, String methods, boolean resumes) {
        private static final int ARGUMENTS = 5;

        static Order of(List<String> words) {
            return new Order(
                    words.get(0),
                    Integer.parseInt(words.get(1)),
                    Integer.parseInt(words.get(2)),
                    words.get(3),
                    Boolean.parseBoolean(words.get(4)));
        }

        Stream<String> arguments() {
            return Stream.of(name, "" + stage, "" + tokens, methods, "" + resumes);
        }

        List<String> names() {
            return List.of(methods.split(",", -1));
        }
    }

    /// @param arguments folder, where processes meet, rank, number of ranks, and those of orders
    static void main(String... arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int rank = Integer.parseInt(arguments[2]);
        int size = Integer.parseInt(arguments[3]);
        try (Collective ranks =
                size == 1
                        ? new SingleProcess()
                        : new SocketRanks(rank, size, Path.of(arguments[1]))) {
            for (Order order : RankProcesses.orders(arguments, Order.ARGUMENTS, Order::of)) {
                run(folder.resolve(order.name()), ranks, order);
            }
        }
    }

    private static void run(Path folder, Collective ranks, Order order) {
        for (String name : order.names()) {
            Collective all = order.stage() == 3 ? new ServingCollective(ranks) : ranks;
            train(name, methods().get(name), training(folder.resolve(name), order), all);
        }
    }

    static Map<String, TinyRun> methods() {
        Map<String, TinyRun> methods = new TreeMap<>();
        methods.put("sft", TinyRun.packedSft());
        methods.put(ALL_WEIGHTS, TinyRun.packedSft());
        methods.put("dpo", TinyRun.DPO);
        methods.put("kto", TinyRun.KTO);
        methods.put("bco", TinyRun.BCO);
        methods.put("reward", TinyRun.REWARD);
        methods.put("orpo", TinyRun.ORPO);
        methods.put("grpo", TinyRun.GRPO);
        methods.put("grpo_episodes", TinyRollouts.grpoOfEpisodes());
        methods.put("online_dpo", TinyRollouts.onlineDpo());
        methods.put("gkd", TinyRollouts.gkd());
        methods.put("distillation", TinyRollouts.distillation());
        methods.put("ppo", TinyRollouts.ppo());
        methods.put("ppo_head", TinyRollouts.ppoWithHead());
        return methods;
    }

    private static TrainingConfig training(Path output, Order order) {
        return ShortRun.of(SftConfig.defaults().training(), STEPS, 1e-2, output)
                .withOptimizer(o -> o.withMaxGradNorm(0.5).withWeightDecay(0.1))
                .withBatch(
                        b ->
                                b.withPerDeviceTrainBatchSize(2)
                                        .withLogicalDevices(DEVICES)
                                        .withTrainSamplingStrategy(SamplingStrategy.RANDOM)
                                        .withTokensPerMicroBatch(order.tokens()))
                .withRanks(r -> r.withCheckRanksSteps(2).withZeroStage(order.stage()))
                .withSave(
                        s ->
                                s.withSaveSteps(SAVED)
                                        .withSaveTotalLimit(10)
                                        .withResume(
                                                order.resumes()
                                                        ? new Resume.From(
                                                                output.resolve(
                                                                        "checkpoint-" + SAVED))
                                                        : new Resume.No()));
    }

    private static void write(Policy policy, boolean all, Path folder) {
        if (all) {
            SafeTensorsWriter.write(
                    folder.resolve("adapter_model.safetensors"), policy.weights(DType.FLOAT32));
        } else {
            policy.saveAdapter(folder, "tiny");
        }
    }

    private static void train(
            String name, TinyRun method, TrainingConfig training, Collective ranks) {
        boolean scores = name.equals("reward");
        DecoderConfig model =
                scores
                        ? TinyModels.tiedLlama().withScores(ScoreKind.SEQUENCE, 1)
                        : TinyModels.tiedLlama();
        Engine.call(
                () -> {
                    var options = new Policy.Options(Recomputation.NONE, true, 7, false);
                    var lora = LoraConfig.of(4, 8, 0.1, ModuleSelection.of("all-linear"));
                    boolean all = name.equals(ALL_WEIGHTS);
                    boolean inTurn = training.ranks().partsGradients();
                    var random = RandomSource.XO_RO_SHI_RO_128_PP.create(1L);
                    try (var decoder = TinyModels.decoder(model);
                            var policy =
                                    all
                                            ? whole(decoder, options, inTurn)
                                            : Policy.withFreshAdapter(
                                                    decoder, lora, random, options, inTurn)) {
                        RunContext context =
                                RunContext.of(path -> write(policy, all, path))
                                        .withRanks(ranks)
                                        .withListeners(
                                                List.of(
                                                        new MetricsFile(
                                                                training.save().outputDir())));
                        return method.train(training, policy, context);
                    }
                });
    }

    private static Policy whole(Decoder decoder, Policy.Options options, boolean inTurn) {
        return inTurn
                ? Policy.withWeights(decoder, _ -> true, options, true)
                : Policy.withAllWeights(decoder, options);
    }
}
