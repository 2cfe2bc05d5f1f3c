package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.config.StoppingStrategy;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

class DatasetMixturesTest {
    private static final String NEEDED =
            "model_name_or_path: model\ndatasets: train.jsonl\noutput_dir: out\n";

    @TempDir Path folder;

    private SftConfig sft(String yaml, String... overrides) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), yaml);
        return new RunConfigReader().read(new SftMethod(), file, List.of(overrides)).config();
    }

    private String sftProblems(String yaml, String... overrides) {
        return assertThrows(ConfigException.class, () -> sft(yaml, overrides)).getMessage();
    }

    @Test
    void dataSetsAreInterleaved() throws IOException {
        SftConfig config =
                sft(
                        """
                        model_name_or_path: model
                        output_dir: out
                        datasets: [a.jsonl, b.jsonl]
                        probabilities: [0.7, 0.3]
                        stopping_strategy: all_exhausted
                        """);
        assertEquals(List.of(0.7, 0.3), config.data().probabilities());
        assertEquals(Optional.of(StoppingStrategy.ALL_EXHAUSTED), config.data().stoppingStrategy());
        String wrong =
                sftProblems(NEEDED, "datasets=[a.jsonl, b.jsonl]", "probabilities=[1, 2, 3]");
        assertTrue(wrong.contains("as many numbers as there are data sets, which are 2"), wrong);
        wrong = sftProblems(NEEDED, "datasets=[a.jsonl, b.jsonl]", "probabilities=[1, 0]");
        assertTrue(wrong.contains("probabilities[1]: 0.0; accepted: a finite number > 0"), wrong);
        wrong = sftProblems(NEEDED, "datasets=a.jsonl", "stopping_strategy=all_exhausted");
        assertTrue(wrong.contains("null with one data set"), wrong);
        wrong = sftProblems(NEEDED, "datasets=[{path: a.jsonl, weight: 2}]");
        assertTrue(wrong.contains("datasets.weight: 2; refused: fraction says what share"), wrong);
        wrong = sftProblems(NEEDED, "datasets=[{path: a.jsonl, fraction: -1}]");
        assertTrue(wrong.contains("datasets[0].fraction: -1.0; accepted"), wrong);
        wrong = sftProblems(NEEDED, "datasets=[{path: a.jsonl, fraction: 1}, b.jsonl]");
        assertTrue(wrong.contains("datasets: fraction for 1 of 2"), wrong);
        SftConfig shares = sft(NEEDED, "datasets=[{path: a.jsonl, fraction: 1}]");
        assertEquals(OptionalDouble.of(1), shares.data().datasets().getFirst().fraction());
    }

    @Test
    void namesOfLlamaFactoryMeanTheSame() throws IOException {
        SftConfig config =
                sft(
                        NEEDED,
                        "datasets=[a.jsonl, b.jsonl]",
                        "stopping_strategy=all_exhausted",
                        "probabilities=[0.7, 0.3]");
        assertTrue(config.data().isMixture());
        String said =
                sftProblems(NEEDED + "mix_strategy: interleave_over\ninterleave_probs: 0.7,0.3\n");
        assertTrue(said.contains("stopping_strategy: all_exhausted"), said);
        assertTrue(said.contains("probabilities: [0.7, 0.3]"), said);
    }
}
