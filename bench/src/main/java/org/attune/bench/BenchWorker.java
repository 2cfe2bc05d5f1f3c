package org.attune.bench;

import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.model.config.DecoderConfig;
import org.attune.model.source.ModelSource;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.reward.RewardFunction;
import org.attune.reward.WeightedReward;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.PassWork;
import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.run.Runs;
import org.attune.trainers.sft.SftConfig;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// One repeat: the whole run in this process, then the products by themselves.
///
/// @param spec the work
/// @param rows file of training rows
/// @param folder for what the run writes
public record BenchWorker(BenchSpec spec, Path rows, Path folder) {
    private static final double LEARNING_RATE = 1e-4;
    private static final double BETA = 0.04;

    /// Does the work.
    ///
    /// @throws org.attune.error.AttuneException if the model or the rows can't be used
    public BenchRun run() {
        BenchRun run = spec.task().trains() ? train() : new GenerationBench(spec, flops()).run();
        return withCeiling(run);
    }

    private ModelFlops flops() {
        return new ModelFlops(config(), spec.rank());
    }

    private DecoderConfig config() {
        try (var source = ModelSource.open(spec.model().toString())) {
            if (source.config().scores()) {
                throw new ConfigException(
                        "--model: %s scores sequences; give a causal language model"
                                .formatted(spec.model()));
            }
            return source.config();
        }
    }

    private BenchRun train() {
        int group = spec.task() == BenchTask.GRPO ? spec.completions() : 1;
        var recorder = new StepRecorder(spec.rows() * group, spec.profile() ? spec.warmUp() : -1);
        var runs = Runs.with(recorder).withoutFiles();
        switch (spec.task()) {
            case SFT -> runs.train(sft());
            case DPO -> runs.train(dpo());
            case GRPO -> runs.grpo(grpo(), List.of(WeightedReward.of(answerIsIn())));
            case GENERATE, PREFILL -> throw new IllegalStateException("nothing is trained");
        }
        long peak = ProcessMemory.peakBytes();
        ModelFlops flops = flops();
        return new BenchRun(
                recorder.steps(flops),
                spec.warmUp(),
                recorder.firstStepSeconds(),
                peak,
                Engine.call(BenchRun::peakOfGpus),
                new GemmCeiling(0, 0, List.of()),
                ModelShape.of(flops.config()),
                "",
                Engine.call(BenchWorker::profile));
    }

    static List<BenchRun.OperatorCost> profile() {
        return OperatorTimes.stop().stream()
                .map(
                        line ->
                                new BenchRun.OperatorCost(
                                        line.phase(),
                                        line.operator(),
                                        line.calls(),
                                        line.seconds()))
                .toList();
    }

    private SftConfig sft() {
        return SftConfig.defaults()
                .withModel(model())
                .withLora(lora())
                .withData(DataConfig.of(rows.toString()))
                .withLength(l -> l.withMaxLength(spec.length()))
                .withTraining(this::training);
    }

    private DpoConfig dpo() {
        return DpoConfig.defaults()
                .withModel(model())
                .withLora(lora())
                .withData(DataConfig.of(rows.toString()))
                .withLength(l -> l.withMaxLength(spec.length()))
                .withTraining(this::training);
    }

    private GrpoConfig grpo() {
        return GrpoConfig.defaults()
                .withModel(model())
                .withLora(lora())
                .withData(DataConfig.of(rows.toString()))
                .withNumGenerations(spec.completions())
                .withMaxCompletionLength(spec.newTokens())
                .withSampling(
                        s -> s.withGenerationKwargs(Map.of("min_new_tokens", spec.newTokens())))
                .withRewards(r -> r.withRewardFuncs(List.of("answer")))
                .withLoss(l -> l.withBeta(BETA))
                .withTraining(this::training)
                .withTraining(
                        t ->
                                t.withBatch(
                                        b ->
                                                b.withPerDeviceTrainBatchSize(
                                                        spec.rows() * spec.completions())));
    }

    /// The adapter of the measured run. It has no dropout, as it is compared with programs that
    /// have none; it would also keep sequences from sharing a prompt.
    private LoraSettings lora() {
        if (spec.full()) {
            return LoraSettings.defaults();
        }
        return LoraSettings.allLinear(spec.rank(), 2.0 * spec.rank()).withLoraDropout(0);
    }

    private ModelConfig model() {
        return model(spec);
    }

    /// The model of the work, on its device.
    static ModelConfig model(BenchSpec spec) {
        return ModelConfig.of(spec.model().toString())
                .withDtype(spec.dtype())
                .withQuantization(spec.quantization())
                .withDevice(spec.device());
    }

    private TrainingConfig training(TrainingConfig defaults) {
        return defaults.withOptimizer(o -> o.withLearningRate(LEARNING_RATE))
                .withSchedule(
                        s ->
                                s.withMaxSteps(spec.warmUp() + spec.steps())
                                        .withLrSchedulerType(LrSchedulerType.CONSTANT))
                .withBatch(b -> b.withPerDeviceTrainBatchSize(spec.rows()))
                .withBatch(b -> spec.tokensAtOnce().map(b::withTokensPerMicroBatch).orElse(b))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(
                        s ->
                                s.withOutputDir(folder.resolve("out"))
                                        .withSaveStrategy(SaveStrategy.NO));
    }

    /// 1 where the completion has the row's answer in it.
    private static RewardFunction answerIsIn() {
        RewardFunction function =
                batch -> {
                    List<Object> answers = batch.columns().get("answer");
                    var scores = new ArrayList<OptionalDouble>();
                    for (int i = 0; i < batch.size(); i++) {
                        String text = batch.completions().get(i).text();
                        boolean has = text.contains(String.valueOf(answers.get(i)));
                        scores.add(OptionalDouble.of(has ? 1 : 0));
                    }
                    return scores;
                };
        return function.named("answer");
    }

    private BenchRun withCeiling(BenchRun run) {
        return Engine.call(
                () -> {
                    try (var setup = ModelSetup.open(model(), HubDownload.cache())) {
                        var ceiling =
                                GemmCeiling.measure(products(run), setup.device(), setup.dtype());
                        return new BenchRun(
                                run.steps(),
                                run.warmUp(),
                                run.firstStepSeconds(),
                                run.peakBytes(),
                                run.deviceBytes(),
                                ceiling,
                                run.model(),
                                setup.dtype().name(),
                                run.operators());
                    }
                });
    }

    /// The products of a pass with as many rows as a pass of the measured steps had on average.
    private List<GemmCeiling.Product> products(BenchRun run) {
        PassWork work = PassWork.NONE;
        for (StepCost step : run.measured()) {
            for (String phase : List.of("forward", "prefill", "decode")) {
                work = work.plus(step.passes().getOrDefault(phase, PassWork.NONE));
            }
        }
        int rows = Math.toIntExact(Math.ceilDiv(work.rows(), work.passes()));
        int targets = Math.toIntExact(Math.ceilDiv(work.targets(), work.passes()));
        var products = GemmCeiling.forward(run.model(), spec.rank(), rows, targets);
        if (spec.task().trains()) {
            products.addAll(GemmCeiling.backward(run.model(), spec.rank(), rows, targets));
        }
        return products;
    }
}
