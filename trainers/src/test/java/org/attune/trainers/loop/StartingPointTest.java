package org.attune.trainers.loop;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.datasets.rows.RowOrigin;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;
import org.attune.trainers.preference.DpoObjective;
import org.attune.trainers.testing.RecordingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// A policy that still is its reference: whatever the products round to, the loss of DPO is ln 2.
class StartingPointTest {
    private static final int PAIRS = 6;

    @TempDir private Path folder;
    private int runs;

    /// A kind of policy with a kind of reference that it starts as.
    private record Start(
            BiFunction<Decoder, Policy.Options, Policy> policy,
            BiFunction<Policy, Decoder, Scorer> reference,
            boolean peft) {}

    private static final Map<String, Start> STARTS =
            Map.of(
                    "fresh adapter, adapter off",
                    new Start(StartingPointTest::fresh, (p, _) -> p.adapterOff(), true),
                    "fresh adapter, its copy",
                    new Start(StartingPointTest::fresh, (p, _) -> p.frozenAdapter(), true),
                    "random adapter, its copy",
                    new Start(
                            (d, o) -> adapter(d, o, LoraInitialisation.RANDOM_BOTH, 0),
                            (p, _) -> p.frozenAdapter(),
                            true),
                    "fresh adapter with dropout",
                    new Start(
                            (d, o) -> adapter(d, o, LoraInitialisation.KAIMING, 0.3),
                            (p, _) -> p.adapterOff(),
                            true),
                    "all weights, a copy",
                    new Start(
                            Policy::withAllWeights,
                            (_, copy) -> Scorer.starting(Policy.reference(copy), Scorer.Start.SAME),
                            false));

    private static Policy fresh(Decoder decoder, Policy.Options options) {
        return adapter(decoder, options, LoraInitialisation.KAIMING, 0);
    }

    private static Policy adapter(
            Decoder decoder, Policy.Options options, LoraInitialisation start, double dropout) {
        var config =
                new LoraConfig(
                        4,
                        8,
                        dropout,
                        false,
                        false,
                        ModuleSelection.of("all-linear"),
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        Map.of(),
                        Map.of(),
                        List.of(),
                        false,
                        start,
                        "CAUSAL_LM",
                        Optional.empty());
        return Policy.withFreshAdapter(
                decoder, config, RandomSource.XO_RO_SHI_RO_128_PP.create(3), options);
    }

