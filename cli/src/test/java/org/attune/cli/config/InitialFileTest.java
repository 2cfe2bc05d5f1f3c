package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;
import org.attune.trainers.samples.SampleConfig;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.PrmMethod;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class InitialFileTest {
    private static final List<String> FILLED = List.of("model_name_or_path=m", "datasets=d.jsonl");

    @TempDir Path folder;

    /// What a method has to be told beside model and data.
    private static List<String> teacher(TrainingMethod<?, ?> method) {
        String key = "teacher_model_name_or_path";
        return KeyTable.load().find(method, key).isPresent() ? List.of(key + "=t") : List.of();
    }

    private static List<String> filled(TrainingMethod<?, ?> method) {
        return Stream.concat(FILLED.stream(), teacher(method).stream()).toList();
    }

    private LoadedRun<?> read(TrainingMethod<?, ?> method, String text) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), text);
        return new RunConfigReader().read(method, method.defaults(), file, List.of());
    }

    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void runsOnceModelAndDataAreFilledIn(TrainingMethod<?, ?> method) throws IOException {
        LoadedRun<?> loaded = read(method, new InitialFile(method, filled(method)).text(false));
        assertEquals(List.of(), loaded.notes());
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        read(
                                                method,
                                                new InitialFile(method, teacher(method))
                                                        .text(false)))
                        .getMessage();
        assertTrue(message.startsWith("2 problems:"), message);
    }

    /// Taking the comment sign from a key changes nothing.
    @Tag("thorough")
    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void allOtherKeysStandAtTheirDefaults(TrainingMethod<?, ?> method) throws IOException {
        Record few = read(method, new InitialFile(method, filled(method)).text(false)).config();
        String all = new InitialFile(method, filled(method)).text(true);
        String uncommented =
                all.replaceAll("(?m)^#(?=[a-z])", "")
                        // Other spellings of keys that are there.
                        .replaceAll(
                                "(?m)^(dataset_\\w+|bf16|use_cpu|no_cuda|resume_from_checkpoint|response_length"
                                    + "|torch_dtype|max_seq_length|model_init_kwargs|num_ppo_iterations"
                                    + "|teacher_top_k|add_tail_bucket):.*$",
                                "");
        assertEquals(few, read(method, uncommented).config());
        for (Key key : KeyTable.load().of(method)) {
            boolean obeyed = key.outcome() == Key.Outcome.OBEYED;
            assertEquals(obeyed, all.matches("(?s).*\n#?" + key.name() + ":.*"), key.name());
        }
    }

    @Test
    void givenValuesTakeThePlaceOfSuggestions() throws IOException {
        var file =
                new InitialFile(
                        new GrpoMethod(),
                        List.of(
                                "model_name_or_path=m",
                                "datasets=[a.jsonl, b.jsonl]",
                                "lora_r=4",
                                "epsilon=0.3"));
        var config = (GrpoConfig) read(new GrpoMethod(), file.text(false)).config();
        assertEquals(4, config.lora().loraR());
        assertEquals(0.3, config.loss().epsilon().orElseThrow());
        assertEquals(2, config.data().datasets().size());
    }

    @Test
    void textsWithEscapesComeThrough() throws IOException {
        var config =
                (PrmConfig)
                        read(new PrmMethod(), new InitialFile(new PrmMethod(), FILLED).text(false))
                                .config();
        assertEquals("\n", config.steps().stepSeparator());
    }

    @Test
    void unknownKeysAreRefused() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> new InitialFile(new SftMethod(), List.of("lora_rr=4")))
                        .getMessage();
        assertTrue(message.contains("did you mean lora_r?"), message);
        assertThrows(
                ConfigException.class, () -> new InitialFile(new SftMethod(), List.of("lora_r")));
    }

    @Test
    void allKeysOfSamplingAreExplained() {
        String all = InitialSample.of(List.of()).text(true);
        for (String key : RecordBinder.types(SampleConfig.defaults()).keySet()) {
            assertTrue(all.contains("\n" + key + ":") || all.contains("\n#" + key + ":"), key);
        }
        assertFalse(all.contains("\n#  ["), "a key without a note:\n" + all);
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> InitialSample.of(List.of("output_fiel=x.jsonl")))
                        .getMessage();
        assertTrue(message.contains("did you mean output_file?"), message);
    }

    /// With a key that no method has.
    @Test
    void filesOfSamplingAreKnownByTheirKeys() throws IOException {
        var reader = new RunConfigReader();
        Path sampling =
                Files.writeString(
                        folder.resolve("sample.yaml"), InitialSample.of(FILLED).text(false));
        assertTrue(reader.isOf(SampleConfig.defaults(), sampling, List.of()));
        for (TrainingMethod<?, ?> method : Methods.all()) {
            Path run =
                    Files.writeString(
                            folder.resolve("run.yaml"), new InitialFile(method, FILLED).text(true));
            assertFalse(reader.isOf(SampleConfig.defaults(), run, List.of()), method.name());
        }
    }
}
