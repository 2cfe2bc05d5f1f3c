package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.heads.ClassifyConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The embedded model learns to tell whether the first digit of a problem is 5 or more, and doesn't
/// where labels are drawn: what is held out has true labels in both cases.
class HeadsLearnTest {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/model");
    private static final int ROWS = 320;
    private static final int HELD_OUT = 100;

    @TempDir private Path folder;

    @Test
    void classesGoFromChanceToRightAndDrawnOnesDoNot() throws IOException {
        RunSummary.Heldout learnt = train("true", false);
        assertEquals("eval_accuracy", learnt.metric());
        assertTrue(learnt.before().orElseThrow() < 0.7, learnt.toString());
        assertTrue(learnt.after().orElseThrow() > 0.9, learnt.toString());
        RunSummary.Heldout control = train("drawn", true);
        assertTrue(control.after().orElseThrow() < 0.75, control.toString());
    }

    private RunSummary.Heldout train(String name, boolean drawn) throws IOException {
        ClassifyConfig config =
                ClassifyConfig.defaults()
                        .withModel(ModelConfig.of(MODEL.toString()))
                        .withData(
                                DataConfig.of(write(name, ROWS, 1, drawn))
                                        .withEvalDatasets(
                                                DataConfig.of(
                                                                write(
                                                                        "held-" + name,
                                                                        HELD_OUT,
                                                                        2,
                                                                        false))
                                                        .datasets()))
                        .withTraining(
                                t ->
                                        t.withOptimizer(o -> o.withLearningRate(1e-3))
                                                .withBatch(b -> b.withPerDeviceTrainBatchSize(8))
                                                .withSchedule(s -> s.withNumTrainEpochs(2))
                                                .withSave(
                                                        SaveConfig.to(
                                                                folder.resolve(name + "-out"))));
        return Runs.with().train(config, folder).heldout().orElseThrow();
    }

    private String write(String name, int rows, long seed, boolean drawn) throws IOException {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        var text = new StringBuilder();
        for (int i = 0; i < rows; i++) {
            int first = random.nextInt(10);
            boolean big = drawn ? random.nextBoolean() : first >= 5;
            text.append(
                    "{\"text\": \"Sort ascending: %d %d %d\", \"label\": \"%s\"}%n"
                            .formatted(
                                    first,
                                    random.nextInt(10),
                                    random.nextInt(10),
                                    big ? "big" : "small"));
        }
        return Files.writeString(folder.resolve(name + ".jsonl"), text).toString();
    }
}
