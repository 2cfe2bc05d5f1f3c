package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.samples.KeptSamples;
import org.attune.trainers.samples.SampleConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Keys of `attune sample`.
class SampleKeysTest {
    /// Known for their own message: they belong to training.
    private static final Set<String> REFUSED =
            Set.of(
                    "eval_datasets",
                    "test_split_size",
                    "recorded_rollouts",
                    "record_rollouts",
                    "probabilities",
                    "stopping_strategy",
                    "streaming",
                    "shuffle_buffer_size");

    @TempDir Path folder;

    private LoadedRun<SampleConfig> read(String text, String... overrides) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), text);
        return new RunConfigReader()
                .readCommand("sample", SampleConfig.defaults(), file, List.of(overrides));
    }

    @Test
    void thePageNamesEveryKey() throws IOException {
        Path page = Path.of(System.getProperty("attune.root", "..")).resolve("docs/samples.md");
        String text = Files.readString(page);
        String keys = text.substring(text.indexOf("## Keys"));
        var named = new TreeSet<String>();
        Pattern.compile("`([a-z_]+)`").matcher(keys).results().forEach(m -> named.add(m.group(1)));
        var known = new TreeSet<>(RecordBinder.types(SampleConfig.defaults()).keySet());
        known.removeAll(REFUSED);
        known.removeAll(named);
        assertEquals(Set.of(), known, "keys that docs/samples.md doesn't name");
    }

    @Test
    void fileAndArgumentsFillTheRecords() throws IOException {
        SampleConfig config =
                read(
                                """
                                model_name_or_path: ./model
                                datasets: ./rows.jsonl
                                output_file: out.parquet
                                keep: pairs
                                reward_funcs: exact_answer
                                num_generations: 4
                                """,
                                "reward_margin=0.5",
                                "--num_generations",
                                "6")
                        .config();
        assertEquals(KeptSamples.PAIRS, config.output().keep());
        assertEquals(Path.of("out.parquet"), config.output().outputFile());
        assertEquals(0.5, config.output().rewardMargin());
        assertEquals(6, config.numGenerations());
        assertEquals(List.of("exact_answer"), config.rewards().rewardFuncs());
    }

    @Test
    void theLikeliestTokenMayBeAskedFor() {
        KeyFacts facts = KeyFacts.ofCommand(SampleConfig.defaults());
        assertEquals("a number >= 0", facts.accepted(Key.own("temperature")));
        assertEquals("a number > 0", facts.accepted(Key.own("repetition_penalty")));
    }

    @Test
    void whatIsUnknownOrMissingIsToldAtOnce() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> read("keep: best\nkeeps: 2\nlearning_rate: 1\n"))
                        .getMessage();
        for (String part :
                List.of(
                        "run.yaml:2: keeps: 2; unknown key; did you mean keep?",
                        "run.yaml:3: learning_rate: 1; a key of sft",
                        ", not of sample",
                        "model_name_or_path: missing",
                        "datasets: []")) {
            assertTrue(message.contains(part), part + " in " + message);
        }
    }
}