    @Tag("thorough")
    @Test
    void firstLossIsLn2InEveryFormatOnEveryPath() {
        for (Map.Entry<String, Start> start : STARTS.entrySet()) {
            for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                for (boolean plain : new boolean[] {false, true}) {
                    for (boolean precomputed : new boolean[] {false, true}) {
                        String what =
                                "%s, %s, plain %s, precomputed %s"
                                        .formatted(start.getKey(), dtype, plain, precomputed);
                        RecordingListener run =
                                train(start.getValue(), dtype, plain, precomputed, c -> c);
                        Map<String, Object> first = run.logs.getFirst();
                        assertEquals(Math.log(2), number(first, "loss"), 1e-15, what);
                        assertEquals(0, number(first, "rewards/margins"), what);
                        assertEquals(0, number(first, "rewards/accuracies"), what);
                        assertTrue(number(run.logs.getLast(), "loss") != Math.log(2), what);
                        assertEquals(
                                0.5,
                                run.summary.heldout().orElseThrow().before().getAsDouble(),
                                what);
                    }
                }
            }
        }
    }

    /// Losses that couple pairs measure them first.
    @Test
    void coupledLossesStartThereToo() {
        RecordingListener run =
                train(
                        STARTS.get("fresh adapter, adapter off"),
                        DType.BFLOAT16,
                        false,
                        false,
                        c -> c.withLoss(l -> l.withLossType(List.of(DpoLossType.AOT))));
        assertEquals(Math.log(2), number(run.logs.getFirst(), "loss"), 1e-15);
    }

    /// A warm-up begins with a step of rate 0, after which the policy is still the same.
    @Test
    void stepsOfRateZeroMoveNothing() {
        RecordingListener run =
                train(
                        STARTS.get("fresh adapter, adapter off"),
                        DType.BFLOAT16,
                        false,
                        false,
                        c ->
                                c.withTraining(
                                        t ->
                                                t.withSchedule(
                                                        s ->
                                                                s.withLrSchedulerType(
                                                                                LrSchedulerType
                                                                                        .LINEAR)
                                                                        .withWarmupSteps(2))));
        assertEquals(Math.log(2), number(run.logs.get(0), "loss"), 1e-15);
        assertEquals(Math.log(2), number(run.logs.get(1), "loss"), 1e-15);
        assertTrue(number(run.logs.get(2), "loss") != Math.log(2));
    }

    @Test
    void otherReferencesAreAskedFromTheFirstStepOn() {
        RecordingListener run =
                train(
                        new Start(
                                (d, o) -> adapter(d, o, LoraInitialisation.RANDOM_BOTH, 0),
                                (p, _) -> p.adapterOff(),
                                true),
                        DType.FLOAT32,
                        false,
                        false,
                        c -> c);
        assertTrue(Math.abs(number(run.logs.getFirst(), "loss") - Math.log(2)) > 1e-6);
    }

    /// An adapter that changes something is dropped in training, but not where it is measured.
    @Test
    void dropoutOfAnAdapterThatChangesSomethingIsNoStart() {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.llama());
                            var policy =
                                    adapter(
                                            decoder,
                                            Policy.Options.defaults(),
                                            LoraInitialisation.RANDOM_BOTH,
                                            0.3)) {
                        assertEquals(Scorer.Start.WITHOUT_DROPOUT, policy.frozenAdapter().start());
                        assertEquals(Scorer.Start.OTHER, policy.adapterOff().start());
                        var start = new StartingPoint(policy.frozenAdapter().start(), _ -> 1e-3);
                        assertTrue(start.isMeasured());
                        assertFalse(start.isTrainedAt(0));
                        start.made(0);
                        assertFalse(start.isMeasured());
                        start.resumed();
                        assertFalse(start.isMeasured());
                    }
                });
    }

    private RecordingListener train(
            Start start,
            DType dtype,
            boolean plain,
            boolean precomputed,
            UnaryOperator<DpoConfig> change) {
        var listener = new RecordingListener();
        Path out = folder.resolve("run" + runs++);
        DpoConfig config = change.apply(config(out, start.peft(), precomputed));
        RunContext context =
                RunContext.of(path -> Files.writeString(path.resolve("model"), "weights"))
                        .withListeners(listener);
        Engine.run(
                () -> {
                    var options = new Policy.Options(Recomputation.NONE, true, 5, plain);
                    try (var decoder = TinyModels.decoder(TinyModels.wideHeads(), dtype);
                            var copy = TinyModels.decoder(TinyModels.wideHeads(), dtype);
                            var policy = start.policy().apply(decoder, options)) {
                        Scorer reference = start.reference().apply(policy, copy);
                        DpoObjective.trainer(
                                        config,
                                        policy,
                                        reference,
                                        pairs(),
                                        List.of(new EvalSet<>("", pairs())),
                                        context)
                                .train();
                    }
                });
        return listener;
    }

    private static DpoConfig config(Path out, boolean peft, boolean precomputed) {
        return DpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("tiny"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(peft))
                .withReference(r -> r.withPrecomputeRefLogProbs(precomputed))
                .withTraining(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0.01))
                                        .withSchedule(s -> s.withMaxSteps(3))
                                        .withBatch(
                                                b ->
                                                        b.withPerDeviceTrainBatchSize(2)
                                                                .withTokensPerMicroBatch(40))
                                        .withLog(l -> l.withLoggingSteps(1))
                                        .withSave(s -> s.withOutputDir(out)));
    }

    /// Of unlike lengths, so that groups differ between passes.
    private static List<PreferenceExample> pairs() {
        List<PreferenceExample> pairs = new ArrayList<>();
        for (int i = 0; i < PAIRS; i++) {
            var random = RandomSource.XO_RO_SHI_RO_128_PP.create(i);
            int prompt = 1 + random.nextInt(5);
            pairs.add(
                    new PreferenceExample(
                            new CompletionTokens(
                                    random.ints(prompt + 2 + i, 0, 31).toArray(), prompt),
                            new CompletionTokens(
                                    random.ints(prompt + 9 - i, 0, 31).toArray(), prompt),
                            new RowOrigin("data.jsonl", i + 1, i)));
        }
        return pairs;
    }
}
