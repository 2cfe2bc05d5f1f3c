package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.testing.SystemProperty;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Every method, kind of adapter and way of generating on the simulated GPU: it touches no tensor
/// from Java, mixes no devices, and trains as on the processor.
@Tag("thorough")
class SimulatedRunsTest {
    private static final List<String> COMPARED =
            List.of("loss", "grad_norm", "entropy", "reward", "mean_token_accuracy", "kl");
    private static final double TOLERANCE = 2e-3;

    @TempDir private Path folder;
    private SystemProperty device;

    @BeforeEach
    void allow() {
        device = SystemProperty.set("attune.device", "simulated");
    }

    @AfterEach
    void restore() {
        device.close();
    }

    private static void attune(List<String> words) {
        var out = new StringWriter();
        String[] arguments = words.toArray(String[]::new);
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(out), arguments)
                        .execute(arguments);
        assertEquals(0, code, () -> words + "\n" + out);
    }

    private List<JsonNode> metrics(String device, TrainingMethod<?, ?> method, String... keys)
            throws IOException {
        Path out = folder.resolve(device);
        List<String> words = new ArrayList<>(List.of(method.name()));
        words.addAll(MethodRows.shorter(method, 2));
        words.addAll(
                List.of(
                        "model_name_or_path=" + MethodRows.MODEL,
                        "datasets=" + MethodRows.write(method, folder),
                        "output_dir=" + out,
                        "device=" + (device.equals("cpu") ? "cpu" : "auto"),
                        "logging_steps=1",
                        "learning_rate=1e-3"));
        if (method.kind() == TrainingMethod.Kind.GENERATES) {
            words.add("reward_funcs=exact_answer");
        }
        words.addAll(Arrays.asList(keys));
        attune(words);
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }

    private void assertTrainsAlike(TrainingMethod<?, ?> method, String... keys) throws IOException {
        List<JsonNode> expected = metrics("cpu", method, keys);
        Engine.run(DeviceTraffic::start);
        List<JsonNode> got = metrics("simulated", method, keys);
        DeviceTraffic.Counts counts = Engine.call(DeviceTraffic::stop);
        assertTrue(counts.launches() > 0, "it ran elsewhere");
        assertEquals(expected.size(), got.size());
        int compared = 0;
        for (int i = 0; i < got.size(); i++) {
            for (String key : COMPARED) {
                if (expected.get(i).has(key)) {
                    double value = expected.get(i).get(key).asDouble();
                    double bound = TOLERANCE * Math.max(1e-2, Math.abs(value));
                    assertEquals(value, got.get(i).path(key).asDouble(), bound, i + " " + key);
                    compared++;
                }
            }
        }
        assertTrue(compared > 0, "nothing was compared");
    }

    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void everyMethod(TrainingMethod<?, ?> method) throws IOException {
        assertTrainsAlike(method, "use_peft=true", "lora_dropout=0");
    }

    private static TrainingMethod<?, ?> method(String name) {
        return Methods.named(name).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "use_peft=false",
                "use_peft=false optimizer_in_bwd=true max_grad_norm=0",
                "use_peft=false neftune_noise_alpha=5 label_smoothing_factor=0.1",
                "use_peft=true lora_dropout=0.1",
                "use_peft=true use_dora=true",
                "use_peft=true use_rslora=true lora_target_modules=[q_proj,lm_head]",
                "use_peft=true peft_type=ia3",
                "use_peft=true lora_modules_to_save=[lm_head]",
                "use_peft=true packing=true max_length=32",
                "use_peft=true gradient_checkpointing=true tokens_per_micro_batch=20",
                "use_peft=true optim=lion_32bit bema=true bema_update_freq=1",
                "use_peft=false optim=adafactor",
                "use_peft=false optim=muon",
                "use_peft=true optim=schedule_free_adamw",
            })
    void everyWayToTrain(String keys) throws IOException {
        assertTrainsAlike(method("sft"), keys.split(" "));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "beta=0.1",
                "lora_dropout=0.1 beta=0.1 sync_ref_model=true ref_model_sync_steps=1",
                "top_k=5 top_p=0.9 min_p=0.01 repetition_penalty=1.1",
                "num_iterations=2 steps_per_generation=2",
                "use_peft=false",
                "tools=[calculator] tool_protocol=line apply_chat_template=true",
            })
    void everyWayToGenerate(String keys) throws IOException {
        assertTrainsAlike(method("grpo"), ("use_peft=true lora_dropout=0 " + keys).split(" "));
    }

    @Test
    void criticsAndTheirModels() throws IOException {
        assertTrainsAlike(method("ppo"), "use_peft=true", "lora_dropout=0", "value_model=lora");
    }
}
