package org.attune.examples.learning;

import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.preference.DpoLossType;

import java.nio.file.Path;
import java.util.List;

/// The runs of `examples/quickstart/*.yaml` as configurations, with a given seed and output folder.
///
/// @param root the repository's root
record QuickstartRuns(Path root) {
    private static final int RANK = 16;
    private static final double ALPHA = 32;

    private String example(String name) {
        return root.resolve("examples").resolve(name).toString();
    }

    private ModelConfig model() {
        return ModelConfig.of(example("model")).withDtype(DtypeChoice.FLOAT32);
    }

    /// Problems that no run was trained on, with their answers.
    Path heldOut() {
        return Path.of(example("quickstart/heldout.jsonl"));
    }

    /// The embedded model, untrained or with an adapter from `folder`.
    ModelConfig withAdapter(Path folder) {
        return model().withAdapterNameOrPath(folder.toString());
    }

    /// The embedded model as it is.
    ModelConfig untrained() {
        return model();
    }

    /// `grpo.yaml`.
    GrpoConfig grpo(long seed, Path out) {
        return GrpoConfig.defaults()
                .withModel(model())
                .withLora(LoraSettings.allLinear(RANK, ALPHA).withLoraDropout(0))
                .withData(
                        d ->
                                d.withDatasets(specs("quickstart/prompts.jsonl"))
                                        .withEvalDatasets(specs("quickstart/heldout.jsonl")))
                .withRewards(r -> r.withRewardFuncs(List.of("exact_answer")))
                .withNumGenerations(8)
                .withMaxCompletionLength(12)
                .withHeldOut(h -> h.withEvalTemperature(0))
                .withCompletionLog(l -> l.withLogCompletions(true).withNumCompletionsToPrint(4))
                .withTraining(t -> small(t, seed, out))
                .withTraining(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(128)))
                .withTraining(t -> t.withOptimizer(o -> o.withLearningRate(1e-3)))
                .withTraining(
                        t ->
                                t.withSchedule(
                                        s ->
                                                s.withLrSchedulerType(LrSchedulerType.CONSTANT)
                                                        .withMaxSteps(60)));
    }

    /// `dpo.yaml`.
    DpoConfig dpo(long seed, Path out) {
        return DpoConfig.defaults()
                .withModel(model())
                .withLora(LoraSettings.allLinear(RANK, ALPHA))
                .withData(
                        DataConfig.defaults()
                                .withDatasets(specs("quickstart/pairs.jsonl"))
                                .withEvalDatasets(specs("quickstart/pairs-heldout.jsonl")))
                .withLength(l -> l.withMaxLength(64))
                .withLoss(
                        l ->
                                l.withLossType(List.of(DpoLossType.SIGMOID, DpoLossType.SFT))
                                        .withLossWeights(List.of(1.0, 1.0))
                                        .withBeta(0.5))
                .withTraining(t -> small(t, seed, out))
                .withTraining(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(16)))
                .withTraining(t -> t.withOptimizer(o -> o.withLearningRate(5e-4)))
                .withTraining(
                        t -> t.withSchedule(s -> s.withNumTrainEpochs(1).withWarmupSteps(10)));
    }

    private List<DatasetSpec> specs(String name) {
        return List.of(DatasetSpec.of(example(name)));
    }

    private static TrainingConfig small(TrainingConfig training, long seed, Path out) {
        return training.withSeed(seed)
                .withSave(SaveConfig.to(out).withSaveStrategy(SaveStrategy.NO))
                .withBatch(b -> b.withGradientCheckpointing(false));
    }
}
