package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// PPO from the command line on a model of the embedded model's form: resuming, and what is written
/// of the critic.
@Tag("thorough")
final class PpoFilesTest {
    @TempDir static Path folder;
    private static Path model;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            prompts.add("{\"prompt\": \"Write \\\"%d\\\" backwards.\"}".formatted(i));
        }
        Files.write(folder.resolve("prompts.jsonl"), prompts);
    }

    private static List<String> arguments(Path out, List<String> more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "ppo",
                                Path.of(
                                                System.getProperty("attune.root", ".."),
                                                "examples/quickstart/ppo.yaml")
                                        .toString(),
                                "model_name_or_path=" + model,
                                "datasets=" + folder.resolve("prompts.jsonl"),
                                "reward_funcs={name: regex, pattern: '[a-m]'}",
                                "output_dir=" + out,
                                "per_device_train_batch_size=8",
                                "eval_datasets=[]",
                                "logging_steps=1",
                                "save_strategy=steps",
                                "save_steps=2",
                                "max_steps=4"));
        arguments.addAll(more);
        return arguments;
    }

    private static Path ppo(String name, List<String> more) {
        Path out = folder.resolve(name);
        assertEquals(0, Main.run(arguments(out, more).toArray(String[]::new)));
        return out;
    }

    private static void assertSame(Path expected, Path got, String file) throws IOException {
        assertEquals(-1, Files.mismatch(expected.resolve(file), got.resolve(file)), file);
    }

    /// Continues from the middle of a finished run and compares byte for byte.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "value_model=lora entropy_coef=0.01",
                "value_model=separate use_peft=false value_learning_rate=1e-4",
                "value_model=head kl_controller=adaptive"
            })
    void resumedIsAsIfItHadNeverStopped(String settings) throws IOException {
        List<String> more = List.of(settings.split(" "));
        Path whole = ppo("whole " + settings, more);
        List<String> resume = new ArrayList<>(more);
        resume.add("resume=" + whole.resolve("checkpoint-2"));
        Path resumed = ppo("resumed " + settings, resume);
        boolean adapter = !settings.contains("use_peft=false");
        String policy = adapter ? "adapter_model.safetensors" : "model.safetensors";
        String critic =
                adapter && !settings.contains("value_use_peft=false")
                        ? "value_model/adapter_model.safetensors"
                        : "value_model/model.safetensors";
        for (String file : List.of(policy, critic)) {
            assertSame(whole, resumed, file);
        }
        for (String file : List.of("optimizer", "value_optimizer")) {
            assertSame(
                    whole.resolve("checkpoint-4"),
                    resumed.resolve("checkpoint-4"),
                    file + ".safetensors");
        }
        assertEquals(
                Files.readAllLines(whole.resolve("metrics.jsonl")).size(),
                Files.readAllLines(resumed.resolve("metrics.jsonl")).size());
    }

    /// A critic's adapter on the policy's own base works on the policy's weights; on the same
    /// weights in another folder it has its own.
    @Test
    void sharedWeightsChangeNothing() throws IOException {
        String critic = folder + "/start/value_model";
        ppo("start", List.of("value_model=lora", "max_steps=2"));
        Path copy = Files.createDirectories(folder.resolve("copy"));
        copy(model, copy);
        Path other = Files.createDirectories(folder.resolve("other"));
        copy(Path.of(critic), other);
        Path config = other.resolve("adapter_config.json");
        String named = Files.readString(config);
        assertTrue(named.contains(model.toString()), named);
        Files.writeString(config, named.replace(model.toString(), copy.toString()));
        Path shared = ppo("shared", List.of("value_model=separate", "value_model_path=" + critic));
        Path own = ppo("own", List.of("value_model=separate", "value_model_path=" + other));
        assertSame(shared, own, "adapter_model.safetensors");
        assertSame(shared, own, "value_model/adapter_model.safetensors");
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    /// A critic is a model that scores: it can be the next run's critic, and a reward model.
    @Test
    void whatIsWrittenOfTheCriticCanBeLoaded() throws IOException {
        for (String settings :
                List.of(
                        "value_model=head use_peft=false",
                        "value_model=separate value_use_peft=false",
                        "value_model=lora")) {
            Path first = ppo("first " + settings, List.of((settings + " max_steps=2").split(" ")));
            Path critic = first.resolve("value_model");
            Path next =
                    ppo(
                            "next " + settings,
                            List.of(
                                    "value_model=separate",
                                    "reward_model_path=" + critic,
                                    "reward_funcs=[]",
                                    "learning_rate=0",
                                    "max_steps=2"));
            var summary = new ObjectMapper().readTree(next.resolve("summary.json").toFile());
            assertEquals(2, summary.path("steps").asInt());
            if (settings.contains("use_peft=false")) {
                assertTrue(
                        Files.readString(critic.resolve("config.json"))
                                .contains("ForSequenceClassification"));
            } else {
                assertTrue(
                        Files.readString(critic.resolve("adapter_config.json"))
                                .contains("SEQ_CLS"));
            }
        }
    }
}
