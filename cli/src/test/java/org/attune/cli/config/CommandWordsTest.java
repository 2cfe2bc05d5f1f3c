package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// What may stand behind `attune sft`.
class CommandWordsTest {
    private static final Path NO_FILE = Path.of("");

    @TempDir Path folder;
    private final RunConfigReader reader = new RunConfigReader();

    private SftConfig sft(String... words) {
        return reader.read(new SftMethod(), NO_FILE, List.of(words)).config();
    }

    private SftConfig needed(String... words) {
        var all = new ArrayList<>(List.of("--model_name_or_path", "m", "--dataset_name", "d"));
        all.addAll(List.of("--output_dir", "out"));
        all.addAll(List.of(words));
        return sft(all.toArray(String[]::new));
    }

    private String problems(String... words) {
        return assertThrows(ConfigException.class, () -> needed(words)).getMessage();
    }

    @Test
    void trlsCommandLineWorksAsItIsTyped() {
        SftConfig config =
                needed(
                        "--learning_rate",
                        "2.0e-5",
                        "--num-train-epochs=1",
                        "--packing",
                        "--eos_token",
                        "<|im_end|>",
                        "--eval_strategy",
                        "steps",
                        "--eval_steps",
                        "100",
                        "--use_peft",
                        "--lora_target_modules",
                        "q_proj",
                        "v_proj",
                        "--lora_r",
                        "32",
                        "--max_steps",
                        "-1",
                        "--torch_dtype",
                        "bfloat16",
                        "--report_to",
                        "none");
        assertEquals("m", config.model().modelNameOrPath());
        assertEquals(List.of(DatasetSpec.of("d")), config.data().datasets());
        assertEquals(List.of("q_proj", "v_proj"), config.lora().loraTargetModules());
        assertTrue(config.lora().usePeft());
        assertEquals(32, config.lora().loraR());
        assertEquals(2e-5, config.training().optimizer().learningRate());
        assertEquals(OptionalInt.empty(), config.training().schedule().maxSteps());
        assertEquals(Optional.of("<|im_end|>"), config.model().eosToken());
        assertEquals(IntervalStrategy.STEPS, config.training().eval().evalStrategy());
        assertEquals(DtypeChoice.BFLOAT16, config.model().dtype());
        assertEquals(List.of("none"), config.training().log().reportTo());
    }

    @Test
    void flagsMayHaveAValueAndAreDenied() {
        assertTrue(needed("--use_peft", "true", "learning_rate=1").lora().usePeft());
        assertTrue(needed("--use-peft=1").lora().usePeft());
        assertTrue(!needed("--use_peft", "False").lora().usePeft());
        assertTrue(
                !needed("--no_gradient_checkpointing").training().batch().gradientCheckpointing());
        assertTrue(
                !needed("--no-gradient-checkpointing").training().batch().gradientCheckpointing());
        assertEquals("cpu", needed("--no_cuda").model().device());
        assertEquals(
                new Resume.From(Path.of("out/checkpoint-3")),
                needed("--resume_from_checkpoint", "out/checkpoint-3").training().save().resume());
        assertEquals(new Resume.Latest(), needed("--resume").training().save().resume());
        assertEquals(
                SamplingStrategy.GROUP_BY_LENGTH,
                needed("--group_by_length").training().batch().trainSamplingStrategy());
    }

    @Test
    void aFileStandsFirstLastOrBehindConfig() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        "model_name_or_path: m\ndatasets: d\noutput_dir: out\nlora_r: 4\n");
        for (List<String> words :
                List.of(
                        List.of("--config", file.toString(), "--seed", "7"),
                        List.of("--seed", "7", "--config=" + file),
                        List.of(file.toString(), "seed=7"),
                        List.of("--seed=7", "--lora_target_modules", "q_proj", file.toString()),
                        List.of("--seed=7", "--packing", file.toString()),
                        List.of("seed=7", file.toString()))) {
            SftConfig config = reader.read(new SftMethod(), NO_FILE, words).config();
            assertEquals(4, config.lora().loraR(), words.toString());
            assertEquals(7, config.training().seed(), words.toString());
        }
        String two =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        reader.read(
                                                new SftMethod(),
                                                NO_FILE,
                                                List.of(file.toString(), "--config", "b.yaml")))
                        .getMessage();
        assertTrue(two.contains("accepted: one file"), two);
    }

    @Test
    void valuesAreTextAsOnTrlsCommandLine() {
        SftConfig config =
                needed(
                        "--run_name=#1: a",
                        "--eos_token",
                        "[EOS]",
                        "--max_length",
                        "None",
                        "--lr_scheduler_type=cosine_with_min_lr",
                        "--lr_scheduler_kwargs",
                        "{\"min_lr\": 1e-6}",
                        "--lora_target_modules=[k_proj, o_proj]",
                        "--report_to",
                        "tensorboard",
                        "none");
        assertEquals(Optional.of("#1: a"), config.training().log().runName());
        assertEquals(Optional.of("[EOS]"), config.model().eosToken());
        assertEquals(OptionalInt.empty(), config.length().maxLength());
        assertEquals(List.of("k_proj", "o_proj"), config.lora().loraTargetModules());
        assertTrue(config.training().log().reportTo().contains("tensorboard"));
    }

    @Test
    void whatIsMissingOrUnknownIsNamed() {
        String message = problems("--learning_rat", "1", "--lora_r", "--tpu", "--max_steps", "x");
        assertTrue(
                message.contains("argument --learning_rat: learning_rat: 1; unknown key"), message);
        assertTrue(message.contains("did you mean learning_rate?"), message);
        assertTrue(message.contains("argument --lora_r: accepted: a value behind it"), message);
        assertTrue(message.contains("argument --tpu: tpu: true; refused"), message);
        assertTrue(message.contains("argument --max_steps: max_steps: x; accepted"), message);
        String none = assertThrows(ConfigException.class, () -> sft("--seed", "1")).getMessage();
        assertTrue(none.contains("command line: model_name_or_path: missing"), none);
    }

    @Test
    void launchersAreNamed() {
        String message =
                problems("--num_processes", "8", "--accelerate_config", "multi_gpu", "--multi_gpu");
        assertTrue(
                message.contains("argument --num_processes: num_processes: 8; refused"), message);
        assertTrue(message.contains("accelerate_config: multi_gpu; refused"), message);
        assertTrue(message.contains("multi_gpu: true; refused"), message);
        needed("--num_processes", "1", "--num_machines=1", "--accelerate_config", "single_gpu");
    }

    @Test
    void filesOfADatasetAreItsPath() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        """
                        model_name_or_path: m
                        output_dir: out
                        datasets:
                          - path: json
                            data_files: [a.jsonl, b.jsonl]
                          - path: org/name
                            data_dir: sub
                            data_files: {train: c.csv, test: d.csv}
                            split: test[:10]
                            fraction: null
                            columns: [prompt, completion]
                        """);
        assertEquals(
                List.of(
                        DatasetSpec.of("a.jsonl"),
                        DatasetSpec.of("b.jsonl"),
                        DatasetSpec.of("org/name/sub/d.csv")
                                .withSplit("test[:10]")
                                .withColumns(
                                        Map.of("prompt", "prompt", "completion", "completion"))),
                reader.read(new SftMethod(), file, List.of()).config().data().datasets());
        List<String> half = List.of("datasets=[{path: a, fraction: 0.5}]");
        assertEquals(
                List.of(DatasetSpec.of("a").withFraction(0.5)),
                reader.read(new SftMethod(), file, half).config().data().datasets());
    }
}
