package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// What a message holds and a chat template doesn't show is an error wherever a model reads it.
class ShownMessagesTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Path MODEL = ROOT.resolve("examples/model").toAbsolutePath().normalize();
    private static final String ANSWER = "{% if add_generation_prompt %}<|assistant|>{% endif %}";
    private static final String PLAIN =
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}" + ANSWER;
    private static final String TOOLS =
            "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}"
                    + "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
                    + "{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}"
                    + "<|end|>{% endfor %}"
                    + ANSWER;
    private static final String CALL =
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"1\"}, {\"role\": \"assistant\","
                    + " \"content\": \"\", \"tool_calls\": [{\"function\": {\"name\": \"f\","
                    + " \"arguments\": {\"x\": 1}}}]}, {\"role\": \"user\", \"content\": \"2\"}],"
                    + " \"answer\": \"2\"}\n";
    private static final String DEFINITION =
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"1\"}], \"answer\": \"1\","
                    + " \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\","
                    + " \"parameters\": {}}}]}\n";

    @TempDir private Path folder;

    private final StringWriter err = new StringWriter();

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private int attune(String... arguments) {
        err.getBuffer().setLength(0);
        return Main.commandLine(new PrintWriter(err), new PrintWriter(err)).execute(arguments);
    }

    private void refused(String told, String... arguments) {
        assertFalse(attune(arguments) == 0, err::toString);
        assertTrue(err.toString().contains(told), err::toString);
    }

    @BeforeEach
    void files() throws IOException {
        String fine =
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"1\"}], \"answer\": \"1\"}\n";
        Files.writeString(folder.resolve("calls.jsonl"), fine + CALL);
        Files.writeString(folder.resolve("definitions.jsonl"), fine + DEFINITION);
        Files.writeString(folder.resolve("plain.jinja"), PLAIN);
        Files.writeString(folder.resolve("tools.jinja"), TOOLS);
    }

    private String[] eval(String data, String template) {
        return new String[] {
            "eval",
            "--model",
            MODEL.toString(),
            "--data",
            path(data),
            "--verifier",
            "exact",
            "--chat-template",
            path(template),
            "--max-new-tokens",
            "2",
            "--dtype",
            "float32"
        };
    }

    @Test
    void evaluation() {
        refused(
                "calls.jsonl:2: tool call 1 of message 2 is not in",
                eval("calls.jsonl", "plain.jinja"));
        refused(
                "definitions.jsonl:2: tool 1 of the column tools is not in",
                eval("definitions.jsonl", "plain.jinja"));
        assertEquals(0, attune(eval("calls.jsonl", "tools.jinja")), err::toString);
        assertEquals(0, attune(eval("definitions.jsonl", "tools.jinja")), err::toString);
    }

    @Test
    void completionsOfAFileAndOfOnePrompt() throws IOException {
        refused(
                "calls.jsonl:2: tool call 1 of message 2 is not in",
                "generate",
                "--model",
                MODEL.toString(),
                "--chat-template",
                path("plain.jinja"),
                "--prompts",
                path("calls.jsonl"),
                "--out",
                path("out.jsonl"));
        Files.writeString(folder.resolve("last.jinja"), "{{ messages[-1].content }}" + ANSWER);
        refused(
                "the content of message 1 is not in",
                "generate",
                "--model",
                MODEL.toString(),
                "--chat-template",
                path("last.jinja"),
                "--system",
                "Be brief.",
                "1 2");
    }

    @Tag("thorough")
    @Test
    void promptsOfARunAndItsRewardModel() throws IOException {
        rewardModel("plain.jinja");
        refused(
                "calls.jsonl:2: tool call 1 of message 2 is not in",
                grpo("calls.jsonl", "plain.jinja"));
        refused("calls.jsonl:2: reward model ", grpo("calls.jsonl", "tools.jinja"));
        assertTrue(err.toString().contains("tool call 1 of message 2"), err::toString);
        assertFalse(Files.exists(folder.resolve("out/metrics.jsonl")));
        rewardModel("tools.jinja");
        assertEquals(0, attune(grpo("calls.jsonl", "tools.jinja")), err::toString);
    }

    /// The recorded reward model, whose tokens are those of the model here.
    private void rewardModel(String template) throws IOException {
        Path made = Files.createDirectories(folder.resolve("judge"));
        Path recorded = ROOT.resolve("trainers/src/test/resources/recorded/reward-model");
        for (String name : List.of("config.json", "model.safetensors")) {
            copy(recorded.resolve(name), made.resolve(name));
        }
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            copy(MODEL.resolve(name), made.resolve(name));
        }
        copy(folder.resolve(template), made.resolve("chat_template.jinja"));
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.write(to, Files.readAllBytes(from));
    }

    private String[] grpo(String data, String template) throws IOException {
        Path run =
                Files.writeString(
                        folder.resolve("grpo.yaml"),
                        """
                        model_name_or_path: %s
                        datasets: %s
                        chat_template_path: %s
                        output_dir: %s
                        reward_funcs: [%s]
                        device: cpu
                        dtype: float32
                        use_peft: true
                        lora_r: 2
                        learning_rate: 1e-4
                        per_device_train_batch_size: 2
                        num_generations: 2
                        max_completion_length: 4
                        max_steps: 1
                        """
                                .formatted(
                                        MODEL,
                                        path(data),
                                        path(template),
                                        path("out"),
                                        path("judge")));
        return new String[] {"grpo", run.toString()};
    }

    @Test
    void attentionsDropoutIsForTrainingOnly() throws IOException {
        Path model = ownModel();
        Path config = model.resolve("config.json");
        Files.writeString(
                config,
                Files.readString(config).replaceFirst("\\{", "{\"attention_dropout\": 0.1,"));
        String name = model.toString();
        assertEquals(
                0,
                attune("generate", "--model", name, "--max-new-tokens", "2", "1 2"),
                err::toString);
        refused(
                "config.json: attention_dropout is 0.1; training accepts 0",
                "sft",
                "--model_name_or_path",
                name,
                "--dataset_name",
                path("calls.jsonl"),
                "--output_dir",
                path("out"));
        // DPO drops nothing, as disable_dropout says by default.
        Files.writeString(
                folder.resolve("pairs.jsonl"),
                "{\"prompt\": \"1 2\", \"chosen\": \"2\", \"rejected\": \"1\"}\n");
        assertEquals(
                0,
                attune(
                        "dpo",
                        "--model_name_or_path",
                        name,
                        "--datasets",
                        path("pairs.jsonl"),
                        "--max_steps",
                        "1",
                        "--output_dir",
                        path("dpo")),
                err::toString);
    }

    @Test
    void modelsWithoutATemplateContinueTexts() throws IOException {
        Path model = ownModel();
        Files.delete(model.resolve("chat_template.jinja"));
        Files.writeString(
                folder.resolve("texts.jsonl"), "{\"prompt\": \"1 2\", \"answer\": \"2\"}\n");
        String[] texts = {
            "eval",
            "--model",
            model.toString(),
            "--data",
            path("texts.jsonl"),
            "--verifier",
            "exact",
            "--max-new-tokens",
            "2"
        };
        refused("has no chat template, which the conversations of", texts);
        assertTrue(err.toString().contains("--raw"), err::toString);
        String[] raw = Arrays.copyOf(texts, texts.length + 1);
        raw[texts.length] = "--raw";
        assertEquals(0, attune(raw), err::toString);
    }

    private Path ownModel() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        try (var files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                copy(file, model.resolve(file.getFileName().toString()));
            }
        }
        return model;
    }
}
