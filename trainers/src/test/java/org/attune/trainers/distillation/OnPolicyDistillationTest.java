package org.attune.trainers.distillation;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.MemoryTensorFile;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.grpo.GrpoTrainerTest;
import org.attune.trainers.testing.RoundTrainerContract;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TrainerCase;
import org.attune.trainers.testing.TrainerCase.Given;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A small student that completes a handful of prompts, with a teacher of other weights.
@Tag("thorough")
class OnPolicyDistillationTest implements RoundTrainerContract<PromptExample> {
    private final List<Decoder> students = new ArrayList<>();

    /// What is "generated" follows from the round alone.
    private record Rounds() implements RolloutSource {
        @Override
        public List<SampledCompletion> complete(
                List<RolloutPrompt> asked, long round, FinishedListener listener) {
            int[] ids = {5, 6 + (int) round % 8};
            return asked.stream()
                    .map(_ -> new SampledCompletion(ids, new float[2], StopReason.STOP_TOKEN))
                    .toList();
        }

        @Override
        public boolean isOnPolicy() {
            return true;
        }
    }

    @Override
    public TrainerCase<PromptExample> trainerCase() {
        MemoryTensorFile teacher = TinyModels.weights(TinyModels.qwen2());
        MemoryTensorFile unknowing = TinyModels.weights(TinyModels.qwen2());
        Arrays.fill(unknowing.values("model.norm.weight"), Float.NaN);
        return new TrainerCase<>(
                GrpoTrainerTest.prompts(),
                this::student,
                given -> start(0.5, teacher, given),
                given -> start(0.9, teacher, given),
                "beta",
                List.of(),
                given -> start(0.5, unknowing, given),
                "data.jsonl:");
    }

    private Policy student() {
        students.add(TinyModels.decoder(TinyModels.tiedLlama()));
        return Policy.withAllWeights(students.getLast(), Policy.Options.defaults());
    }

    @AfterEach
    void closeStudents() {
        Engine.run(() -> students.forEach(Decoder::close));
    }

    private static float[] start(
            double beta, MemoryTensorFile teacher, Given<PromptExample> given) {
        // Steps proportional to gradients: Adam makes whole steps of the rounding of tiny ones.
        DistillationConfig config =
                DistillationConfig.defaults()
                        .withModel(m -> m.withModelNameOrPath("tiny"))
                        .withData(_ -> DataConfig.of("data.jsonl"))
                        .withTeacher(t -> t.withTeacherModelNameOrPath("teacher"))
                        .withLoss(l -> l.withBeta(beta))
                        .withTraining(
                                t ->
                                        given.training()
                                                .apply(
                                                        ShortRun.twoByTwo(t)
                                                                .withOptimizer(
                                                                        o ->
                                                                                o.withLearningRate(
                                                                                                1)
                                                                                        .withAdamEpsilon(
                                                                                                1))));
        try (var lecturer =
                Decoder.load(TinyModels.qwen2(), teacher, Devices.usual(), DType.FLOAT32)) {
            DistilledRows.onPolicy(
                            config,
                            given.policy(),
                            TeacherModel.of(lecturer, Adapter.OFF),
                            given.writer().apply(new Rounds()),
                            TinyRollouts.tokenizer(),
                            given.rows(),
                            List.of(),
                            given.context())
                    .train();
        }
        return new float[0];
    }
}
